/**
 * Connectionist temporal classification, what the loss and its gradient share: types, checked labels and lengths, the
 * two recursions over the paths of an alignment, and the samples.
 *
 * A label sequence l of length L becomes 2L + 1 states, blanks around and between the labels. A path goes through the
 * states frame by frame: it stays, takes the next one, or jumps over a blank between two labels that differ.
 */
import type { Attrs } from '../../ir/graph';
import type { Shape, TensorType } from '../../ir/types';
import { formatType, tensorType } from '../../ir/types';
import { booleanAttr, inputAt, integerAttr, requireFloat, requireShape } from '../attributes';
import { OpDataError, OpTypeError, type RefTensor } from '../define';
import { logSoftmaxOf } from './softmax';

export const CTC_INPUTS = ['logits', 'labels', 'input_lengths', 'label_lengths'] as const;

export function checkCtc(inputs: readonly TensorType[], attrs: Attrs): TensorType {
  const logits = inputAt(inputs, 0, 'logits');
  requireFloat(logits, 'logits');
  const [n, , classes] = logits.shape;
  if (n === undefined || classes === undefined || logits.shape.length !== 3) {
    throw new OpTypeError(`the logits are ${formatType(logits)}, expected [N, T, C]`);
  }
  const labels = inputAt(inputs, 1, 'labels');
  if (labels.shape.length !== 2 || labels.shape[0] !== n) {
    throw new OpTypeError(`the labels are ${formatType(labels)}, expected [${n}, L]`);
  }
  requireShape(inputAt(inputs, 2, 'input lengths'), [n], 'input lengths');
  requireShape(inputAt(inputs, 3, 'label lengths'), [n], 'label lengths');
  for (const [i, name] of CTC_INPUTS.entries()) {
    const type = inputAt(inputs, i, name);
    if (i > 0 && type.dtype !== 'i32' && type.dtype !== 'i64') {
      throw new OpTypeError(`the ${name.replace('_', ' ')} are ${formatType(type)}, expected i32 or i64`);
    }
  }
  const blank = integerAttr(attrs, 'blank', 0);
  if (blank >= classes) throw new OpTypeError(`attribute 'blank' is ${blank}, expected one of the ${classes} classes`);
  booleanAttr(attrs, 'zero_infinity');
  return logits;
}

/** One sample: its states, and the probabilities of its frames. */
export interface Alignment {
  readonly frames: number;
  /** The class of each state. */
  readonly states: readonly number[];
  /** log p of the class at the frame. */
  readonly logp: (frame: number, label: number) => number;
}

export function alignmentsOf(inputs: readonly RefTensor[], attrs: Attrs): Alignment[] {
  const [logits, labels, inputLengths, labelLengths] = CTC_INPUTS.map((name, i) => inputAt(inputs, i, name)) as [
    RefTensor,
    RefTensor,
    RefTensor,
    RefTensor,
  ];
  const [n = 0, steps = 0, classes = 0] = logits.type.shape;
  const width = labels.type.shape[1] ?? 0;
  const blank = integerAttr(attrs, 'blank');
  const logp = logSoftmaxOf(logits, 2);
  return Array.from({ length: n }, (_, i) => {
    const frames = lengthAt(inputLengths, i, steps, 'input');
    const count = lengthAt(labelLengths, i, width, 'label');
    const own = Array.from(labels.data.subarray(i * width, i * width + count));
    own.forEach((label, k) => {
      const what = `label ${label} at position ${i * width + k}`;
      if (!(label >= 0 && label < classes)) throw new OpDataError(`${what} is outside 0..${classes - 1}`);
      if (label === blank) throw new OpDataError(`${what} is the blank`);
    });
    return {
      frames,
      states: [blank, ...own.flatMap((label) => [label, blank])],
      logp: (frame, label) => logp[(i * steps + frame) * classes + label] as number,
    };
  });
}

function lengthAt({ data }: RefTensor, sample: number, most: number, what: string): number {
  const length = data[sample] as number;
  if (!(length >= 0 && length <= most)) {
    throw new OpDataError(`${what} length ${length} of sample ${sample} is outside 0..${most}`);
  }
  return length;
}

/** log(e^a + e^b + …), −∞ of nothing. */
export function logSum(terms: readonly number[]): number {
  const most = Math.max(...terms, -Infinity);
  return most === -Infinity ? most : most + Math.log(terms.reduce((sum, x) => sum + Math.exp(x - most), 0));
}

