/** Losses in which an embedding has to find its partner among all those of the batch. */
import type { FieldSchema } from '../frontend/describe';
import type { Value } from '../ir/graph';
import { flag, flagOf, numberOf } from '../layers/fields';
import type { LowerContext } from '../layers/define';
import { requireEmbeddings } from './embeddings';
import { Formula } from './formula';
import { defineTermLoss } from './reduction';
import { tableOf } from '../layers/table';

const temperature = (byDefault: number): FieldSchema => ({
  description: 'Divides the cosines: the smaller, the more the nearest of the others matter.',
  type: 'number',
  exclusiveMinimum: 0,
  default: byDefault,
});

/** What keeps an embedding from finding itself: so low that its exponential is 0. */
const NEVER = -1e9;

export const infoNce = defineTermLoss({
  type: 'info_nce',
  summary: 'Each query should find its own key among all the keys of the batch.',
  details: [
    'Inputs: queries and keys [N, D], of which those of one row belong together; one term for each row.',
    'Cross-entropy of the cosines divided by the temperature, the label of row i being i (van den Oord et al. 2018). `symmetric` takes the mean of both directions, as CLIP does (Radford et al. 2021). The more samples in a batch, the harder: figures of different batch sizes are not comparable.',
  ].join('\n\n'),
  example: '{type: info_nce, inputs: [query, key], temperature: 0.07}',
  fields: {
    temperature: temperature(0.07),
    symmetric: flag('Keys have to find their queries too.', false),
  },
  own: 2,
  samples: [
    { inputs: [{ shape: ['N', 5] }, { shape: ['N', 5] }], fields: { temperature: 0.2 } },
    {
      name: 'both ways',
      inputs: [{ shape: ['N', 3] }, { shape: ['N', 3] }],
      fields: { temperature: 1, symmetric: true },
    },
  ],
  terms(context, inputs) {
    const [queries, keys] = inputs as readonly [Value, Value];
    const rows = requireRows(context, queries, keys);
    const m = Formula.in(context);
    const [q, k] = [m.normalized(queries, 1), m.normalized(keys, 1)];
    const labels = context.b.constant(counting(rows), [rows], 'i32');
    const there = findPartner(context, q, k, labels);
    if (!flagOf(context.fields, 'symmetric')) return { loss: there };
    return { loss: m.mul(0.5, m.add(there, findPartner(context, k, q, labels))) };
  },
});

export const ntXent = defineTermLoss({
  type: 'nt_xent',
  summary: 'Two views of a sample should find each other among all the views of the batch.',
  details: [
    'Inputs: the embeddings [N, D] of a first and of a second view of each sample; one term for each sample, the mean of its two views.',
    'Cross-entropy of the cosines with the 2N − 1 other views, divided by the temperature (SimCLR, Chen et al. 2020).',
  ].join('\n\n'),
  example: '{type: nt_xent, inputs: [view1, view2]}',
  fields: { temperature: temperature(0.5) },
  own: 2,
  samples: [{ inputs: [{ shape: ['N', 5] }, { shape: ['N', 5] }], fields: { temperature: 0.3 } }],
  terms(context, inputs) {
    const [first, second] = inputs as readonly [Value, Value];
    const rows = requireRows(context, first, second);
    const { b } = context;
    const m = Formula.in(context);
    const views = m.normalized(b.op('concat', [first, second], { axis: 0 }), 1);
    const all = counting(2 * rows);
    const partners = all.map((i) => (i + rows) % (2 * rows));
    const self = m.equal(b.constant(all, [2 * rows, 1], 'i32'), b.constant(all, [1, 2 * rows], 'i32'));
    const loss = findPartner(context, views, views, b.constant(partners, [2 * rows], 'i32'), self);
    return { loss: m.mul(0.5, m.sum(m.reshape(loss, [2, rows]), [0])) };
  },
});

function requireRows(context: LowerContext, a: Value, b: Value): number {
  requireEmbeddings(context, [a, b]);
  const [rows] = a.type.shape;
  if (a.type.shape.length !== 2 || rows === undefined) return context.mismatch('shape', 'embeddings should be [N, D]');
  return rows;
}

function counting(count: number): number[] {
  return tableOf(count, (i) => i);
}

/** The cross-entropy of each row of `from` choosing among the rows of `to`, but for those in `excluded`. */
function findPartner(context: LowerContext, from: Value, to: Value, labels: Value, excluded?: Value): Value {
  const { b, fields } = context;
  const m = Formula.in(context);
  const cosines = b.op('matmul', [from, to], { transpose_a: false, transpose_b: true });
  const scores = m.mul(1 / numberOf(fields, 'temperature'), cosines);
  const allowed = excluded ? m.where(excluded, NEVER, scores) : scores;
  return b.op('softmax_cross_entropy', [allowed, labels], { axis: 1, label_smoothing: 0 });
}
