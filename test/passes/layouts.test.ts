/** Regions of images get the memory order that costs least, in one move, with transposes at their borders alone. */
import { layouts } from '../../compiler/passes/layouts';
import { DEFAULT_FACTS, type Facts } from '../../compiler/passes/define';
import { runPipeline } from '../../compiler/pipeline';
import { interpret, type Interpretation } from '../../compiler/reference/interpret';
import { Builder } from '../../compiler/ir/builder';
import { elementCount, tensorType } from '../../compiler/ir/types';
import type { Graph, Value } from '../../compiler/ir/graph';
import { generator } from '../support/samples';
import { after as afterPass, graphOf, textOf, tidy } from './text';

const FACTS: Facts = DEFAULT_FACTS;
const after = (text: string): string => afterPass(layouts, text, FACTS);

const SAME = 'stride: [1,1], padding_low: [1,1], padding_high: [1,1], dilation: [1,1], groups: 1';
const POOL = 'kernel: [2,2], stride: [2,2], padding_low: [0,0], padding_high: [0,0]';

it('rewrites a region in one move: kernels, axes, broadcasts and constants', () => {
  expect(
    after(
      `graph g(%x: f32[2,16,6,6], %w: f32[32,16,3,3], %v: f32[32,32,3,3], %scale: f32[32]) {
         %a = conv(%x, %w) {${SAME}} : f32[2,32,6,6]
         %s = reshape(%scale) {shape: [32,1,1]} : f32[32,1,1]
         %b = mul(%a, %s) : f32[2,32,6,6]
         %c = conv(%b, %v) {${SAME}} : f32[2,32,6,6]
         %d = concat(%c, %b) {axis: 1} : f32[2,64,6,6]
         %e, %i = max_pool(%d) {${POOL}} : f32[2,64,3,3], i32[2,64,3,3]
         %f = pad(%e) {low: [0,0,1,2], high: [0,0,3,4], interior: [0,0,0,0], value: 0} : f32[2,64,7,9]
         %y = reduce_sum(%f) {axes: [2,3], keepdims: false} : f32[2,64]
         return %y
       }`,
    ),
  ).toBe(
    tidy(`graph g(%x: f32[2,16,6,6], %w: f32[32,16,3,3], %v: f32[32,32,3,3], %scale: f32[32]) {
      %x.channels_last = transpose(%x) {perm: [0,2,3,1]} : f32[2,6,6,16]
      %a = conv(%x.channels_last, %w) {${SAME}, layout: "channels_last"} : f32[2,6,6,32]
      %b = mul(%a, %scale) : f32[2,6,6,32]
      %c = conv(%b, %v) {${SAME}, layout: "channels_last"} : f32[2,6,6,32]
      %d = concat(%c, %b) {axis: 3} : f32[2,6,6,64]
      %e, %i = max_pool(%d) {${POOL}, layout: "channels_last"} : f32[2,3,3,64], i32[2,3,3,64]
      %f = pad(%e) {low: [0,1,2,0], high: [0,3,4,0], interior: [0,0,0,0], value: 0} : f32[2,7,9,64]
      %y = reduce_sum(%f) {axes: [1,2], keepdims: false} : f32[2,64]
      return %y
    }`),
  );
});

it('turns what leaves the region once, and needs no transpose where a reshape does', () => {
  const found = after(
    `graph g(%x: f32[4,1,6,6], %w: f32[64,1,3,3], %v: f32[64,64,3,3]) {
       %a = conv(%x, %w) {${SAME}} : f32[4,64,6,6]
       %b = conv(%a, %v) {${SAME}} : f32[4,64,6,6]
       %flat = reshape(%b) {shape: [4,2304]} : f32[4,2304]
       %also = reshape(%b) {shape: [64,144]} : f32[64,144]
       %mean = reduce_sum(%b) {axes: [2,3], keepdims: true} : f32[4,64,1,1]
       %vector = reshape(%mean) {shape: [4,64]} : f32[4,64]
       return %flat, %also, %vector
     }`,
  );
  expect(found.match(/= transpose/g)).toHaveLength(1);
  expect(found).toContain('%b.channels_first = transpose(%b) {perm: [0,3,1,2]} : f32[4,64,6,6]');
  expect(found).toContain('%x.channels_last = reshape(%x) {shape: [4,6,6,1]} : f32[4,6,6,1]');
  expect(found).toContain('%vector = reshape(%mean) {shape: [4,64]} : f32[4,64]');
});

