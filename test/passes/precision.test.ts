/** What is stored as bfloat16, and what stays float32. */
import { precision } from '../../compiler/passes/precision';
import { DEFAULT_FACTS } from '../../compiler/passes/define';
import { after, graphOf, textOf, tidy } from './text';

const BFLOAT16 = { precision: 'bfloat16' } as const;

function expectStored(before: string, text: string): void {
  const stored = after(precision, before, BFLOAT16);
  expect(stored).toBe(tidy(text));
  const again = graphOf(stored);
  expect(precision.run(again, { ...DEFAULT_FACTS, ...BFLOAT16 })).toBe(again);
}

function expectUntouched(text: string, facts: object = BFLOAT16): void {
  const graph = graphOf(text);
  expect(precision.run(graph, { ...DEFAULT_FACTS, ...facts })).toBe(graph);
}

const DENSE = `
  graph predict(%x: f32[8,16]) {
    state @w1: f32[32,16] parameter
    state @b1: f32[32] parameter
    state @w2: f32[4,32] parameter
    %h = matmul(%x, @w1, @b1) {transpose_a: false, transpose_b: true} : f32[8,32]
    %s = sigmoid(%h) : f32[8,32]
    %y = matmul(%s, @w2) {transpose_a: false, transpose_b: true} : f32[8,4]
    %probs = softmax(%y) {axis: 1} : f32[8,4]
    return hidden: %s, probs: %probs
  }`;

test('what lies between products is bfloat16; weights, logits and results are not', () => {
  expectStored(
    DENSE,
    `graph predict(%x: f32[8,16]) {
      state @w1: f32[32,16] parameter
      state @b1: f32[32] parameter
      state @w2: f32[4,32] parameter
      %x.bf16 = cast(%x) {dtype: "bf16"} : bf16[8,16]
      %h = matmul(%x.bf16, @w1, @b1) {transpose_a: false, transpose_b: true} : bf16[8,32]
      %h.f32 = cast(%h) {dtype: "f32"} : f32[8,32]
      %s = sigmoid(%h.f32) : f32[8,32]
      %s.bf16 = cast(%s) {dtype: "bf16"} : bf16[8,32]
      %y = matmul(%s.bf16, @w2) {transpose_a: false, transpose_b: true, dtype: "f32"} : f32[8,4]
      %probs = softmax(%y) {axis: 1} : f32[8,4]
      return hidden: %s, probs: %probs
    }`,
  );
});

test('nothing happens unless it is asked for', () => {
  expectUntouched(DENSE, {});
  expectUntouched(DENSE, { precision: 'float32' });
});

test('norms, pools and movements follow the products around them; element-wise ops widen and round', () => {
  expectStored(
    `graph step(%x: f32[2,8,8,3]) {
      state @w: f32[16,3,3,3] parameter
      state @gamma: f32[16] parameter
      state @beta: f32[16] parameter
      %c = conv(%x, @w) {stride: [1,1], padding_low: [1,1], padding_high: [1,1], dilation: [1,1], groups: 1, layout: "channels_last"} : f32[2,8,8,16]
      %n, %mean, %variance = batch_norm_train(%c, @gamma, @beta) {epsilon: 0.001, layout: "channels_last"} : f32[2,8,8,16], f32[16], f32[16]
      %r = relu(%n) : f32[2,8,8,16]
      %p, %index = max_pool(%r) {kernel: [2,2], stride: [2,2], padding_low: [0,0], padding_high: [0,0], dilation: [1,1], layout: "channels_last"} : f32[2,4,4,16], i32[2,4,4,16]
      %s = reduce_sum(%p) {axes: [1,2], keepdims: false} : f32[2,16]
      return s: %s, mean: %mean
    }`,
    `graph step(%x: f32[2,8,8,3]) {
      state @w: f32[16,3,3,3] parameter
      state @gamma: f32[16] parameter
      state @beta: f32[16] parameter
      %x.bf16 = cast(%x) {dtype: "bf16"} : bf16[2,8,8,3]
      %c = conv(%x.bf16, @w) {stride: [1,1], padding_low: [1,1], padding_high: [1,1], dilation: [1,1], groups: 1, layout: "channels_last"} : bf16[2,8,8,16]
      %n, %mean, %variance = batch_norm_train(%c, @gamma, @beta) {epsilon: 0.001, layout: "channels_last"} : bf16[2,8,8,16], f32[16], f32[16]
      %n.f32 = cast(%n) {dtype: "f32"} : f32[2,8,8,16]
      %r = relu(%n.f32) : f32[2,8,8,16]
      %p, %index = max_pool(%r) {kernel: [2,2], stride: [2,2], padding_low: [0,0], padding_high: [0,0], dilation: [1,1], layout: "channels_last"} : f32[2,4,4,16], i32[2,4,4,16]
      %s = reduce_sum(%p) {axes: [1,2], keepdims: false} : f32[2,16]
      return s: %s, mean: %mean
    }`,
  );
});

