/** Dropout of whole channels. */
import { axisOf } from '../axis';
import { defineLayer, type LayerDef } from '../define';
import { axisField, numberOf } from '../fields';
import { requireFloat } from '../window';
import { alwaysField, draws, rateField, scaledMask } from './masks';

function defineSpatialDropout(rank: number, note: string, samples: LayerDef['samples']): LayerDef {
  const shape = ['N', 'C', ...['D', 'H', 'W'].slice(3 - rank)].join(', ');
  return defineLayer({
    type: `spatial_dropout${rank}d`,
    summary: 'Sets whole channels to 0 in training and scales the rest up; passes everything on elsewhere.',
    details: `One draw for each sample and channel of [${shape}] (Tompson et al. 2015). ${note} The rate of PyTorch's Dropout${rank}d means the same.`,
    example: `{name: drop, type: spatial_dropout${rank}d, rate: 0.2}`,
    fields: {
      rate: rateField('Share of the channels set to 0.'),
      axis: axisField('The axis of the channels.', 1),
      always: alwaysField,
    },
    arity: [1, 1],
    lower(context, inputs) {
      const input = inputs[0]!;
      requireFloat(context, input);
      const extents = input.type.shape;
      if (extents.length !== rank + 2) context.mismatch('shape', `it works on ${rank + 2} axes, as in [${shape}]`);
      const channels = axisOf(context, input, 1);
      const rate = numberOf(context.fields, 'rate');
      if (!draws(context) || rate === 0) return input;
      const mask = extents.map((extent, axis) => (axis === 0 || axis === channels ? extent : 1));
      return context.b.op('mul', [input, scaledMask(context, mask, rate)]);
    },
    ...(samples === undefined ? {} : { samples }),
  });
}

export const spatialDropout1d = defineSpatialDropout(
  1,
  'SpatialDropout1D of Keras has its channels last: sequences [N, T, C] take `axis: -1`.',
  [
    { inputs: [{ shape: ['N', 5, 3] }], fields: { rate: 0.2 } },
    { name: 'sequences', inputs: [{ shape: ['N', 3, 5] }], fields: { rate: 0.4, axis: -1 } },
  ],
);

export const spatialDropout2d = defineSpatialDropout(2, 'SpatialDropout2D of Keras, channels first.', [
  { inputs: [{ shape: ['N', 5, 3, 2] }], fields: { rate: 0.2 } },
  { name: 'nothing', inputs: [{ shape: ['N', 2, 3, 1] }], fields: { rate: 0 } },
]);

export const spatialDropout3d = defineSpatialDropout(3, 'SpatialDropout3D of Keras, channels first.', [
  { inputs: [{ shape: ['N', 3, 2, 1, 3] }], fields: { rate: 0.2 } },
  { name: 'always', inputs: [{ shape: ['N', 3, 1, 2, 2] }], fields: { rate: 0.5, always: true } },
]);
