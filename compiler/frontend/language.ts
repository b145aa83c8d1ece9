/**
 * The hand-written part of the language: the fields of everything that is not defined by a `type:` word.
 * Like the definitions, these are JSON Schema fragments with documentation; the schema file, the validator and the
 * language reference are made from both.
 */
import type { FieldSchema } from './describe';
import { MODES } from './spec';
import { PRECISIONS, type DType } from '../ir/types';

/** The closed set of fields of one kind of object. */
export interface ObjectShape {
  readonly fields: Readonly<Record<string, FieldSchema>>;
  readonly required?: readonly string[];
}

export const LANGUAGE_VERSION = 1;

/** Names: parts of letters, digits, `_` and `-`, joined by `/`. The dot is kept for `layer.output`. */
export const NAME_PATTERN = '^[A-Za-z0-9_][A-Za-z0-9_-]*(/[A-Za-z0-9_][A-Za-z0-9_-]*)*$';
export const IDENTIFIER_PATTERN = '^[A-Za-z_][A-Za-z0-9_]*$';

const NAME = new RegExp(NAME_PATTERN);
const IDENTIFIER = new RegExp(IDENTIFIER_PATTERN);

export function isName(text: string): boolean {
  return text.length <= 1000 && NAME.test(text);
}

export function isIdentifier(text: string): boolean {
  return text.length <= 200 && IDENTIFIER.test(text);
}

export const DTYPE_WORDS: Readonly<Record<string, DType>> = {
  float32: 'f32',
  float64: 'f64',
  bfloat16: 'bf16',
  uint8: 'u8',
  int32: 'i32',
  int64: 'i64',
  bool: 'bool',
};

export const MAX_REPEAT = 100_000;

const references = (description: string): FieldSchema => ({
  description,
  anyOf: [
    { type: 'string', minLength: 1 },
    { type: 'array', items: { type: 'string', minLength: 1 }, minItems: 1 },
  ],
});

const interval = (description: string): FieldSchema => ({
  description: `${description} A bare number counts steps; \`"500 steps"\`, \`"1 epochs"\`, \`"5 minutes"\`.`,
  anyOf: [
    { type: 'integer', minimum: 1 },
    {
      type: 'string',
      pattern: '^(?!0+(\\.0*)? )[0-9]+(\\.[0-9]+)? (step|epoch|minute)s?$',
      examples: ['500 steps', '1 epochs', '5 minutes'],
    },
  ],
});

export const patterns = (description: string): FieldSchema => ({
  description: `${description} A pattern or several: \`*\` stands for any part of a name between two \`/\`, \`**\` for any parts; a pattern that names a layer or a folder of layers stands for all below it.`,
  anyOf: [
    { type: 'string', minLength: 1 },
    { type: 'array', items: { type: 'string', minLength: 1 }, minItems: 1 },
  ],
});

const BYTE_UNITS = 'B|kB|MB|GB|TB|KiB|MiB|GiB|TiB';

const quantity = (description: string, units: string, example: string): FieldSchema => ({
  description,
  anyOf: [
    { type: 'number', minimum: 0 },
    { type: 'string', pattern: `^[0-9]+(\\.[0-9]+)? ?(${units})$`, examples: [example] },
  ],
});

/** What `dlc test` runs; one schema, as nothing in it has a `type:`. */
const TESTS: FieldSchema = {
  description:
    'What `dlc test` runs: inputs with the outputs that are expected of them, or the loss after some steps of training.',
  type: 'array',
  items: {
    type: 'object',
    additionalProperties: false,
    properties: {
      name: { description: 'Name in reports; by default its number.', type: 'string', minLength: 1, maxLength: 200 },
      inputs: { description: 'Values of the model inputs, by name: nested lists of numbers.', type: 'object' },
      outputs: {
        description: 'Expected values of outputs of the model, by name, in prediction.',
        type: 'object',
        minProperties: 1,
      },
      weights: {
        description: 'A weight file to run with, from the folder of the model; by default freshly drawn weights.',
        type: 'string',
        minLength: 1,
      },
      seed: {
        description: 'Seed of what is drawn, by default `train.seed`.',
        type: 'integer',
        minimum: 0,
        maximum: Number.MAX_SAFE_INTEGER,
      },
      tolerance: {
        description: 'How far a value may be from the expected one, times the expected one where that is above 1.',
        type: 'number',
        minimum: 0,
        default: 1e-5,
      },
      loss_after: {
        description: 'Trains some steps; the loss of the last of them is to be this.',
        type: 'object',
        additionalProperties: false,
        required: ['steps', 'value'],
        properties: {
          steps: { description: 'How many steps.', type: 'integer', minimum: 1 },
          value: { description: 'The loss of the last one.', type: 'number' },
          tolerance: { description: 'As above; wins over it.', type: 'number', minimum: 0 },
          seed: {
            description: 'As above; wins over it.',
            type: 'integer',
            minimum: 0,
            maximum: Number.MAX_SAFE_INTEGER,
          },
        },
      },
    },
  },
};

