/** Running totals along an axis. */
import { axisOf } from '../axis';
import { defineLayer, type LayerDef } from '../define';
import { axisField, flag, flagOf } from '../fields';

function cumulative(op: 'cumsum' | 'cumprod', noun: string, symbol: string, neutral: number): LayerDef {
  return defineLayer({
    type: op,
    summary: `Running ${noun}s along an axis.`,
    details: `output[i] = x[0] ${symbol} … ${symbol} x[i]; \`exclusive\` leaves x[i] itself out, so that the first is ${neutral}; \`reverse\` runs from the end. As \`${op}\` of NumPy, PyTorch and Keras, which have neither field; TensorFlow has both. float32 is carried on in double precision. Integers stay integers, and wrap around.`,
    example: `{name: running, type: ${op}, axis: 1}`,
    fields: {
      axis: axisField('The axis to run along.', 1),
      exclusive: flag('Leaves out the element itself.', false),
      reverse: flag('Runs from the end to the start.', false),
    },
    arity: [1, 1],
    lower(context, inputs) {
      const input = inputs[0]!;
      if (input.type.dtype === 'bool') context.mismatch('dtype', 'bools do not add up: `cast` them first');
      const axis = axisOf(context, input);
      const { fields } = context;
      return context.b.op(op, [input], {
        axis,
        exclusive: flagOf(fields, 'exclusive'),
        reverse: flagOf(fields, 'reverse'),
      });
    },
    samples: [
      { inputs: [{ shape: ['N', 5] }] },
      { name: 'exclusive', inputs: [{ shape: ['N', 3, 5] }], fields: { axis: -1, exclusive: true } },
      { name: 'in reverse', inputs: [{ shape: ['N', 5, 3] }], fields: { reverse: true } },
      {
        name: 'both, integers',
        inputs: [{ shape: ['N', 7], dtype: 'int32', range: [-3, 3] }],
        fields: { exclusive: true, reverse: true },
      },
    ],
  });
}

export const cumsum = cumulative('cumsum', 'sum', '+', 0);
export const cumprod = cumulative('cumprod', 'product', '·', 1);
