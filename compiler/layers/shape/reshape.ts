/** Another shape for the same elements: a view. */
import { elementCount, type Shape } from '../../ir/types';
import { resolveAxis } from '../axis';
import { defineLayer, type LowerContext } from '../define';
import { axisField, numberOf } from '../fields';
import { extentsField, extentsOf } from './extents';

/** The axes of the input that `shape` stands for: the first one, and the first one after them. */
function rangeOf(context: LowerContext, shape: Shape): readonly [number, number] {
  const written = numberOf(context.fields, 'axis');
  const count = numberOf(context.fields, 'num_axes');
  const rank = shape.length;
  const first = written === rank ? rank : resolveAxis(context, written, shape, ['axis']);
  const end = count === -1 ? rank : first + count;
  if (end > rank)
    context.fail(['num_axes'], `${count} axes from axis ${first} on are more than the input has, ${rank}`);
  return [first, end];
}

export const reshape = defineLayer({
  type: 'reshape',
  summary: 'Gives the input another shape with the same number of elements.',
  details: [
    'The whole shape is written, the batch axis included, as in `inputs:`. Symbols such as `N` stand for what they stand for there; `0` is the extent of the input at the same place; one `-1` is worked out from the rest. With `axis` and `num_axes` the shape replaces only some axes: `axis: 1, num_axes: 1, shape: [4, -1]` makes [N, 4, C/4, H, W] of [N, C, H, W].',
    "Caffe's Reshape is the same, but for its negative `axis`, which counts one more (−1 is behind the last axis there). Keras's Reshape leaves the batch axis out: `axis: 1` here. PyTorch's `reshape` has no 0.",
  ].join('\n\n'),
  example: '{name: grid, type: reshape, shape: [N, 50, 16]}',
  fields: {
    shape: extentsField(
      'Extents: numbers, symbols of the inputs such as `N`, `0` for the extent of the input at the same place, at most one `-1`.',
      [{ type: 'integer', enum: [-1, 0] }],
    ),
    axis: axisField('The first axis of the input that `shape` replaces.', 0),
    num_axes: {
      description: 'How many axes of the input `shape` replaces; `-1`: all from `axis` on. 0 only puts axes in.',
      type: 'integer',
      minimum: -1,
      default: -1,
    },
  },
  required: ['shape'],
  arity: [1, 1],
  lower(context, inputs) {
    const input = inputs[0]!;
    const own = input.type.shape;
    const [first, end] = rangeOf(context, own);
    const wanted = extentsOf(context).map((extent, i) => {
      if (extent !== 0) return extent;
      const place = first + i;
      return place < end ? own[place]! : context.fail(['shape', i], `the input has no axis ${place} to take it from`);
    });
    if (wanted.filter((extent) => extent === -1).length > 1) {
      context.fail(['shape'], 'only one extent can be -1');
    }
    const total = elementCount(own.slice(first, end));
    const known = elementCount(wanted.filter((extent) => extent !== -1));
    const replaced = wanted.map((extent) => (extent === -1 ? total / known : extent));
    if (elementCount(replaced) !== total || replaced.some((extent) => !Number.isInteger(extent))) {
      const of = first === 0 && end === own.length ? 'the input' : `its axes ${first} to ${end - 1}`;
      const sample = first === 0 && elementCount(replaced) * (own[0] ?? 1) === total;
      context.mismatch(
        'shape',
        `[${wanted.join(', ')}] does not hold the ${total} elements of ${of}`,
        sample ? 'the batch axis is written too, e.g. `[N, 4, 4]`; or leave it with `axis: 1`' : undefined,
      );
    }
    return context.b.op('reshape', [input], { shape: [...own.slice(0, first), ...replaced, ...own.slice(end)] });
  },
  samples: [
    { inputs: [{ shape: ['N', 800] }], fields: { shape: ['N', 50, 16] }, parameters: false },
    { name: 'copied and worked out', inputs: [{ shape: ['N', 6, 5] }], fields: { shape: [0, 2, -1, 5] } },
    { name: 'some axes', inputs: [{ shape: ['N', 6, 5] }], fields: { shape: [3, -1], axis: 1, num_axes: 1 } },
    { name: 'put in', inputs: [{ shape: ['N', 3] }], fields: { shape: [1], axis: 1, num_axes: 0 } },
  ],
});
