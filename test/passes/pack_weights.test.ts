/** Weights are packed apart from the products that read them, where no state changes and before loops. */
import { elementCount } from '../../compiler/ir/types';
import type { RefTensor } from '../../compiler/ops/define';
import { DEFAULT_FACTS } from '../../compiler/passes/define';
import { pack_weights } from '../../compiler/passes/pack_weights';
import { runPipeline } from '../../compiler/pipeline';
import { interpret } from '../../compiler/reference/interpret';
import { difference, runNatively } from '../support/native';
import { generator } from '../support/samples';
import { after, graphOf, textOf, tidy } from './text';

const ATTRS = 'stride: [1,1], padding_low: [0,0], padding_high: [0,0], dilation: [1,1], groups: 1';
const STATE = 'state @w: f32[20,3,3,3] parameter';

describe('pack_weights', () => {
  it('packs what depends on states alone', () => {
    expect(
      after(
        pack_weights,
        `graph g(%x: f32[2,3,5,5]) {
           ${STATE}
           %y = conv(%x, @w) {${ATTRS}, activation: "relu"} : f32[2,20,3,3]
           return %y
         }`,
      ),
    ).toBe(
      tidy(`graph g(%x: f32[2,3,5,5]) {
        ${STATE}
        %y.pack_conv_weights = pack_conv_weights(@w) {${ATTRS}, input_shape: [2,3,5,5]} : f32[864]
        %y = conv(%x, %y.pack_conv_weights) {${ATTRS}, activation: "relu", weight_shape: [20,3,3,3]} : f32[2,20,3,3]
        return %y
      }`),
    );
  });

  it.each([
    [
      'the weights come with the input',
      `graph g(%x: f32[2,3,5,5], %w: f32[20,3,3,3]) {
         %y = conv(%x, %w) {${ATTRS}} : f32[2,20,3,3]
         return %y
       }`,
    ],
    [
      'a state changes',
      `graph g(%x: f32[2,3,5,5]) {
         ${STATE}
         %y = conv(%x, @w) {${ATTRS}} : f32[2,20,3,3]
         %v = neg(@w) : f32[20,3,3,3]
         update @w = %v
         return %y
       }`,
    ],
    [
      'the convolution is depthwise',
      `graph g(%x: f32[2,3,5,5]) {
         state @w: f32[3,1,3,3] parameter
         %y = conv(%x, @w) {${ATTRS.replace('groups: 1', 'groups: 3')}} : f32[2,3,3,3]
         return %y
       }`,
    ],
  ])('leaves it alone where %s', (_why, text) => {
    expect(after(pack_weights, text)).toBe(tidy(text));
  });
});

const FLAGS = 'transpose_a: false, transpose_b: true';

describe('pack_weights of matrix products', () => {
  it('packs the right side of a product of many rows, once for all that read it', () => {
    const turned = 'transpose_a: true, transpose_b: false';
    const graph = (body: string): string =>
      `graph g(%x: f32[300,70], %dy: f32[300,256], %dz: f32[300,256]) {\n${body}\nreturn %dw, %dv\n}`;
    expect(
      after(
        pack_weights,
        graph(`%dw = matmul(%dy, %x) {${turned}} : f32[256,70]
          %dv = matmul(%dz, %x) {${turned}} : f32[256,70]`),
      ),
    ).toBe(
      tidy(
        graph(`%dw.pack_matmul_weights = pack_matmul_weights(%x) {transpose_b: false} : f32[24000]
          %dw = matmul(%dy, %dw.pack_matmul_weights) {${turned}, weight_shape: [300,70]} : f32[256,70]
          %dv = matmul(%dz, %dw.pack_matmul_weights) {${turned}, weight_shape: [300,70]} : f32[256,70]`),
      ),
    );
    // Few rows, a short sum, and a right side of its own for each of the batch.
    const alone = `graph g(%x: f32[300,70], %dy: f32[300,255], %s: f32[64,256], %t: f32[64,70], %a: f32[2,300,70], %b: f32[2,70,9]) {
      %p = matmul(%dy, %x) {${turned}} : f32[255,70]
      %q = matmul(%s, %t) {${turned}} : f32[256,70]
      %r = matmul(%a, %b) {transpose_a: false, transpose_b: false} : f32[2,300,9]
      return %p, %q, %r
    }`;
    expect(after(pack_weights, alone)).toBe(tidy(alone));
  });

  it('packs a matrix that depends on states alone, in the precision of the products', () => {
    expect(
      after(
        pack_weights,
        `graph g(%x: f32[2,3,9], %h: bf16[4,9]) {
           state @w: f32[20,9] parameter
           %y = matmul(%x, @w) {${FLAGS}} : f32[2,3,20]
           %z = matmul(%h, @w) {${FLAGS}} : bf16[4,20]
           return %y, %z
         }`,
      ),
    ).toBe(
      tidy(`graph g(%x: f32[2,3,9], %h: bf16[4,9]) {
        state @w: f32[20,9] parameter
        %y.pack_matmul_weights = pack_matmul_weights(@w) {transpose_b: true} : f32[288]
        %y = matmul(%x, %y.pack_matmul_weights) {${FLAGS}, weight_shape: [20,9]} : f32[2,3,20]
        %z.pack_matmul_weights = pack_matmul_weights(@w) {transpose_b: true, dtype: "bf16"} : bf16[320]
        %z = matmul(%h, %z.pack_matmul_weights) {${FLAGS}, weight_shape: [20,9]} : bf16[4,20]
        return %y, %z
      }`),
    );
  });

  it.each([
    [
      'the matrix is not fixed, or there is one for each batch',
      `graph g(%x: f32[2,3,9], %v: f32[9,4]) {
         state @w: f32[2,9,4] parameter
         %y = matmul(%x, %v) {transpose_a: false, transpose_b: false} : f32[2,3,4]
         %z = matmul(%x, @w) {transpose_a: false, transpose_b: false} : f32[2,3,4]
         return %y, %z
       }`,
    ],
    [
      'a state changes',
      `graph g(%x: f32[3,9]) {
         state @w: f32[20,9] parameter
         %y = matmul(%x, @w) {${FLAGS}} : f32[3,20]
         %v = neg(@w) : f32[20,9]
         update @w = %v
         return %y
       }`,
    ],
  ])('leaves it alone where %s', (_why, text) => {
    expect(after(pack_weights, text)).toBe(tidy(text));
  });
});

