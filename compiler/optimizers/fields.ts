/** Fields that optimizers have under the same name; the training loop and the lowering read them by it. */
import type { FieldSchema } from '../frontend/describe';

export const lr = (byDefault?: number): FieldSchema => ({
  description: 'Learning rate, before the schedule.',
  type: 'number',
  minimum: 0,
  ...(byDefault === undefined ? {} : { default: byDefault }),
});

export const weightDecay = (how: string, byDefault = 0): FieldSchema => ({
  description: `Weight decay, ${how}. Applies to every parameter; \`parameters: {bias: {decay: 0}}\` on a layer exempts one.`,
  type: 'number',
  minimum: 0,
  default: byDefault,
});

/** `weight_decay` and `l1` as parts of the gradient. */
export const coupledDecay = {
  weight_decay: weightDecay('added to the gradient as weight_decay · p (L2)'),
  l1: l1('added to the gradient as l1 · sign(p)'),
};

/** `weight_decay` and `l1` apart from the gradient. */
export const decoupledDecay = (byDefault: number): Readonly<Record<string, FieldSchema>> => ({
  weight_decay: weightDecay('taken off the parameter as lr · weight_decay · p', byDefault),
  l1: l1('taken off the parameter as lr · l1 · sign(p)'),
});

export function l1(how: string): FieldSchema {
  return {
    description: `L1 decay, ${how}. A parameter's factor \`decay\` counts for it too.`,
    type: 'number',
    minimum: 0,
    default: 0,
  };
}

export const fraction = (description: string, byDefault: number): FieldSchema => ({
  description,
  type: 'number',
  minimum: 0,
  exclusiveMaximum: 1,
  default: byDefault,
});

export const epsilon = (byDefault: number, description = 'Keeps the division finite.'): FieldSchema => ({
  description,
  type: 'number',
  exclusiveMinimum: 0,
  default: byDefault,
});

/** Where the momentum buffer has the learning rate. */
export const lrInBuffer: FieldSchema = {
  description:
    'The buffer holds steps (learning rate times gradient), as in Caffe and Keras, rather than gradients, as in PyTorch: after the rate drops, steps at the earlier rate live on in it.',
  type: 'boolean',
  default: false,
};

export const epsilonInside: FieldSchema = {
  description: 'Adds `epsilon` under the root, as Keras does, rather than to the root, as PyTorch and Caffe do.',
  type: 'boolean',
  default: false,
};
