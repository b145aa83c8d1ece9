/** Damage to nets and weights of Caffe, and what reading them may end with. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { SpecError } from '../../../compiler/diagnostics/errors';
import { writeNet } from '../../../compiler/interop/formats/caffe/wire';
import { importModel } from '../../../compiler/interop/import/import';
import { below, mutateBytes, pick, type Random } from '../../soak/mutate';

/** A small net with layers of most families. */
export const NET = `
name: "small"
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 2 dim: 3 dim: 16 dim: 16 } } }
layer { name: "conv1" type: "Convolution" bottom: "data" top: "conv1" param { lr_mult: 1 } param { lr_mult: 2 }
  convolution_param { num_output: 8 kernel_size: 3 pad: 1 group: 1 weight_filler { type: "xavier" } } }
layer { name: "bn1" type: "BatchNorm" bottom: "conv1" top: "conv1" batch_norm_param { eps: 0.001 } }
layer { name: "scale1" type: "Scale" bottom: "conv1" top: "conv1" scale_param { bias_term: true } }
layer { name: "relu1" type: "ReLU" bottom: "conv1" top: "conv1" }
layer { name: "pool1" type: "Pooling" bottom: "conv1" top: "pool1" pooling_param { pool: MAX kernel_size: 3 stride: 2 } }
layer { name: "norm1" type: "LRN" bottom: "pool1" top: "norm1" lrn_param { local_size: 5 alpha: 0.0001 beta: 0.75 } }
layer { name: "slice1" type: "Slice" bottom: "norm1" top: "a" top: "b" slice_param { axis: 1 slice_point: 4 } }
layer { name: "sum" type: "Eltwise" bottom: "a" bottom: "b" top: "sum" eltwise_param { operation: SUM coeff: 1 coeff: 2 } }
layer { name: "up" type: "Deconvolution" bottom: "sum" top: "up" convolution_param { num_output: 4 kernel_size: 4 stride: 2 } }
layer { name: "crop" type: "Crop" bottom: "up" bottom: "data" top: "crop" crop_param { axis: 2 offset: 1 } }
layer { name: "join" type: "Concat" bottom: "crop" bottom: "data" top: "join" }
layer { name: "flat" type: "Flatten" bottom: "join" top: "flat" }
layer { name: "drop" type: "Dropout" bottom: "flat" top: "flat" dropout_param { dropout_ratio: 0.4 } }
layer { name: "ip" type: "InnerProduct" bottom: "flat" top: "ip" inner_product_param { num_output: 6 } }
layer { name: "shape" type: "Reshape" bottom: "ip" top: "shape" reshape_param { shape { dim: 0 dim: 2 dim: -1 } } }
layer { name: "prob" type: "Softmax" bottom: "shape" top: "prob" softmax_param { axis: 2 } }
`;

const filled = (shape: readonly number[]): { readonly shape: readonly number[]; readonly data: Float32Array } => ({
  shape,
  data: new Float32Array(shape.reduce((product, extent) => product * extent, 1)).fill(0.25),
});

/** Weights for it. */
export function weightsOfNet(): Uint8Array {
  const layers = [
    { name: 'conv1', type: 'Convolution', blobs: [filled([8, 3, 3, 3]), filled([8])] },
    { name: 'bn1', type: 'BatchNorm', blobs: [filled([8]), filled([8]), filled([1])] },
    { name: 'scale1', type: 'Scale', blobs: [filled([8]), filled([8])] },
    { name: 'up', type: 'Deconvolution', blobs: [filled([4, 4, 4, 4]), filled([4])] },
    { name: 'ip', type: 'InnerProduct', blobs: [filled([6, 7 * 16 * 16]), filled([6])] },
  ];
  return writeNet({ name: 'small', layers });
}

const TOKENS = [
  ...['0', '1', '-1', '2', '3', '7', '65536', '2147483648', '99999999999999', '1e300', '-1e-30', 'nan', 'inf', '0x10'],
  ...['true', 'false', '"x"', '"data"', '"conv1"', 'MAX', 'AVE', 'SUM', 'TRAIN', 'TEST', '{', '}', '{ }', '[1, 2]', ''],
  ...['"Convolution"', '"Pooling"', '"Reshape"', '"LSTM"', '"Slice"', '"Concat"', '"PriorBox"', '"SoftmaxWithLoss"'],
];

/** Some words, lines or the end of a text changed. */
export function mutateText(good: string, random: Random): string {
  let text = good;
  for (let changes = 1 + below(random, 4); changes > 0; changes--) {
    const lines = text.split('\n');
    const line = below(random, lines.length);
    const kind = below(random, 8);
    if (kind === 0) text = text.slice(0, below(random, text.length));
    else if (kind === 1) text = [...lines.slice(0, line), ...lines.slice(line + 1)].join('\n');
    else if (kind === 2) text = [...lines.slice(0, line), lines[line]!, ...lines.slice(line)].join('\n');
    else if (kind === 3) {
      const other = below(random, lines.length);
      [lines[line], lines[other]] = [lines[other]!, lines[line]!];
      text = lines.join('\n');
    } else {
      const words = [...text.matchAll(/"[^"\n]*"|[-\w.]+|[{}:]/g)];
      if (words.length === 0) return text;
      const word = pick(random, words);
      const by = kind === 7 ? pick(random, words)[0] : pick(random, TOKENS);
      text = text.slice(0, word.index) + by + text.slice(word.index + word[0].length);
    }
  }
  return text;
}

/** Imports one damaged file; a word for what became of it. Anything but a SpecError is thrown. */
export async function importDamaged(folder: string, random: Random, nets: readonly string[]): Promise<string> {
  mkdirSync(folder, { recursive: true });
  const net = path.join(folder, 'net.prototxt');
  const weights = path.join(folder, 'net.caffemodel');
  const inWeights = random() < 0.3;
  const good = inWeights ? NET : random() < 0.5 ? NET : readFileSync(pick(random, nets), 'utf8');
  writeFileSync(net, inWeights ? good : mutateText(good, random));
  if (inWeights) writeFileSync(weights, mutateBytes(weightsOfNet(), random));
  try {
    await importModel(inWeights ? [net, weights] : [net], { blocks: random() < 0.5 });
    return 'read';
  } catch (error) {
    if (!(error instanceof SpecError)) throw error;
    return error.diagnostics[0]!.code;
  }
}
