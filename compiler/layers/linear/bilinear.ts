/** A bilinear form for each unit. */
import type { Value } from '../../ir/graph';
import { sameShape } from '../../ir/types';
import { defineLayer } from '../define';
import { flag, flagOf, numberOf, positive } from '../fields';
import { initField, weightInit } from '../initial';
import { requireFloat } from '../window';
import { contract } from './contraction';

export const bilinear = defineLayer({
  type: 'bilinear',
  summary: 'One number from two inputs for each unit: left · weightᵤ · right + bias.',
  details: [
    'Inputs [..., I] and [..., J], the same before the last axis; output [..., units]: Σᵢⱼ leftᵢ · weight[u, i, j] · rightⱼ + bias[u], as in PyTorch.',
    'Weights: `weight` [units, I, J], `bias` [units]. Keras has no such layer; PyTorch starts both evenly within ±1/√I: `init: {type: uniform, …}`.',
  ].join('\n\n'),
  example: '{name: match, type: bilinear, inputs: [left, right], units: 10}',
  fields: {
    units: positive('Number of outputs.'),
    bias: flag('Adds a learned number to each unit.', true),
    init: initField,
  },
  required: ['units'],
  samples: [
    { inputs: [{ shape: ['N', 3] }, { shape: ['N', 5] }], fields: { units: 2 } },
    { inputs: [{ shape: ['N', 2, 3] }, { shape: ['N', 2, 3] }], fields: { units: 3, bias: false } },
  ],
  arity: [2, 2],
  activates: true,
  parameters: ['weight', 'bias'],
  lower(context, inputs) {
    const { b, fields } = context;
    requireFloat(context, ...inputs);
    const [left, right] = inputs as readonly [Value, Value];
    const [leading, others] = [left.type.shape.slice(0, -1), right.type.shape.slice(0, -1)];
    if (left.type.shape.length < 2 || !sameShape(leading, others)) {
      context.mismatch('shape', 'the inputs must be the same but for their last axis');
    }
    const units = numberOf(fields, 'units');
    const [i, j] = [left.type.shape.at(-1) ?? 1, right.type.shape.at(-1) ?? 1];
    const init = weightInit(context);
    const weight = context.parameter('weight', [units, i, j], { init, fanIn: i * j, fanOut: units });
    const lead = leading.map((_, axis) => `${axis}`);
    const operands = [
      { value: left, axes: [...lead, 'i'] },
      { value: weight, axes: ['u', 'i', 'j'] },
      { value: right, axes: [...lead, 'j'] },
    ];
    const output = contract(b, operands, [...lead, 'u']);
    if (!flagOf(fields, 'bias')) return output;
    return b.op('add', [output, context.parameter('bias', [units], { init: 'zeros' })]);
  },
});
