/** The sparse map along an axis: values, its transpose, infinities, and the tables it refuses. */
import { Builder } from '../../compiler/ir/builder';
import { mapOf, sparseMap, transposed } from '../../compiler/ops/families/sparse-map';
import { call, refusal, tensor } from '../support/call';
import { runNatively } from '../support/native';

const MAP = sparseMap([
  [[0, 1]],
  [
    [2, 0.5],
    [1, 0.25],
  ],
  [],
]);

test('each result is a weighted sum; one without taps is 0', () => {
  expect(call('resample', [tensor([4, 8, 16])], { axis: 0, ...MAP }).values).toEqual([4, 10, 0]);
  expect(call('resample', [tensor([4, 0, 8, 1, 16, 2], [3, 2])], { axis: 0, ...MAP })).toMatchObject({
    shape: [3, 2],
    values: [4, 0, 10, 1.25, 0, 0],
  });
});

test('the transposed map is the matrix the other way round', () => {
  expect(transposed(MAP, 3)).toEqual({ size: 3, taps: 1, indices: [0, 1, 1], weights: [1, 0.25, 0.5] });
  const twice = sparseMap([[[1, 2]], [[1, 3]], [[0, 1]]]);
  const back = transposed(twice, 2);
  expect(back).toEqual({ size: 2, taps: 2, indices: [2, 0, 0, 1], weights: [1, 0, 2, 3] });
  expect(mapOf({ axis: 0, ...back }, 3)).toEqual(back);
});

test.each([
  ['along rows', [2, 3], 1],
  ['along columns', [3, 2], 0],
])('a weight of 0 reads nothing, not even an infinity, %s', async (_name, shape, axis) => {
  const x = tensor(axis === 1 ? [Infinity, 1, NaN, 1, 2, 4] : [Infinity, 1, 1, 2, NaN, 4], shape);
  const attrs = {
    axis,
    ...sparseMap([
      [[0, 1]],
      [[1, 2]],
      [
        [1, 1],
        [2, 1],
      ],
    ]),
  };
  const expected = call('resample', [x], attrs).values;
  const b = new Builder('g');
  b.result('y', b.op('resample', [b.input('x', x.type)], attrs));
  const { results } = await runNatively(b.build(), { x });
  expect([...results['y']!]).toEqual(expected);
  expect(expected.filter((value) => Number.isFinite(value))).toHaveLength(4);
});

test('tables that do not fit are refused', () => {
  const x = tensor([1, 2, 3]);
  const why = (more: object): string => refusal('resample', [x], { axis: 0, ...MAP, ...more });
  expect(why({ size: 4 })).toBe('6 indices and 6 weights were given for 4 results of 2 taps');
  expect(why({ indices: [0, 0, 3, 1, 0, 0] })).toBe('index 3 is outside the axis of extent 3');
  expect(why({ weights: [1, 0, Infinity, 1, 0, 0] })).toContain('no list of finite numbers');
  expect(why({ taps: 0 })).toContain('at least 1');
  expect(refusal('resample', [tensor([1, 2, 3], [3], 'i32')], { axis: 0, ...MAP })).toContain('floating-point');
});
