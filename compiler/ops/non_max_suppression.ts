/** Of boxes that overlap, the one of the highest score: what turns the scores of a detector into detections. */
import type { Attrs } from '../ir/graph';
import { formatType, tensorType } from '../ir/types';
import { booleanAttr, inputAt, integerAttr, numberAttr, requireArity } from './attributes';
import { defineOp, OpTypeError, type OpSample, type RefTensor } from './define';
import { overlapOf, requireBoxes } from './families/boxes';

interface Candidate {
  readonly box: number;
  readonly class: number;
  readonly score: number;
}

export const non_max_suppression = defineOp({
  name: 'non_max_suppression',
  doc:
    'Boxes [N,B,4] and scores [N,C,B]; outputs (i32): index [N,K] and class [N,K] of what is kept, from the highest score ' +
    'on, −1 behind the last, and how many there are, count [N]. Of each class but the background (−1: none) the top_k ' +
    'boxes with a score above score_threshold come in; in the order of their scores, each is kept unless its ' +
    'intersection over union with one kept of its class (joint: of any class) is above iou_threshold; the first ' +
    'max_outputs over all classes stay. Of equal scores the lower class comes first, then the lower index. A NaN is no ' +
    'score. No gradient.',
  inputs: ['boxes', 'scores'],
  outputs: ['index', 'class', 'count'],
  native: 'kernel',
  traits: { foldable: true },

  infer(inputs, attrs) {
    requireArity(inputs, 2);
    const [boxes, scores] = [inputAt(inputs, 0, 'boxes'), inputAt(inputs, 1, 'scores')];
    requireBoxes(boxes, 3, 'boxes');
    const [samples = 0, count] = boxes.shape;
    const [batch, classes = 0, width] = scores.shape;
    if (scores.dtype !== boxes.dtype || scores.shape.length !== 3 || batch !== samples || width !== count) {
      throw new OpTypeError(`the scores are ${formatType(scores)}, expected [N, C, B] for ${formatType(boxes)}`);
    }
    if (classes * (count ?? 0) >= 2 ** 31) throw new OpTypeError('more scores of a sample than can be counted');
    numberAttr(attrs, 'iou_threshold');
    numberAttr(attrs, 'score_threshold');
    integerAttr(attrs, 'top_k', 1);
    integerAttr(attrs, 'background', -1);
    booleanAttr(attrs, 'joint');
    const most = integerAttr(attrs, 'max_outputs', 1);
    return [tensorType('i32', [samples, most]), tensorType('i32', [samples, most]), tensorType('i32', [samples])];
  },

  evaluate(inputs, attrs) {
    const samples = inputAt(inputs, 0, 'boxes').type.shape[0] ?? 0;
    const most = integerAttr(attrs, 'max_outputs');
    const index = new Float64Array(samples * most).fill(-1);
    const classes = new Float64Array(samples * most).fill(-1);
    const count = new Float64Array(samples);
    for (let n = 0; n < samples; n++) {
      const kept = suppress(inputs, n, attrs);
      kept.forEach((candidate, k) => {
        index[n * most + k] = candidate.box;
        classes[n * most + k] = candidate.class;
      });
      count[n] = kept.length;
    }
    return [index, classes, count];
  },

  // At most: every candidate against every other of its class.
  cost([, scores], _outputs, attrs) {
    const [n = 0, c = 0, b = 0] = scores?.shape ?? [];
    const top = Math.min(b, integerAttr(attrs, 'top_k'));
    return { flops: n * c * (b + 7 * top * top) };
  },

  // The best candidates of each class.
  workspace([, scores], _outputs, attrs) {
    const [n = 0, c = 0, b = 0] = scores?.shape ?? [];
    return n * c * Math.min(b, integerAttr(attrs, 'top_k')) * 8;
  },

  samples: [
    sample('each class', {}),
    sample('few of many', { top_k: 4, max_outputs: 5, score_threshold: 0.2 }),
    sample('with a background', { background: 0, iou_threshold: 0.2 }),
    sample('all classes together', { joint: true, iou_threshold: 0.3, max_outputs: 40 }),
    {
      ...sample('equal scores', {}),
      inputs: [tensorType('f32', [1, 3, 4]), tensorType('f32', [1, 2, 3])],
      values: { 0: [0, 0, 1, 1, 0.9, 0.9, 2, 2, 0, 0, 1, 0.9], 1: [0.5, 0.5, 0.5, 0.5, 0.5, 0.75] },
    },
    { ...sample('none is good enough', { score_threshold: 2 }) },
  ],
});

function sample(name: string, attrs: Attrs): OpSample {
  const inputs = [tensorType('f32', [3, 11, 4]), tensorType('f32', [3, 4, 11])];
  const boxes = Array.from({ length: 33 }, (_, i) => {
    const [x, y] = [(i * 0.37) % 0.5, (i * 0.23) % 0.4];
    return [x, y, x + 0.2 + ((i * 0.11) % 0.3), y + 0.25 + ((i * 0.07) % 0.3)];
  }).flat();
  const usual = { iou_threshold: 0.45, score_threshold: 0, top_k: 7, max_outputs: 9, background: -1, joint: false };
  return { name, inputs, attrs: { ...usual, ...attrs }, values: { 0: boxes }, separated: true, wrt: [] };
}

function suppress(inputs: readonly RefTensor[], n: number, attrs: Attrs): readonly Candidate[] {
  const [boxes, scores] = [inputAt(inputs, 0, 'boxes'), inputAt(inputs, 1, 'scores')];
  const [, classes = 0, count = 0] = scores.type.shape;
  const byScore = (a: Candidate, b: Candidate): number => b.score - a.score || a.class - b.class || a.box - b.box;
  const candidates = Array.from({ length: classes }, (_, c) =>
    Array.from({ length: count }, (_unused, box): Candidate => {
      return { box, class: c, score: scores.data[(n * classes + c) * count + box] as number };
    })
      .filter(({ score }) => c !== integerAttr(attrs, 'background') && score > numberAttr(attrs, 'score_threshold'))
      .sort(byScore)
      .slice(0, integerAttr(attrs, 'top_k')),
  );
  const kept: Candidate[] = [];
  for (const candidate of candidates.flat().sort(byScore)) {
    const hides = (other: Candidate): boolean =>
      (booleanAttr(attrs, 'joint') || other.class === candidate.class) &&
      overlapOf(boxes.data, n * count + candidate.box, boxes.data, n * count + other.box) >
        numberAttr(attrs, 'iou_threshold');
    if (!kept.some(hides)) kept.push(candidate);
  }
  return kept.slice(0, integerAttr(attrs, 'max_outputs'));
}
