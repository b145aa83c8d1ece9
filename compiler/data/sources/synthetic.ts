/** `type: synthetic`: random tensors of the declared shapes, to try a model out or to time it without any data. */
import { defineSource } from '../define';
import { orderFields } from '../fields';

export const synthetic = defineSource({
  type: 'synthetic',
  summary: 'Random data of the declared shapes: enough to try a model out or to time it.',
  details:
    'Float inputs are uniform in [0, 1); integer inputs are uniform in 0 to `classes` - 1. A sample depends on its index alone. There is nothing to learn in it.',
  example: '{type: synthetic, size: 1024, classes: 10}',
  fields: {
    size: { description: 'Number of samples.', type: 'integer', minimum: 1, maximum: 1_000_000_000, default: 1024 },
    classes: {
      description: 'Integer inputs are below this.',
      type: 'integer',
      minimum: 1,
      maximum: 2_147_483_647,
      default: 2,
    },
    ...orderFields,
  },
  open: async (section, context) => (await import('./synthetic_open')).openSynthetic(section, context),
});
