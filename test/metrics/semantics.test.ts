/** Metrics at their edges: classes that are absent, nothing to count, what is refused, what each mode computes. */
import { SpecError } from '../../compiler/diagnostics/errors';
import { checkSpecText, loadSpecText } from '../../compiler/frontend/load';
import { checkModel, lowerModel, lowerTraining } from '../../compiler/lower/lower';
import { betterOf, figureNames } from '../../compiler/metrics/lookup';
import { editDistance, greedyCtc, wordsOf } from '../../compiler/metrics/alignment';
import { ranks } from '../../compiler/metrics/correlation';
import { curveOf } from '../../compiler/metrics/curves';
import { collectedShapes } from '../../compiler/train/collected';
import { tablesJson } from '../../compiler/train/figure-tables';
import { evaluateMetric, type DataTensor, type MetricCase } from '../support/metric';

const ints = (values: readonly number[], shape: readonly number[] = [values.length]): DataTensor => ({
  shape,
  values,
  dtype: 'int32',
});
const floats = (values: readonly number[], shape: readonly number[] = [values.length]): DataTensor => ({
  shape,
  values,
});

/** Decided: 0 0 1 2, of four classes. */
const SCORES = floats([9, 1, 1, 0, /**/ 9, 1, 1, 0, /**/ 1, 9, 1, 0, /**/ 1, 1, 9, 0], [4, 4]);
const LABELS = ints([0, 1, 1, 1]);

const figure = (one: MetricCase, batch = 4): number => evaluateMetric(one, batch).figures['m'] ?? NaN;

describe('figures of classes', () => {
  test('a class that is neither true nor decided on takes no part in the averages', () => {
    // Precision: 1/2, 1, 0 of the classes that occur.
    expect(figure({ type: 'precision', inputs: [SCORES, LABELS] })).toBeCloseTo(0.5, 12);
    expect(figure({ type: 'mean_iou', inputs: [SCORES, LABELS] })).toBeCloseTo((1 / 2 + 1 / 3 + 0) / 3, 12);
    // Only classes with labels have a recall here.
    expect(figure({ type: 'balanced_accuracy', inputs: [SCORES, LABELS] })).toBeCloseTo((1 + 1 / 3) / 2, 12);
  });

  test('are named by the data where their number fits, and by numbers elsewhere', () => {
    const one = { type: 'recall', fields: { per_class: true }, inputs: [SCORES, LABELS] };
    const { figures, tables } = evaluateMetric(one, 3, ['cat', 'dog', 'cow', 'owl']);
    expect(figures).toEqual({
      loss: 0,
      m: (1 + 1 / 3 + 0) / 3,
      'm/cat': 1,
      'm/dog': 1 / 3,
      'm/cow': 0,
      'm/owl': 0,
    });
    expect(tablesJson(tables)['m']?.['dog']).toEqual({ recall: 1 / 3, labels: 3 });
    expect(Object.keys(evaluateMetric(one, 3, ['cat', 'dog']).figures)).toContain('m/3');
  });

  test("accuracy of each class is that of its labels, as Caffe's second top; a class without labels has none", () => {
    const { figures, tables } = evaluateMetric(
      { type: 'accuracy', fields: { per_class: true }, inputs: [SCORES, LABELS] },
      1,
    );
    expect(figures).toEqual({ loss: 0, m: 0.5, 'm/0': 1, 'm/1': 1 / 3 });
    expect(tables[0]?.rows.map(({ cells }) => cells)).toEqual([
      [1, 1],
      [1 / 3, 3],
      [null, 0],
      [null, 0],
    ]);
  });

  test('what is ignored counts among the decisions neither', () => {
    const one = { type: 'precision', fields: { ignore_index: 7 }, inputs: [SCORES, ints([7, 0, 1, 1])] };
    expect(figure(one)).toBeCloseTo(2 / 3, 12);
  });

  test('a confusion matrix has true classes in rows', () => {
    const { tables } = evaluateMetric({ type: 'confusion_matrix', inputs: [SCORES, LABELS] }, 3);
    expect(tables[0]?.rows.map(({ cells }) => cells)).toEqual([
      [1, 0, 0, 0],
      [1, 1, 1, 0],
      [0, 0, 0, 0],
      [0, 0, 0, 0],
    ]);
    const yes = { type: 'confusion_matrix', inputs: [floats([0.9, 0.2, 0.7]), ints([1, 1, 0])] };
    expect(tablesJson(evaluateMetric(yes, 2).tables)['m']).toEqual({ 0: { 0: 0, 1: 1 }, 1: { 0: 1, 1: 1 } });
  });

  test('a multi-label accuracy has one for each task', () => {
    const scores = floats([1, -1, /**/ 1, 1, /**/ -1, 1], [3, 2]);
    const one = {
      type: 'accuracy',
      fields: { threshold: 0, per_class: true },
      inputs: [scores, ints([1, 0, 0, 1, 1, 1], [3, 2])],
    };
    expect(evaluateMetric(one, 2).figures).toEqual({ loss: 0, m: 4 / 6, 'm/0': 1 / 3, 'm/1': 1 });
  });
});