export const MODEL: ObjectShape = {
  required: ['inputs', 'layers'],
  fields: {
    dlc: { description: 'Version of the language: 1.', const: LANGUAGE_VERSION },
    name: {
      description: 'Name of the model; by default the name of the file.',
      type: 'string',
      pattern: '^[^/\\\\\\x00-\\x1f]+$',
      maxLength: 200,
    },
    description: { description: 'What the model is, for people.', type: 'string' },
    include: {
      description: "Files whose `blocks:` this model may use; paths from this file's folder.",
      anyOf: [
        { type: 'string', minLength: 1 },
        { type: 'array', items: { type: 'string', minLength: 1 } },
      ],
    },
    blocks: { description: 'Parametric sub-graphs, used like layer types.', type: 'object' },
    inputs: { description: 'The inputs of the model, by name.', type: 'object', minProperties: 1 },
    layers: {
      description: 'The layers; each takes the one before as its input unless it says `inputs:`.',
      type: 'array',
      minItems: 1,
    },
    outputs: references('What `dlc predict` writes; by default the last layer.'),
    losses: { description: 'What training makes small: the weighted sum of these.', type: 'array' },
    metrics: { description: 'What is measured in evaluation.', type: 'array' },
    data: { description: 'Where samples come from.', type: 'object' },
    train: { description: 'How the model is trained.', type: 'object' },
    weights: {
      description:
        'Weight files that training starts from, and that other commands use where they are given no others: a list, or one alone.',
      type: ['array', 'object'],
    },
    budgets: { description: 'Limits that validation checks.', type: 'object' },
    assert: {
      description:
        "What must hold of the model, as expressions that validation checks: `logits.shape == [N, 10]`, `params < 5M`. Of a layer there are `shape`, `shapes` (of all its outputs), `params` and `flops`, of an input `shape`; names with `/` or `-` stand in quotes, `'stage1/0/conv'.shape`. Of the model there are `params`, `flops`, `peak_memory` and `layers`; the symbol of the batch stands for any size.",
      anyOf: [
        { type: 'string', minLength: 1, maxLength: 2000 },
        { type: 'array', items: { type: 'string', minLength: 1, maxLength: 2000 }, minItems: 1 },
      ],
    },
    tests: TESTS,
  },
};

export const INPUT: ObjectShape = {
  required: ['shape'],
  fields: {
    shape: {
      description: 'Extents, e.g. `[N, 1, 28, 28]`. The symbol in front is the batch.',
      type: 'array',
      minItems: 1,
      maxItems: 8,
      items: {
        anyOf: [
          { type: 'integer', minimum: 1, maximum: 2 ** 31 },
          { type: 'string', pattern: IDENTIFIER_PATTERN, examples: ['N'] },
        ],
      },
    },
    dtype: { description: 'Type of the elements.', enum: Object.keys(DTYPE_WORDS), default: 'float32' },
    description: { description: 'What the input is, for people.', type: 'string' },
  },
};

/** Fields that every layer has, and every use of a block. */
export const COMMON_LAYER: ObjectShape = {
  required: ['type'],
  fields: {
    name: {
      description: 'Name of the layer; by default its type and a number.',
      type: 'string',
      pattern: NAME_PATTERN,
      maxLength: 1000,
    },
    type: { description: 'A layer type or a block.', type: 'string' },
    inputs: references(
      'Layers or model inputs it takes; by default the layer before. `layer.output` names a further output.',
    ),
    when: {
      description:
        'Phases in which the layer exists (`train`, `eval`, `predict`, `train|eval`, or a list), or a condition on block parameters such as `"$stride != 1"`. Where it does not exist it passes on `else`, or its first input.',
      anyOf: [
        { type: 'string', minLength: 1 },
        { type: 'array', items: { enum: [...MODES] }, minItems: 1 },
      ],
    },
    else: { description: 'What stands in where `when` does not hold.', type: 'string', minLength: 1 },
    repeat: {
      description: 'So many in a row, each fed by the one before; named `name/0`, `name/1`, ….',
      type: 'integer',
      minimum: 0,
      maximum: MAX_REPEAT,
    },
    share: {
      description: 'Layer (or use of the same block) whose parameters it uses as its own.',
      type: 'string',
      minLength: 1,
    },
    frozen: { description: 'Training leaves its parameters as they are.', type: 'boolean', default: false },
  },
};

/** The word after `type:` that nests another model file. */
export const NESTED_MODEL = 'model';

