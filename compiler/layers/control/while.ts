/** A loop that ends by itself, within a bound; without a gradient. */
import { elementCount } from '../../ir/types';
import { defineLayer, MANY } from '../define';
import { numberOf } from '../fields';
import { bindInputs, bodyField, requireCarried } from './body';

export const whileLayer = defineLayer({
  type: 'while',
  summary: 'Runs a block again and again, as long as a condition holds and at most `limit` times.',
  details: [
    'The inputs are the values before the first round. The outputs of `body` are, in order, what the first of them become; inputs beyond are the same in every round. `condition` takes the same inputs and gives one truth value for the whole batch.',
    'Outputs are the values after the last round, and `name.count`, how many rounds there were (int32). There is no gradient through it: where training needs one, use `scan`.',
  ].join('\n\n'),
  example:
    '{name: y, type: while, inputs: x, limit: 10, condition: {inputs: v, layers: [{type: expression, inputs: v, expr: "max(v) > 1"}]}, body: {inputs: v, layers: [{type: expression, inputs: v, expr: "v / 2"}]}}',
  fields: {
    body: bodyField('What one round computes.'),
    condition: bodyField('Whether there is another round.'),
    limit: { description: 'The most rounds.', type: 'integer', minimum: 1, maximum: 1_000_000 },
  },
  required: ['body', 'condition', 'limit'],
  arity: [1, MANY],
  bodies: ['body', 'condition'],
  outputs: (_, { body }) => [...(body?.inputs.slice(1, body.outputs.length) ?? []), 'count'],
  samples: [
    {
      inputs: [{ shape: ['N', 3] }, { shape: [1], values: [1.5] }],
      fields: {
        condition: {
          inputs: ['v', 'k'],
          layers: [{ name: 'more', type: 'expression', inputs: ['v'], expr: 'max(v) < 2' }],
        },
        body: {
          inputs: ['v', 'k'],
          layers: [{ name: 'next', type: 'expression', inputs: ['v', 'k'], expr: 'v * k + 0.2' }],
        },
        limit: 7,
      },
      wrt: [],
      modes: ['predict'],
    },
  ],
  lower(context, inputs) {
    const { b, fields } = context;
    const [body, condition] = [context.body('body')!, context.body('condition')!];
    const given = bindInputs(context, body, inputs);
    bindInputs(context, condition, inputs);
    const carried = body.inputs.slice(0, body.outputs.length);
    if (body.outputs.length > body.inputs.length) {
      context.fail(['body'], `it has ${body.outputs.length} outputs for ${body.inputs.length} inputs to become`);
    }
    const valuesOf = (carries: readonly (typeof inputs)[number][]): readonly (typeof inputs)[number][] =>
      body.inputs.map((name, i) => carries[i] ?? given.get(name)!);
    return b.while({
      init: carried.map((name) => given.get(name)!),
      limit: numberOf(fields, 'limit'),
      name: context.name,
      condition: (sub, carries, index) => {
        const [more] = context.lowerBody('condition', sub, valuesOf(carries), index);
        if (more?.type.dtype !== 'bool' || elementCount(more.type.shape) !== 1) {
          return context.fail(['condition'], 'it should give a single bool, for the whole batch');
        }
        return sub.op('reshape', [more], { shape: [] });
      },
      body: (sub, carries, index) =>
        context
          .lowerBody('body', sub, valuesOf(carries), index)
          .map((value, i) => requireCarried(context, ['body'], carries[i]!, value)),
    }).all;
  },
});
