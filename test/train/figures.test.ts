/** Figures from accumulators: exact over batches of any size, kept in a checkpoint to the bit; and the report's text. */
import fc from 'fast-check';
import { loadSpecText } from '../../compiler/frontend/load';
import { Accumulators, stepFigures } from '../../compiler/train/figures';
import { curve } from '../../compiler/train/report/curve';
import { escape, formatBytes, short, table } from '../../compiler/train/report/html';
import { sliceSteps } from '../../compiler/train/slices';
import { trainStateOf } from '../../compiler/train/train-state';
import { SpecError } from '../../compiler/diagnostics/errors';
import { TINY } from '../support/cli';

const spec = loadSpecText(TINY, 'model.yaml');
const [loss] = spec.losses;
const [accuracy] = spec.metrics;

interface Batch {
  readonly sum: number;
  readonly count: number;
  readonly correct: number;
}

function outputsOf(batches: readonly Batch[]): Record<string, Float32Array> {
  const column = (key: keyof Batch): Float32Array => Float32Array.from(batches, (batch) => batch[key]);
  return {
    loss: column('sum'),
    [`losses/${loss!.name}/sum`]: column('sum'),
    [`losses/${loss!.name}/count`]: column('count'),
    [`metrics/${accuracy!.name}/correct`]: column('correct'),
    [`metrics/${accuracy!.name}/count`]: column('count'),
  };
}

const batches = fc.array(
  fc.record({ sum: fc.integer({ min: 0, max: 999 }), count: fc.integer({ min: 1, max: 64 }), correct: fc.nat(64) }),
  { minLength: 1, maxLength: 12 },
);

test('figures over a call are those of its steps added up, wherever the call is cut', () => {
  fc.assert(
    fc.property(batches, fc.nat(12), (given, cut) => {
      const at = Math.min(cut, given.length);
      const whole = new Accumulators();
      given.forEach((_, i) => whole.add(outputsOf(given), i, given.length));
      const parts = new Accumulators();
      const [head, tail] = [given.slice(0, at), given.slice(at)];
      head.forEach((_, i) => parts.add(outputsOf(head), i, head.length));
      const resumed = new Accumulators();
      resumed.restore(JSON.parse(JSON.stringify(parts.toJSON())) as Record<string, number[]>);
      tail.forEach((_, i) => resumed.add(outputsOf(tail), i, tail.length));
      expect(resumed.figures(spec)).toEqual(whole.figures(spec));
      const total = (key: keyof Batch): number => given.reduce((sum, batch) => sum + batch[key], 0);
      expect(whole.figures(spec)).toEqual({
        loss: loss!.weight * (total('sum') / total('count')),
        [accuracy!.name]: total('correct') / total('count'),
      });
    }),
  );
});

test('the figures of a step are of that step alone', () => {
  const outputs = outputsOf([
    { sum: 8, count: 4, correct: 1 },
    { sum: 3, count: 2, correct: 2 },
  ]);
  expect(stepFigures(spec, outputs, 1, 2)).toMatchObject({ loss: 1.5, [accuracy!.name]: 1 });
  const second = sliceSteps(outputs, 1, 2, 2);
  expect(second['loss']).toEqual(Float32Array.of(3));
  expect(sliceSteps({ x: Float32Array.of(1, 2, 3, 4, 5, 6) }, 0, 2, 3)['x']).toEqual(Float32Array.of(1, 2, 3, 4));
});

test('a loss beside a metric of the same name is told apart in the figures', () => {
  const terms =
    'losses: [{type: mse, inputs: [x, x]}, {type: mae, inputs: [x, x]}]\nmetrics: [{type: accuracy, name: mse, inputs: [x, label]}]';
  const text = `inputs: {x: {shape: [N, 3]}, label: {shape: [N], dtype: int32}}\nlayers: [{name: y, type: identity, inputs: x}]\n${terms}\n`;
  const one = new Accumulators();
  const scalar = Float32Array.of(1);
  const names = ['losses/mse/sum', 'losses/mse/count', 'metrics/mse/correct', 'losses/mae/sum', 'losses/mae/count'];
  one.add(
    { ...Object.fromEntries(names.map((name) => [name, scalar])), 'metrics/mse/count': Float32Array.of(4) },
    0,
    1,
  );
  expect(one.figures(loadSpecText(text, 'm.yaml'))).toEqual({ loss: 2, mse_loss: 1, mae: 1, mse: 0.25 });
});

test('no samples at all give a loss of 0, not NaN', () => {
  expect(new Accumulators().figures(spec)['loss']).toBe(0);
});

test.each([
  undefined,
  null,
  [],
  'step 3',
  { step: 1, epoch: 0, seed: 0, batchSize: 8, samples: 43 },
  { step: -1, epoch: 0, seed: 0, batchSize: 8, samples: 43, accumulators: {} },
  { step: 1.5, epoch: 0, seed: 0, batchSize: 8, samples: 43, accumulators: {} },
  { step: 1, epoch: 0, seed: 0, batchSize: 8, samples: 43, accumulators: { a: ['1'] } },
  { step: 1, epoch: 0, seed: 0, batchSize: 8, samples: 43, accumulators: null },
])('a checkpoint whose state is %j is refused', (state) => {
  expect(() => trainStateOf('c.h5', state, spec.train!)).toThrow(SpecError);
});

test('a checkpoint whose state is whole is taken', () => {
  const state = { step: 7, epoch: 1, seed: 3, batchSize: 8, samples: 43, accumulators: { 'losses/loss/sum': [1.5] } };
  expect(trainStateOf('c.h5', state, spec.train!)).toEqual({ ...state, schedules: [{}] });
  const watched = { stop: { best: 0.5, waited: 2 }, best: { step: 6, figures: { loss: 0.5, accuracy: null } } };
  expect(trainStateOf('c.h5', { ...state, ...watched }, spec.train!)).toEqual({
    ...state,
    schedules: [{}],
    stop: { best: 0.5, waited: 2 },
    best: { step: 6, figures: { loss: 0.5 } },
  });
});

test('whatever a model file calls things, the report stays text', () => {
  fc.assert(
    fc.property(fc.string(), (name) => {
      const shown = escape(name);
      expect(shown).not.toMatch(/[<>"']/);
      expect(shown.replace(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code)))).toBe(name);
    }),
  );
  expect(table(['<h>'], [['</td><script>alert(1)</script>', 12345]])).not.toContain('<script');
  expect(curve('<b>', [{ name: 'train', points: [[1, 2]] }])).not.toContain('<b>');
});

test('numbers are written for people', () => {
  expect([short(0.012345678), short(NaN), short(12)]).toEqual(['0.01235', 'NaN', '12']);
  expect([formatBytes(0), formatBytes(1023), formatBytes(1536), formatBytes(5 * 2 ** 30)]).toEqual([
    '0 B',
    '1023 B',
    '1.50 KiB',
    '5.00 GiB',
  ]);
});

test('a curve bears a single point, none, and values that are not finite', () => {
  for (const points of [
    [],
    [[1, 2]],
    [
      [1, NaN],
      [2, Infinity],
      [3, 1],
    ],
  ] as const) {
    const svg = curve('loss', [{ name: 'train', points: points.map(([x, y]) => [x, y] as const) }]);
    expect(svg).not.toMatch(/NaN|Infinity/);
  }
});
