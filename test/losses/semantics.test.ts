/** Single properties of losses, worked out by hand: what labels may be, what fields do, and every message. */
import { OpDataError } from '../../compiler/ops/define';
import { lossProblem, runLoss, type LossCase, type LossTensor } from '../support/loss';

const column = (values: readonly number[], dtype?: string): LossTensor => ({
  shape: [values.length],
  values,
  ...(dtype === undefined ? {} : { dtype }),
});
const rows = (shape: readonly number[], values: readonly number[], dtype?: string): LossTensor => ({
  shape,
  values,
  ...(dtype === undefined ? {} : { dtype }),
});
const SCORES = rows([2, 3], [1, -0.5, 2, 0.25, 0.75, -1.5]);
const LABELS = column([2, 0], 'int32');
const EMBEDDINGS = rows([2, 3], [1, 2, 2, 0, 3, 4]);

describe('labels', () => {
  test.each([
    'nll',
    'focal',
    'generalized_cross_entropy',
    'multi_margin',
    'categorical_hinge',
    'hinge',
    'infogain',
    'dice',
  ])('%s stops at a label that is no class', (type) => {
    const kind = type === 'focal' || type === 'dice' ? { kind: 'softmax' } : {};
    const matrix =
      type === 'infogain'
        ? {
            matrix: [
              [1, 0, 0],
              [0, 1, 0],
              [0, 0, 1],
            ],
          }
        : {};
    const given: LossCase = { type, fields: { ...kind, ...matrix }, inputs: [SCORES, column([2, 3], 'int32')] };
    expect(() => runLoss(given)).toThrow(OpDataError);
  });

  test.each([
    ['nll', {}],
    ['focal', { kind: 'softmax' }],
    ['generalized_cross_entropy', {}],
    ['multinomial_logistic', {}],
  ])('%s leaves out what is to be ignored', (type, fields) => {
    const positive = rows([2, 3], [0.5, 0.2, 0.3, 0.1, 0.7, 0.2]);
    const both = runLoss({ type, fields: { ...fields, ignore_index: 7 }, inputs: [positive, column([2, 7], 'int32')] });
    const one = runLoss({ type, fields, inputs: [rows([1, 3], [0.5, 0.2, 0.3]), column([2], 'int32')] });
    expect(both.loss).toBeCloseTo(one.loss, 12);
    expect(both.count).toBe(1);
    expect(both.gradients[0]!.slice(3)).toEqual([0, 0, 0].map((zero) => expect.closeTo(zero, 15) as number));
  });

  test('float32 labels of the wrong shape are refused', () => {
    expect(lossProblem({ type: 'nll', inputs: [SCORES, column([2, 0])] })).toMatch(/should be class numbers/);
    expect(lossProblem({ type: 'multi_margin', inputs: [SCORES, rows([2, 1], [2, 0], 'int32')] })).toMatch(
      /the labels should be \[2\]/,
    );
  });

  test('0 counts as −1 where targets are signs', () => {
    const x = rows([2, 2], [0.5, 2, -0.25, 0]);
    for (const type of ['hinge', 'squared_hinge', 'soft_margin', 'hinge_embedding']) {
      const signs = runLoss({ type, inputs: [x, rows([2, 2], [1, -1, -1, 1])] });
      const bits = runLoss({ type, inputs: [x, rows([2, 2], [1, 0, 0, 1], 'uint8')] });
      expect(bits.loss).toBe(signs.loss);
    }
  });

  test('a hinge of a column takes targets for what they are', () => {
    expect(runLoss({ type: 'hinge', inputs: [rows([2, 1], [0.5, 2]), column([1, 0], 'int32')] }).loss).toBe(
      (0.5 + 3) / 2,
    );
  });
});

