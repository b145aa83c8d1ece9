/** Images that are bent at random, point by point: in perspective, and elastically. */
import type { Value } from '../../ir/graph';
import type { Operand } from '../../ops/families/arithmetic';
import { defineLayer, type LayerDef, type LowerContext } from '../define';
import { numberOf, wordOf } from '../fields';
import { Drawing, imagesOf, probabilityField, TRAINING_NOTE, type Images } from './drawing';
import { blurred } from './filter';
import { borderFields, MASK_NOTE, methodField, moved, SAMPLE_IMAGE, SAMPLE_LABELS } from './motion';

/** Where each place of the output is read, [N, H, W, 2]; the place itself where a sample is not hit. */
function warped(
  context: LowerContext,
  inputs: readonly Value[],
  points: (m: Drawing, images: Images, places: Value) => Value,
): readonly Value[] {
  const images = imagesOf(context, inputs[0]!);
  const { n, h: height, w: width } = images;
  const method = wordOf(context.fields, 'method');
  if (context.mode !== 'train') return moved(context, images, inputs, { points: undefined, height, width, method });
  const m = new Drawing(context, n);
  const list = Array.from({ length: height * width }, (_, p) => [p % width, Math.floor(p / width)]);
  const places = m.b.constant(list.flat(), [1, height, width, 2]);
  const drawn = m.where(m.hit(context.fields), points(m, images, places), places);
  return moved(context, images, inputs, { points: drawn, height, width, method });
}

export const randomPerspective: LayerDef = defineLayer({
  type: 'random_perspective',
  summary: 'Looks at images at a random angle, in perspective.',
  details: `Input and output [N, C, H, W]. Each corner is moved inwards by up to \`distortion\` times half of the width and of the height, evenly drawn: RandomPerspective of torchvision, which draws whole pixels, and of Keras, whose \`factor\` is that share. ${MASK_NOTE} ${TRAINING_NOTE}`,
  example: '{name: seen, type: random_perspective}',
  fields: {
    distortion: {
      description: 'How far corners move, as a share of half of each extent.',
      type: 'number',
      minimum: 0,
      maximum: 0.95,
      default: 0.5,
    },
    method: methodField,
    ...borderFields,
    probability: probabilityField(0.5),
  },
  arity: [1, 2],
  outputs: ['mask'],
  samples: [
    { inputs: [SAMPLE_IMAGE] },
    { inputs: [SAMPLE_IMAGE, SAMPLE_LABELS], fields: { distortion: 0.3, border: 'symmetric', probability: 1 } },
  ],
  lower: (context, inputs) =>
    warped(context, inputs, (m, { h, w }) => {
      const reach = numberOf(context.fields, 'distortion') / 2;
      const corner = (name: string, x: number, y: number): readonly [Value, Value] => {
        const inwards = (axis: string, from: number): Value =>
          m.between(`${name} ${axis}`, from === 0 ? [0, reach] : [1 - reach, 1]);
        return [inwards('x', x), inwards('y', y)];
      };
      const quad = [corner('one', 0, 0), corner('two', 1, 0), corner('three', 1, 1), corner('four', 0, 1)] as const;
      return perspective(m, quad, h, w);
    }),
});

type Point = readonly [Value, Value];

/**
 * Takes the corners of the output's quadrilateral, in parts of the image, back to those of the image: the inverse, up to
 * a factor, of the map from the unit square (Heckbert 1989).
 */