const loop = (length: number): string => `graph g(%w: f32[4,4], %u: f32[4,4], %h: f32[7,4]) {
    %last = scan(%w, %u, %h) {consts: 2, carries: 1, length: ${length}, reverse: false} : f32[7,4]
      region body(%w: f32[4,4], %u: f32[4,4], %h: f32[7,4], %i: i32[]) {
        %a = matmul(%h, %w) {${FLAGS}} : f32[7,4]
        %b = tanh(%a) : f32[7,4]
        %c = matmul(%b, %w) {transpose_a: false, transpose_b: false} : f32[7,4]
        %d = matmul(%c, %w) {${FLAGS}} : f32[7,4]
        %e = matmul(%u, %u) {transpose_a: false, transpose_b: false} : f32[4,4]
        %f = matmul(%d, %e) {transpose_a: false, transpose_b: false} : f32[7,4]
        return h: %f
      }
    return %last
  }`;

describe('pack_weights of loops', () => {
  it('packs a matrix once before the loop for each way in which it is read', () => {
    expect(after(pack_weights, loop(5))).toBe(
      tidy(`graph g(%w: f32[4,4], %u: f32[4,4], %h: f32[7,4]) {
        %w.packed = pack_matmul_weights(%w) {transpose_b: true} : f32[64]
        %w.packed_1 = pack_matmul_weights(%w) {transpose_b: false} : f32[64]
        %u.packed = pack_matmul_weights(%u) {transpose_b: false} : f32[64]
        %last = scan(%w.packed, %w.packed_1, %u.packed, %u, %h) {consts: 4, carries: 1, length: 5, reverse: false} : f32[7,4]
          region body(%w.packed: f32[64], %w.packed_1: f32[64], %u.packed: f32[64], %u: f32[4,4], %h: f32[7,4], %i: i32[]) {
            %a = matmul(%h, %w.packed) {${FLAGS}, weight_shape: [4,4]} : f32[7,4]
            %b = tanh(%a) : f32[7,4]
            %c = matmul(%b, %w.packed_1) {transpose_a: false, transpose_b: false, weight_shape: [4,4]} : f32[7,4]
            %d = matmul(%c, %w.packed) {${FLAGS}, weight_shape: [4,4]} : f32[7,4]
            %e = matmul(%u, %u.packed) {transpose_a: false, transpose_b: false, weight_shape: [4,4]} : f32[4,4]
            %f = matmul(%d, %e) {transpose_a: false, transpose_b: false} : f32[7,4]
            return h: %f
          }
        return %last
      }`),
    );
  });

  it('leaves a loop of few steps alone, unless the matrix never changes', () => {
    expect(after(pack_weights, loop(3))).toBe(tidy(loop(3)));
    const fixed = loop(3)
      .replace('%w: f32[4,4], ', '')
      .replace('{\n', '{\n state @w: f32[4,4] parameter\n')
      .replace('scan(%w', 'scan(@w');
    expect(after(pack_weights, fixed)).toContain('pack_matmul_weights(@w)');
  });

  it.each([
    ['f32', 1e-5],
    ['bf16', 1e-2],
  ] as const)('keeps values of a tall product of %s, natively', async (dtype, tolerance) => {
    const graph = graphOf(`graph g(%x: ${dtype}[130,70], %dy: ${dtype}[130,300]) {
      %dw = matmul(%dy, %x) {transpose_a: true, transpose_b: false} : ${dtype}[300,70]
      return %dw
    }`);
    const packed = pack_weights.run(graph, DEFAULT_FACTS);
    expect(packed.nodes).toHaveLength(2);
    const random = generator(5);
    const feeds = Object.fromEntries(
      graph.inputs.map(({ name, type }): [string, RefTensor] => {
        const data = Float64Array.from({ length: elementCount(type.shape) }, () => Math.round(16 * random() - 8) / 8);
        return [name, { type, data }];
      }),
    );
    const { results } = await runNatively(packed, feeds, {}, 2);
    expect(difference(results['dw'], interpret(graph, feeds).results['dw']!, tolerance)).toBeUndefined();
  });

  it('keeps values, optimized and natively', async () => {
    const graph = graphOf(loop(6));
    const random = generator(2);
    const feeds = Object.fromEntries(
      graph.inputs.map(({ name, type }): [string, RefTensor] => {
        const data = Float64Array.from({ length: elementCount(type.shape) }, () => Math.fround(2 * random() - 1));
        return [name, { type, data }];
      }),
    );
    const optimized = runPipeline(graph).graph;
    expect(textOf(optimized)).toContain('.packed');
    const expected = interpret(graph, feeds).results['last']!;
    expect([...interpret(optimized, feeds).results['last']!.data]).toEqual([...expected.data]);
    const { results } = await runNatively(optimized, feeds, {}, 2);
    expect(difference(results['last'], expected, 1e-5)).toBeUndefined();
  });
});
