/** Which true box each prior box answers for: the matching of SSD, RetinaNet and their relatives. */
import type { Attrs } from '../ir/graph';
import { formatType, tensorType } from '../ir/types';
import { inputAt, numberAttr, requireArity, requireShape, stringAttr } from './attributes';
import { defineOp, OpTypeError, type OpSample, type RefTensor } from './define';
import { overlapOf, requireBoxes } from './families/boxes';

/** Who gets a true box that no prior overlaps enough with. */
const FORCES = ['none', 'best', 'every_best', 'bipartite'] as const;
type Force = (typeof FORCES)[number];

const NONE = -1;
const UNDECIDED = -2;

export const match_boxes = defineOp({
  name: 'match_boxes',
  doc:
    'overlap[n, p] = the largest intersection over union of prior p with a box of sample n whose class is not negative, 0 ' +
    'without any; index[n, p] (i32) = the first such box where overlap ≥ threshold, −2 where overlap ≥ low_threshold, ' +
    'else −1. Then each box is forced on a prior it overlaps: `bipartite`, the pair of the largest overlap among boxes ' +
    'and priors without one, again and again; `best`, each box in turn on its best prior; `every_best`, priors that are ' +
    'the best of some box (equals too) keep their own first box; `none`. Priors [P,4] or [N,P,4], boxes [N,G,4], classes ' +
    '[N,G] of i32 or i64. No gradient.',
  inputs: ['priors', 'boxes', 'classes'],
  outputs: ['index', 'overlap'],
  native: 'kernel',
  traits: { foldable: true },

  infer(inputs, attrs) {
    requireArity(inputs, 3);
    const [priors, boxes, classes] = [0, 1, 2].map((i) => inputAt(inputs, i, 'input')) as [
      RefTensor['type'],
      RefTensor['type'],
      RefTensor['type'],
    ];
    requireBoxes(boxes, 3, 'boxes');
    requireBoxes(priors, priors.shape.length === 3 ? 3 : 2, 'priors');
    const [samples = 0, count = 0] = boxes.shape;
    if (priors.shape.length === 3) requireShape(priors, [samples, priors.shape[1] ?? 0, 4], 'priors');
    requireShape(classes, [samples, count], 'classes');
    if (classes.dtype !== 'i32' && classes.dtype !== 'i64') {
      throw new OpTypeError(`the classes are ${formatType(classes)}, expected i32 or i64`);
    }
    if (priors.dtype !== boxes.dtype) throw new OpTypeError('the dtypes of priors and boxes differ');
    attrsOf(attrs);
    const shape = [samples, priors.shape.at(-2) ?? 0];
    return [tensorType('i32', shape), tensorType(boxes.dtype, shape)];
  },

  evaluate(inputs, attrs, outputs) {
    const [samples = 0, count = 0] = inputAt(outputs, 0, 'index').shape;
    const index = new Float64Array(samples * count);
    const overlap = new Float64Array(samples * count);
    for (let n = 0; n < samples; n++) {
      matchSample(inputs, n, attrsOf(attrs), index.subarray(n * count), overlap.subarray(n * count));
    }
    return [index, overlap];
  },

  cost(inputs, [index]) {
    return { flops: 14 * (index?.shape[0] ?? 0) * (index?.shape[1] ?? 0) * (inputs[1]?.shape[1] ?? 0) };
  },

  // For each true box its best prior, how much they overlap, and whether it has one.
  workspace: ([, boxes]) => (boxes?.shape[0] ?? 0) * (boxes?.shape[1] ?? 0) * 12,

  samples: [
    sample('bipartite', { threshold: 0.5, low_threshold: 0.5, force: 'bipartite' }),
    sample('best', { threshold: 0.5, low_threshold: 0.3, force: 'best' }),
    sample('every best', { threshold: 0.6, low_threshold: 0.2, force: 'every_best' }),
    sample('none', { threshold: 0.3, low_threshold: 0.1, force: 'none' }),
    {
      name: 'priors of each sample, 64-bit classes',
      inputs: [tensorType('f32', [2, 5, 4]), tensorType('f32', [2, 3, 4]), tensorType('i64', [2, 3])],
      attrs: { threshold: 0.2, low_threshold: 0.1, force: 'bipartite' },
      values: { 0: grid(10, 0.31), 1: grid(6, 0.37), 2: [0, -1, 1, 2, 0, 0] },
      wrt: [],
    },
    {
      name: 'equal overlaps',
      inputs: [tensorType('f32', [4, 4]), tensorType('f32', [1, 2, 4]), tensorType('i32', [1, 2])],
      attrs: { threshold: 0.9, low_threshold: 0.5, force: 'bipartite' },
      values: { 0: [0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 0.5, 0.25], 1: [0, 0, 1, 1, 0, 0, 1, 1], 2: [0, 1] },
      wrt: [],
    },
    {
      name: 'no boxes',
      inputs: [tensorType('f32', [3, 4]), tensorType('f32', [2, 0, 4]), tensorType('i32', [2, 0])],
      attrs: { threshold: 0.5, low_threshold: 0.5, force: 'best' },
      wrt: [],
    },
  ],
});

