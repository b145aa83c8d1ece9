/** Embeddings of a batch with their labels: near to their own, far from the others, in one circle. */
import type { Value } from '../ir/graph';
import { numberOf } from '../layers/fields';
import type { LowerContext } from '../layers/define';
import { requireEmbeddings } from './embeddings';
import { Formula } from './formula';
import { defineTermLoss } from './reduction';
import { marginField } from './signs';
import { requireLabels } from './targets';
import { tableOf } from '../layers/table';

/** So low that its exponential is 0: for pairs that do not count. */
const NEVER = -1e9;

export const circle = defineTermLoss({
  type: 'circle',
  summary: 'Embeddings of one label should be alike and of different labels different, among all pairs of the batch.',
  details: [
    'Inputs: embeddings [N, D] and class numbers [N]; one term for each sample, 0 where the batch holds none of its label or none of another.',
    'With s the cosines to the others, log(1 + Σ exp(γ·[s⁻ + m]₊·(s⁻ − m)) · Σ exp(−γ·[1 + m − s⁺]₊·(s⁺ − 1 + m))) over the pairs of different labels (s⁻) and of the same (s⁺); the weights in brackets are constants to the gradient (Sun et al. 2020, with a margin of 0.25 and γ of 80 to 256). Keras has the same with the gradient through the weights; PyTorch has none.',
  ].join('\n\n'),
  example: '{type: circle, inputs: [embedding, label]}',
  fields: {
    margin: { ...marginField(0.25, 'How far cosines may stay from 0 and 1.', 0), maximum: 1 },
    gamma: { description: 'Scale of the cosines.', type: 'number', exclusiveMinimum: 0, default: 80 },
  },
  own: 2,
  samples: [
    // What is constant to the gradient is not to finite differences.
    { inputs: [{ shape: ['N', 5] }, { shape: ['N'], dtype: 'int32', values: [0, 1, 0] }], wrt: [] },
  ],
  terms(context, inputs) {
    const [embeddings, targets] = inputs as readonly [Value, Value];
    requireEmbeddings(context, [embeddings]);
    const [rows] = embeddings.type.shape;
    if (rows === undefined || embeddings.type.shape.length !== 2) {
      return context.mismatch('shape', 'embeddings should be [N, D]');
    }
    if (targets.type.dtype === 'f32') context.mismatch('dtype', 'the labels should be class numbers');
    const { b } = context;
    const m = Formula.in(context);
    const labels = requireLabels(context, embeddings, targets, 1);
    const same = m.equal(m.reshape(labels, [rows, 1]), m.reshape(labels, [1, rows]));
    const all = tableOf(rows, (i) => i);
    const self = m.equal(b.constant(all, [rows, 1], 'i32'), b.constant(all, [1, rows], 'i32'));
    const unit = m.normalized(embeddings, 1);
    const cosines = b.op('matmul', [unit, unit], { transpose_a: false, transpose_b: true });

    const margin = numberOf(context.fields, 'margin');
    const gamma = numberOf(context.fields, 'gamma');
    const weigh = (distance: Value): Value => m.mul(gamma, b.op('stop_gradient', [m.hinge(distance)]));
    const alike = m.mul(weigh(m.sub(1 + margin, cosines)), m.sub(1 - margin, cosines));
    const unlike = m.mul(weigh(m.add(cosines, margin)), m.sub(cosines, margin));
    const positive = m.where(self, NEVER, m.where(same, alike, NEVER));
    return { loss: m.softplus(m.add(logSum(context, positive), logSum(context, m.where(same, NEVER, unlike)))) };
  },
});

/** log Σ exp of each row. */
function logSum({ b }: LowerContext, x: Value): Value {
  const m = new Formula(b, 'f32');
  const most = b.op('stop_gradient', [b.op('reduce_max', [x], { axes: [1], keepdims: true })]);
  const sum = m.sum(m.exp(m.sub(x, most)), [1]);
  return m.add(m.log(sum), m.reshape(most, sum.type.shape));
}
