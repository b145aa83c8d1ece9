/** Which element-wise nodes become one group, and which must not. */
import { fuse_elementwise } from '../../compiler/passes/fuse_elementwise';
import { after, tidy } from './text';

function expectFused(before: string, text: string, facts = {}): void {
  expect(after(fuse_elementwise, before, facts)).toBe(tidy(text));
}

describe('fuse_elementwise', () => {
  it('joins a chain and writes scalar constants into the program', () => {
    expectFused(
      `graph g(%x: f32[2,6,5,5], %scale: f32[1,6,1,1], %shift: f32[1,6,1,1]) {
         %half = constant() {dtype: "f32", shape: [], values: [0.5]} : f32[]
         %a = mul(%x, %scale) : f32[2,6,5,5]
         %b = add(%a, %shift) : f32[2,6,5,5]
         %c = mul(%b, %half) : f32[2,6,5,5]
         %y = relu(%c) : f32[2,6,5,5]
         return %y
       }`,
      `graph g(%x: f32[2,6,5,5], %scale: f32[1,6,1,1], %shift: f32[1,6,1,1]) {
         %y = fused_elementwise(%x, %scale, %shift) {program: "t0 = mul(%0, %1); t1 = add(t0, %2); t2 = mul(t1, 0.5); t3 = relu(t2); yield t3"} : f32[2,6,5,5]
         return %y
       }`,
    );
  });

  it('makes one group with both outputs of a momentum update', () => {
    expectFused(
      `graph g(%x: f32[4,3], %d: f32[4,5], %lr: f32[]) {
         state @w: f32[3,5] parameter
         state @w.momentum: f32[3,5] slot
         %grad = matmul(%x, %d) {transpose_a: true, transpose_b: false} : f32[3,5]
         %mu = constant() {dtype: "f32", shape: [], values: [0.9]} : f32[]
         %decay = constant() {dtype: "f32", shape: [], values: [0.0005]} : f32[]
         %wd = mul(@w, %decay) : f32[3,5]
         %g = add(%grad, %wd) : f32[3,5]
         %old = mul(@w.momentum, %mu) : f32[3,5]
         %new = add(%old, %g) : f32[3,5]
         %step = mul(%new, %lr) : f32[3,5]
         %w2 = sub(@w, %step) : f32[3,5]
         update @w = %w2
         update @w.momentum = %new
         return
       }`,
      `graph g(%x: f32[4,3], %d: f32[4,5], %lr: f32[]) {
         state @w: f32[3,5] parameter
         state @w.momentum: f32[3,5] slot
         %grad = matmul(%x, %d) {transpose_a: true, transpose_b: false} : f32[3,5]
         %new, %w2 = fused_elementwise(@w, %grad, @w.momentum, %lr) {program: "t0 = mul(%0, 0.0005); t1 = add(%1, t0); t2 = mul(%2, 0.9); t3 = add(t2, t1); t4 = mul(t3, %3); t5 = sub(%0, t4); yield t3, t5"} : f32[3,5], f32[3,5]
         update @w = %w2
         update @w.momentum = %new
         return
       }`,
    );
  });

  it('puts the mask of a relu into the backward group, not into the forward one', () => {
    expectFused(
      `graph g(%x: f32[2,2], %w: f32[2,2], %dz: f32[2,2]) {
         %zero = constant() {dtype: "f32", shape: [], values: [0]} : f32[]
         %h = mul(%x, %x) : f32[2,2]
         %y = relu(%h) : f32[2,2]
         %mask = greater(%y, %zero) : bool[2,2]
         %z = matmul(%y, %w) {transpose_a: false, transpose_b: false} : f32[2,2]
         %dy = matmul(%dz, %z) {transpose_a: false, transpose_b: true} : f32[2,2]
         %dh = where(%mask, %dy, %zero) : f32[2,2]
         return %dh
       }`,
      `graph g(%x: f32[2,2], %w: f32[2,2], %dz: f32[2,2]) {
         %y = fused_elementwise(%x) {program: "t0 = mul(%0, %0); t1 = relu(t0); yield t1"} : f32[2,2]
         %z = matmul(%y, %w) {transpose_a: false, transpose_b: false} : f32[2,2]
         %dy = matmul(%dz, %z) {transpose_a: false, transpose_b: true} : f32[2,2]
         %dh = fused_elementwise(%y, %dy) {program: "t0 = greater(%0, 0); t1 = where(t0, %1, 0); yield t1"} : f32[2,2]
         return %dh
       }`,
    );
  });

  it('takes casts between float32 and bfloat16 into groups, as rounding or as nothing', () => {
    expectFused(
      `graph g(%x: bf16[4,3], %e: f32[4,3]) {
         %wide = cast(%x) {dtype: "f32"} : f32[4,3]
         %sum = add(%wide, %e) : f32[4,3]
         %kept = cast(%sum) {dtype: "bf16"} : bf16[4,3]
         %again = cast(%kept) {dtype: "f32"} : f32[4,3]
         %y = relu(%again) : f32[4,3]
         return %kept, %y
       }`,
      `graph g(%x: bf16[4,3], %e: f32[4,3]) {
         %kept, %y = fused_elementwise(%x, %e) {program: "t0 = add(%0, %1); t1 = bf16(t0); t2 = relu(t1); yield t1, t2"} : bf16[4,3], f32[4,3]
         return %kept, %y
       }`,
    );
  });

  it('reads bytes and bools as numbers, and leaves alone what is widened for others', () => {
    expectFused(
      `graph g(%pixels: u8[4,3], %mask: bool[4,3], %x: bf16[4,3]) {
         %p = cast(%pixels) {dtype: "f32"} : f32[4,3]
         %m = cast(%mask) {dtype: "f32"} : f32[4,3]
         %w = cast(%x) {dtype: "f32"} : f32[4,3]
         %a = mul(%p, %m) : f32[4,3]
         %b = mul(%a, %w) : f32[4,3]
         return %b, %w
       }`,
      `graph g(%pixels: u8[4,3], %mask: bool[4,3], %x: bf16[4,3]) {
         %b = fused_elementwise(%pixels, %mask, %x) {program: "t0 = f32(%0); t1 = f32(%1); t2 = mul(t0, t1); t3 = mul(t2, %2); yield t3"} : f32[4,3]
         %w = cast(%x) {dtype: "f32"} : f32[4,3]
         return %b, %w
       }`,
    );
  });

  it('widens what is stored as bfloat16 in every group that reads it, so that no float32 waits in memory', () => {
    expectFused(
      `graph g(%x: bf16[2,2], %v: f32[2,2]) {
         %wide = cast(%x) {dtype: "f32"} : f32[2,2]
         %a = relu(%wide) : f32[2,2]
         %b = neg(%a) : f32[2,2]
         %z = matmul(%b, %v) {transpose_a: false, transpose_b: false} : f32[2,2]
         %c = mul(%z, %wide) : f32[2,2]
         return %c
       }`,
      `graph g(%x: bf16[2,2], %v: f32[2,2]) {
         %b = fused_elementwise(%x) {program: "t0 = relu(%0); t1 = neg(t0); yield t1"} : f32[2,2]
         %z = matmul(%b, %v) {transpose_a: false, transpose_b: false} : f32[2,2]
         %c = fused_elementwise(%x, %z) {program: "t0 = mul(%1, %0); yield t0"} : f32[2,2]
         return %c
       }`,
    );
  });

  it('rounds after every instruction whose result is bfloat16', () => {
    expectFused(
      `graph g(%x: bf16[5], %z: bf16[5]) {
         %a = mul(%x, %z) : bf16[5]
         %b = add(%a, %x) : bf16[5]
         return %b
       }`,
      `graph g(%x: bf16[5], %z: bf16[5]) {
         %b = fused_elementwise(%x, %z) {program: "t0 = mul(%0, %1); t1 = bf16(t0); t2 = add(t1, %0); t3 = bf16(t2); yield t3"} : bf16[5]
         return %b
       }`,
    );
  });

  it('leaves two element-wise nodes apart when a path between them leads through another node', () => {
    // a and c have one shape and c reads a, but c also needs the sum of a: one group would depend on itself.
    expectFused(
      `graph g(%x: f32[4]) {
         %a = exp(%x) : f32[4]
         %sum = reduce_sum(%a) {axes: [0], keepdims: true} : f32[1]
         %c = div(%a, %sum) : f32[4]
         return %c
       }`,
      `graph g(%x: f32[4]) {
         %a = exp(%x) : f32[4]
         %sum = reduce_sum(%a) {axes: [0], keepdims: true} : f32[1]
         %c = div(%a, %sum) : f32[4]
         return %c
       }`,
    );
  });

  it('orders what depends on the middle of a group after the group', () => {
    expectFused(
      `graph g(%x: f32[2,2], %w: f32[2,2]) {
         %a = exp(%x) : f32[2,2]
         %m = matmul(%a, %w) {transpose_a: false, transpose_b: false} : f32[2,2]
         %b = neg(%a) : f32[2,2]
         return %m, %b
       }`,
      `graph g(%x: f32[2,2], %w: f32[2,2]) {
         %a, %b = fused_elementwise(%x) {program: "t0 = exp(%0); t1 = neg(t0); yield t0, t1"} : f32[2,2], f32[2,2]
         %m = matmul(%a, %w) {transpose_a: false, transpose_b: false} : f32[2,2]
         return %m, %b
       }`,
    );
  });

  it('keeps integers out of float groups', () => {
    const text = `graph g(%i: i32[4], %x: f32[4]) {
      %two = constant() {dtype: "i32", shape: [], values: [2]} : i32[]
      %a = mul(%i, %two) : i32[4]
      %b = add(%a, %i) : i32[4]
      return %b
    }`;
    expectFused(text, text);
  });

  it('keeps a constant as an input where the group would lose its shape without it', () => {
    expectFused(
      `graph g(%x: f32[]) {
         %c = constant() {dtype: "f32", shape: [3], values: [1,2,3]} : f32[3]
         %s = constant() {dtype: "f32", shape: [], values: [2]} : f32[]
         %a = mul(%x, %c) : f32[3]
         %b = add(%a, %s) : f32[3]
         return %b
       }`,
      `graph g(%x: f32[]) {
         %c = constant() {dtype: "f32", shape: [3], values: [1,2,3]} : f32[3]
         %b = fused_elementwise(%x, %c) {program: "t0 = mul(%0, %1); t1 = add(t0, 2); yield t1"} : f32[3]
         return %b
       }`,
    );
  });

  it('cuts groups at the bounds on instructions and inputs', () => {
    const chain = Array.from({ length: 6 }, (_, i) => `%a${i + 1} = exp(%a${i}) : f32[4]`).join('\n');
    const lines = after(fuse_elementwise, `graph g(%a0: f32[4]) {\n${chain}\nreturn %a6\n}`, {
      groupInstructions: 4,
    }).split('\n');
    expect(lines.slice(1, 3)).toEqual([
      '%a4 = fused_elementwise(%a0) {program: "t0 = exp(%0); t1 = exp(t0); t2 = exp(t1); t3 = exp(t2); yield t3"} : f32[4]',
      '%a6 = fused_elementwise(%a4) {program: "t0 = exp(%0); t1 = exp(t0); yield t1"} : f32[4]',
    ]);

    const inputs = Array.from({ length: 7 }, (_, i) => `%x${i}: f32[4]`).join(', ');
    const sums = Array.from(
      { length: 6 },
      (_, i) => `%s${i + 1} = add(%${i === 0 ? 'x0' : `s${i}`}, %x${i + 1}) : f32[4]`,
    );
    const text = after(fuse_elementwise, `graph g(${inputs}) {\n${sums.join('\n')}\nreturn %s6\n}`, { groupInputs: 4 });
    expect(text.match(/fused_elementwise\([^)]*\)/g)).toEqual([
      'fused_elementwise(%x0, %x1, %x2, %x3)',
      'fused_elementwise(%s3, %x4, %x5, %x6)',
    ]);
  });
});
