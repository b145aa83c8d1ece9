/** Losses and their gradients against PyTorch's (torch 2.13, float64). */
import { SpecError } from '../../compiler/diagnostics/errors';
import type { Pair } from '../support/term';
import { lossOf } from '../support/term';

const SCORES: Pair = {
  x: [1, -0.5, 2, 0.25, 0.75, -1.5, 3, 0.1, 0.2, -1, -2, 0.5],
  shape: [4, 3],
  target: [2, 0, 1, 2],
};
const PROBABILITIES: Pair = {
  ...SCORES,
  target: [0.2, 0.3, 0.5, 1, 0, 0, 0.1, 0.8, 0.1, 0.25, 0.25, 0.5],
  targetShape: [4, 3],
  dtype: 'float32',
};
const TARGETS: Pair = {
  x: [2, -3, 0, 40, -40, 0.5],
  shape: [2, 3],
  target: [1, 0, 0.5, 0, 1, 0.25],
  targetShape: [2, 3],
  dtype: 'float32',
};

function expectLoss(pair: Pair, loss: string, value: number, gradient: readonly number[]): void {
  const found = lossOf(pair, loss);
  expect(found.loss).toBeCloseTo(value, 8);
  gradient.forEach((g, i) => expect(found.gradient[i]).toBeCloseTo(g, 8));
}

function problemOf(pair: Pair, loss: string): string {
  try {
    lossOf(pair, loss);
  } catch (error) {
    if (error instanceof SpecError) return error.message;
    throw error;
  }
  return 'none';
}

test('cross_entropy is the mean over the labels', () => {
  expectLoss(
    SCORES,
    'type: cross_entropy',
    1.1712824294,
    [
      0.0634290454, 0.0141529331, -0.0775819785, -0.1614258906, 0.1460340183, 0.0153918723, 0.224047807, -0.2376721682,
      0.0136243612, 0.042738195, 0.0157225033, -0.0584606984,
    ],
  );
});

test('cross_entropy leaves ignored labels out of sum and count', () => {
  expect(lossOf(SCORES, 'type: cross_entropy, ignore_index: 2').count).toBe(2);
  expectLoss(
    SCORES,
    'type: cross_entropy, ignore_index: 2',
    2.023611393,
    [0, 0, 0, -0.3228517811, 0.2920680365, 0.0307837446, 0.4480956141, -0.4753443364, 0.0272487224, 0, 0, 0],
  );
});

test('cross_entropy of nothing but ignored labels is 0, with gradients of 0', () => {
  expectLoss(
    { ...SCORES, target: [9, 9, 9, 9] },
    'type: cross_entropy, ignore_index: 9',
    0,
    new Array<number>(12).fill(0),
  );
});

test('cross_entropy weighs the mean by class weights', () => {
  expectLoss(
    SCORES,
    'type: cross_entropy, class_weights: [1, 2, 0.5]',
    1.8439444291,
    [
      0.0317145227, 0.0070764665, -0.0387909892, -0.1614258906, 0.1460340183, 0.0153918723, 0.4480956141, -0.4753443364,
      0.0272487224, 0.0213690975, 0.0078612517, -0.0292303492,
    ],
  );
});

test('cross_entropy combines weights, smoothing and ignored labels as PyTorch does', () => {
  const loss = 'type: cross_entropy, class_weights: [1, 2, 0.5], label_smoothing: 0.1, ignore_index: 0';
  expectLoss(
    SCORES,
    loss,
    2.1494055783,
    [
      0.0368130565, -0.011528895, -0.0252841615, 0, 0, 0, 0.5614555069, -0.5907177632, 0.0292622563, 0.0211799696,
      -0.0103429975, -0.0108369721,
    ],
  );
});

test('cross_entropy takes a label for every pixel', () => {
  const pixels: Pair = {
    x: [1, -0.5, 2, 0.25, 0.75, -1.5, 3, 0.1, 0.2, -1, -2, 0.5],
    shape: [2, 3, 2],
    target: [0, 2, 1, 1],
    dtype: 'uint8',
  };
  expectLoss(
    pixels,
    'type: cross_entropy',
    2.1889068606,
    [
      -0.1944084039, 0.0717384928, 0.1511136254, 0.1518703905, 0.0432947785, -0.2236088833, 0.2341815054, 0.0885051062,
      -0.235759408, -0.2205392094, 0.0015779026, 0.1320341032,
    ],
  );
});

