/** Local response normalization across channels. */
import { defineLayer } from '../define';
import { numberOf, positive } from '../fields';
import { requireImages } from '../window';

export const lrn = defineLayer({
  type: 'lrn',
  summary: 'Local response normalization across channels (AlexNet).',
  details:
    'y = x / (k + alpha / size · Σ x²)^beta over `size` neighbouring channels: alpha is divided by the size, as in Caffe and PyTorch.',
  example: '{name: norm1, type: lrn, size: 5, alpha: 1.0e-4, beta: 0.75}',
  fields: {
    size: positive('Number of channels in the sum, odd.', { default: 5 }),
    alpha: { description: 'Factor on the mean square.', type: 'number', default: 1e-4 },
    beta: { description: 'Exponent of the base.', type: 'number', default: 0.75 },
    k: { description: 'Constant in the base.', type: 'number', exclusiveMinimum: 0, default: 1 },
  },
  arity: [1, 1],
  lower(context, inputs) {
    const { b, fields } = context;
    requireImages(context, inputs[0]!);
    const size = numberOf(fields, 'size');
    if (size % 2 === 0) context.fail(['size'], `size ${size} is even: no channel is in the middle`, 'use an odd size');
    if (size >= 2 ** 31) context.fail(['size'], `size ${size} is too large; the limit is ${2 ** 31 - 1}`);
    const attrs = { size, alpha: numberOf(fields, 'alpha'), beta: numberOf(fields, 'beta'), k: numberOf(fields, 'k') };
    return b.op('lrn', inputs, attrs);
  },
});
