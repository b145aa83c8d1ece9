/** A fully connected layer over any axes, by an equation. */
import type { Value } from '../../ir/graph';
import { elementCount } from '../../ir/types';
import type { LowerContext } from '../define';
import { defineLayer } from '../define';
import { isNumbers, wordOf } from '../fields';
import { initField, weightInit } from '../initial';
import { requireFloat } from '../window';
import { contract } from './contraction';
import type { Bound, Equation } from './equation';
import { bind, ELLIPSIS, equationOf } from './equation';
import { equationField } from './einsum';

export const einsumDense = defineLayer({
  type: 'einsum_dense',
  summary: 'Multiplies the input with a learned weight by an equation: dense layers over any axes.',
  details: [
    "Keras' EinsumDense: `abc,cd->abd` is a dense layer on the last axis, `abc,cde->abde` one that makes two axes, `...x,xy->...y` one for any number of axes. The first part is the input, the second the weight.",
    'Weights: `weight` with the letters of the second part, `bias` with those of `bias_axes`. Letters that only weight and output have get their extents from `output_shape`. Fans are counted over the letters: what is summed is in, what is made is out; Keras counts the last two axes.',
  ].join('\n\n'),
  example: "{name: heads, type: einsum_dense, equation: 'nchw,cde->nhwde', output_shape: [3, 5], bias_axes: de}",
  fields: {
    equation: equationField('Input and weight, and what becomes of them.'),
    output_shape: {
      description:
        "Extents of the output's last axes, as many as are given; `null` where the input says. Not needed where the input says all.",
      anyOf: [
        { type: 'integer', minimum: 1 },
        { type: 'array', items: { anyOf: [{ type: 'integer', minimum: 1 }, { type: 'null' }] }, minItems: 1 },
      ],
    },
    bias_axes: {
      description: 'Letters of the output along which a learned bias differs; without, there is no bias.',
      type: 'string',
      pattern: '^[A-Za-z]+$',
    },
    init: initField,
  },
  required: ['equation'],
  samples: [
    {
      inputs: [{ shape: ['N', 4, 2, 3] }],
      fields: { equation: 'nchw,cde->nhwde', output_shape: [3, 5], bias_axes: 'de' },
    },
    { inputs: [{ shape: ['N', 3, 5] }], fields: { equation: '...x,xy->...y', output_shape: 2, bias_axes: 'y' } },
    { inputs: [{ shape: ['N', 3, 5] }], fields: { equation: 'abc,bc->ab', bias_axes: 'b' } },
    { inputs: [{ shape: ['N', 3, 2] }], fields: { equation: 'abc,cbd->adb', output_shape: [5, null] } },
  ],
  arity: [1, 1],
  activates: true,
  parameters: ['weight', 'bias'],
  lower(context, inputs) {
    const { b, fields } = context;
    requireFloat(context, ...inputs);
    const text = wordOf(fields, 'equation');
    const equation = equationOf(context, text);
    const [, kernel] = equation.inputs;
    if (equation.inputs.length !== 2 || !kernel || !text.includes('->')) {
      return context.fail(['equation'], 'it must be of the form `input,weight->output`');
    }
    if (kernel.includes(ELLIPSIS)) context.fail(['equation'], 'the weight cannot have `...`: its shape must be known');
    const twice = kernel.find((name, i) => kernel.indexOf(name) < i);
    if (twice !== undefined) context.fail(['equation'], `the weight names \`${twice}\` twice`);
    const bound = bind(context, { inputs: [equation.inputs[0]!], output: equation.output }, inputs);
    const extents = allExtents(context, equation, bound, kernel);
    const shape = kernel.map((name) => extents.get(name) ?? 1);
    const made = kernel.filter((name) => equation.output.includes(name) && !bound.extents.has(name));
    const summed = kernel.filter((name) => !equation.output.includes(name));
    const count = (names: readonly string[]): number => elementCount(names.map((name) => extents.get(name) ?? 1));
    const options = { init: weightInit(context), fanIn: count(summed), fanOut: count(made) };
    const weight = { value: context.parameter('weight', shape, options), axes: kernel };
    const output = contract(b, [...bound.operands, weight], bound.output);
    return withBias(context, output, bound.output, extents);
  },
});

/** The extents that the input gives, and those of `output_shape`, which is aligned with the output's last axes. */
function allExtents(
  context: LowerContext,
  { output }: Equation,
  bound: Bound,
  kernel: readonly string[],
): ReadonlyMap<string, number> {
  const extents = new Map(bound.extents);
  const given = context.fields['output_shape'];
  const listed = (typeof given === 'number' ? [given] : (given ?? [])) as readonly (number | null)[];
  if (listed.length > bound.output.length) {
    context.fail(['output_shape'], `it lists ${listed.length} extents for ${bound.output.length} axes of the output`);
  }
  listed.forEach((extent, i) => {
    const name = bound.output[bound.output.length - listed.length + i]!;
    const known = bound.extents.get(name);
    if (extent === null) return;
    if (known !== undefined && known !== extent) {
      const path = isNumbers(given) ? ['output_shape', i] : ['output_shape'];
      context.fail(path, `\`${name}\` is ${known} in the input, not ${extent}`);
    }
    extents.set(name, extent);
  });
  const open = kernel.find((name) => !extents.has(name));
  if (open !== undefined) {
    const place = output.includes(open)
      ? `give its extent in \`output_shape\``
      : 'the input must have it to sum over it';
    context.fail(['equation'], `nothing says how long \`${open}\` of the weight is`, place);
  }
  return extents;
}

function withBias(
  context: LowerContext,
  value: Value,
  output: readonly string[],
  extents: ReadonlyMap<string, number>,
): Value {
  if (context.fields['bias_axes'] === undefined) return value;
  const letters: readonly string[] = wordOf(context.fields, 'bias_axes').match(/./g) ?? [];
  const bad = letters.find((name, i) => !output.includes(name) || letters.indexOf(name) < i);
  if (bad !== undefined) {
    context.fail(['bias_axes'], `\`${bad}\` is ${output.includes(bad) ? 'listed twice' : 'no axis of the output'}`);
  }
  const ordered = output.filter((name) => letters.includes(name));
  const own = ordered.map((name) => extents.get(name) ?? 1);
  const bias = context.parameter('bias', own, { init: 'zeros' });
  const shape = output.map((name) => (letters.includes(name) ? (extents.get(name) ?? 1) : 1));
  return context.b.op('add', [value, context.b.op('reshape', [bias], { shape })]);
}
