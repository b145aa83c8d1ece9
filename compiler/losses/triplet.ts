/** An anchor, one that is like it and one that is not. */
import type { Value } from '../ir/graph';
import { flag, flagOf, numberOf, wordOf } from '../layers/fields';
import { cosineOf, requireEmbeddings } from './embeddings';
import { Formula } from './formula';
import { defineTermLoss } from './reduction';
import { marginField } from './signs';

const DISTANCES = ['euclidean', 'squared_euclidean', 'manhattan', 'cosine'];

/** Added to every difference, as PyTorch's pairwise distance does. */
const OFFSET = 1e-6;

function distanceOf(m: Formula, kind: string, x: Value, y: Value): Value {
  const axis = x.type.shape.length - 1;
  if (kind === 'cosine') return m.sub(1, cosineOf(m, x, y, axis));
  if (kind === 'squared_euclidean') return m.sum(m.square(m.sub(x, y)), [axis]);
  const difference = m.add(m.sub(x, y), OFFSET);
  if (kind === 'manhattan') return m.sum(m.abs(difference), [axis]);
  return m.root(m.sum(m.square(difference), [axis]));
}

export const triplet = defineTermLoss({
  type: 'triplet',
  summary: 'An anchor should be nearer to what is like it than to what is not, by a margin.',
  details: [
    'Inputs: the embeddings [N, D] of an anchor, of a positive and of a negative; one term for each triplet.',
    'max(0, d(anchor, positive) − d(anchor, negative) + margin). With `swap` the distance of positive and negative stands in where it is the smaller one (Balntas et al. 2016).',
    "PyTorch's TripletMarginLoss has the Euclidean distance, and the Manhattan one for p = 1, with 1e-6 added to each difference as here; FaceNet (Schroff et al. 2015) has the squared distance and a margin of 0.2. Triplets are chosen by the data: none are mined.",
  ].join('\n\n'),
  example: '{type: triplet, inputs: [anchor, positive, negative], margin: 0.2, distance: squared_euclidean}',
  fields: {
    margin: marginField(1, 'By how much the negative should be farther away.', 0),
    distance: { description: 'How far two embeddings are apart.', enum: DISTANCES, default: 'euclidean' },
    swap: flag('Use the smaller of the distances of the negative to the anchor and to the positive.', false),
  },
  own: 3,
  samples: [
    {
      inputs: [{ shape: ['N', 5] }, { shape: ['N', 5] }, { shape: ['N', 5] }],
      fields: { distance: 'squared_euclidean', margin: 5 },
    },
    ...['euclidean', 'manhattan', 'cosine'].map((distance) => ({
      name: distance,
      inputs: [{ shape: ['N', 3] as const }, { shape: ['N', 3] as const }, { shape: ['N', 3] as const }],
      fields: { distance, margin: 3, swap: distance !== 'cosine' },
    })),
  ],
  terms(context, inputs) {
    const [anchor, positive, negative] = inputs as readonly [Value, Value, Value];
    requireEmbeddings(context, inputs);
    const m = Formula.in(context);
    const kind = wordOf(context.fields, 'distance');
    const near = distanceOf(m, kind, anchor, positive);
    let far = distanceOf(m, kind, anchor, negative);
    if (flagOf(context.fields, 'swap')) far = m.minimum(far, distanceOf(m, kind, positive, negative));
    return { loss: m.hinge(m.add(m.sub(near, far), numberOf(context.fields, 'margin'))) };
  },
});
