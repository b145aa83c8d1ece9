/** A tiny model and its data, for campaigns: nothing of jest may be loaded here. */
import { idxHeader } from '../../compiler/data/digits/builtin';

export const idxText = (images: string): string => `dlc: 1
name: tiny
inputs:
  image: {shape: [N, 1, 6, 6]}
  label: {shape: [N], dtype: int32}
layers:
  - {name: conv, type: conv2d, filters: 4, kernel: 3}
  - {name: norm, type: batch_norm, activation: relu}
  - {name: pool, type: max_pool2d, kernel: 2}
  - {name: drop, type: dropout, rate: 0.25}
  - {name: logits, type: dense, units: 3}
  - {name: probs, type: softmax}
outputs: [probs]
losses: [{type: cross_entropy, inputs: [logits, label]}]
metrics: [{type: accuracy, inputs: [logits, label]}]
data:
  train: {type: idx, images: ${images}, labels: labels.idx, shuffle: true}
train:
  batch_size: 8
  epochs: 2
  optimizer: {type: adam, lr: 0.01}
`;

export const TINY = idxText('images.idx');

export function idxBytes(shape: readonly number[], data: ArrayLike<number>): Buffer {
  return Buffer.concat([idxHeader(shape), Uint8Array.from(data)]);
}