/** So many boxes of different places and sizes, some of them without an area. */
function grid(count: number, step: number): number[] {
  return Array.from({ length: count }, (_, i) => {
    const [x, y] = [(i * step) % 0.7, (i * step * 1.7) % 0.6];
    return [x, y, x + 0.1 + ((i * 0.13) % 0.4), y + ((i * 0.29) % 0.5)];
  }).flat();
}

function sample(name: string, attrs: Attrs): OpSample {
  const inputs = [tensorType('f32', [13, 4]), tensorType('f32', [3, 5, 4]), tensorType('i32', [3, 5])];
  const classes = [0, 2, 1, -1, -1, 3, -1, 0, 1, 2, -1, -1, -1, -1, -1];
  return { name, inputs, attrs, values: { 0: grid(13, 0.31), 1: grid(15, 0.317), 2: classes }, wrt: [] };
}

function attrsOf(attrs: Attrs): { threshold: number; low: number; force: Force } {
  const [threshold, low] = [numberAttr(attrs, 'threshold'), numberAttr(attrs, 'low_threshold')];
  if (low > threshold) throw new OpTypeError(`low_threshold ${low} is above the threshold ${threshold}`);
  const word = stringAttr(attrs, 'force');
  const force = FORCES.find((one) => one === word);
  if (!force) throw new OpTypeError(`attribute 'force' is ${word}, expected one of ${FORCES.join(', ')}`);
  return { threshold, low, force };
}

/** The matching of one sample, from the matrix of all overlaps. */
function matchSample(
  inputs: readonly RefTensor[],
  n: number,
  { threshold, low, force }: ReturnType<typeof attrsOf>,
  index: Float64Array,
  overlap: Float64Array,
): void {
  const [priors, boxes, classes] = [0, 1, 2].map((i) => inputAt(inputs, i, 'input')) as [
    RefTensor,
    RefTensor,
    RefTensor,
  ];
  const [count, most] = [priors.type.shape.at(-2) ?? 0, boxes.type.shape[1] ?? 0];
  const first = priors.type.shape.length === 3 ? n * count : 0;
  const real = Array.from({ length: most }, (_, g) => g).filter((g) => (classes.data[n * most + g] as number) >= 0);
  const between = (p: number, g: number): number => overlapOf(priors.data, first + p, boxes.data, n * most + g);
  const own = new Float64Array(count).fill(NONE);
  for (let p = 0; p < count; p++) {
    let best = 0;
    for (const g of real) {
      if (between(p, g) > best) [best, own[p]] = [between(p, g), g];
    }
    overlap[p] = best;
    index[p] = NONE;
    if (best >= low && best > 0) index[p] = UNDECIDED;
    if (best >= threshold && best > 0) index[p] = own[p] as number;
  }
  const bestPrior = (g: number, taken: ReadonlySet<number>): readonly [prior: number, overlap: number] => {
    let [prior, best] = [NONE, 0];
    for (let p = 0; p < count; p++) if (!taken.has(p) && between(p, g) > best) [prior, best] = [p, between(p, g)];
    return [prior, best];
  };
  const none = new Set<number>();
  if (force === 'best') {
    for (const g of real) {
      const [prior] = bestPrior(g, none);
      if (prior >= 0) index[prior] = g;
    }
  }
  if (force === 'every_best') {
    for (const g of real) {
      const [, best] = bestPrior(g, none);
      for (let p = 0; best > 0 && p < count; p++) if (between(p, g) === best) index[p] = own[p] as number;
    }
  }
  if (force === 'bipartite') {
    const taken = new Set<number>();
    const open = new Set(real);
    for (;;) {
      let [box, prior, best] = [NONE, NONE, 0];
      for (const g of open) {
        const [p, found] = bestPrior(g, taken);
        if (found > best) [box, prior, best] = [g, p, found];
      }
      if (box < 0) return;
      index[prior] = box;
      taken.add(prior);
      open.delete(box);
    }
  }
}
