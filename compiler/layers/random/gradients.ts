/** Layers that pass values on as they are and change the gradient. */
import { defineLayer } from '../define';
import { numberOf } from '../fields';
import { requireFloat } from '../window';

export const stopGradient = defineLayer({
  type: 'stop_gradient',
  summary: 'Passes its input on, and no gradient back.',
  details:
    'What comes before is not trained through this place: targets made by the model itself, a discriminator that trains on generated images. `stop_gradient` of Keras, `detach` of PyTorch, `propagate_down: false` of Caffe.',
  example: '{name: target, type: stop_gradient}',
  fields: {},
  arity: [1, 1],
  lower: (context, inputs) => context.b.op('stop_gradient', [inputs[0]!]),
  samples: [
    { inputs: [{ shape: ['N', 3, 5] }], wrt: [] },
    { name: 'integers', inputs: [{ shape: ['N', 3], dtype: 'int32' }] },
  ],
});

export const gradientScale = defineLayer({
  type: 'gradient_scale',
  summary: 'Passes its input on, and the gradient back multiplied by a number.',
  details: 'A factor below 1 slows down what comes before, 0 is `stop_gradient`, a negative one `gradient_reverse`.',
  example: '{name: slow, type: gradient_scale, factor: 0.1}',
  fields: {
    factor: {
      description: 'What the gradient is multiplied by; not 1, which would do nothing.',
      type: 'number',
      not: { const: 1 },
    },
  },
  required: ['factor'],
  arity: [1, 1],
  lower(context, inputs) {
    requireFloat(context, inputs[0]!);
    return context.b.op('scale_gradient', [inputs[0]!], { factor: numberOf(context.fields, 'factor') });
  },
  samples: [{ inputs: [{ shape: ['N', 3, 5] }], fields: { factor: 0.1 }, wrt: [] }],
});

export const gradientReverse = defineLayer({
  type: 'gradient_reverse',
  summary: 'Passes its input on, and the gradient back with its sign reversed.',
  details:
    'What comes before learns to make the rest fail: put it between features and a classifier of domains, and the features become the same in all domains (Ganin et al. 2016). The gradient is multiplied by −factor, their λ.',
  example: '{name: reverse, type: gradient_reverse, factor: 0.5}',
  fields: {
    factor: {
      description: 'How strongly the reversed gradient counts.',
      type: 'number',
      exclusiveMinimum: 0,
      default: 1,
    },
  },
  arity: [1, 1],
  lower(context, inputs) {
    requireFloat(context, inputs[0]!);
    return context.b.op('scale_gradient', [inputs[0]!], { factor: -numberOf(context.fields, 'factor') });
  },
  samples: [{ inputs: [{ shape: ['N', 3, 5] }], fields: { factor: 0.5 }, wrt: [] }],
});

export const gradientClip = defineLayer({
  type: 'gradient_clip',
  summary: 'Passes its input on, and the gradient back with each element held within −value and value.',
  details:
    'Where gradients explode at one place, as in recurrent networks (`grad_clip` of Theano). To clip the gradients of the parameters, all at once and by their norm, is the business of `train:`.',
  example: '{name: held, type: gradient_clip, value: 1}',
  fields: {
    value: {
      description: 'The largest magnitude that an element of the gradient can have.',
      type: 'number',
      exclusiveMinimum: 0,
    },
  },
  required: ['value'],
  arity: [1, 1],
  lower(context, inputs) {
    requireFloat(context, inputs[0]!);
    return context.b.op('clip_gradient', [inputs[0]!], { value: numberOf(context.fields, 'value') });
  },
  samples: [{ inputs: [{ shape: ['N', 3, 5] }], fields: { value: 0.25 }, wrt: [] }],
});
