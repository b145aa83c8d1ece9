/** Which values groups compute again instead of keeping them, and which stay. */
import { recompute_cheap } from '../../compiler/passes/recompute_cheap';
import { after, tidy } from './text';

const MATMUL = '{transpose_a: false, transpose_b: false}';

function expectLighter(before: string, text: string, facts = {}): void {
  expect(after(recompute_cheap, before, facts)).toBe(tidy(text));
}

function expectUnchanged(text: string, facts = {}): void {
  expectLighter(text, text, facts);
}

/** y = x · sigmoid(x), kept with the sigmoid for a group behind a product. */
const SWISH = `graph g(%x: f32[64,64], %w: f32[64,64]) {
  %s, %y = fused_elementwise(%x) {program: "t0 = sigmoid(%0); t1 = mul(%0, t0); yield t0, t1"} : f32[64,64], f32[64,64]
  %dy = matmul(%y, %w) ${MATMUL} : f32[64,64]
  %dx = fused_elementwise(%dy, %s, %x) {program: "t0 = mul(%0, %1); t1 = sub(1, %1); t2 = mul(t1, %2); t3 = add(t2, 1); t4 = mul(t0, t3); yield t4"} : f32[64,64]
  return %dx
}`;

describe('recompute_cheap', () => {
  it('computes a value again where it is read later, from what the group had read', () => {
    expectLighter(
      SWISH,
      `graph g(%x: f32[64,64], %w: f32[64,64]) {
         %y = fused_elementwise(%x) {program: "t0 = sigmoid(%0); t1 = mul(%0, t0); yield t1"} : f32[64,64]
         %dy = matmul(%y, %w) ${MATMUL} : f32[64,64]
         %dx = fused_elementwise(%x, %dy) {program: "t0 = sigmoid(%0); t1 = mul(%1, t0); t2 = sub(1, t0); t3 = mul(t2, %0); t4 = add(t3, 1); t5 = mul(t1, t4); yield t5"} : f32[64,64]
         return %dx
       }`,
    );
  });

  it('drops a group of which nothing is left, and writes lone instructions as programs', () => {
    expectLighter(
      `graph g(%x: bf16[64,64], %w: f32[64,64]) {
         %h, %k = fused_elementwise(%x) {program: "t0 = exp(%0); t1 = bf16(t0); t2 = square(%0); yield t1, t2"} : bf16[64,64], f32[64,64]
         %z = matmul(%w, %w) ${MATMUL} : f32[64,64]
         %a = mul(%z, %k) : f32[64,64]
         %v = matmul(%a, %w) ${MATMUL} : f32[64,64]
         %b = fused_elementwise(%v, %h) {program: "t0 = add(%0, %1); yield t0"} : f32[64,64]
         return %b
       }`,
      `graph g(%x: bf16[64,64], %w: f32[64,64]) {
         %z = matmul(%w, %w) ${MATMUL} : f32[64,64]
         %a = fused_elementwise(%x, %z) {program: "t0 = square(%0); t1 = mul(%1, t0); yield t1"} : f32[64,64]
         %v = matmul(%a, %w) ${MATMUL} : f32[64,64]
         %b = fused_elementwise(%x, %v) {program: "t0 = exp(%0); t1 = bf16(t0); t2 = add(%1, t1); yield t2"} : f32[64,64]
         return %b
       }`,
    );
  });

  it('keeps what others than groups read, and what is a result', () => {
    expectUnchanged(SWISH.replace('return %dx', 'return %dx, %s'));
    expectUnchanged(SWISH.replace('matmul(%y, %w)', 'matmul(%y, %s)'));
  });

  it('keeps what takes longer to compute than to read', () => {
    const powers = Array.from({ length: 4 }, (_, i) => `t${i + 1} = pow(%0, t${i})`).join('; ');
    expectUnchanged(
      SWISH.replace('t0 = sigmoid(%0); t1 = mul(%0, t0); yield t0, t1', `t0 = add(%0, 1); ${powers}; yield t4, t0`),
    );
  });

  it('keeps what would need more tensors than it saves', () => {
    expectUnchanged(
      `graph g(%x: f32[64,64], %z: f32[64,64], %w: f32[64,64]) {
         %s, %y = fused_elementwise(%x, %z) {program: "t0 = add(%0, %1); t1 = mul(%0, t0); yield t0, t1"} : f32[64,64], f32[64,64]
         %dy = matmul(%y, %w) ${MATMUL} : f32[64,64]
         %dx = fused_elementwise(%dy, %s) {program: "t0 = mul(%0, %1); yield t0"} : f32[64,64]
         return %dx
       }`,
    );
  });

  it('keeps within the bounds of groups', () => {
    expectUnchanged(SWISH, { groupInstructions: 5 });
  });

  it('leaves a normalization its only reader', () => {
    expectUnchanged(
      `graph g(%x: f32[8,4,6,6], %gamma: f32[4], %beta: f32[4], %dz: f32[8,4,6,6]) {
         %h, %mean, %variance = batch_norm_train(%x, %gamma, %beta) {epsilon: 0.001} : f32[8,4,6,6], f32[4], f32[4]
         %s, %y = fused_elementwise(%h) {program: "t0 = sigmoid(%0); t1 = mul(%0, t0); yield t0, t1"} : f32[8,4,6,6], f32[8,4,6,6]
         %sum = reduce_sum(%y) {axes: [0,1,2,3], keepdims: false} : f32[]
         %dy = fused_elementwise(%dz, %s, %sum) {program: "t0 = mul(%0, %1); t1 = mul(t0, %2); yield t1"} : f32[8,4,6,6]
         return %dy
       }`,
    );
  });
});
