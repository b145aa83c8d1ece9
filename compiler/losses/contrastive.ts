/** Embeddings of pairs, drawn together or pushed apart. */
import type { Value } from '../ir/graph';
import { flag, flagOf, numberOf } from '../layers/fields';
import { requireEmbeddings, requirePairTargets } from './embeddings';
import { Formula } from './formula';
import { defineTermLoss } from './reduction';
import { marginField } from './signs';

export const contrastive = defineTermLoss({
  type: 'contrastive',
  summary: 'Draws the embeddings of similar pairs together and pushes others apart up to a margin.',
  details: [
    'Inputs: two embeddings [N, D] and whether they are similar [N], 1 or 0; one term for each pair.',
    "With d = |a − b| and s the similarity: ½ · (s·d² + (1 − s)·max(0, margin − d)²) (Hadsell et al. 2006), as Caffe's ContrastiveLoss, whose sum over 2N this mean is. `legacy_version`, as there, has max(0, margin − d²) in the second part. Keras and PyTorch have none.",
  ].join('\n\n'),
  example: '{type: contrastive, inputs: [a, b, same]}',
  fields: {
    margin: marginField(1, 'Distance that pairs that are not similar should keep.', 0),
    legacy_version: flag('The margin holds for the squared distance.', false),
  },
  own: 3,
  samples: [
    {
      inputs: [{ shape: ['N', 5] }, { shape: ['N', 5] }, { shape: ['N'], dtype: 'int32', values: [0, 1, 0] }],
      fields: { margin: 3 },
    },
    {
      name: 'legacy',
      inputs: [{ shape: ['N', 3] }, { shape: ['N', 3] }, { shape: ['N', 1], range: [0, 1] }],
      fields: { margin: 5, legacy_version: true },
    },
  ],
  terms(context, inputs) {
    const [a, b, targets] = inputs as readonly [Value, Value, Value];
    requireEmbeddings(context, [a, b]);
    const m = Formula.in(context);
    const similar = requirePairTargets(context, a, targets);
    const margin = numberOf(context.fields, 'margin');
    const squared = m.sum(m.square(m.sub(a, b)), [a.type.shape.length - 1]);
    const apart = flagOf(context.fields, 'legacy_version')
      ? m.hinge(m.sub(margin, squared))
      : m.square(m.hinge(m.sub(margin, m.root(squared))));
    const loss = m.add(m.mul(similar, squared), m.mul(m.sub(1, similar), apart));
    return { loss: m.mul(0.5, loss) };
  },
});
