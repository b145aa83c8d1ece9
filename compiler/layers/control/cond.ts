/** One of two blocks, chosen when the step runs. */
import { elementCount, sameType } from '../../ir/types';
import { defineLayer, MANY } from '../define';
import { bindInputs, bodyField } from './body';

export const cond = defineLayer({
  type: 'cond',
  summary: 'Runs one of two blocks: `then` where the first input is true, `otherwise` where it is not.',
  details: [
    'The first input is one truth value for the whole batch, a bool of one element, such as `expression` gives with `expr: "mean(x) > 0"`. The others are the inputs of both blocks, in order. Only the block that is taken is computed.',
    'Outputs of the two agree in number and type; they are named as those of `then`. To choose element by element use `where`, which computes both sides.',
  ].join('\n\n'),
  example:
    '{name: y, type: cond, inputs: [test, x], then: {layers: [{type: relu}]}, otherwise: {layers: [{type: identity}]}}',
  fields: { then: bodyField('Where it is true.'), otherwise: bodyField('Where it is false.') },
  required: ['then', 'otherwise'],
  arity: [1, MANY],
  bodies: ['then', 'otherwise'],
  outputs: (_, { then }) => then?.outputs.slice(1) ?? [],
  samples: [true, false].map((value) => ({
    name: value ? 'true' : 'false',
    inputs: [{ shape: [1], dtype: 'bool', values: [Number(value)] }, { shape: ['N', 3] }],
    modes: ['predict'] as const,
    fields: {
      then: { layers: [{ name: 'a', type: 'dense', units: 2, activation: 'tanh' }] },
      otherwise: { layers: [{ name: 'b', type: 'dense', units: 2 }] },
    },
  })),
  lower(context, [test, ...inputs]) {
    const { b } = context;
    if (test?.type.dtype !== 'bool' || elementCount(test.type.shape) !== 1) {
      const hint =
        'compare something that has no batch axis any more, as in `expr: "mean(x) > 0"`; `where` chooses by element';
      return context.mismatch('dtype', 'its first input should be a single bool', hint);
    }
    const predicate = b.op('reshape', [test], { shape: [] });
    const branch = (field: string): Parameters<typeof b.cond>[1] => {
      const body = context.body(field)!;
      const given = bindInputs(context, body, inputs);
      return (sub) =>
        context.lowerBody(
          field,
          sub,
          body.inputs.map((name) => given.get(name)!),
        );
    };
    const [then, otherwise] = [context.body('then')!, context.body('otherwise')!];
    if (then.outputs.length !== otherwise.outputs.length) {
      context.fail(
        ['otherwise'],
        `it has ${otherwise.outputs.length} outputs, and \`then\` has ${then.outputs.length}`,
      );
    }
    let first: readonly { readonly type: typeof test.type }[] = [];
    return b.cond(
      predicate,
      (sub) => {
        const made = branch('then')(sub);
        first = made;
        return made;
      },
      (sub) => {
        const made = branch('otherwise')(sub);
        made.forEach((value, i) => {
          const other = first[i];
          if (other && sameType(other.type, value.type)) return;
          const shapes = [other, value].map((one) => `[${one?.type.shape.join(', ')}]`).join(' and ');
          context.fail(['otherwise'], `output ${i + 1} differs from that of \`then\`: ${shapes}`);
        });
        return made;
      },
    );
  },
});