it('takes a transpose of the model into the border', () => {
  const found = after(
    `graph g(%x: f32[2,6,6,32], %w: f32[64,32,3,3]) {
       %first = transpose(%x) {perm: [0,3,1,2]} : f32[2,32,6,6]
       %a = conv(%first, %w) {${SAME}} : f32[2,64,6,6]
       %y = transpose(%a) {perm: [0,2,3,1]} : f32[2,6,6,64]
       return %y
     }`,
  );
  expect(found).toBe(
    tidy(`graph g(%x: f32[2,6,6,32], %w: f32[64,32,3,3]) {
      %a = conv(%x, %w) {${SAME}, layout: "channels_last"} : f32[2,6,6,64]
      return %a
    }`).replace('return %a', 'return y: %a'),
  );
});

it.each([
  [
    'fill few vectors with channels',
    `graph g(%x: f32[4,1,28,28], %w: f32[20,1,5,5], %v: f32[50,20,5,5]) {
       %a = conv(%x, %w) {stride: [1,1], padding_low: [0,0], padding_high: [0,0], dilation: [1,1], groups: 1} : f32[4,20,24,24]
       %p, %i = max_pool(%a) {${POOL}} : f32[4,20,12,12], i32[4,20,12,12]
       %b = conv(%p, %v) {stride: [1,1], padding_low: [0,0], padding_high: [0,0], dilation: [1,1], groups: 1} : f32[4,50,8,8]
       return %b
     }`,
  ],
  [
    'are not worth the transposes around them',
    `graph g(%x: f32[4,32,56,56], %w: f32[32,1,3,3]) {
       %a = conv(%x, %w) {stride: [1,1], padding_low: [1,1], padding_high: [1,1], dilation: [1,1], groups: 32} : f32[4,32,56,56]
       return %a
     }`,
  ],
  [
    'have their order already',
    `graph g(%x: f32[4,16,16,32], %w: f32[64,32,3,3]) {
       %a = conv(%x, %w) {${SAME}, layout: "channels_last"} : f32[4,16,16,64]
       return %a
     }`,
  ],
])('leaves regions alone whose kernels %s', (_why, text) => {
  const graph = graphOf(text);
  expect(layouts.run(graph, FACTS)).toBe(graph);
});

const SHUFFLED = (
  extent: string,
  also = '',
): string => `graph g(%x: f32[2,16,6,6], %w: f32[32,16,3,3], %v: f32[64,32,3,3]) {
  %a = conv(%x, %w) {${SAME}} : f32[2,32,6,6]
  %cut = reshape(%a) {shape: [2,${extent},6,6]} : f32[2,${extent},6,6]
  %turned = transpose(%cut) {perm: [0,2,1,3,4]} : f32[2,${extent.split(',').reverse().join(',')},6,6]
  %b = reshape(%turned) {shape: [2,32,6,6]} : f32[2,32,6,6]
  %c = conv(%b, %v) {${SAME}} : f32[2,64,6,6]
  %y = reduce_sum(%c) {axes: [2,3], keepdims: false} : f32[2,64]
  return %y${also}
}`;

it('shuffles channels where they are', () => {
  expect(after(SHUFFLED('2,16'))).toBe(
    tidy(`graph g(%x: f32[2,16,6,6], %w: f32[32,16,3,3], %v: f32[64,32,3,3]) {
      %x.channels_last = transpose(%x) {perm: [0,2,3,1]} : f32[2,6,6,16]
      %a = conv(%x.channels_last, %w) {${SAME}, layout: "channels_last"} : f32[2,6,6,32]
      %cut = reshape(%a) {shape: [2,6,6,2,16]} : f32[2,6,6,2,16]
      %turned = transpose(%cut) {perm: [0,1,2,4,3]} : f32[2,6,6,16,2]
      %b = reshape(%turned) {shape: [2,6,6,32]} : f32[2,6,6,32]
      %c = conv(%b, %v) {${SAME}, layout: "channels_last"} : f32[2,6,6,64]
      %y = reduce_sum(%c) {axes: [1,2], keepdims: false} : f32[2,64]
      return %y
    }`),
  );
});