export const NESTED: ObjectShape = {
  required: ['type', 'file'],
  fields: {
    ...COMMON_LAYER.fields,
    file: { description: 'The model file, from the folder of this one.', type: 'string', minLength: 1 },
    weights: {
      description: 'A weight file that its parameters start from, from the folder of this one.',
      type: 'string',
      minLength: 1,
    },
    until: {
      description: 'Its last layer that is taken; by default what its `outputs` name.',
      type: 'string',
      minLength: 1,
    },
    from: { description: 'Its first layer that is taken: the input goes there.', type: 'string', minLength: 1 },
  },
};

/** `init` is filled in from the initializers. */
export const PARAMETER_FIELDS: Readonly<Record<string, FieldSchema>> = {
  lr: { description: 'Factor on the learning rate.', type: 'number', minimum: 0, default: 1 },
  decay: { description: "Factor on the optimizer's weight decay.", type: 'number', minimum: 0, default: 1 },
  frozen: { description: 'Training leaves it as it is.', type: 'boolean', default: false },
  share: {
    description: 'The parameter of another layer that it is, `embedding.weight`: tied weights.',
    type: 'string',
    pattern: '^.+[.][A-Za-z_][A-Za-z0-9_]*$',
    examples: ['embedding.weight'],
  },
  l1: { description: 'Adds l1 · Σ|w| to the loss.', type: 'number', minimum: 0, default: 0 },
  l2: { description: 'Adds l2 · Σw² to the loss, as in Keras.', type: 'number', minimum: 0, default: 0 },
  orthogonal: {
    description: 'Adds orthogonal · ‖WWᵀ − 1‖² to the loss, where the rows of W are the units or filters.',
    type: 'number',
    minimum: 0,
    default: 0,
  },
};

export const BLOCK: ObjectShape = {
  required: ['layers'],
  fields: {
    description: { description: 'What the block is, for people.', type: 'string' },
    params: { description: 'Parameters, by name; layers read them as `$name` and in `${…}`.', type: 'object' },
    inputs: { ...references('Names of the inputs inside of the block.'), default: ['x'] },
    layers: { description: 'The layers of the block.', type: 'array', minItems: 1 },
    outputs: references(
      'Layers that the outside sees; the first is what the name of a use stands for. Default: the last layer.',
    ),
  },
};

/** A sub-graph that is written where a control layer uses it. */
export const INLINE_BODY: ObjectShape = {
  required: ['layers'],
  fields: {
    inputs: { ...references('Names of the inputs inside of the body.'), default: ['x'] },
    layers: { description: 'The layers of the body.', type: 'array', minItems: 1 },
    outputs: {
      description:
        'Layers that the outside sees, or a mapping from names of outputs to layers; by default the last, as `output`.',
      anyOf: [
        { type: 'string', minLength: 1 },
        { type: 'array', items: { type: 'string', minLength: 1 }, minItems: 1 },
        { type: 'object', minProperties: 1, additionalProperties: { type: 'string', minLength: 1 } },
      ],
    },
  },
};

export const PARAM: ObjectShape = {
  required: ['type'],
  fields: {
    type: { description: 'Type of the value.', enum: ['integer', 'number', 'string', 'boolean', 'list'] },
    default: { description: 'Value where a use does not give one.' },
    description: { description: 'What the parameter does, for people.', type: 'string' },
  },
};

const termFields: Readonly<Record<string, FieldSchema>> = {
  name: {
    description: 'Name in logs and reports; by default the type.',
    type: 'string',
    pattern: NAME_PATTERN,
    maxLength: 200,
  },
  type: { description: 'What it computes.', type: 'string' },
  inputs: references('Layers and model inputs: the prediction first, then what it is compared with.'),
};

export const COMMON_LOSS: ObjectShape = {
  required: ['type'],
  fields: {
    ...termFields,
    weight: { description: 'Factor in the total loss.', type: 'number', minimum: 0, default: 1 },
  },
};

export const COMMON_METRIC: ObjectShape = { required: ['type'], fields: termFields };

export const DATA: ObjectShape = {
  fields: {
    train: { description: 'Samples to train on.', type: 'object' },
    eval: { description: 'Samples to evaluate on.', type: 'object' },
    predict: { description: 'How inputs are read for prediction.', type: 'object' },
  },
};