describe('nothing to count', () => {
  const none = ints([7, 7, 7, 7]);
  test.each([
    'accuracy',
    'precision',
    'cohen_kappa',
    'matthews',
    'mean_iou',
    'auc',
    'brier',
    'confusion_matrix',
    'perplexity',
  ])('gives no figure: %s', (type) => {
    expect(figure({ type, fields: { ignore_index: 7 }, inputs: [SCORES, none] })).toBeNaN();
  });

  test('one side alone has no area; without negatives there is an average precision', () => {
    const inputs = [floats([0.1, 0.4, 0.3]), ints([1, 1, 1])];
    expect(figure({ type: 'auc', inputs })).toBeNaN();
    expect(figure({ type: 'average_precision', inputs })).toBe(1);
  });

  test('scores that are not numbers have no order', () => {
    expect(curveOf(Float32Array.of(1, NaN), Float32Array.of(0))).toBeUndefined();
    expect(figure({ type: 'auc', inputs: [floats([1, NaN, 0]), ints([1, 1, 0])] })).toBeNaN();
  });

  test('numbers that never change', () => {
    const same = [floats([2, 2, 2]), floats([1, 1, 1])];
    expect(figure({ type: 'pearson', inputs: same })).toBeNaN();
    expect(figure({ type: 'r2', inputs: same })).toBe(0);
    expect(figure({ type: 'r2', inputs: [same[1]!, same[1]!] })).toBe(1);
    expect(figure({ type: 'r2', inputs: [floats([1]), floats([1])] })).toBeNaN();
  });

  test('detections without any true box, and true boxes that nothing finds', () => {
    const boxes = floats([0, 0, 1, 1], [1, 1, 4]);
    const of = (found: number, real: number): number =>
      figure({
        type: 'mean_average_precision',
        inputs: [boxes, floats([0.5], [1, 1]), ints([found], [1, 1]), boxes, ints([real], [1, 1])],
      });
    expect([of(0, -1), of(-1, 0), of(1, 0), of(0, 0)]).toEqual([NaN, 0, 0, 1]);
  });
});

describe('boxes', () => {
  const rows = (type: object) => ({
    type: 'mean_average_precision',
    fields: { rules: 'voc', ...type },
    inputs: [
      // The same box twice, and one that is padding.
      floats([0, 0.9, 0, 0, 1, 1, /**/ 0, 0.8, 0, 0, 1, 1, /**/ -1, 0, 0, 0, 0, 0], [1, 3, 6]),
      floats([0, 0, 1, 1, /**/ 0, 0, 1, 0.92], [1, 2, 4]),
      ints([0, 0], [1, 2]),
    ],
  });

  test('an overlap that is just enough is enough', () => {
    const whole = floats([0, 0, 1, 1], [1, 1, 4]);
    const half = floats([0, 0, 1, 0.5], [1, 1, 4]);
    const inputs = [whole, floats([0.5], [1, 1]), ints([0], [1, 1]), half, ints([0], [1, 1])];
    expect(figure({ type: 'mean_average_precision', fields: { rules: 'voc' }, inputs })).toBe(1);
    expect(figure({ type: 'mean_average_precision', fields: { rules: 'voc', overlap: 0.51 }, inputs })).toBe(0);
  });

  test('one that is taken makes a second detection wrong by VOC; by COCO the next best is found', () => {
    expect(figure(rows({}))).toBeCloseTo(0.5, 12);
    const { figures } = evaluateMetric(rows({ rules: 'coco', per_class: true }), 1);
    expect([figures['m/ap50'], figures['m/ap75']]).toEqual([1, 1]);
    // Above an overlap of 0.9 the second finds nothing: 51 of 101 recalls.
    expect(figures['m']).toBeCloseTo((9 + 51 / 101) / 10, 12);
  });
});