test('convolutions with channels first stay float32', () => {
  expectUntouched(`
    graph step(%x: f32[2,3,8,8]) {
      state @w: f32[16,3,3,3] parameter
      %c = conv(%x, @w) {stride: [1,1], padding_low: [1,1], padding_high: [1,1], dilation: [1,1], groups: 1} : f32[2,16,8,8]
      return c: %c
    }`);
});

test('gradients of weights, what an optimizer makes of them, and new weights are float32', () => {
  expectStored(
    `graph train(%x: f32[8,16], %lr: f32[]) {
      state @w: f32[16,16] parameter
      state @v: f32[16,16] slot
      %h = matmul(%x, @w) {transpose_a: false, transpose_b: false} : f32[8,16]
      %t = tanh(%h) : f32[8,16]
      %g = matmul(%x, %t) {transpose_a: true, transpose_b: false} : f32[16,16]
      %next = add(@v, %g) : f32[16,16]
      %look = add(%next, %g) : f32[16,16]
      %square = matmul(%look, %look) {transpose_a: false, transpose_b: true} : f32[16,16]
      %step = mul(%square, %lr) : f32[16,16]
      %new = sub(@w, %step) : f32[16,16]
      %second = matmul(%t, %new) {transpose_a: false, transpose_b: false} : f32[8,16]
      update @v = %next
      update @w = %new
      return y: %second
    }`,
    `graph train(%x: f32[8,16], %lr: f32[]) {
      state @w: f32[16,16] parameter
      state @v: f32[16,16] slot
      %x.bf16 = cast(%x) {dtype: "bf16"} : bf16[8,16]
      %h = matmul(%x.bf16, @w) {transpose_a: false, transpose_b: false} : bf16[8,16]
      %h.f32 = cast(%h) {dtype: "f32"} : f32[8,16]
      %t = tanh(%h.f32) : f32[8,16]
      %t.bf16 = cast(%t) {dtype: "bf16"} : bf16[8,16]
      %g = matmul(%x.bf16, %t.bf16) {transpose_a: true, transpose_b: false, dtype: "f32"} : f32[16,16]
      %next = add(@v, %g) : f32[16,16]
      %look = add(%next, %g) : f32[16,16]
      %square = matmul(%look, %look) {transpose_a: false, transpose_b: true} : f32[16,16]
      %step = mul(%square, %lr) : f32[16,16]
      %new = sub(@w, %step) : f32[16,16]
      %second = matmul(%t.bf16, %new) {transpose_a: false, transpose_b: false, dtype: "f32"} : f32[8,16]
      update @v = %next
      update @w = %new
      return y: %second
    }`,
  );
});

