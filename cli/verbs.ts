/** Every verb, with its one-line summary. A new verb is one file in `commands/` and one line here. */
import type { VerbEntry } from './command';

export const VERBS: Readonly<Record<string, VerbEntry>> = {
  init: {
    summary: 'write a commented starter model, ready to train',
    load: async () => (await import('./commands/init')).verb,
  },
  validate: {
    summary: 'check model files and report every mistake at file:line:column',
    load: async () => (await import('./commands/validate')).verb,
  },
  inspect: {
    summary: 'layers, shapes, parameters, FLOPs and exact peak memory of a model',
    load: async () => (await import('./commands/inspect')).verb,
  },
  expand: {
    summary: 'print a model with its blocks, repeats and includes expanded',
    load: async () => (await import('./commands/expand')).verb,
  },
  compile: {
    summary: 'print the graph IR at any stage, write the executable plan, or bundle it with weights',
    load: async () => (await import('./commands/compile')).verb,
  },
  train: { summary: 'train a model', load: async () => (await import('./commands/train')).verb },
  eval: {
    summary: 'compute the losses and metrics on the evaluation data',
    load: async () => (await import('./commands/eval')).verb,
  },
  predict: {
    summary: 'run a trained model on arrays or images',
    load: async () => (await import('./commands/predict')).verb,
  },
  bench: {
    summary: 'time training or prediction on synthetic data',
    load: async () => (await import('./commands/bench')).verb,
  },
  'lr-find': {
    summary: 'find a learning rate by a range test on the training data',
    load: async () => (await import('./commands/lr-find')).verb,
  },
  import: {
    summary: 'write a model of another framework as a model file and a weight file, with an account of everything',
    load: async () => (await import('./commands/import')).verb,
  },
  export: {
    summary: 'write a model or its weights in the format of another framework, or draw it',
    load: async () => (await import('./commands/export')).verb,
  },
  diff: {
    summary: 'what differs between two models in meaning, and which weights still fit',
    load: async () => (await import('./commands/diff')).verb,
  },
  test: {
    summary: 'run the tests that are written in model files',
    load: async () => (await import('./commands/test')).verb,
  },
  devices: { summary: 'what this machine can run', load: async () => (await import('./commands/devices')).verb },
  schema: {
    summary: 'print the JSON Schema of model files',
    load: async () => (await import('./commands/schema')).verb,
  },
};
