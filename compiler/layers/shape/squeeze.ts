/** Leaves out axes of extent 1: a view. */
import { axesOf } from '../axis';
import { defineLayer } from '../define';
import { axesField } from '../fields';
import { reshapeTo } from './pieces';

export const squeeze = defineLayer({
  type: 'squeeze',
  summary: 'Leaves out axes of extent 1.',
  details:
    'The axes are always named: leaving out whatever happens to be 1, as PyTorch does by default, would take the batch axis away from a batch of one sample.',
  example: '{name: flat, type: squeeze, axes: [2, 3]}',
  fields: { axes: axesField('The axes to leave out.') },
  required: ['axes'],
  arity: [1, 1],
  lower(context, inputs) {
    const input = inputs[0]!;
    const { shape } = input.type;
    const axes = axesOf(context, input);
    const wide = axes.find((axis) => shape[axis] !== 1);
    if (wide !== undefined) context.mismatch('shape', `axis ${wide} has extent ${shape[wide]}, not 1`);
    return reshapeTo(
      context.b,
      input,
      shape.filter((_, axis) => !axes.includes(axis)),
    );
  },
  samples: [
    { inputs: [{ shape: ['N', 3, 1, 1] }], fields: { axes: [2, 3] } },
    { name: 'one axis', inputs: [{ shape: ['N', 1, 5] }], fields: { axes: -2 } },
  ],
});
