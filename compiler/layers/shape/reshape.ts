/** Another shape for the same elements: a view. */
import { elementCount } from '../../ir/types';
import { defineLayer } from '../define';

export const reshape = defineLayer({
  type: 'reshape',
  summary: 'Gives the input another shape with the same number of elements.',
  details:
    'The whole shape is written, the batch axis included, as in `inputs:`. Symbols such as `N` stand for what they stand for there; one `-1` is worked out from the rest.',
  example: '{name: grid, type: reshape, shape: [N, 50, 16]}',
  fields: {
    shape: {
      description: 'Extents: numbers, symbols of the inputs such as `N`, at most one `-1`.',
      type: 'array',
      items: {
        anyOf: [
          { type: 'integer', minimum: 1 },
          { type: 'integer', const: -1 },
          { type: 'string', pattern: '^[A-Za-z_][A-Za-z0-9_]*$' },
        ],
      },
      minItems: 1,
    },
  },
  required: ['shape'],
  arity: [1, 1],
  lower(context, inputs) {
    const input = inputs[0]!;
    const wanted = (context.fields['shape'] as readonly (number | string)[]).map((extent, axis) => {
      if (typeof extent === 'number') return extent;
      const bound = context.symbols[extent];
      if (bound === undefined) {
        const known = Object.keys(context.symbols).join(', ') || 'none';
        return context.fail(
          ['shape', axis],
          `no input has a dimension called '${extent}'`,
          `known dimensions: ${known}`,
        );
      }
      return bound;
    });
    if (wanted.filter((extent) => extent === -1).length > 1) {
      context.fail(['shape'], 'only one extent can be -1');
    }
    const total = elementCount(input.type.shape);
    const known = elementCount(wanted.filter((extent) => extent !== -1));
    const shape = wanted.map((extent) => (extent === -1 ? total / known : extent));
    if (elementCount(shape) !== total || shape.some((extent) => !Number.isInteger(extent))) {
      context.mismatch('shape', `[${wanted.join(', ')}] does not hold the ${total} elements of the input`);
    }
    return context.b.op('reshape', [input], { shape });
  },
});