it('ends at a shuffle whose middle someone else reads', () => {
  const found = after(SHUFFLED('2,16', ', %turned'));
  expect(found).toContain('%cut = reshape(%a.channels_first) {shape: [2,2,16,6,6]}');
});

it('stops at dropout, whose mask is by element', () => {
  const found = after(
    `graph g(%x: f32[4,64,6,6], %w: f32[64,64,3,3], %rng: i64[2]) {
       %a = conv(%x, %w) {${SAME}} : f32[4,64,6,6]
       %b = dropout(%a, %rng) {rate: 0.5, stream: 1} : f32[4,64,6,6]
       %y = conv(%b, %w) {${SAME}} : f32[4,64,6,6]
       return %y
     }`,
  );
  expect(found).toContain('%b = dropout(%a.channels_first, %rng) {rate: 0.5, stream: 1} : f32[4,64,6,6]');
  expect(found.match(/= transpose/g)).toHaveLength(4);
});

it('finds nothing more in what it has rewritten', () => {
  const once = layouts.run(graphOf(EVERYTHING), FACTS);
  expect(textOf(once)).toContain('channels_last');
  expect(layouts.run(once, FACTS)).toBe(once);
});

/** Every kind of op that a region can hold, and the gradients of its kernels. */
const EVERYTHING = `graph g(%x: f32[2,16,5,7], %w: f32[32,16,3,3], %n: f32[2,32], %map: f32[5,7], %gamma: f32[32], %labels: i32[2,5,7], %v: f32[5,32,1,1], %u: f32[32,32,3,3]) {
  %two = constant() {dtype: "f32", shape: [1,32,1,1], values: [2]} : f32[1,32,1,1]
  %grid = constant() {dtype: "f32", shape: [1,1,1,7], values: [1,2,3,4,5,5,7]} : f32[1,1,1,7]
  %a0 = conv(%x, %w) {${SAME}} : f32[2,32,5,7]
  %a1 = conv(%a0, %u) {${SAME}} : f32[2,32,5,7]
  %a2 = conv(%a1, %u) {${SAME}} : f32[2,32,5,7]
  %a3 = conv(%a2, %u) {${SAME}} : f32[2,32,5,7]
  %a4 = conv(%a3, %u) {${SAME}} : f32[2,32,5,7]
  %a5 = conv(%a4, %u) {${SAME}} : f32[2,32,5,7]
  %a6 = conv(%a5, %u) {${SAME}} : f32[2,32,5,7]
  %cut = reshape(%a6) {shape: [2,2,4,4,5,7]} : f32[2,2,4,4,5,7]
  %factors = transpose(%cut) {perm: [0,3,1,2,4,5]} : f32[2,4,2,4,5,7]
  %shuffled = reshape(%factors) {shape: [2,32,5,7]} : f32[2,32,5,7]
  %a = conv(%shuffled, %u) {${SAME}} : f32[2,32,5,7]
  %norm, %mean, %variance = batch_norm_train(%a, %gamma, %gamma) {epsilon: 0.001} : f32[2,32,5,7], f32[32], f32[32]
  %gate = reshape(%n) {shape: [2,32,1,1]} : f32[2,32,1,1]
  %b = mul(%norm, %gate) : f32[2,32,5,7]
  %c = add(%b, %map) : f32[2,32,5,7]
  %d = mul(%c, %two) : f32[2,32,5,7]
  %e = add(%d, %grid) : f32[2,32,5,7]
  %wide = broadcast_to(%gate) {shape: [2,32,5,7]} : f32[2,32,5,7]
  %f = sub(%e, %wide) : f32[2,32,5,7]
  %lines = reduce_max(%f) {axes: [2], keepdims: false} : f32[2,32,7]
  %turned = transpose(%lines) {perm: [2,0,1]} : f32[7,2,32]
  %rows = reshape(%f) {shape: [2,32,35]} : f32[2,32,35]
  %soft = softmax(%rows) {axis: 2} : f32[2,32,35]
  %part = slice(%f) {starts: [0,3,1,0], limits: [2,31,4,7], strides: [1,2,1,3]} : f32[2,14,3,3]
  %batch = reduce_sum(%f) {axes: [0], keepdims: false} : f32[32,5,7]
  %logits = conv(%f, %v) {stride: [1,1], padding_low: [0,0], padding_high: [0,0], dilation: [1,1], groups: 1} : f32[2,5,5,7]
  %loss, %weight = softmax_cross_entropy(%logits, %labels) {axis: 1, label_smoothing: 0} : f32[2,5,7], f32[2,5,7]
  %class = argmax(%logits) {axis: 1} : i32[2,5,7]
  %dlogits = softmax_cross_entropy_grad(%logits, %labels, %loss) {axis: 1, label_smoothing: 0} : f32[2,5,5,7]
  %df = conv_grad_input(%dlogits, %v) {stride: [1,1], padding_low: [0,0], padding_high: [0,0], dilation: [1,1], groups: 1, input_shape: [2,32,5,7]} : f32[2,32,5,7]
  %dv = conv_grad_weight(%f, %dlogits) {stride: [1,1], padding_low: [0,0], padding_high: [0,0], dilation: [1,1], groups: 1, weight_shape: [5,32,1,1]} : f32[5,32,1,1]
  %dgate = reduce_sum(%df) {axes: [2,3], keepdims: true} : f32[2,32,1,1]
  %dn = reshape(%dgate) {shape: [2,32]} : f32[2,32]
  %da, %dgamma, %dbeta = batch_norm_grad(%df, %a, %gamma, %mean, %variance) {epsilon: 0.001} : f32[2,32,5,7], f32[32], f32[32]
  %dw = conv_grad_weight(%x, %da) {${SAME}, weight_shape: [32,16,3,3]} : f32[32,16,3,3]
  return %turned, %soft, %part, %batch, %loss, %class, %dv, %dn, %dgamma, %dw, %df
}`;