function perspective(m: Drawing, [p0, p1, p2, p3]: readonly [Point, Point, Point, Point], h: number, w: number): Value {
  const cross = (a: Operand, b: Operand, c: Operand, d: Operand): Value => m.sub(m.mul(a, b), m.mul(c, d));
  const sums = [0, 1].map((k) => m.add(m.sub(p0[k]!, p1[k]!), m.sub(p2[k]!, p3[k]!))) as unknown as Point;
  const right = [m.sub(p1[0], p2[0]), m.sub(p1[1], p2[1])] as const;
  const left = [m.sub(p3[0], p2[0]), m.sub(p3[1], p2[1])] as const;
  const area = cross(right[0], left[1], left[0], right[1]);
  const g = m.div(cross(sums[0], left[1], left[0], sums[1]), area);
  const i = m.div(cross(right[0], sums[1], sums[0], right[1]), area);
  const [a, d] = [0, 1].map((k) => m.add(m.sub(p1[k]!, p0[k]!), m.mul(g, p1[k]!))) as unknown as Point;
  const [b, e] = [0, 1].map((k) => m.add(m.sub(p3[k]!, p0[k]!), m.mul(i, p3[k]!))) as unknown as Point;
  const [c, f] = p0;
  const along = (extent: number, shape: readonly number[]): Value =>
    m.b.constant(
      Array.from({ length: extent }, (_, k) => k / Math.max(1, extent - 1)),
      shape,
    );
  const [x, y] = [along(w, [1, 1, w, 1]), along(h, [1, h, 1, 1])];
  const row = (ofX: Value, ofY: Value, rest: Value): Value => m.add(m.add(m.mul(ofX, x), m.mul(ofY, y)), rest);
  const depth = row(cross(d, i, e, g), cross(b, g, a, i), cross(a, e, b, d));
  // Behind the horizon there is nothing to see.
  const before = m.greater(depth, 1e-6);
  const place = (value: Value, extent: number): Value =>
    m.where(before, m.mul(m.div(value, m.where(before, depth, 1)), extent - 1), -1e6);
  const across = place(row(m.sub(e, m.mul(f, i)), m.sub(m.mul(c, i), b), cross(b, f, c, e)), w);
  const down = place(row(m.sub(m.mul(f, g), d), m.sub(a, m.mul(c, g)), cross(c, d, a, f)), h);
  return m.b.op('concat', [across, down], { axis: 3 });
}

export const randomElasticTransform: LayerDef = defineLayer({
  type: 'random_elastic_transform',
  summary: 'Bends images by a smooth random field of displacements.',
  details: `Input and output [N, C, H, W]. Each place is read off by alpha / 2 pixels times even draws from −1 to 1, which a Gaussian of width sigma has smoothed (Simard et al. 2003): ElasticTransform of torchvision, with its numbers. ${MASK_NOTE} ${TRAINING_NOTE}`,
  example: '{name: bent, type: random_elastic_transform, alpha: 6, sigma: 0.5}',
  fields: {
    alpha: { description: 'How far places are read off, in half pixels.', type: 'number', minimum: 0, default: 50 },
    sigma: { description: 'Width of the Gaussian, in pixels.', type: 'number', exclusiveMinimum: 0, default: 5 },
    method: methodField,
    ...borderFields,
    probability: probabilityField(1),
  },
  arity: [1, 2],
  outputs: ['mask'],
  samples: [
    { inputs: [SAMPLE_IMAGE], fields: { alpha: 6, sigma: 0.5 } },
    { inputs: [SAMPLE_IMAGE, SAMPLE_LABELS], fields: { alpha: 3, sigma: 0.3, border: 'edge', probability: 0.5 } },
  ],
  lower(context, inputs) {
    const sigma = numberOf(context.fields, 'sigma');
    const whole = Math.floor(8 * sigma + 1);
    const kernel = whole % 2 === 0 ? whole + 1 : whole;
    const { h, w } = imagesOf(context, inputs[0]!);
    if (kernel > 2 * Math.min(h, w) - 1) {
      context.fail(
        ['sigma'],
        `the Gaussian of ${sigma} reaches over ${kernel} pixels, too many for images of ${h}×${w}`,
      );
    }
    return warped(context, inputs, (m, { n }, places) => {
      const attrs = { shape: [n, 2, h, w], low: -1, high: 1, stream: context.stream('field') };
      const x = m.b.op('random_uniform', [context.rng()], attrs);
      const smooth = blurred(context, m, { x, n, c: 2, h, w }, [kernel, kernel], m.b.full(sigma, [n, 1]));
      const field = m.b.op('transpose', [smooth], { perm: [0, 2, 3, 1] });
      return m.add(places, m.mul(field, numberOf(context.fields, 'alpha') / 2));
    });
  },
});
