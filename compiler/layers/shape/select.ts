/** One slice of an axis, without the axis. */
import { axisOf } from '../axis';
import { defineLayer } from '../define';
import { axisField, numberOf } from '../fields';
import { dropAxis, sliceAlong } from './pieces';

export const select = defineLayer({
  type: 'select',
  summary: 'Takes one slice of an axis and leaves the axis out.',
  details:
    'The last step of a sequence [N, T, C] is `axis: 1, index: -1`: [N, C]. As `select` of PyTorch and `x[:, index]` in Python.',
  example: '{name: final, type: select, axis: 1, index: -1}',
  fields: {
    axis: axisField('The axis to take from.', 1),
    index: { description: 'Which slice; negative numbers count from the end.', type: 'integer', default: 0 },
  },
  arity: [1, 1],
  lower(context, inputs) {
    const { b, fields } = context;
    const input = inputs[0]!;
    const axis = axisOf(context, input);
    const extent = input.type.shape[axis] ?? 1;
    const written = numberOf(fields, 'index');
    const index = written < 0 ? written + extent : written;
    if (index < 0 || index >= extent) {
      context.fail(['index'], `${written} is outside of axis ${axis}, whose extent is ${extent}`);
    }
    return dropAxis(b, sliceAlong(b, input, axis, index, index + 1), axis);
  },
  samples: [
    { inputs: [{ shape: ['N', 5, 3] }], fields: { axis: 1, index: -1 } },
    { name: 'last axis', inputs: [{ shape: ['N', 5, 3] }], fields: { axis: -1, index: 1 } },
    { name: 'the only one', inputs: [{ shape: ['N', 1] }] },
  ],
});
