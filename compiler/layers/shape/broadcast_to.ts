/** Stretches extents of 1. */
import { defineLayer } from '../define';
import { broadcastTo } from './pieces';
import { extentsField, extentsOf } from './extents';

export const broadcastToLayer = defineLayer({
  type: 'broadcast_to',
  summary: 'Repeats axes of extent 1, and puts new ones in front, until the input has the given shape.',
  details:
    'By the rules of NumPy: shapes are compared from the last axis, an extent of 1 is stretched to what is asked for, all others have to agree. `-1` keeps an extent. `expand` of PyTorch, `broadcast_to` of Keras. The gradient sums over what was repeated.',
  example: '{name: grid, type: broadcast_to, shape: [N, -1, 16, 16]}',
  fields: {
    shape: extentsField('Extents: numbers, symbols of the inputs such as `N`, `-1` for one that stays as it is.', [
      { type: 'integer', const: -1 },
    ]),
  },
  required: ['shape'],
  arity: [1, 1],
  lower(context, inputs) {
    const input = inputs[0]!;
    const own = input.type.shape;
    const wanted = extentsOf(context);
    const ahead = wanted.length - own.length;
    if (ahead < 0) context.mismatch('shape', `it has more axes than [${wanted.join(', ')}]`);
    const shape = wanted.map((extent, axis) => {
      const found = own[axis - ahead];
      if (extent === -1) return found ?? context.fail(['shape', axis], 'a new axis has no extent that could be kept');
      if (found !== undefined && found !== 1 && found !== extent) {
        context.mismatch('shape', `axis ${axis - ahead} has extent ${found}, which does not stretch to ${extent}`);
      }
      return extent;
    });
    return broadcastTo(context.b, input, shape);
  },
  samples: [
    { inputs: [{ shape: ['N', 3, 1, 1] }], fields: { shape: ['N', -1, 16, 16] } },
    { name: 'a new axis', inputs: [{ shape: ['N', 3] }], fields: { shape: [2, 'N', 3] } },
  ],
});