function evaluated(graph: Graph): Interpretation {
  const random = generator(7);
  const feed = ({ name, type }: Value) =>
    [
      name,
      Float64Array.from({ length: elementCount(type.shape) }, () =>
        type.dtype === 'f32' ? 2 * random() - 1 : Math.floor(5 * random()),
      ),
    ] as const;
  return interpret(graph, Object.fromEntries(graph.inputs.map(feed)));
}

it('computes the same, alone and before all later passes', () => {
  const graph = graphOf(EVERYTHING);
  const expected = evaluated(graph).results;
  for (const changed of [layouts.run(graph, FACTS), runPipeline(graph, { facts: FACTS }).graph]) {
    expect(textOf(changed)).toContain('channels_last');
    const found = evaluated(changed).results;
    for (const [name, { type, data }] of Object.entries(expected)) {
      expect([name, found[name]?.type]).toEqual([name, type]);
      const worst = data.reduce((most, x, i) => Math.max(most, Math.abs(x - (found[name]?.data[i] ?? NaN))), 0);
      expect([name, worst < 1e-9]).toEqual([name, true]);
    }
  }
});

it('takes time in proportion to the graph', () => {
  const layer = (i: number): string => `%y${i + 1} = conv(%y${i}, %w) {${SAME}} : f32[1,16,8,8]`;
  const chain = (n: number): Graph =>
    graphOf(`graph g(%y0: f32[1,16,8,8], %w: f32[16,16,3,3]) {
      ${Array.from({ length: n }, (_, i) => layer(i)).join('\n')}
      return %y${n}
    }`);
  const graph = chain(10_000);
  const start = performance.now();
  expect(layouts.run(graph, FACTS).nodes).toHaveLength(10_002);
  expect(performance.now() - start).toBeLessThan(3000);
});

it('leaves alone what was packed for the order that it has', () => {
  const attrs = { stride: [1, 1], padding_low: [0, 0], padding_high: [0, 0], dilation: [1, 1], groups: 1 };
  const b = new Builder('g');
  const x = b.input('x', tensorType('f32', [1, 1, 3, 3]));
  const w = b.input('w', tensorType('f32', [1, 1, 3, 3]));
  const packed = b.op('pack_conv_weights', [w], { ...attrs, input_shape: x.type.shape });
  const y = b.op('conv', [x, packed], { ...attrs, weight_shape: w.type.shape });
  b.result('y', y);
  const graph = b.build();
  expect(layouts.run(graph, FACTS)).toBe(graph);
});