test('a loop carries float32, stacks bfloat16 and reads weights that were rounded before it', () => {
  expectStored(
    `graph step(%x: f32[5,8,16], %h0: f32[8,16]) {
      state @u: f32[16,16] parameter
      state @w: f32[4,16] parameter
      %last, %all = scan(@u, %h0, %x) {consts: 1, carries: 1, length: 5, reverse: false} : f32[8,16], f32[5,8,16]
        region body(%u: f32[16,16], %h: f32[8,16], %xt: f32[8,16], %index: i32[]) {
          %m = matmul(%h, %u) {transpose_a: false, transpose_b: false} : f32[8,16]
          %s = add(%m, %xt) : f32[8,16]
          %next = tanh(%s) : f32[8,16]
          return r0: %next, r1: %next
        }
      %flat = reshape(%all) {shape: [40,16]} : f32[40,16]
      %y = matmul(%flat, @w) {transpose_a: false, transpose_b: true} : f32[40,4]
      return y: %y, last: %last
    }`,
    `graph step(%x: f32[5,8,16], %h0: f32[8,16]) {
      state @u: f32[16,16] parameter
      state @w: f32[4,16] parameter
      %u.bf16 = cast(@u) {dtype: "bf16"} : bf16[16,16]
      %x.bf16 = cast(%x) {dtype: "bf16"} : bf16[5,8,16]
      %last, %all = scan(%u.bf16, %h0, %x.bf16) {consts: 1, carries: 1, length: 5, reverse: false} : f32[8,16], bf16[5,8,16]
        region body(%u: bf16[16,16], %h: f32[8,16], %xt: bf16[8,16], %index: i32[]) {
          %m = matmul(%h, %u) {transpose_a: false, transpose_b: false} : f32[8,16]
          %xt.f32 = cast(%xt) {dtype: "f32"} : f32[8,16]
          %s = add(%m, %xt.f32) : f32[8,16]
          %next = tanh(%s) : f32[8,16]
          %next.bf16 = cast(%next) {dtype: "bf16"} : bf16[8,16]
          return r0: %next, r1: %next.bf16
        }
      %flat = reshape(%all) {shape: [40,16]} : bf16[40,16]
      %y = matmul(%flat, @w) {transpose_a: false, transpose_b: true, dtype: "f32"} : f32[40,4]
      return y: %y, last: %last
    }`,
  );
});

test('a table of weights is read as it is, and what is taken of it is rounded', () => {
  expect(
    after(
      precision,
      `graph step(%i: i32[8]) {
        state @table: f32[100,16] parameter
        state @w: f32[4,16] parameter
        %x = gather(@table, %i) {axis: 0, batch_dims: 0} : f32[8,16]
        %y = matmul(%x, @w) {transpose_a: false, transpose_b: true} : f32[8,4]
        return y: %y
      }`,
      BFLOAT16,
    ),
  ).toContain('%x.bf16 = cast(%x) {dtype: "bf16"} : bf16[8,16]');
});

test('logits of a convolution are read as they are stored, and so is their gradient', () => {
  const stored = after(
    precision,
    `graph step(%x: f32[2,4,4,8], %label: i32[2,4,4], %dloss: f32[2,4,4]) {
      state @w: f32[16,8,1,1] parameter
      %c = conv(%x, @w) {stride: [1,1], padding_low: [0,0], padding_high: [0,0], dilation: [1,1], groups: 1, layout: "channels_last"} : f32[2,4,4,16]
      %loss, %weight = softmax_cross_entropy(%c, %label) {axis: 3, label_smoothing: 0} : f32[2,4,4], f32[2,4,4]
      %d = softmax_cross_entropy_grad(%c, %label, %dloss) {axis: 3, label_smoothing: 0} : f32[2,4,4,16]
      %dw = conv_grad_weight(%x, %d) {stride: [1,1], padding_low: [0,0], padding_high: [0,0], dilation: [1,1], groups: 1, weight_shape: [16,8,1,1], layout: "channels_last"} : f32[16,8,1,1]
      return loss: %loss, dw: %dw
    }`,
    BFLOAT16,
  );
  expect(textOf(graphOf(stored)).match(/cast\(/g)).toHaveLength(1);
  expect(stored).toContain(
    '%d = softmax_cross_entropy_grad(%c, %label, %dloss) {axis: 3, label_smoothing: 0} : bf16[2,4,4,16]',
  );
  expect(stored).toContain(': f32[16,8,1,1]');
});
