/** An entry of `weights:` in the schema; `weights/matching.ts` says what its `map` does. */
import type { FieldSchema } from './describe';
import type { ObjectShape } from './language';

export const WEIGHT_MAP: FieldSchema = {
  description:
    "For a file of another framework (safetensors, npz, npy): the names of its tensors, each with the one it is here, `features.*.weight: conv*.weight`; `*` stands for any text. null leaves a tensor out, `{to: fc.weight, transpose: [1, 0]}` exchanges axes. PyTorch's names of the same layers need no map.",
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

export const WEIGHTS: ObjectShape = {
  fields: {
    file: {
      description:
        'The weight file, from the folder of the model. Without it `map` holds for the files of other programs that commands are given with `--weights`.',
      type: 'string',
      minLength: 1,
    },
    into: {
      description: 'What the names of the layers that it fills begin with; by default it fills the whole model.',
      type: 'string',
      default: '',
    },
    map: WEIGHT_MAP,
    partial: {
      description:
        'What the file has for other layers or in other shapes is left out, and what it has nothing for keeps its initial values: for a part that was trained elsewhere under a new head.',
      type: 'boolean',
      default: false,
    },
  },
};
