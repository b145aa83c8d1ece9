/** Gated linear units: one half of the channels opens and closes the other. */
import type { Value } from '../../ir/graph';
import { axisOf } from '../axis';
import type { LowerContext } from '../define';
import { defineLayer } from '../define';
import { axisField, wordOf } from '../fields';
import { sliceAlong } from '../shape/pieces';
import { requireFloat } from '../window';
import { gelu } from './gelu';
import { linear } from './linear';
import { relu } from './relu';
import { sigmoid } from './sigmoid';
import { silu } from './silu';
import { tanh } from './tanh';

/** What the gate goes through, by the value of `activation`. */
const GATES = {
  sigmoid: [sigmoid, {}],
  tanh: [tanh, {}],
  relu: [relu, {}],
  silu: [silu, {}],
  gelu: [gelu, { approximate: 'none' }],
  gelu_tanh: [gelu, { approximate: 'tanh' }],
  linear: [linear, {}],
} as const;

export const glu = defineLayer({
  type: 'glu',
  summary: 'Cuts the channels into two halves a and b: a · sigmoid(b), which has half as many channels.',
  details:
    'Dauphin et al. 2017, as in PyTorch and Keras. `activation` makes its relatives (Shazeer 2020): `silu` is SwiGLU, `gelu` GEGLU, `relu` ReGLU, `linear` the bilinear unit. Transformers that keep the gate in the first half want `gate: first`.',
  example: '{name: gated, type: glu, activation: silu}',
  fields: {
    activation: { description: 'What the gate goes through.', enum: Object.keys(GATES), default: 'sigmoid' },
    gate: { description: 'Which half is the gate.', enum: ['second', 'first'], default: 'second' },
    axis: axisField('The axis of the channels.', -1),
  },
  samples: [
    { inputs: [{ shape: ['N', 3, 6], separated: true }], fields: { activation: 'silu' } },
    { inputs: [{ shape: ['N', 6, 3] }], fields: { axis: 1, gate: 'first' } },
    ...Object.keys(GATES).map((activation) => ({
      inputs: [{ shape: ['N', 10], separated: true }] as const,
      fields: { activation },
    })),
  ],
  arity: [1, 1],
  lower(context, inputs) {
    const x = inputs[0]!;
    requireFloat(context, x);
    const axis = axisOf(context, x);
    const channels = x.type.shape[axis] ?? 1;
    if (channels % 2 !== 0) {
      context.mismatch('shape', `the ${channels} channels on axis ${axis} do not cut into two halves`);
    }
    const halves = [
      sliceAlong(context.b, x, axis, 0, channels / 2),
      sliceAlong(context.b, x, axis, channels / 2, channels),
    ] as const;
    const [value, gate] = wordOf(context.fields, 'gate') === 'second' ? halves : [halves[1], halves[0]];
    return context.b.op('mul', [value, gated(context, gate)]);
  },
});

function gated(context: LowerContext, gate: Value): Value {
  const [activation, fields] = GATES[wordOf(context.fields, 'activation') as keyof typeof GATES];
  return activation.lower({ ...context, fields }, [gate]) as Value;
}