test('a probability on the edge of two bins belongs to the lower one', () => {
  const fields = { bins: 2, from_logits: false };
  const inputs = [floats([0.5, 0.75]), ints([1, 0])];
  expect(figure({ type: 'expected_calibration_error', fields, inputs })).toBe((0.5 + 0.75) / 2);
  expect(figure({ type: 'expected_calibration_error', fields: { ...fields, norm: 'max' }, inputs })).toBe(0.75);
  const squares = { type: 'expected_calibration_error', fields: { ...fields, norm: 'l2' }, inputs };
  expect(figure(squares)).toBeCloseTo(Math.sqrt((0.25 + 0.5625) / 2), 12);
});

describe('sequences', () => {
  test('edits, paths and words', () => {
    expect(editDistance(Array.from('kitten'), Array.from('sitting'))).toBe(3);
    expect(editDistance([], [1, 2])).toBe(2);
    expect(greedyCtc([0, 1, 1, 0, 1, 2, 2, 0], 0)).toEqual([1, 1, 2]);
    expect(wordsOf([0, 5, 0, 0, 5, 6], 0)).toEqual(['5', '5 6']);
    expect([...ranks(Float64Array.of(3, 1, 3, 2))]).toEqual([3.5, 1, 3.5, 2]);
  });

  test('end at their end, at padding, at the blank', () => {
    const inputs = [ints([1, 2, 9, 4], [1, 4]), ints([1, 3, 9, 9], [1, 4])];
    expect(figure({ type: 'character_error_rate', fields: { end: 9 }, inputs }, 1)).toBe(1 / 2);
    const padded = [ints([1, 2, 3, 4], [1, 4]), ints([1, 2, -1, -1], [1, 4])];
    expect(figure({ type: 'character_error_rate', inputs: padded }, 1)).toBe(1);
    const blank = [ints([1, 1, 0, 2], [1, 4]), ints([1, 2, 0], [1, 3])];
    expect(figure({ type: 'character_error_rate', fields: { decode: 'ctc' }, inputs: blank }, 1)).toBe(0);
  });
});

describe('what makes no sense is refused where it is written', () => {
  const problem = (type: string, fields: string, inputs = '[scores, label]'): string => {
    const text = `inputs:
  scores: {shape: [N, 4]}
  one: {shape: [N]}
  label: {shape: [N], dtype: int32}
layers: [{name: y, type: identity, inputs: scores}]
metrics:
  - {type: ${type}, inputs: ${inputs}${fields}}
`;
    const { spec, diagnostics } = checkSpecText(text, 'm.yaml');
    const found = [...diagnostics, ...(spec ? checkModel(spec, 2) : [])].filter(({ severity }) => severity === 'error');
    return found
      .map(
        ({ at, message }) =>
          `${
            text
              .split('\n')
              [at.line - 1]!.slice(at.column - 1)
              .split(/[,}]/)[0]
          }: ${message}`,
      )
      .join('\n');
  };

  test.each([
    ['precision', ', class: 4', '[scores, label]', /^4: .*there are 4 classes, 0 to 3/],
    ['precision', ', class: 1, average: micro', '[scores, label]', /^micro: .*nothing to average/],
    ['recall', ', average: macro', '[one, label]', /^macro: .*one score for each label/],
    ['auc', ', per_class: true', '[one, label]', /^true: .*one score for each label/],
    ['accuracy', ', axis: 1', '[one, label]', /^1: .*no axis of classes/],
    ['accuracy', ', threshold: 0', '[scores, label]', /shape/],
    ['confusion_matrix', ', threshold: 0', '[scores, scores]', /^0: .*no one matrix/],
    ['accuracy', ', ignore_index: 0', '[scores, scores]', /^0: .*no number to ignore/],
    ['character_error_rate', ', blank: 1', '[label, label]', /^1: .*no blank/],
    ['character_error_rate', ', decode: ctc, end: 1', '[label, label]', /^1: .*lengths/],
    ['mean_average_precision', ', overlap: 0.4', '[one, one, label, one, label]', /^0.4: .*ten overlaps/],
    ['sensitivity_at_specificity', '', '[one, label]', /specificity/],
    ['perplexity', ', normalization: sum', '[scores, label]', /normalization/],
  ])('%s%s of %s', (type, fields, inputs, expected) => {
    expect(problem(type, fields, inputs)).toMatch(expected);
  });

  test('a label outside of the classes stops the evaluation', () => {
    for (const type of ['precision', 'confusion_matrix']) {
      expect(() => figure({ type, inputs: [SCORES, ints([0, 1, 4, 1])] })).toThrow(/4/);
    }
  });
});

