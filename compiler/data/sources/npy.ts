/** `type: npy`: one NumPy file for each model input, axis 0 counting the samples. */
import { defineSource } from '../define';
import { orderFields } from '../fields';

export const npy = defineSource({
  type: 'npy',
  summary: 'One NumPy .npy file for each model input.',
  details:
    "Axis 0 counts the samples and must agree between the files; the rest is the input's shape without its batch axis. Values are read as they are: a float64 file serves a float32 input, an int64 file an int32 input, and nothing else is converted.",
  example: '{type: npy, arrays: {x: features.npy, label: labels.npy}}',
  fields: {
    arrays: {
      description: 'The file of each model input: `{input: file.npy}`.',
      type: 'object',
      minProperties: 1,
      additionalProperties: { type: 'string', minLength: 1 },
    },
    ...orderFields,
  },
  required: ['arrays'],
  open: async (section, context) => (await import('./npy_open')).openNpy(section, context),
});
