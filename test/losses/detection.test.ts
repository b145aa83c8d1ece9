/** Losses of detectors against formulas written down a second time with PyTorch (torch 2.13, in double precision). */
import { expectClose } from '../support/layer';
import { runLoss } from '../support/loss';

const PRIORS = [
  0.046875, 0.09375, 0.453125, 0.546875, 0.296875, 0.203125, 0.84375, 0.59375, 0.5, 0.40625, 0.90625, 0.953125, 0.09375,
  0.5, 0.296875, 0.90625, 0.59375, 0.046875, 0.796875, 0.296875,
];
const TRUTHS = [0.07, 0.13, 0.42, 0.6, 0.35, 0.25, 0.7, 0.65, 0, 0, 0, 0];
const LOCATIONS = Array.from({ length: 20 }, (_, i) => (((i * 7) % 11) - 5) / 10);
const SCORES = Array.from({ length: 20 }, (_, i) => (((i * 5) % 13) - 6) / 4);

function run(fields: Readonly<Record<string, string | number>>, classes: readonly number[] = [2, 1, -1]) {
  return runLoss({
    type: 'multibox',
    fields,
    inputs: [
      { shape: [1, 5, 4], values: LOCATIONS },
      { shape: [1, 5, 4], values: SCORES },
      { shape: [5, 4], values: PRIORS, constant: true },
      { shape: [1, 3, 4], values: TRUTHS },
      { shape: [1, 3], values: classes, dtype: 'int32' },
    ],
    wrt: [0, 1],
  });
}

const PLACES = [-0.188461538, -0.393103448, 0.272588948, 0.158588327, 0.464285714, -0.5, 0.5, -0.059291317];
const NONE = new Array<number>(12).fill(0);

test('multibox of SSD: three negatives for each positive, or as many as there are', () => {
  const { loss, count, gradients } = run({});
  expect(loss).toBeCloseTo(6.156129857, 6);
  expect(count).toBe(2);
  expectClose(gradients[0]!, [...PLACES, ...NONE], 6);
  expectClose(
    gradients[1]!,
    [
      0.027290255, 0.09525235, -0.16753663, 0.044994024, 0.075626595, -0.236037246, 0.035723474, 0.124687176,
      -0.472709745, 0.09525235, 0.33246337, 0.044994024, -0.346457299, 0.020779745, 0.072528436, 0.253149117,
      -0.472709745, 0.09525235, 0.33246337, 0.044994024,
    ],
    6,
  );
});

test('the hardest negative is the first of equals', () => {
  const { loss, gradients } = run({ negative_ratio: 0.5 });
  expect(loss).toBeCloseTo(4.111775959, 6);
  expectClose(gradients[1]!.slice(12), [0, 0, 0, 0, 0, 0, 0, 0]);
  expect(gradients[1]![8]).toBeCloseTo(-0.472709745, 6);
});

test('multibox of RetinaNet: focal over all but the undecided', () => {
  const { loss, gradients } = run({
    class_loss: 'focal',
    box_loss: 'l1',
    force: 'every_best',
    low_threshold: 0.1,
    variances: 1,
    normalization: 'image',
  });
  expect(loss).toBeCloseTo(2.676976627, 6);
  expectClose(gradients[0]!, [-0.5, 0.5, -0.5, 0.5, 0.5, -0.5, 0.5, -0.5, ...NONE], 6);
  expectClose(
    gradients[1]!,
    [
      0.006386664, 0.078021142, -0.006572641, 0.019717924, 0.15234128, -0.002128888, 0.051726374, 0.243669122, 0, 0, 0,
      0, 0.197306933, 0.006386664, 0.078021142, 0.288088021, 0.019717924, 0.15234128, 0.360534258, 0.051726374,
    ],
    6,
  );
});

test('without any true box there is nothing to learn from with softmax', () => {
  const { loss, count } = run({}, [-1, -1, -1]);
  expect([loss, count]).toEqual([0, 1]);
});

test('a class that is none stops the run', () => {
  expect(() => run({}, [4, 1, -1])).toThrow(/label 4/);
  expect(() => run({ class_loss: 'focal' }, [4, 1, -1])).toThrow(/index 4/);
});

test('fields of the other kind are refused', () => {
  expect(() => run({ gamma: 1 })).toThrow(/it has no effect with `class_loss: softmax`/);
  expect(() => run({ class_loss: 'focal', negative_ratio: 1 })).toThrow(/it has no effect with `class_loss: focal`/);
  expect(() => run({ box_loss: 'giou', beta: 1 })).toThrow(/unless the box loss is smooth_l1/);
  expect(() => run({ limit: 1 })).toThrow(/unless boxes are decoded/);
  expect(() => run({ low_threshold: 0.6 })).toThrow(/0.6 is above the threshold of 0.5/);
  expect(() => run({ background: 4 })).toThrow(/there are 4 classes/);
});

test('yolo: where, whether and what', () => {
  const logistic = (x: number): number => Math.log1p(Math.exp(-x));
  const things = [1, -2, 0.5, 3, -1];
  const kinds = [1, 0, -1, 2, 0, 0, 0, 0, 0, 0];
  const { loss, count } = runLoss({
    type: 'yolo',
    // What was found at the third anchor is the first true box itself: it does not count as a mistake.
    inputs: [
      { shape: [1, 5, 4], values: [...PRIORS.slice(0, 8), ...TRUTHS.slice(0, 4), ...PRIORS.slice(12)] },
      { shape: [1, 5], values: things },
      { shape: [1, 5, 2], values: kinds },
      { shape: [5, 4], values: PRIORS, constant: true },
      { shape: [1, 3, 4], values: TRUTHS },
      { shape: [1, 3], values: [0, 1, -1], dtype: 'int32' },
    ],
    fields: { box_loss: 'iou', object_weight: 0.5 },
    wrt: [0, 1, 2],
  });
  const objects = logistic(1) + logistic(-2) + logistic(-3) + logistic(1);
  const classes = logistic(1) + logistic(-0) + logistic(1) + logistic(2);
  // The overlaps of the first two priors with their true boxes.
  const places = 2 - (0.7199 + 0.5157);
  expect(count).toBe(2);
  expect(loss).toBeCloseTo((places + 0.5 * objects + classes) / 2, 3);
});