describe('regions', () => {
  const empty = rows([1, 1, 4], [0, 0, 0, 0]);
  test('that are empty, and predicted so, have no loss', () => {
    const found = runLoss({
      type: 'dice',
      fields: { kind: 'probabilities' },
      inputs: [empty, rows([1, 4], [0, 0, 0, 0], 'int32')],
    });
    expect(found.loss).toBe(0);
  });

  test.each(['dice', 'tversky', 'lovasz'])('%s of pixels to ignore is that of the others', (type) => {
    const kind = type === 'lovasz' ? 'hinge' : 'sigmoid';
    const run = (x: readonly number[], t: readonly number[]) =>
      runLoss({
        type,
        fields: { kind, ignore_index: 9 },
        inputs: [rows([1, 1, x.length], x), rows([1, x.length], t, 'int32')],
      });
    const [all, some] = [run([0.3, 5, -0.4, 2], [1, 9, 0, 1]), run([0.3, -0.4, 2], [1, 0, 1])];
    expect(all.loss).toBeCloseTo(some.loss, 12);
    expect(all.gradients[0]![1]).toBeCloseTo(0, 12);
    expect(all.gradients[0]![2]).toBeCloseTo(some.gradients[0]![1]!, 12);
  });

  test('dice is tversky with halves', () => {
    const targets = rows([1, 1, 4], [1, 0, 1, 1]);
    const x = rows([1, 1, 4], [0.3, -1, 2, 0]);
    const dice = runLoss({ type: 'dice', fields: { smooth: 1 }, inputs: [x, targets] }).loss;
    expect(runLoss({ type: 'tversky', fields: { smooth: 0.5 }, inputs: [x, targets] }).loss).toBeCloseTo(dice, 12);
  });

  test('one ratio over all is not the mean of the ratios', () => {
    const x = rows([2, 2], [0.9, 0.1, 0.5, 0.5]);
    const t = rows([2, 2], [1, 0, 0, 1]);
    const all = { kind: 'probabilities', per_sample: false, per_class: false, smooth: 0 };
    expect(runLoss({ type: 'dice', fields: all, inputs: [x, t] }).loss).toBeCloseTo(1 - 2.8 / 4, 12);
    const samples = { ...all, per_sample: true };
    expect(runLoss({ type: 'dice', fields: samples, inputs: [x, t] }).loss).toBeCloseTo(1 - (1.8 / 2 + 1 / 2) / 2, 12);
  });

  test('a batch as one region has no samples to weigh', () => {
    const inputs = [SCORES, SCORES, column([1, 2])];
    for (const type of ['dice', 'tversky', 'lovasz']) {
      expect(lossProblem({ type, fields: { per_sample: false }, inputs })).toMatch(
        /no terms for its third input to weigh/,
      );
    }
  });

  test('lovasz of certainties is one minus the Jaccard index', () => {
    // Class 1: predicted at 0, 1, 2, true at 1, 2, 3: the index is 2 / 4.
    const x = rows([1, 1, 5], [1, 1, 1, 0, 0]);
    const labels = rows([1, 5], [0, 1, 1, 1, 0], 'int32');
    expect(
      runLoss({ type: 'lovasz', fields: { kind: 'probabilities' }, inputs: [x, rows([1, 1, 5], labels.values)] }).loss,
    ).toBeCloseTo(0.5, 12);
  });

  test('lovasz leaves out a class that does not occur, or counts it', () => {
    const x = rows([1, 2, 2], [0.5, 0.5, 0.5, 0.5]);
    const labels = rows([1, 2], [0, 0], 'int32');
    const loss = (present: boolean) =>
      runLoss({ type: 'lovasz', fields: { kind: 'probabilities', present }, inputs: [x, labels] }).loss;
    expect(loss(true)).toBeCloseTo(0.5, 12);
    expect(loss(false)).toBeCloseTo((0.5 + 0.5) / 2, 12);
  });
});

describe('embeddings', () => {
  test('info_nce is log N where nothing tells rows apart', () => {
    const same = rows([4, 2], [1, 0, 1, 0, 1, 0, 1, 0]);
    expect(runLoss({ type: 'info_nce', inputs: [same, same] }).loss).toBeCloseTo(Math.log(4), 10);
    expect(runLoss({ type: 'nt_xent', inputs: [same, same] }).loss).toBeCloseTo(Math.log(7), 10);
  });

  test('circle is 0 for a sample that is alone', () => {
    const found = runLoss({ type: 'circle', inputs: [EMBEDDINGS, LABELS] });
    expect(found.loss).toBe(0);
    expect(found.gradients[0]).toEqual([0, 0, 0, 0, 0, 0]);
  });

  test('cosine_similarity is −1 for one direction, whatever the lengths', () => {
    const longer = rows(
      [2, 3],
      EMBEDDINGS.values.map((x) => 7 * x),
    );
    expect(runLoss({ type: 'cosine_similarity', inputs: [EMBEDDINGS, longer] }).loss).toBeCloseTo(-1, 10);
  });

  test.each<[string, LossCase, RegExp]>([
    [
      'different shapes',
      {
        type: 'triplet',
        inputs: [EMBEDDINGS, EMBEDDINGS, SCORES, SCORES].slice(0, 2).concat(rows([2, 2], [1, 2, 3, 4])),
      },
      /one shape/,
    ],
    ['no axis of vectors', { type: 'info_nce', inputs: [column([1, 2]), column([1, 2])] }, /one shape, \[N, D\]/],
    [
      'sequences',
      { type: 'nt_xent', inputs: [rows([1, 2, 2], [1, 2, 3, 4]), rows([1, 2, 2], [1, 2, 3, 4])] },
      /should be \[N, D\]/,
    ],
    [
      'targets for each number',
      { type: 'contrastive', inputs: [EMBEDDINGS, EMBEDDINGS, EMBEDDINGS] },
      /the targets should be \[2\], one for each pair/,
    ],
    ['probabilities for labels', { type: 'circle', inputs: [EMBEDDINGS, column([0.5, 1])] }, /should be class numbers/],
  ])('%s are refused', (_what, given, message) => {
    expect(lossProblem(given)).toMatch(message);
  });
});