export const TRAIN: ObjectShape = {
  required: ['batch_size'],
  fields: {
    batch_size: { description: 'Samples in a step, over all devices.', type: 'integer', minimum: 1, maximum: 2 ** 24 },
    epochs: { description: 'Passes over the training data.', type: 'integer', minimum: 0 },
    steps: {
      description: 'Steps in all, in place of `epochs`. 0 writes the initial weights.',
      type: 'integer',
      minimum: 0,
    },
    seed: {
      description: 'Seed of everything random.',
      type: 'integer',
      minimum: 0,
      maximum: Number.MAX_SAFE_INTEGER,
      default: 0,
    },
    optimizer: { description: 'How gradients change the parameters.', type: 'object' },
    schedule: { description: 'How the learning rate changes; constant by default.', type: 'object' },
    schedules: {
      description:
        'How other fields of the optimizer change: a mapping from their names to schedules, whose factors are on the values there, e.g. `{weight_decay: {type: cosine}}`.',
      type: 'object',
      minProperties: 1,
    },
    accumulate: {
      description:
        'Computes the gradient of a step in so many equal parts of its batch, one after the other: less memory, the same result. `batch_size` stays the batch of a step (with `iter_size` of Caffe it is that of a part). Batch normalization takes the statistics of each part, and random layers draw anew in each.',
      type: 'integer',
      minimum: 1,
      maximum: 1024,
      default: 1,
    },
    memory: quantity(
      'Most memory that a step may take, states included, e.g. `2GiB`. What does not fit is computed again for the backward pass instead of being kept: cheap results first, then whole stretches of layers. The same numbers, more time.',
      BYTE_UNITS,
      '2GiB',
    ),
    precision: {
      description:
        'What activations and their gradients are stored in, in training and its evaluations. `bfloat16` halves the memory that moves and multiplies twice as fast on processors with AVX512-BF16; sums, losses, weights, checkpoints and the optimizer stay float32, so that a run may be resumed in the other one. There is no loss scaling: bfloat16 has the range of float32.',
      enum: PRECISIONS,
      default: 'float32',
    },
    clip: { description: 'Clipping of gradients, before the optimizer sees them.', type: 'object' },
    groups: {
      description:
        'Settings for groups of weights; of those that fit a weight the later ones win, and its own `parameters` over all.',
      type: 'array',
      items: { type: 'object' },
    },
    discriminative: { description: 'Learning rates that grow from group to group.', type: 'object' },
    ema: { description: 'Evaluates and saves a moving average of the weights.', type: 'object' },
    swa: { description: 'Evaluates and saves the mean of the weights at several times.', type: 'object' },
    lookahead: { description: 'Slow weights that follow the fast ones (Zhang et al. 2019).', type: 'object' },
    phases: {
      description:
        'Stretches of the training, one after the other, each with settings of its own; in place of `epochs` and `steps`.',
      type: 'array',
      items: { type: 'object' },
      minItems: 1,
    },
    objectives: {
      description:
        'Parts of the training that take turns within a step, each with its own losses, weights and optimizer.',
      type: 'array',
      items: { type: 'object' },
      minItems: 1,
    },
    stop: { description: 'Ends the training when evaluations get no better.', type: 'object' },
    checkpoint: { description: 'When the state of the training is saved.', type: 'object' },
    evaluate: { description: 'When the model is evaluated on `data.eval`.', type: 'object' },
  },
};

export const CHECKPOINT: ObjectShape = {
  fields: {
    every: { ...interval('How often, and always at the end.'), default: '1 epochs' },
    keep: { description: 'How many are kept.', type: 'integer', minimum: 1, maximum: 1_000_000, default: 3 },
    best: {
      description:
        'Keeps the weights of the best evaluation so far in `best.h5`: by `loss`, or by a loss or metric of this name.',
      type: 'string',
    },
    restore_best: {
      description: 'At the end `weights.h5` holds those of `best.h5` (needs `best`).',
      type: 'boolean',
      default: false,
    },
  },
};

export const EVALUATE: ObjectShape = {
  fields: {
    every: { ...interval('How often, and always at the end.'), default: '1 epochs' },
    batch_size: {
      description: 'Samples in a step of evaluation; by default as in training.',
      type: 'integer',
      minimum: 1,
      maximum: 2 ** 24,
    },
  },
};

/** A field that all schedules have. */
export const WARMUP: FieldSchema = {
  description:
    'Rises from `from` times the full value over so many steps or epochs; the schedule begins when it is over.',
  type: 'object',
  additionalProperties: false,
  properties: {
    steps: { description: 'Length in steps.', type: 'integer', minimum: 1 },
    epochs: { description: 'Length in epochs.', type: 'number', exclusiveMinimum: 0 },
    from: { description: 'Factor at the start.', type: 'number', minimum: 0, maximum: 1, default: 0 },
    shape: {
      description: 'How it rises; `constant` stays at `from` until it is over.',
      enum: ['linear', 'cosine', 'exponential', 'constant'],
      default: 'linear',
    },
  },
};

export const BUDGETS: ObjectShape = {
  fields: {
    params: quantity('Most parameters the model may have, e.g. `5M`.', 'k|M|G|T', '5M'),
    flops: quantity('Most operations for one sample, forward; e.g. `300M`.', 'k|M|G|T', '300M'),
    peak_memory: quantity(
      'Most memory of a training step (of prediction where there is no `train:`), e.g. `2GiB`.',
      BYTE_UNITS,
      '2GiB',
    ),
  },
};
