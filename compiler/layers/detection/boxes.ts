/**
 * Arithmetic on boxes [x1, y1, x2, y2], and the ways to write one box by its difference from another. Boxes are the last
 * axis of a tensor; inside of formulas they are four tensors, one for each side, with the axes before.
 */
import type { FieldSchema } from '../../frontend/describe';
import type { Json } from '../../frontend/spec';
import type { Value } from '../../ir/graph';
import { Arithmetic, reshapeTo, type Operand } from '../../ops/families/arithmetic';
import type { LowerContext } from '../define';
import { isNumbers, numberOf, wordOf } from '../fields';

/** Below this a divisor is held: small, and its reciprocal and square are still float32. */
const LEAST = 1e-18;

export type Four = readonly [Operand, Operand, Operand, Operand];
export type Sides = readonly [Value, Value, Value, Value];

export interface Centered {
  readonly x: Value;
  readonly y: Value;
  readonly width: Value;
  readonly height: Value;
}

export class BoxMath extends Arithmetic {
  static in({ b }: Pick<LowerContext, 'b'>): BoxMath {
    return new BoxMath(b, 'f32');
  }

  /** The four columns of the last axis. */
  sides(boxes: Value): Sides {
    const { shape } = boxes.type;
    const side = (k: number): Value => {
      const starts = shape.map((_, axis) => (axis === shape.length - 1 ? k : 0));
      const limits = shape.map((extent, axis) => (axis === shape.length - 1 ? k + 1 : extent));
      const column = this.b.op('slice', [boxes], { starts, limits, strides: shape.map(() => 1) });
      return reshapeTo(this.b, column, shape.slice(0, -1));
    };
    return [side(0), side(1), side(2), side(3)];
  }

  /** Four columns as the last axis of one tensor. */
  join(columns: readonly Value[]): Value {
    const wide = columns.map((column) => reshapeTo(this.b, column, [...column.type.shape, 1]));
    return this.b.op('concat', wide, { axis: (wide[0]?.type.shape.length ?? 1) - 1 });
  }

  centered([x1, y1, x2, y2]: Sides): Centered {
    const middle = (low: Value, high: Value): Value => this.mul(0.5, this.add(low, high));
    return { x: middle(x1, x2), y: middle(y1, y2), width: this.sub(x2, x1), height: this.sub(y2, y1) };
  }

  around({ x, y, width, height }: Centered): Sides {
    const [w, h] = [this.mul(0.5, width), this.mul(0.5, height)];
    return [this.sub(x, w), this.sub(y, h), this.add(x, w), this.add(y, h)];
  }

  area([x1, y1, x2, y2]: Sides): Value {
    return this.mul(this.maximum(this.sub(x2, x1), 0), this.maximum(this.sub(y2, y1), 0));
  }

  held(x: Operand): Value {
    return this.maximum(x, LEAST);
  }

  /** How alike two boxes are: 1 if they are the same, and for all kinds but `iou` less than 0 if they are far apart. */
  overlap(a: Sides, b: Sides, kind: Overlap): Value {
    const inner = this.area([
      this.maximum(a[0], b[0]),
      this.maximum(a[1], b[1]),
      this.minimum(a[2], b[2]),
      this.minimum(a[3], b[3]),
    ]);
    const union = this.held(this.sub(this.add(this.area(a), this.area(b)), inner));
    const iou = this.div(inner, union);
    if (kind === 'iou') return iou;
    const width = this.sub(this.maximum(a[2], b[2]), this.minimum(a[0], b[0]));
    const height = this.sub(this.maximum(a[3], b[3]), this.minimum(a[1], b[1]));
    if (kind === 'giou') {
      const hull = this.held(this.mul(width, height));
      return this.sub(iou, this.div(this.sub(hull, union), hull));
    }
    const [p, q] = [this.centered(a), this.centered(b)];
    const apart = this.add(this.square(this.sub(p.x, q.x)), this.square(this.sub(p.y, q.y)));
    const diagonal = this.held(this.add(this.square(width), this.square(height)));
    const diou = this.sub(iou, this.div(apart, diagonal));
    if (kind === 'diou') return diou;
    const angle = (box: Centered): Value => this.op('atan2', this.held(box.width), this.held(box.height));
    const v = this.mul(4 / Math.PI ** 2, this.square(this.sub(angle(p), angle(q))));
    // The weight of the shapes is no part of the gradient.
    const alpha = this.b.op('stop_gradient', [this.div(v, this.held(this.add(this.sub(1, iou), v)))]);
    return this.sub(diou, this.mul(alpha, v));
  }