describe('fields', () => {
  const matrix = [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ];
  test.each<[string, LossCase, RegExp]>([
    [
      'class weights that are all 0',
      { type: 'cross_entropy', fields: { class_weights: [0, 0, 0] }, inputs: [SCORES, LABELS] },
      /every class has a weight of 0/,
    ],
    [
      'too few class weights',
      { type: 'nll', fields: { class_weights: [1] }, inputs: [SCORES, LABELS] },
      /1 weights are given for 3 classes/,
    ],
    [
      'a list for alpha of a sigmoid',
      { type: 'focal', fields: { alpha: [1, 2, 3] }, inputs: [SCORES, SCORES] },
      /for `kind: softmax`/,
    ],
    [
      'too few numbers for alpha',
      { type: 'focal', fields: { kind: 'softmax', alpha: [1] }, inputs: [SCORES, LABELS] },
      /1 weights are given for 3 classes/,
    ],
    [
      'an axis of classes that there are not',
      { type: 'focal', fields: { axis: 1 }, inputs: [SCORES, SCORES] },
      /there is no axis of classes/,
    ],
    [
      'an axis without an effect',
      { type: 'dice', fields: { axis: 1, per_class: false }, inputs: [SCORES, SCORES] },
      /no axis matters/,
    ],
    [
      'probabilities with a number to ignore',
      { type: 'focal', fields: { kind: 'softmax', ignore_index: 1 }, inputs: [SCORES, SCORES] },
      /no number to ignore/,
    ],
    [
      'positive weights of another number',
      { type: 'binary_cross_entropy', fields: { positive_weight: [1, 2] }, inputs: [SCORES, SCORES] },
      /2 weights are given for 3 elements of axis 1/,
    ],
    [
      'an epsilon without an effect',
      { type: 'poisson', fields: { epsilon: 0.1 }, inputs: [SCORES, SCORES] },
      /`epsilon` has no effect/,
    ],
    [
      'too few rows',
      { type: 'infogain', fields: { matrix: matrix.slice(1) }, inputs: [SCORES, LABELS] },
      /2 rows are given for 3 classes/,
    ],
    [
      'a short row',
      { type: 'infogain', fields: { matrix: [...matrix.slice(1), [1]] }, inputs: [SCORES, LABELS] },
      /the row has 1 numbers for 3 classes/,
    ],
    ['no matrix', { type: 'infogain', inputs: [SCORES, LABELS] }, /`matrix`/],
    [
      'an axis that is not there',
      { type: 'cosine_similarity', fields: { axis: 2 }, inputs: [SCORES, SCORES] },
      /axis 2 is not among/,
    ],
    [
      'a blank that is no class',
      { type: 'ctc', fields: { blank: 3 }, inputs: [rows([1, 1, 3], [1, 2, 3]), rows([1, 1], [1], 'int32')] },
      /the blank is class 3, but there are 3 classes/,
    ],
    ['scores of another rank', { type: 'ctc', inputs: [SCORES, LABELS] }, /it needs scores \[N, T, C\]/],
    [
      'scores of pixels',
      { type: 'multilabel_margin', inputs: [rows([1, 1, 3], [1, 2, 3]), rows([1, 1, 3], [1, 0, 1])] },
      /it needs scores \[N, C\]/,
    ],
    ['integers for predictions', { type: 'mse', inputs: [LABELS, LABELS] }, /should be float32/],
  ])('%s: refused', (_what, given, message) => {
    expect(lossProblem(given)).toMatch(message);
  });

  test('label smoothing of binary targets moves them towards a half', () => {
    const x = rows([1, 2], [0.3, -1]);
    const smoothed = runLoss({
      type: 'binary_cross_entropy',
      fields: { label_smoothing: 0.2 },
      inputs: [x, rows([1, 2], [1, 0])],
    });
    expect(smoothed.loss).toBeCloseTo(
      runLoss({ type: 'binary_cross_entropy', inputs: [x, rows([1, 2], [0.9, 0.1])] }).loss,
      12,
    );
  });

  test('focal with gamma 0 is cross-entropy', () => {
    const focal = runLoss({ type: 'focal', fields: { kind: 'softmax', gamma: 0 }, inputs: [SCORES, LABELS] });
    expect(focal.loss).toBeCloseTo(runLoss({ type: 'cross_entropy', inputs: [SCORES, LABELS] }).loss, 12);
  });

  test('a variance below epsilon counts as epsilon', () => {
    const nll = runLoss({
      type: 'gaussian_nll',
      fields: { epsilon: 0.5 },
      inputs: [column([1]), column([0]), column([0.1])],
    });
    expect(nll.loss).toBeCloseTo(0.5 * (Math.log(0.5) + 2), 12);
  });

  test('mape divides by epsilon where the target is less', () => {
    expect(runLoss({ type: 'mape', fields: { epsilon: 0.5 }, inputs: [column([1]), column([0])] }).loss).toBe(200);
  });
});
