/** The reference interpreter: feeds, results, state updates, and what it refuses. */
import { Builder } from '../../compiler/ir/builder';
import { interpret } from '../../compiler/reference/interpret';

function counter(): Builder {
  const b = new Builder('counter');
  const step = b.input('step', { dtype: 'f32', shape: [2] });
  const count = b.state('count.value', { dtype: 'f32', shape: [2] }, 'buffer');
  const next = b.op('add', [count, step]);
  b.update(count, next);
  b.result('before', count);
  b.result('double', b.op('mul', [next, b.full(2)]));
  return b;
}

test('a state is read as it was and its update is what it becomes', () => {
  const graph = counter().build();
  const { results, updates } = interpret(
    graph,
    { step: Float64Array.of(1, 2) },
    { 'count.value': Float64Array.of(10, 20) },
  );
  expect(results['before']?.data).toEqual(Float64Array.of(10, 20));
  expect(results['double']?.data).toEqual(Float64Array.of(22, 44));
  expect(updates['count.value']).toEqual({ type: { dtype: 'f32', shape: [2] }, data: Float64Array.of(11, 22) });
});

test('inputs and updates can be results as they are', () => {
  const b = new Builder('g');
  const x = b.input('x', { dtype: 'f32', shape: [] });
  const s = b.state('s.v', { dtype: 'f32', shape: [] }, 'slot');
  b.result('same', x);
  b.update(s, x);
  const { results, updates } = interpret(b.build(), { x: Float64Array.of(3) }, { 's.v': Float64Array.of(0) });
  expect([results['same']?.data, updates['s.v']?.data]).toEqual([Float64Array.of(3), Float64Array.of(3)]);
});

test('a state that is only written need not be given', () => {
  const b = new Builder('init');
  const s = b.state('s.v', { dtype: 'f32', shape: [2] }, 'parameter');
  b.update(s, b.full(3, [2]));
  expect(interpret(b.build(), {}).updates['s.v']?.data).toEqual(Float64Array.of(3, 3));
});

test('a feed that is missing or of another size is named', () => {
  const graph = counter().build();
  expect(() => interpret(graph, {})).toThrow("the input 'step' was not given");
  expect(() => interpret(graph, { step: Float64Array.of(1, 2) })).toThrow("the state 'count.value' was not given");
  expect(() => interpret(graph, { step: Float64Array.of(1) })).toThrow("the input 'step' is f32[2], found 1 elements");
  const turned = { type: { dtype: 'f32', shape: [2, 1] }, data: Float64Array.of(1, 2) } as const;
  expect(() => interpret(graph, { step: turned })).toThrow("the input 'step' is f32[2]");
});

test('outputs that nobody reads are no trouble', () => {
  const b = new Builder('g');
  const x = b.input('x', { dtype: 'f32', shape: [1, 1, 2, 2] });
  const attrs = { kernel: [2, 2], stride: [2, 2], padding_low: [0, 0], padding_high: [0, 0] };
  b.result('y', b.op('max_pool', [x], attrs));
  expect(interpret(b.build(), { x: Float64Array.of(1, 4, 2, 3) }).results['y']?.data).toEqual(Float64Array.of(4));
});
