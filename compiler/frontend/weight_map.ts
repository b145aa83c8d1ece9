/** `map` of an entry of `weights:`, in the schema; `weights/matching.ts` says what it does. */
import type { FieldSchema } from './describe';

export const WEIGHT_MAP: FieldSchema = {
  description:
    "For a file of another framework (safetensors, npz): the names of its tensors, each with the one it is here, `features.*.weight: conv*.weight`; `*` stands for any text. null leaves a tensor out, `{to: fc.weight, transpose: [1, 0]}` exchanges axes. PyTorch's names of the same layers need no map.",
  type: 'object',
  additionalProperties: {
    anyOf: [
      { type: ['string', 'null'] },
      {
        type: 'object',
        properties: {
          to: { type: 'string' },
          transpose: { type: 'array', items: { type: 'integer', minimum: 0 } },
        },
        required: ['to'],
        additionalProperties: false,
      },
    ],
  },
};
