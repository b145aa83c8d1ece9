/** A block at every step of a sequence, with the same weights: time becomes part of the batch. */
import type { Value } from '../../ir/graph';
import { defineLayer, MANY } from '../define';
import { bindInputs, bodyField } from './body';

export const timeDistributed = defineLayer({
  type: 'time_distributed',
  summary: 'Applies a block to every step of a sequence, with the same weights.',
  details:
    'Inputs [N, T, ...] of one length; the block sees [N·T, ...], and its outputs come back as [N, T, ...]. As Keras’s TimeDistributed; a batch norm inside sees all steps as samples. `dense` with `axis: -1` needs none of it.',
  example: '{name: frames, type: time_distributed, body: {layers: [{type: dense, units: 8}]}}',
  fields: { body: bodyField('What is applied.') },
  required: ['body'],
  arity: [1, MANY],
  bodies: ['body'],
  outputs: (_, { body }) => body?.outputs.slice(1) ?? [],
  samples: [
    {
      inputs: [{ shape: ['N', 3, 2, 5, 5] }],
      fields: {
        body: { layers: [{ name: 'c', type: 'conv2d', filters: 2, kernel: 3 }, { type: 'global_avg_pool2d' }] },
      },
    },
  ],
  lower(context, inputs) {
    const { b } = context;
    const body = context.body('body')!;
    const given = bindInputs(context, body, inputs);
    const [batch, steps] = inputs[0]!.type.shape;
    if (batch === undefined || steps === undefined) return context.mismatch('shape', 'it needs sequences [N, T, ...]');
    const joined = (value: Value): Value => {
      const [n, t, ...rest] = value.type.shape;
      if (n !== batch || t !== steps) context.mismatch('shape', 'the sequences differ in batch or length');
      return b.op('reshape', [value], { shape: [batch * steps, ...rest] });
    };
    const outputs = context.lowerBody(
      'body',
      b,
      body.inputs.map((name) => joined(given.get(name)!)),
    );
    return outputs.map((value) => {
      const [rows, ...rest] = value.type.shape;
      if (rows !== batch * steps) context.fail(['body'], 'an output has lost the batch axis');
      return b.op('reshape', [value], { shape: [batch, steps, ...rest] });
    });
  },
});
