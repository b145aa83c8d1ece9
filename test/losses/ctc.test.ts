/** Alignments of sequences, counted by hand, and what data may not hold. */
import { OpDataError } from '../../compiler/ops/define';
import { planPrograms } from '../../compiler/plan/build';
import { encodePlan } from '../../compiler/plan/encode';
import { interpret } from '../../compiler/reference/interpret';
import { lossGraph, lossProblem, runLoss, type LossTensor } from '../support/loss';
import { difference, runNatively, runtimeWith, toNative } from '../support/native';
import { generator } from '../support/samples';

/** All classes are equally likely in every frame. */
const even = (n: number, frames: number, classes: number): LossTensor => ({
  shape: [n, frames, classes],
  values: new Array<number>(n * frames * classes).fill(0),
});
const integers = (shape: readonly number[], values: readonly number[]): LossTensor => ({
  shape,
  values,
  dtype: 'int32',
});

const one = (frames: number, labels: readonly number[], fields = {}) =>
  runLoss({ type: 'ctc', fields, inputs: [even(1, frames, 3), integers([1, labels.length], labels)] });

test.each<[string, number, readonly number[], number]>([
  ['1', 1, [1], 1],
  ['1 in two frames: 11, 1-, -1', 2, [1], 3],
  ['12 in two frames', 2, [1, 2], 1],
  ['12 in three: 112, 122, 12-, 1-2, -12', 3, [1, 2], 5],
  ['11 in three: 1-1', 3, [1, 1], 1],
  ['nothing in two frames', 2, [-1], 1],
])('the paths of %s are counted', (_what, frames, labels, paths) => {
  expect(one(frames, labels).loss).toBeCloseTo(-Math.log(paths / 3 ** frames), 10);
});

test('labels that do not fit are an infinite loss, or none', () => {
  expect(() => one(2, [1, 1])).toThrow('the loss is not finite: Infinity');
  const none = one(2, [1, 1], { zero_infinity: true });
  expect(none.loss).toBe(0);
  expect(none.gradients[0]).toEqual([0, 0, 0, 0, 0, 0]);
});

test('labels end where the padding begins, negative or blank', () => {
  const loss = one(3, [1, 2]).loss;
  expect(one(3, [1, 2, -1, -1]).loss).toBeCloseTo(loss, 12);
  expect(one(3, [1, 2, 0]).loss).toBeCloseTo(loss, 12);
  expect(one(3, [1, 0, 2], { blank: 2 }).loss).toBeCloseTo(one(3, [1, 2]).loss, 12);
  expect(() => one(3, [1, -1, 2])).toThrow(OpDataError);
});

test('frames beyond the length of a sequence neither count nor learn', () => {
  const values = Array.from({ length: 12 }, (_, i) => Math.sin(3 * i));
  const labels = integers([1, 1], [1]);
  const whole = runLoss({ type: 'ctc', inputs: [{ shape: [1, 2, 3], values: values.slice(0, 6) }, labels] });
  const part = runLoss({ type: 'ctc', inputs: [{ shape: [1, 4, 3], values }, labels, integers([1], [2])] });
  expect(part.loss).toBeCloseTo(whole.loss, 12);
  expect(part.gradients[0]!.slice(6)).toEqual([0, 0, 0, 0, 0, 0]);
  part.gradients[0]!.slice(0, 6).forEach((g, i) => expect(g).toBeCloseTo(whole.gradients[0]![i]!, 12));
});

test('per_label divides each sequence by its labels before the mean', () => {
  const inputs = [even(2, 3, 3), integers([2, 2], [1, 2, 1, -1])];
  const each = [one(3, [1, 2]).loss, one(3, [1]).loss] as const;
  expect(runLoss({ type: 'ctc', inputs }).loss).toBeCloseTo((each[0] + each[1]) / 2, 12);
  expect(runLoss({ type: 'ctc', fields: { per_label: true }, inputs }).loss).toBeCloseTo(
    (each[0] / 2 + each[1]) / 2,
    12,
  );
});

test('per_label leaves a sequence without labels as it is', () => {
  expect(one(2, [-1], { per_label: true }).loss).toBeCloseTo(2 * Math.log(3), 12);
});

test.each<[string, readonly LossTensor[], string]>([
  ['a label beyond the classes', [integers([1, 2], [1, 3])], 'label 3 at position 1 is outside 0..2'],
  [
    'the blank among the labels',
    [integers([1, 2], [1, 0]), integers([1], [3]), integers([1], [2])],
    'label 0 at position 1 is the blank',
  ],
  [
    'more frames than there are',
    [integers([1, 2], [1, 2]), integers([1], [4])],
    'input length 4 of sample 0 is outside 0..3',
  ],
  [
    'more labels than there are',
    [integers([1, 2], [1, 2]), integers([1], [3]), integers([1], [3])],
    'label length 3 of sample 0 is outside 0..2',
  ],
])('%s stops the run, natively with the same words', async (_what, rest, message) => {
  const given = { type: 'ctc', inputs: [even(1, 3, 3), ...rest] };
  expect(() => runLoss(given)).toThrow(message);
  const { graph, feeds } = lossGraph(given);
  const plan = planPrograms(graph.name, { run: graph });
  const session = runtimeWith(1).createSession(encodePlan(plan), plan);
  const inputs = Object.fromEntries(Object.entries(feeds).map(([name, tensor]) => [name, toNative(tensor)]));
  expect(await session.run('run', 1, inputs)).toMatchObject({ kind: 'data-error', message });
  session.close();
});

test.each<[string, readonly LossTensor[], RegExp]>([
  ['one length for all', [integers([2, 1], [1, 2]), integers([2, 1], [3, 3])], /the lengths should be \[2\]/],
  ['labels without an axis', [integers([2], [1, 2])], /the labels should be \[2, L\]/],
  ['labels that are no integers', [{ shape: [2, 1], values: [1, 2] }], /the labels should be integers/],
])('%s: refused', (_what, rest, message) => {
  expect(lossProblem({ type: 'ctc', inputs: [even(2, 3, 3), ...rest] })).toMatch(message);
});

test('long sequences agree natively, for any number of threads to the bit', async () => {
  const random = generator(7);
  const [n, frames, classes, labels] = [5, 120, 17, 23] as const;
  const drawn = (count: number, make: () => number): number[] => Array.from({ length: count }, make);
  const { graph, feeds } = lossGraph({
    type: 'ctc',
    inputs: [
      { shape: [n, frames, classes], values: drawn(n * frames * classes, () => Math.fround(12 * random() - 6)) },
      integers(
        [n, labels],
        drawn(n * labels, () => 1 + Math.floor((classes - 1) * random())),
      ),
      integers(
        [n],
        drawn(n, () => frames - Math.floor(30 * random())),
      ),
      integers(
        [n],
        drawn(n, () => labels - Math.floor(9 * random())),
      ),
    ],
  });
  const { results } = interpret(graph, feeds);
  const [one, three] = [await runNatively(graph, feeds, {}, 1), await runNatively(graph, feeds, {}, 3)];
  for (const [name, expected] of Object.entries(results)) {
    expect(difference(one.results[name], expected, 3e-6)).toBeUndefined();
    expect(three.results[name]).toEqual(one.results[name]);
  }
});
