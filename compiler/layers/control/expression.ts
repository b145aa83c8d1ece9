/** A layer by its formula: what no built-in layer computes, written where it is used. */
import { usualAxes, type Tensor } from '../../expression/axes';
import { parseExpression } from '../../expression/parse';
import { scalar, TensorExpression, tensor, valueOf, type Term } from '../../expression/tensors';
import type { FieldSchema } from '../../frontend/describe';
import { typed } from '../../frontend/shapes';
import type { Fields, Json } from '../../frontend/spec';
import { INITIALIZERS } from '../../initializers/index';
import type { Value } from '../../ir/graph';
import { MANY, defineLayer, type LowerContext } from '../define';
import { wordOf } from '../fields';

const identifier = { type: 'string', pattern: '^[A-Za-z_][A-Za-z0-9_]*$' } as const;

/** The fields that layers, losses and metrics by formula have. */
export const EXPRESSION_FIELDS: Readonly<Record<string, FieldSchema>> = {
  expr: {
    description: 'The formula, e.g. `"x * sigmoid(beta * x)"`.',
    type: 'string',
    minLength: 1,
    maxLength: 2000,
  },
  names: {
    description:
      'What the inputs are called in the formula, in order; by default as they are written under `inputs`. A single one is `x` too.',
    type: 'array',
    items: { type: 'string', pattern: '^([A-Za-z_][A-Za-z0-9_]*)?$' },
  },
  axes: {
    description:
      'Names of the axes of inputs: `{x: [N, T, C]}`. By default `N`, `N C`, `N T C`, `N C H W`, `N C D H W`, by the number of axes.',
    type: 'object',
    additionalProperties: { type: 'array', items: identifier },
  },
  constants: {
    description: 'Numbers by name, so that they can be overridden: `{beta: 1.5}`.',
    type: 'object',
    additionalProperties: { type: 'number' },
  },
};

export const RULES = [
  'Operators: `+ - * / // % **`, comparisons, `and or not`, `a if condition else b`, `x[:, 0]`. Functions: every activation by its name (`gelu(x)`, `leaky_relu(x, slope=0.2)`), `exp log sqrt abs sign sin cos tanh erf floor ceil round …`, `min max clip where pow`; over axes `sum mean max min prod var std norm logsumexp any all` (`mean(x, H, W)`, `sum(x, axis=-1, keepdims=true)`; without axes over everything), along one `softmax log_softmax argmax argmin`; `size(x, C)` is a number; `dot(a, b, C)` a matrix product; `one_hot(label, 10)`; `uniform(x) normal(x) bernoulli(p)` draw in the shape of their argument; `stop_gradient(x)`.',
  'Axes have names, and axes of one name are one axis: `x - mean(x, C)` needs no reshaping, and [N, C] times [N, T] is [N, C, T]. An extent of 1 is stretched.',
  'Comparisons give truth values, which count as 0 and 1 in arithmetic. Integers stay integers under `+ - *` and comparisons; everything else is float32.',
].join('\n\n');

export const expression = defineLayer({
  type: 'expression',
  summary: 'A layer by formula: typed, differentiated symbolically, fused like built-in ones.',
  details: [
    RULES,
    '`weights` are learned: `{slope: {shape: [C], init: 0.25}}`; an axis name stands for the extent that it has in the inputs, and the weight meets the inputs along it. `parameters:` sets their `lr`, `decay` and `frozen`.',
  ].join('\n\n'),
  example: '{name: swish, type: expression, expr: "x * sigmoid(1.702 * x)"}',
  fields: {
    ...EXPRESSION_FIELDS,
    weights: {
      description: 'Learned tensors by name, each with `shape` (numbers and names of axes) and `init`.',
      type: 'object',
      propertyNames: identifier,
      additionalProperties: {
        type: 'object',
        required: ['shape'],
        additionalProperties: false,
        properties: {
          shape: { type: 'array', items: { anyOf: [{ type: 'integer', minimum: 1 }, identifier] }, maxItems: 8 },
          init: { anyOf: [{ type: 'number' }, ...typed(INITIALIZERS).anyOf] },
        },
      },
    },
    parameters: {
      description: 'Settings of single weights, by name: `lr`, `decay`, `frozen`.',
      type: 'object',
      additionalProperties: {
        type: 'object',
        additionalProperties: false,
        properties: {
          lr: { type: 'number', minimum: 0 },
          decay: { type: 'number', minimum: 0 },
          frozen: { type: 'boolean' },
        },
      },
    },
  },
  required: ['expr'],
  arity: [1, MANY],
  activates: true,
  namesInputs: true,
  samples: [
    { inputs: [{ shape: ['N', 5] }], fields: { expr: 'x * sigmoid(1.7 * x)' } },
    {
      inputs: [{ shape: ['N', 3, 2, 2] }],
      fields: {
        expr: '(x - mean(x, C)) / sqrt(var(x, C) + 1e-3) * g',
        weights: { g: { shape: ['C'], init: 1 } },
      },
    },
    {
      inputs: [{ shape: ['N', 3] }, { shape: ['N', 4] }],
      fields: { expr: 'a * b + dot(a * b, b, T)', names: ['a', 'b'], axes: { b: ['N', 'T'] } },
    },
    {
      inputs: [{ shape: ['N', 5], separated: true }],
      fields: { expr: 'where(x > 0.1, x ** 3, k * max(x, -0.5)) + logsumexp(x, C)', constants: { k: 0.5 } },
    },
    {
      inputs: [{ shape: ['N', 4, 3] }],
      fields: { expr: 'x[:, -1] + x[:, 1:3][:, 0] * uniform(x[..., 1])[:, :3]' },
      name: 'indices and draws',
      modes: ['train'],
    },
  ],
  lower(context, inputs) {
    const names = namesOf(context, inputs);
    declareWeights(context, names);
    return valueOf(new TensorExpression(context, names), parseExpression(wordOf(context.fields, 'expr')));
  },
});

