/** Gathers and scatters against hand-written results, what they refuse, and data that names places that are not there. */
import { OpDataError } from '../../compiler/ops/define';
import { Builder } from '../../compiler/ir/builder';
import { openRuntime } from '../../compiler/native/runtime';
import { encodePlan } from '../../compiler/plan/encode';
import { planPrograms } from '../../compiler/plan/build';
import { call, refusal, tensor } from '../support/call';
import { toNative } from '../support/native';

const index = (values: readonly number[], shape?: readonly number[]) => tensor(values, shape, 'i32');
const M = tensor([1, 2, 3, 4, 5, 6], [2, 3]);

test('gather puts the axes of the indices in the place of the axis', () => {
  expect(call('gather', [M, index([2, 0, 2, 1], [2, 2])], { axis: 1, batch_dims: 0 })).toMatchObject({
    shape: [2, 2, 2],
    values: [3, 1, 3, 2, 6, 4, 6, 5],
  });
  expect(call('gather', [M, index([1], [])], { axis: 0, batch_dims: 0 })).toMatchObject({
    shape: [3],
    values: [4, 5, 6],
  });
});

test('gather shares batch axes', () => {
  expect(call('gather', [M, index([2, 0, 1, 1], [2, 2])], { axis: 1, batch_dims: 1 })).toMatchObject({
    shape: [2, 2],
    values: [3, 1, 5, 5],
  });
  expect(call('gather', [M, index([2, 0])], { axis: 1, batch_dims: 1 })).toMatchObject({ shape: [2], values: [3, 4] });
});

test('scatter_add adds up what meets', () => {
  const rows = tensor([1, 2, 10, 20, 100, 200], [3, 2]);
  expect(call('scatter_add', [index([3, 1, 3]), rows], { axis: 0, batch_dims: 0, size: 4 })).toMatchObject({
    shape: [4, 2],
    values: [0, 0, 10, 20, 0, 0, 101, 202],
  });
  expect(
    call('scatter_add', [index([0, 0, 1, 0], [2, 2]), tensor([1, 2, 3, 4], [2, 2])], {
      axis: 1,
      batch_dims: 1,
      size: 2,
    }).values,
  ).toEqual([3, 0, 4, 3]);
});

test('gather_elements and scatter_elements_add work within lines', () => {
  const picks = index([2, 0, 0, 1], [2, 2]);
  expect(call('gather_elements', [M, picks], { axis: 1 }).values).toEqual([3, 1, 4, 5]);
  expect(call('gather_elements', [M, index([1, 0, 1], [1, 3])], { axis: 0 }).values).toEqual([4, 2, 6]);
  expect(call('scatter_elements_add', [picks, tensor([1, 2, 3, 4], [2, 2])], { axis: 1, size: 3 }).values).toEqual([
    2, 0, 1, 3, 4, 0,
  ]);
});

test('they refuse what does not fit together', () => {
  expect(refusal('gather', [M, tensor([0])], { axis: 0, batch_dims: 0 })).toBe(
    'the indices are f32[1], expected i32 or i64',
  );
  expect(refusal('gather', [M, index([0])], { axis: 2, batch_dims: 0 })).toContain("attribute 'axis' is 2");
  expect(refusal('gather', [M, index([0, 0, 0])], { axis: 1, batch_dims: 1 })).toBe(
    'f32[2,3] and the indices [3] do not share 1 batch axes before axis 1',
  );
  expect(refusal('gather', [M, index([0, 0])], { axis: 0, batch_dims: 1 })).toContain('do not share');
  expect(refusal('gather_elements', [M, index([0, 0])], { axis: 1 })).toBe(
    'the indices [2] and [2,3] differ outside of axis 1',
  );
  expect(refusal('scatter_add', [index([0, 0]), M], { axis: 1, batch_dims: 0, size: 3 })).toBe(
    'the updates f32[2,3] do not hold the indices [2]: 0 batch axes first, the rest from axis 1 on',
  );
  expect(refusal('scatter_elements_add', [index([0]), M], { axis: 1, size: 3 })).toContain('expected [1]');
});

describe('an index that is not there', () => {
  const cases = [
    ['gather', [M, index([0, 3])], { axis: 1, batch_dims: 0 }, 'index 3 at position 1 is outside 0..2'],
    ['scatter_add', [index([-1, 0]), M], { axis: 0, batch_dims: 0, size: 5 }, 'index -1 at position 0 is outside 0..4'],
    ['gather_elements', [M, index([0, 2], [2, 1])], { axis: 1 }, 'accepted'],
    ['gather_elements', [M, index([0, 1, 2], [1, 3])], { axis: 0 }, 'index 2 at position 2 is outside 0..1'],
    [
      'scatter_elements_add',
      [index([1, 2]), tensor([1, 2])],
      { axis: 0, size: 2 },
      'index 2 at position 1 is outside 0..1',
    ],
  ] as const;

  test.each(cases)('%s: a data error, in the reference and natively', async (op, inputs, attrs, message) => {
    const evaluate = (): unknown => call(op, inputs, attrs);
    if (message === 'accepted') expect(evaluate).not.toThrow();
    else expect(evaluate).toThrow(new OpDataError(message));

    const b = new Builder('g');
    const values = inputs.map(({ type }, i) => b.input(`x${i}`, type));
    b.result('y', b.op(op, values, attrs));
    const plan = planPrograms('g', { run: b.build() });
    const session = openRuntime({ threads: 2 }).createSession(encodePlan(plan), plan);
    const feeds = Object.fromEntries(inputs.map((input, i) => [`x${i}`, toNative(input)]));
    const result = await session.run('run', 1, feeds);
    session.close();
    expect(result).toMatchObject(message === 'accepted' ? { ok: true } : { ok: false, message });
  });
});