  encode(boxes: Sides, priors: Sides, variances: Four, coding: Coding): Value {
    const [box, prior] = [this.centered(boxes), this.centered(priors)];
    const over = (k: 0 | 1 | 2 | 3, x: Value): Value => this.div(x, variances[k]);
    if (coding === 'center_size') {
      return this.join([
        over(0, this.div(this.sub(box.x, prior.x), prior.width)),
        over(1, this.div(this.sub(box.y, prior.y), prior.height)),
        over(2, this.log(this.div(this.held(box.width), prior.width))),
        over(3, this.log(this.div(this.held(box.height), prior.height))),
      ]);
    }
    const size = coding === 'corner_size' ? [prior.width, prior.height] : [];
    return this.join(
      ([0, 1, 2, 3] as const).map((k) => {
        const difference = this.sub(boxes[k], priors[k]);
        const extent = size[k % 2];
        return over(k, extent ? this.div(difference, extent) : difference);
      }),
    );
  }

  /** `limit`: the largest logarithm of a size, so that its exponential stays a number. */
  decode(offsets: Sides, priors: Sides, variances: Four, coding: Coding, limit: number): Sides {
    const prior = this.centered(priors);
    const times = (k: 0 | 1 | 2 | 3): Value => this.mul(offsets[k], variances[k]);
    if (coding === 'center_size') {
      return this.around({
        x: this.add(prior.x, this.mul(times(0), prior.width)),
        y: this.add(prior.y, this.mul(times(1), prior.height)),
        width: this.mul(prior.width, this.exp(this.minimum(times(2), limit))),
        height: this.mul(prior.height, this.exp(this.minimum(times(3), limit))),
      });
    }
    const size = coding === 'corner_size' ? [prior.width, prior.height] : [];
    const side = (k: 0 | 1 | 2 | 3): Value => {
      const extent = size[k % 2];
      return this.add(priors[k], extent ? this.mul(times(k), extent) : times(k));
    };
    return [side(0), side(1), side(2), side(3)];
  }

  /** Sides held within the image. */
  within(sides: Sides): Sides {
    const hold = (side: Value): Value => this.minimum(this.maximum(side, 0), 1);
    return [hold(sides[0]), hold(sides[1]), hold(sides[2]), hold(sides[3])];
  }
}

export const OVERLAPS = ['iou', 'giou', 'diou', 'ciou'] as const;
export type Overlap = (typeof OVERLAPS)[number];

const CODINGS = ['center_size', 'corner', 'corner_size'] as const;
export type Coding = (typeof CODINGS)[number];

/** log(1000 / 16), as torchvision. */
export const SIZE_LIMIT = Math.log(1000 / 16);

export const codingField: FieldSchema = {
  description:
    'How a box is written by its prior: `center_size`, the step from centre to centre in sizes of the prior, and the logarithms of the ratios of the sizes; `corner`, the steps of the four sides; `corner_size`, those in sizes of the prior.',
  enum: CODINGS,
  default: 'center_size',
};

export const variancesField: FieldSchema = {
  description:
    'What the four numbers of a difference are divided by: one number, or four. Default: [0.1, 0.1, 0.2, 0.2] (SSD); 1 is what RetinaNet has. Not with an input of variances.',
  anyOf: [
    { type: 'number', exclusiveMinimum: 0 },
    { type: 'array', items: { type: 'number', exclusiveMinimum: 0 }, minItems: 4, maxItems: 4 },
  ],
};

export const SSD_VARIANCES = [0.1, 0.1, 0.2, 0.2] as const;

export function fourNumbers(value: Json | undefined): readonly number[] {
  if (typeof value === 'number') return [value, value, value, value];
  return isNumbers(value) ? value : SSD_VARIANCES;
}

export function codingOf({ fields }: LowerContext): Coding {
  const word = wordOf(fields, 'coding');
  return CODINGS.find((one) => one === word) ?? 'center_size';
}

/** What differences are divided by: the columns of an input [P, 4] or [4], or the field. */
export function variancesOf(context: LowerContext, input: Value | undefined): Four {
  const { fields } = context;
  if (!input) {
    const [a = 1, b = 1, c = 1, d = 1] = fourNumbers(fields['variances']);
    return [a, b, c, d];
  }
  if (fields['variances'] !== undefined) {
    context.fail(['variances'], 'the variances are an input already', 'leave one of them out');
  }
  requireBoxes(context, input, 'variances');
  return BoxMath.in(context).sides(input);
}

/** Refuses what is not float32 with a last axis of four. */
export function requireBoxes(context: LowerContext, boxes: Value, what: string): void {
  if (boxes.type.dtype !== 'f32') context.mismatch('dtype', `its ${what} should be float32`);
  if (boxes.type.shape.at(-1) !== 4) context.mismatch('shape', `its ${what} should have a last axis of 4`);
}

export const limitField: FieldSchema = {
  description:
    'Largest logarithm of the ratio of sizes, for `center_size`: keeps the exponential a number. Default: log(1000 / 16), as torchvision; Caffe has no limit.',
  type: 'number',
  exclusiveMinimum: 0,
};

/** The field `limit`, which only `center_size` has a use for. */
export function limitOf(context: LowerContext): number {
  const { fields } = context;
  if (fields['limit'] === undefined) return SIZE_LIMIT;
  if (fields['coding'] !== undefined && codingOf(context) !== 'center_size') {
    context.fail(['limit'], 'it has no effect unless the coding is center_size');
  }
  return numberOf(fields, 'limit');
}
