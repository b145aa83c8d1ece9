/** Values held between two bounds. */
import { Arithmetic } from '../../ops/families/arithmetic';
import { clipTo } from '../activations/hold';
import { defineLayer } from '../define';
import { numberOf } from '../fields';
import { requireNumbers } from '../merge/merge';
import { numberLike } from './comparisons';

export const clip = defineLayer({
  type: 'clip',
  summary: 'min where x is below it, max where x is above it, x between.',
  details:
    "Caffe's Clip, torch.clamp: the gradient passes where min ≤ x ≤ max, the bounds included (`hard_tanh` differs there). One bound is enough. NaN stays.",
  example: '{name: held, type: clip, min: -1, max: 1}',
  fields: {
    min: { description: 'Lower bound; none unless given.', type: 'number' },
    max: { description: 'Upper bound; none unless given.', type: 'number' },
  },
  samples: [
    { inputs: [{ shape: ['N', 3, 5], range: [-2, 2.1], separated: true }], fields: { min: -1, max: 1 } },
    { inputs: [{ shape: ['N', 5], separated: true }], fields: { min: 0 } },
    { inputs: [{ shape: ['N', 5], separated: true }], fields: { max: 0.2 } },
    { inputs: [{ shape: ['N', 5], dtype: 'int32', range: [0, 9] }], fields: { min: 2, max: 5 } },
  ],
  arity: [1, 1],
  lower(context, inputs) {
    const x = inputs[0]!;
    const { fields } = context;
    requireNumbers(context, inputs);
    const bound = (name: string): number | undefined => {
      if (fields[name] === undefined) return undefined;
      numberLike(context, x, name);
      return numberOf(fields, name);
    };
    const [min, max] = [bound('min'), bound('max')];
    if (min === undefined && max === undefined) context.fail([], 'it needs `min` or `max`');
    if (min !== undefined && max !== undefined && min > max) context.fail(['min'], `min ${min} is above max ${max}`);
    return clipTo(new Arithmetic(context.b, x.type.dtype), x, min, max);
  },
});
