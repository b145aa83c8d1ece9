/** When a cross-entropy and its gradient become one node, and when not. */
import { fuse_losses } from '../../compiler/passes/fuse_losses';
import { after, tidy } from './text';

const ATTRS = '{axis: 1, label_smoothing: 0.1, ignore_index: 255}';

function expectFused(before: string, text: string): void {
  expect(after(fuse_losses, before)).toBe(tidy(text));
}

function expectUnchanged(text: string): void {
  expectFused(text, text);
}

describe('fuse_losses', () => {
  it('joins a loss with its gradient where that of the loss is a constant, which moves before them', () => {
    expectFused(
      `graph g(%x: f32[4,5], %label: i32[4], %count: f32[]) {
         %loss, %weight = softmax_cross_entropy(%x, %label) ${ATTRS} : f32[4], f32[4]
         %sum = reduce_sum(%loss) {axes: [0], keepdims: false} : f32[]
         %share = reciprocal(%count) : f32[]
         %dloss = broadcast_to(%share) {shape: [4]} : f32[4]
         %dx = softmax_cross_entropy_grad(%x, %label, %dloss) ${ATTRS} : f32[4,5]
         return %sum, %dx
       }`,
      `graph g(%x: f32[4,5], %label: i32[4], %count: f32[]) {
         %share = reciprocal(%count) : f32[]
         %dloss = broadcast_to(%share) {shape: [4]} : f32[4]
         %loss, %weight, %dx = fused_cross_entropy(%x, %label, %dloss) ${ATTRS} : f32[4], f32[4], f32[4,5]
         %sum = reduce_sum(%loss) {axes: [0], keepdims: false} : f32[]
         return %sum, %dx
       }`,
    );
  });

  it('takes the weights of classes along, and the losses of several outputs', () => {
    expectFused(
      `graph g(%x: bf16[4,5], %z: f32[4,5], %label: i32[4], %w: f32[5], %dloss: f32[4]) {
         %a, %a.weight = softmax_cross_entropy(%x, %label, %w) ${ATTRS} : f32[4], f32[4]
         %b, %b.weight = softmax_cross_entropy(%z, %label) ${ATTRS} : f32[4], f32[4]
         %dz = softmax_cross_entropy_grad(%z, %label, %dloss) ${ATTRS} : f32[4,5]
         %dx = softmax_cross_entropy_grad(%x, %label, %dloss, %w) ${ATTRS} : bf16[4,5]
         return %a, %b, %dx, %dz
       }`,
      `graph g(%x: bf16[4,5], %z: f32[4,5], %label: i32[4], %w: f32[5], %dloss: f32[4]) {
         %a, %a.weight, %dx = fused_cross_entropy(%x, %label, %dloss, %w) ${ATTRS} : f32[4], f32[4], bf16[4,5]
         %b, %b.weight, %dz = fused_cross_entropy(%z, %label, %dloss) ${ATTRS} : f32[4], f32[4], f32[4,5]
         return %a, %b, %dx, %dz
       }`,
    );
  });

  it('leaves a mean over the labels that count alone: its gradient needs the sum of the weights first', () => {
    expectUnchanged(
      `graph g(%x: f32[4,5], %label: i32[4]) {
         %loss, %weight = softmax_cross_entropy(%x, %label) ${ATTRS} : f32[4], f32[4]
         %count = reduce_sum(%weight) {axes: [0], keepdims: false} : f32[]
         %share = reciprocal(%count) : f32[]
         %dloss = broadcast_to(%share) {shape: [4]} : f32[4]
         %dx = softmax_cross_entropy_grad(%x, %label, %dloss) ${ATTRS} : f32[4,5]
         return %loss, %dx
       }`,
    );
  });

  it('leaves a gradient of other logits, other labels or another loss alone', () => {
    const graphWith = (gradient: string): string =>
      `graph g(%x: f32[4,5], %z: f32[4,5], %label: i32[4], %other: i32[4], %dloss: f32[4]) {
         %loss, %weight = softmax_cross_entropy(%x, %label) ${ATTRS} : f32[4], f32[4]
         %dx = softmax_cross_entropy_grad(${gradient} : f32[4,5]
         return %loss, %dx
       }`;
    expectUnchanged(graphWith(`%z, %label, %dloss) ${ATTRS}`));
    expectUnchanged(graphWith(`%x, %other, %dloss) ${ATTRS}`));
    expectUnchanged(graphWith('%x, %label, %dloss) {axis: 1, label_smoothing: 0}'));
  });
});