test('cross_entropy takes probabilities for labels', () => {
  expectLoss(
    PROBABILITIES,
    'type: cross_entropy',
    1.5837824294,
    [
      0.0134290454, -0.0608470669, 0.0474180215, -0.1614258906, 0.1460340183, 0.0153918723, 0.199047807, -0.1876721682,
      -0.0113756388, -0.019761805, -0.0467774967, 0.0665393016,
    ],
  );
  expectLoss(
    PROBABILITIES,
    'type: cross_entropy, class_weights: [1, 2, 0.5], label_smoothing: 0.1',
    2.4631455311,
    [
      0.0140071699, -0.1366409694, 0.1226337995, -0.1432829887, 0.1318012519, 0.0114817368, 0.3481808736, -0.3558120846,
      0.007631211, -0.021132835, -0.1131821216, 0.1343149567,
    ],
  );
});

test('binary_cross_entropy is finite and exact far from zero', () => {
  expectLoss(
    TARGETS,
    'type: binary_cross_entropy',
    13.6196232546,
    [-0.0198671537, 0.0079043122, 0, 0.1666666667, -0.1666666667, 0.0620765552],
  );
});

test('binary_cross_entropy takes probabilities when told', () => {
  const pair = { ...TARGETS, x: [0.9, 0.1, 0.5, 0.2, 0.7, 0.4] };
  expectLoss(
    pair,
    'type: binary_cross_entropy, from_logits: false',
    0.3493131013,
    [-0.1851851852, 0.1851851852, 0, 0.2083333333, -0.2380952381, 0.1041666667],
  );
  const certain = lossOf({ ...TARGETS, x: [0, 1, 0, 1, 0, 1] }, 'type: binary_cross_entropy, from_logits: false');
  expect(Number.isFinite(certain.loss)).toBe(true);
});

test('mse and mae are means over all elements', () => {
  expectLoss(
    TARGETS,
    'type: mse',
    548.5520833333,
    [0.3333333333, -1, -0.1666666667, 13.3333333333, -13.6666666667, 0.0833333333],
  );
  expectLoss(
    { ...TARGETS, x: [2, -3, 0, 1, 1, 0.25] },
    'type: mae',
    0.9166666667,
    [0.1666666667, -0.1666666667, -0.1666666667, 0.1666666667, 0, 0],
  );
});

test('targets may leave out a last axis of extent 1, and be integers', () => {
  const pair: Pair = { x: [0.5, 2], shape: [2, 1], target: [1, 3], targetShape: [2] };
  expect(lossOf(pair, 'type: mse').loss).toBeCloseTo((0.25 + 1) / 2, 10);
});

test('targets are never broadcast', () => {
  const pair: Pair = { x: [1, 2, 3, 4], shape: [2, 2], target: [1, 2], targetShape: [2, 1], dtype: 'float32' };
  expect(problemOf(pair, 'type: mse')).toMatch(
    /predictions and targets need one shape: `y` is \[2, 2\], `target` is \[2, 1\] \[shape-mismatch\]/,
  );
});

test('labels of the wrong shape or type are refused with both sides named', () => {
  expect(problemOf({ ...SCORES, targetShape: [4, 1] }, 'type: cross_entropy')).toMatch(
    /the labels should be \[4\]: `y` is \[4, 3\], `target` is \[4, 1\] \[shape-mismatch\]/,
  );
  expect(problemOf({ ...SCORES, dtype: 'float32' }, 'type: cross_entropy')).toMatch(
    /`y` is float32, `target` is float32 \[dtype-mismatch\]/,
  );
});

test('a wrong number of class weights is refused at the field', () => {
  expect(problemOf(SCORES, 'type: cross_entropy, class_weights: [1, 2]')).toMatch(
    /2 weights are given for 3 classes \[invalid-field\]/,
  );
  expect(problemOf(PROBABILITIES, 'type: cross_entropy, ignore_index: 1')).toMatch(/no number to ignore/);
});