/** What a formula can name: the inputs with their axes, and the constants. */
export function namesOf(context: LowerContext, inputs: readonly Value[]): Map<string, Term> {
  const { fields } = context;
  const written = listOf(fields['names']);
  if (fields['names'] !== undefined && written.length !== inputs.length) {
    context.fail(['names'], `${written.length} names for ${inputs.length} inputs`);
  }
  const names = new Map<string, Term>();
  const add = (name: string, term: Term, path: readonly string[]): void => {
    if (names.has(name)) context.fail(path, `two things are called \`${name}\``);
    names.set(name, term);
  };
  const axes = mappingOf(fields['axes']);
  inputs.forEach((value, i) => {
    const name = written[i] ?? (inputs.length === 1 ? 'x' : `x${i}`);
    if (name !== '') add(name, tensor(value, axesOf(context, name, value, axes)), ['names']);
  });
  const [only] = inputs;
  if (inputs.length === 1 && only && !names.has('x')) {
    names.set('x', tensor(only, axesOf(context, written[0] ?? 'x', only, axes)));
  }
  for (const name of Object.keys(axes))
    if (!names.has(name)) context.fail(['axes', name], `no input is called \`${name}\``);
  for (const [name, value] of Object.entries(mappingOf(fields['constants']))) {
    if (typeof value === 'number') add(name, scalar(value), ['constants', name]);
  }
  return names;
}

function axesOf(context: LowerContext, name: string, { type }: Value, axes: Fields): Tensor['axes'] {
  const rank = type.shape.length;
  const given = axes[name];
  if (given === undefined) return usualAxes(rank);
  const words = listOf(given);
  if (words.length !== rank) context.fail(['axes', name], `${words.length} names for the ${rank} axes of \`${name}\``);
  if (new Set(words).size < rank) context.fail(['axes', name], 'an axis is named twice');
  return words;
}

function declareWeights(context: LowerContext, names: Map<string, Term>): void {
  const inputs = [...names.values()];
  const weights = mappingOf(context.fields['weights']);
  for (const name of Object.keys(mappingOf(context.fields['parameters']))) {
    if (weights[name] === undefined) context.fail(['parameters', name], `no weight is called \`${name}\``);
  }
  for (const [name, settings] of Object.entries(weights)) {
    const { shape, init = 'zeros' } = settings as {
      readonly shape: readonly (number | string)[];
      readonly init?: Json;
    };
    if (names.has(name)) context.fail(['weights', name], `two things are called \`${name}\``);
    const extents = shape.map((extent, i) => {
      if (typeof extent === 'number') return extent;
      for (const term of inputs) {
        const axis = term.kind === 'tensor' ? term.axes.indexOf(extent) : -1;
        if (axis >= 0 && term.kind === 'tensor') return term.value.type.shape[axis]!;
      }
      return context.fail(['weights', name, 'shape', i], `no input has an axis called ${extent}`);
    });
    const initializer = typeof init === 'number' ? { type: 'constant', value: init } : init;
    const value = context.parameter(name, extents, { init: initializer });
    names.set(
      name,
      tensor(
        value,
        shape.map((extent) => (typeof extent === 'string' ? extent : undefined)),
      ),
    );
  }
}

function listOf(value: Json | undefined): readonly string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

function mappingOf(value: Json | undefined): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}