const TRAINED = `inputs:
  x: {shape: [N, 3]}
  label: {shape: [N], dtype: int32}
  other: {shape: [N], dtype: int32}
layers: [{name: y, type: dense, units: 3, inputs: x}]
losses: [{type: mse, inputs: [y, x]}]
metrics:
  - {type: mse, inputs: [y, x]}
  - {type: auc, inputs: [y, other]}
  - {type: mean, name: level, better: higher, inputs: y}
train: {batch_size: 4, steps: 2, optimizer: {type: sgd, lr: 0.1}}
`;

describe('modes', () => {
  const spec = loadSpecText(TRAINED, 'm.yaml');

  test('what is collected is computed in evaluation alone, and training needs no data for it', () => {
    const { graph } = lowerTraining(spec, 4);
    expect(graph.results.map(({ name }) => name).filter((name) => /^(metrics|collected)/.test(name))).toEqual([
      'metrics/mse/sum',
      'metrics/mse/count',
      'metrics/level/sum',
      'metrics/level/count',
    ]);
    expect(graph.inputs.map(({ name }) => name)).not.toContain('other');
    const evaluation = lowerModel(spec, { batch: 4, mode: 'eval' }).graph;
    expect(evaluation.results.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['collected/auc/scores', 'collected/auc/labels']),
    );
  });

  test('mistakes in what only evaluation computes are found all the same', () => {
    const wrong = loadSpecText(TRAINED.replace('[y, other]', '[y, other], class: 3'), 'm.yaml');
    expect(checkModel(wrong, 4).map(({ message }) => message)).toEqual([expect.stringMatching(/there are 3 classes/)]);
  });

  test('figures have names of their own and a better side', () => {
    expect(figureNames(spec)).toEqual(['loss', 'mse', 'auc', 'level']);
    expect(['loss', 'mse', 'auc', 'level'].map((name) => betterOf(spec, name))).toEqual([
      'lower',
      'lower',
      'higher',
      'higher',
    ]);
    const boxes = TRAINED.replace(
      'type: auc, inputs: [y, other]',
      'type: mean_average_precision, name: map, inputs: [y, y, y]',
    );
    const map = loadSpecText(boxes, 'm.yaml');
    expect(figureNames(map)).toEqual(['loss', 'mse', 'map', 'map/ap50', 'map/ap75', 'level']);
    expect(betterOf(map, 'map/ap50')).toBe('higher');
  });

  test('more than may be kept is refused before the first batch, with the metric that keeps most', () => {
    const ports = {
      name: 'eval@4',
      inputs: [],
      outputs: [{ name: 'collected/auc/scores', dtype: 'f32' as const, shape: [4, 3] }],
    };
    const session = { program: () => ports };
    expect([...collectedShapes(spec, session, 400, 4)]).toEqual([
      ['collected/auc/scores', { dtype: 'f32', shape: [400, 3] }],
    ]);
    expect(() => collectedShapes(spec, session, 1e9, 4)).toThrow(SpecError);
    expect(() => collectedShapes(spec, session, 1e9, 4)).toThrow(/`auc` would keep 11\.2 GiB of 1,000,000,000 samples/);
  });
});
