/** Matrices of loops that are transposed once, as text before and after, and natively. */
import { turn_weights } from '../../compiler/passes/turn_weights';
import { runPipeline } from '../../compiler/pipeline';
import type { RefTensor } from '../../compiler/ops/define';
import { elementCount } from '../../compiler/ir/types';
import { interpret } from '../../compiler/reference/interpret';
import { difference, runNatively } from '../support/native';
import { generator } from '../support/samples';
import { after, graphOf, textOf, tidy } from './text';

const text = (rows: number, length = 5): string => `graph g(%w: f32[4,4], %h: f32[${rows},4]) {
    %last = scan(%w, %h) {consts: 1, carries: 1, length: ${length}, reverse: false} : f32[${rows},4]
      region body(%w: f32[4,4], %h: f32[${rows},4], %i: i32[]) {
        %a = matmul(%h, %w) {transpose_a: false, transpose_b: true} : f32[${rows},4]
        %b = tanh(%a) : f32[${rows},4]
        %c = matmul(%b, %w) {transpose_a: false, transpose_b: false} : f32[${rows},4]
        return h: %c
      }
    return %last
  }`;

test('a transposed matrix is turned once, and stays as it is for who reads it so', () => {
  expect(after(turn_weights, text(7))).toBe(
    tidy(`graph g(%w: f32[4,4], %h: f32[7,4]) {
      %w.turned = transpose(%w) {perm: [1,0]} : f32[4,4]
      %last = scan(%w.turned, %w, %h) {consts: 2, carries: 1, length: 5, reverse: false} : f32[7,4]
        region body(%w.turned: f32[4,4], %w: f32[4,4], %h: f32[7,4], %i: i32[]) {
          %a = matmul(%h, %w.turned) {transpose_a: false, transpose_b: false} : f32[7,4]
          %b = tanh(%a) : f32[7,4]
          %c = matmul(%b, %w) {transpose_a: false, transpose_b: false} : f32[7,4]
          return h: %c
        }
      return %last
    }`),
  );
});

test.each([
  ['a handful of rows', text(6)],
  ['many rows', text(48)],
  ['few steps', text(7, 3)],
])('%s: the product stays as it is', (_what, before) => {
  expect(after(turn_weights, before)).toBe(tidy(before));
});

test('values stay, optimized and natively', async () => {
  const graph = graphOf(text(9));
  const random = generator(2);
  const feeds = Object.fromEntries(
    graph.inputs.map(({ name, type }): [string, RefTensor] => {
      const data = Float64Array.from({ length: elementCount(type.shape) }, () => Math.fround(2 * random() - 1));
      return [name, { type, data }];
    }),
  );
  const optimized = runPipeline(graph).graph;
  expect(textOf(optimized)).toContain('.turned');
  const expected = interpret(graph, feeds).results['last']!;
  expect([...interpret(optimized, feeds).results['last']!.data]).toEqual([...expected.data]);
  const { results } = await runNatively(optimized, feeds, {}, 2);
  expect(difference(results['last'], expected, 1e-5)).toBeUndefined();
});
