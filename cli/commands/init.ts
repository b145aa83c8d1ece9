/** `dlc init`: a commented starter model, ready to train. */
import { makeFolder } from '../../compiler/files';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { UsageError } from '../../compiler/diagnostics/errors';
import { writeFault, writeFile } from '../../compiler/train/run-folder';
import type { Verb } from '../command';

const STARTER = `# A model for dlc: the network, its loss, its data and its training in one file.
# Train it:   dlc train model.yaml          check it:  dlc validate model.yaml
# Change any value for one run:  dlc train model.yaml train.epochs=5 train.optimizer.lr=0.02
dlc: 1
name: digits
description: a small convolutional network that reads handwritten digits

inputs:
  image: {shape: [N, 1, 28, 28]} # N is the batch: any number of grey 28x28 pictures
  label: {shape: [N], dtype: int32}

# Each layer takes the output of the one before, unless it says \`inputs:\`.
layers:
  - {name: conv1, type: conv2d, filters: 16, kernel: 3, padding: same, activation: relu}
  - {name: pool1, type: max_pool2d, kernel: 2}
  - {name: conv2, type: conv2d, filters: 32, kernel: 3, padding: same, activation: relu}
  - {name: pool2, type: max_pool2d, kernel: 2}
  - {name: fc, type: dense, units: 128, activation: relu}
  - {name: drop, type: dropout, rate: 0.3} # only in training
  - {name: logits, type: dense, units: 10}
  - {name: probs, type: softmax}

outputs: [probs] # what \`dlc predict\` writes
losses: [{type: cross_entropy, inputs: [logits, label]}]
metrics: [{type: accuracy, inputs: [logits, label]}]

# The built-in digits are drawn on first use. For your own data in MNIST's format give files instead:
#   images: train-images-idx3-ubyte.gz
data:
  train: {type: idx, images: "builtin:digits/train-images", labels: "builtin:digits/train-labels", scale: 0.00390625, shuffle: true}
  eval: {type: idx, images: "builtin:digits/test-images", labels: "builtin:digits/test-labels", scale: 0.00390625}

train:
  batch_size: 64
  epochs: 3
  optimizer: {type: adam, lr: 0.001}
  schedule: {type: cosine}
  checkpoint: {every: 1 epochs, keep: 3} # \`dlc train model.yaml --resume\` goes on from the newest
`;

export const verb: Verb = {
  configure(command) {
    command.argument('[dir]', 'folder to write model.yaml to', '.').action((dir: string) => {
      const file = path.join(dir, 'model.yaml');
      if (existsSync(file)) throw new UsageError(`${file} exists already`, 'choose another folder: dlc init DIR');
      try {
        makeFolder(dir);
      } catch (error) {
        throw writeFault(dir, error);
      }
      writeFile(file, STARTER);
      process.stdout.write(`${file} is ready:\n\n  dlc train ${file}\n`);
    });
  },
};
