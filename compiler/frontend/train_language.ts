/** The fields of what stands inside of `train:`; the fields of the section itself are in `language.ts`. */
import type { FieldSchema } from './describe';
import { PARAMETER_FIELDS, patterns, type ObjectShape } from './language';
import { PARAMETER_KINDS } from './spec';

const stretch = (description: string): FieldSchema => ({
  description: `${description} A bare number counts steps; \`"500 steps"\`, \`"2 epochs"\`.`,
  anyOf: [
    { type: 'integer', minimum: 0 },
    { type: 'string', pattern: '^[0-9]+(\\.[0-9]+)? (step|epoch)s?$', examples: ['500 steps', '2 epochs'] },
  ],
});

const factor = (description: string, rest: Partial<FieldSchema> = {}): FieldSchema => ({
  description,
  type: 'number',
  minimum: 0,
  ...rest,
});

/** In a group what is left out stays as it was. */
const settings = Object.fromEntries(
  Object.entries(PARAMETER_FIELDS).map(([name, field]): [string, FieldSchema] => {
    const { default: byDefault, description, ...rest } = field;
    return [name, byDefault === undefined ? field : { description, ...rest }];
  }),
);

const optimizerOver = (whose: string): FieldSchema => ({
  description: `Fields of the optimizer that differ from ${whose}, e.g. \`{lr: 0.001}\`; with a \`type\` another optimizer, of which nothing is taken over.`,
  type: 'object',
  minProperties: 1,
});

/** `constraint` is filled in from the constraints. */
export const GROUP: ObjectShape = {
  fields: {
    names: patterns('Weights by their names, `conv1/weight`.'),
    kinds: {
      description:
        'Weights by what they are: `bias`; `norm`, the scale and shift of normalizations; `embedding`; `weight`, all others.',
      type: 'array',
      items: { enum: [...PARAMETER_KINDS] },
      minItems: 1,
    },
    ...settings,
    optimizer: optimizerOver("the training's"),
  },
};

export const DISCRIMINATIVE: ObjectShape = {
  required: ['names', 'low'],
  fields: {
    names: {
      description: 'Groups of weights from the input to the output, each a pattern or a list of patterns.',
      type: 'array',
      minItems: 2,
      items: {
        anyOf: [
          { type: 'string', minLength: 1 },
          { type: 'array', items: { type: 'string', minLength: 1 }, minItems: 1 },
        ],
      },
    },
    low: factor('Factor on the learning rate of the first group.', { exclusiveMinimum: 0 }),
    high: factor('Factor on that of the last; those between are spaced geometrically.', {
      exclusiveMinimum: 0,
      default: 1,
    }),
  },
};

export const CLIP: ObjectShape = {
  fields: {
    value: factor('Cuts every element of the gradients to −value … value. (PyTorch: clip_grad_value_.)', {
      exclusiveMinimum: 0,
    }),
    norm: factor('Scales the gradient of a parameter whose norm is greater back to it. (Keras: clipnorm.)', {
      exclusiveMinimum: 0,
    }),
    global_norm: factor(
      'Scales all gradients together where their common norm is greater. (PyTorch: clip_grad_norm_; Keras: global_clipnorm; Caffe: clip_gradients.) The norm before is logged as `grad_norm`.',
      { exclusiveMinimum: 0 },
    ),
  },
};

export const EMA: ObjectShape = {
  fields: {
    decay: {
      description: 'Share of the average that is kept.',
      type: 'number',
      minimum: 0,
      exclusiveMaximum: 1,
      default: 0.999,
    },
    warmup: {
      description:
        'Begins with a smaller decay: the least of `decay` and (1 + n) / (10 + n) at the n-th average, counted from 0.',
      type: 'boolean',
      default: false,
    },
    start: { ...stretch('Until then the average is the weights themselves.'), default: 0 },
    every: { ...stretch('How often weights enter the average.'), default: 1 },
  },
};

export const SWA: ObjectShape = {
  required: ['start'],
  fields: {
    start: stretch('Until then the average is the weights themselves.'),
    every: { ...stretch('How often weights enter the average.'), default: '1 epochs' },
  },
};

export const LOOKAHEAD: ObjectShape = {
  fields: {
    steps: {
      description: 'Steps of the optimizer between two of the slow weights.',
      type: 'integer',
      minimum: 1,
      default: 5,
    },
    alpha: {
      description: 'Share of the way that the slow weights go.',
      type: 'number',
      exclusiveMinimum: 0,
      maximum: 1,
      default: 0.5,
    },
  },
};

export const STOP: ObjectShape = {
  fields: {
    metric: {
      description: 'A figure of the evaluation: `loss`, or a loss or metric by name.',
      type: 'string',
      default: 'loss',
    },
    patience: {
      description: 'So many evaluations in a row may be no better; one more ends the training.',
      type: 'integer',
      minimum: 0,
      default: 5,
    },
    min_delta: factor('Least difference that counts as better.', { default: 0 }),
    mode: {
      description: 'Whether less or more is better; by default what the metric says, and `min` for losses.',
      enum: ['min', 'max'],
    },
  },
};

const PHASE_LENGTH = {
  epochs: { description: 'Length in passes over the training data.', type: 'integer', minimum: 1 },
  steps: { description: 'Length in steps.', type: 'integer', minimum: 1 },
} as const;

const schedules: FieldSchema = {
  description: "Schedules of the optimizer's other fields, by field; by default the training's.",
  type: 'object',
  minProperties: 1,
};

const clip: FieldSchema = { description: "Clipping of gradients; by default the training's.", type: 'object' };

export const PHASE: ObjectShape = {
  fields: {
    name: {
      description: 'Name in logs; by default `phase1`, `phase2`, ….',
      type: 'string',
      minLength: 1,
      maxLength: 200,
    },
    ...PHASE_LENGTH,
    frozen: patterns('Weights that stay as they are.'),
    train_norms: {
      description:
        'Normalizations go on learning, and batch normalization goes on collecting statistics, where the layers are frozen.',
      type: 'boolean',
      default: false,
    },
    optimizer: optimizerOver("the training's"),
    schedule: { description: "Runs over the phase; by default the training's, begun anew.", type: 'object' },
    schedules,
    groups: {
      description: "Groups of this phase; they win over the training's.",
      type: 'array',
      items: { type: 'object' },
    },
    discriminative: { description: 'Learning rates that grow from group to group.', type: 'object' },
    clip,
  },
};

export const OBJECTIVE: ObjectShape = {
  required: ['name', 'losses', 'parameters'],
  fields: {
    name: { description: 'Name in logs.', type: 'string', pattern: '^[A-Za-z0-9_][A-Za-z0-9_-]*$', maxLength: 200 },
    losses: {
      description: 'The losses, by name, that it makes small.',
      anyOf: [
        { type: 'string', minLength: 1 },
        { type: 'array', items: { type: 'string', minLength: 1 }, minItems: 1 },
      ],
    },
    parameters: patterns('The weights that it changes.'),
    optimizer: optimizerOver("the training's"),
    schedule: { description: "By default the training's.", type: 'object' },
    schedules,
    clip,
    every: { description: 'At work in every so many-th step.', type: 'integer', minimum: 1, default: 1 },
  },
};