/** Whether a path may jump from state s − 2 to state s. */
function jumps({ states }: Alignment, s: number): boolean {
  return s % 2 === 1 && s >= 2 && states[s] !== states[s - 2];
}

/** Row t: log of the probability of all beginnings of paths that end in each state at frame t. */
export function beginnings(a: Alignment): number[][] {
  const rows: number[][] = [];
  for (let t = 0; t < a.frames; t++) {
    const before = rows[t - 1];
    rows.push(
      a.states.map((label, s) => {
        const emitted = a.logp(t, label);
        if (!before) return s < 2 ? emitted : -Infinity;
        const from = [s, s - 1, ...(jumps(a, s) ? [s - 2] : [])].filter((state) => state >= 0);
        return emitted + logSum(from.map((state) => before[state] as number));
      }),
    );
  }
  return rows;
}

/** Row t: log of the probability of all rests of paths that are in each state at frame t, that frame left out. */
export function rests(a: Alignment): number[][] {
  const last = a.states.length - 1;
  const rows: number[][] = new Array<number[]>(a.frames);
  for (let t = a.frames - 1; t >= 0; t--) {
    const after = rows[t + 1];
    rows[t] = a.states.map((_, s) => {
      if (!after) return s >= last - 1 ? 0 : -Infinity;
      const to = [s, s + 1, ...(jumps(a, s + 2) ? [s + 2] : [])].filter((state) => state <= last);
      return logSum(to.map((state) => (after[state] as number) + a.logp(t + 1, a.states[state] as number)));
    });
  }
  return rows;
}

/** log of the probability of the labels; that of no frames is 1 for no labels. */
export function evidence({ frames, states }: Alignment, rows: readonly (readonly number[])[]): number {
  const row = rows[frames - 1];
  if (!row) return states.length === 1 ? 0 : -Infinity;
  return logSum(row.slice(-2));
}

interface CtcSample {
  readonly name: string;
  readonly logits: Shape;
  readonly labels: readonly number[];
  readonly inputLengths: readonly number[];
  readonly labelLengths: readonly number[];
  readonly labelType?: 'i32' | 'i64';
  readonly attrs: Attrs;
}

const SAMPLES: readonly CtcSample[] = [
  {
    name: 'one label',
    logits: [1, 3, 3],
    labels: [2],
    inputLengths: [3],
    labelLengths: [1],
    attrs: { blank: 0, zero_infinity: false },
  },
  {
    name: 'repeated labels, several lengths',
    logits: [3, 7, 5],
    labels: [1, 1, 2, 4, 3, 9, 2, 2, 2],
    inputLengths: [7, 5, 6],
    labelLengths: [3, 2, 3],
    attrs: { blank: 0, zero_infinity: false },
  },
  {
    name: 'the last class is the blank, 64-bit labels',
    logits: [2, 5, 4],
    labels: [0, 1, 2, 2],
    inputLengths: [5, 4],
    labelLengths: [2, 2],
    labelType: 'i64',
    attrs: { blank: 3, zero_infinity: false },
  },
  {
    name: 'some without labels, without frames, or infeasible',
    logits: [4, 3, 3],
    labels: [1, 2, 0, 0, 1, 1, 0, 0],
    inputLengths: [2, 3, 2, 0],
    labelLengths: [2, 0, 2, 0],
    attrs: { blank: 0, zero_infinity: true },
  },
  {
    name: 'no room for labels',
    logits: [2, 3, 5],
    labels: [],
    inputLengths: [3, 1],
    labelLengths: [0, 0],
    attrs: { blank: 0, zero_infinity: false },
  },
];

/** The samples of the loss, or of its gradient, which takes that of the losses after the lengths. */
export const ctcSamples = (withGradient: boolean) =>
  SAMPLES.map(({ name, logits, labels, inputLengths, labelLengths, labelType = 'i32', attrs }) => {
    const n = logits[0] ?? 0;
    const integers = [[n, labels.length / n], [n], [n]].map((shape) => tensorType(labelType, shape));
    return {
      name,
      inputs: [tensorType('f32', logits), ...integers, ...(withGradient ? [tensorType('f32', [n])] : [])],
      attrs,
      range: [-3, 3] as const,
      values: { 1: labels, 2: inputLengths, 3: labelLengths },
    };
  });
