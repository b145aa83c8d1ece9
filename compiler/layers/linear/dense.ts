/** Fully connected: a matmul over everything from `axis` on. */
import { elementCount } from '../../ir/types';
import { axisField, flag, flagOf, numberOf, positive } from '../fields';
import { axisOf } from '../axis';
import { defineLayer } from '../define';
import { initField, weightInit } from '../initial';
import { NORMALIZED_WEIGHT, normalizeWeightField, spectralSamples, weightOf } from '../normalized_weight';
import { requireFloat } from '../window';

export const dense = defineLayer({
  type: 'dense',
  summary: 'Fully connected layer: output = input · weightᵀ + bias.',
  details: [
    "All axes from `axis` on are flattened into the features, so that images can go in as they are: [N, C, H, W] becomes [N, C·H·W] (Caffe's InnerProduct). With `axis: -1` only the last axis is transformed and the others stay (Keras, PyTorch).",
    'Weights: `weight` [units, features], or [features, units] with `transpose`; `bias` [units].',
    NORMALIZED_WEIGHT,
  ].join('\n\n'),
  example: '{name: fc1, type: dense, units: 500, activation: relu}',
  fields: {
    units: positive('Number of outputs.'),
    axis: axisField('The first axis that counts as features.', 1),
    bias: flag('Adds a learned number to each unit.', true),
    transpose: flag('Keeps the weight as [features, units] (Caffe with `transpose`, Keras).', false),
    init: initField,
    normalize_weight: normalizeWeightField,
  },
  required: ['units'],
  samples: [
    { inputs: [{ shape: ['N', 5] }], fields: { units: 3, activation: 'relu' } },
    { inputs: [{ shape: ['N', 2, 3] }], fields: { units: 3, bias: false } },
    { inputs: [{ shape: ['N', 2, 3] }], fields: { units: 5, axis: -1 } },
    { inputs: [{ shape: ['N', 5] }], fields: { units: 3, transpose: true } },
    { inputs: [{ shape: ['N', 5] }], fields: { units: 3, normalize_weight: 'weight' } },
    ...spectralSamples({
      inputs: [{ shape: ['N', 5] }],
      fields: { units: 3, transpose: true, normalize_weight: 'spectral' },
    }),
  ],
  arity: [1, 1],
  activates: true,
  parameters: ['weight', 'weight_gain', 'bias'],
  lower(context, inputs) {
    const { b, name, fields } = context;
    const input = inputs[0]!;
    requireFloat(context, input);
    const { shape } = input.type;
    const axis = axisOf(context, input, 1);
    const leading = shape.slice(0, axis);
    const rows = elementCount(leading);
    const features = elementCount(shape.slice(axis));
    const units = numberOf(fields, 'units');
    const transpose = flagOf(fields, 'transpose');
    const weight = weightOf(
      context,
      transpose ? [features, units] : [units, features],
      { init: weightInit(context), fanIn: features, fanOut: units },
      transpose ? 1 : 0,
    );
    const rank2 = shape.length === 2 && axis === 1;
    const operands = [rank2 ? input : b.op('reshape', [input], { shape: [rows, features] }, `${name}.flat`), weight];
    if (flagOf(fields, 'bias')) operands.push(context.parameter('bias', [units], { init: 'zeros' }));
    const output = b.op('matmul', operands, { transpose_a: false, transpose_b: !transpose });
    return leading.length === 1 ? output : b.op('reshape', [output], { shape: [...leading, units] });
  },
});
