/** Priors and true boxes: which belong together, and what a detector should say for each prior. */
import type { FieldSchema } from '../../frontend/describe';
import type { Value } from '../../ir/graph';
import type { LowerContext } from '../define';
import { numberOf, wordOf } from '../fields';
import { BoxMath, requireBoxes } from './boxes';

export const matchFields: Readonly<Record<string, FieldSchema>> = {
  threshold: {
    description: 'A prior answers for the true box it overlaps most with, from this intersection over union on.',
    type: 'number',
    exclusiveMinimum: 0,
    maximum: 1,
    default: 0.5,
  },
  low_threshold: {
    description:
      'Priors from this overlap on that are not matched do not count at all (RetinaNet: 0.4). Default: the threshold, so that all count.',
    type: 'number',
    minimum: 0,
    maximum: 1,
  },
  force: {
    description:
      "Which prior a true box gets whatever the overlap, if there is any: `bipartite`, the pair of the largest overlap first, then the largest among what is left (SSD in Caffe); `best`, each its best prior, the later box winning (torchvision's SSD); `every_best`, priors that are the best of some box, equals too, keep the box that they overlap most with (torchvision's `allow_low_quality_matches`); `none`.",
    enum: ['bipartite', 'best', 'every_best', 'none'],
    default: 'bipartite',
  },
};

/** A true box is known by its class: those of padding are negative. */
export const TRUTH =
  'True boxes are [N, G, 4] as [x1, y1, x2, y2], their classes [N, G] int32 or int64, −1 for rows that are padding.';

export interface Matching {
  /** i32 [N, P]: the true box, −1 for none, −2 for a prior that does not count. */
  readonly index: Value;
  /** The largest overlap of each prior. */
  readonly overlap: Value;
}

export interface Truth {
  readonly boxes: Value;
  readonly classes: Value;
}

export function requireTruth(context: LowerContext, { boxes, classes }: Truth): void {
  requireBoxes(context, boxes, 'true boxes');
  const [samples, count, ...rest] = boxes.type.shape;
  const { shape, dtype } = classes.type;
  if (rest.length !== 1 || shape.length !== 2 || shape[0] !== samples || shape[1] !== count) {
    context.mismatch('shape', 'true boxes should be [N, G, 4] and their classes [N, G]');
  }
  if (dtype !== 'i32' && dtype !== 'i64') {
    context.mismatch('dtype', 'the classes of true boxes should be int32', 'declare the input with `dtype: int32`');
  }
}

/** Matches as the fields say; priors [P, 4] or [N, P, 4]. */
export function matchingOf(context: LowerContext, priors: Value, truth: Truth): Matching {
  const { fields } = context;
  const threshold = numberOf(fields, 'threshold');
  const low = fields['low_threshold'] === undefined ? threshold : numberOf(fields, 'low_threshold');
  if (low > threshold) context.fail(['low_threshold'], `${low} is above the threshold of ${threshold}`);
  return matchWith(context, priors, truth, { threshold, low_threshold: low, force: wordOf(fields, 'force') });
}

export function matchWith(
  context: LowerContext,
  priors: Value,
  { boxes, classes }: Truth,
  attrs: { readonly threshold: number; readonly low_threshold: number; readonly force: string },
): Matching {
  const { b } = context;
  requireBoxes(context, priors, 'priors');
  const { shape } = priors.type;
  if (shape.length !== 2 && !(shape.length === 3 && shape[0] === boxes.type.shape[0])) {
    context.mismatch('shape', 'priors should be [P, 4], or [N, P, 4]');
  }
  // Who belongs to whom is decided, not learned.
  const fixed = [priors, boxes].map((value) => b.op('stop_gradient', [value]));
  const [index, overlap] = b.ops('match_boxes', [...fixed, classes], attrs) as readonly [Value, Value];
  return { index, overlap };
}

/** The true box [N, P, 4] and the class [N, P] of each prior; of one without a match, those of the first. */
export function matchedTruth(context: LowerContext, index: Value, { boxes, classes }: Truth): Truth {
  const { b } = context;
  const held = b.op('maximum', [index, b.full(0, [], 'i32')]);
  const narrow = classes.type.dtype === 'i32' ? classes : b.op('cast', [classes], { dtype: 'i32' });
  const own = { axis: 1, batch_dims: 1 };
  return { boxes: b.op('gather', [boxes, held], own), classes: b.op('gather', [narrow, held], own) };
}

/** Where the index says so: `matched`, and `undecided` for priors that do not count; elsewhere `none`. */
export function byMatch(
  context: LowerContext,
  index: Value,
  values: { readonly matched: Value; readonly none: number; readonly undecided: number },
): Value {
  const { b } = context;
  const number = (value: number): Value => b.full(value, [], 'i32');
  const isUndecided = b.op('less', [index, number(-1)]);
  const other = b.op('where', [isUndecided, number(values.undecided), number(values.none)]);
  return b.op('where', [b.op('less', [index, number(0)]), other, values.matched]);
}

/** 1 where a prior has a true box, else 0. */
export function matchedOnly(context: LowerContext, index: Value): Value {
  const { b } = context;
  const isMatched = b.op('greater_equal', [index, b.full(0, [], 'i32')]);
  return b.op('cast', [isMatched], { dtype: 'f32' });
}

/** Boxes that have an area wherever there is no match, so that no logarithm of theirs is infinite. */
export function harmless(context: LowerContext, index: Value, boxes: Value): Value {
  const m = BoxMath.in(context);
  const [samples = 1, count = 1] = index.type.shape;
  const matched = m.b.op('reshape', [m.greaterEqual(index, m.b.full(0, [], 'i32'))], { shape: [samples, count, 1] });
  return m.where(matched, boxes, m.b.constant([0, 0, 1, 1], [4]));
}
