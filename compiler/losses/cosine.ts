/** Losses of the angle between vectors. */
import type { Value } from '../ir/graph';
import { axisOf } from '../layers/axis';
import { axisField, numberOf } from '../layers/fields';
import { cosineOf, requireEmbeddings, requirePairTargets } from './embeddings';
import { Formula } from './formula';
import { defineTermLoss } from './reduction';
import { marginField, SIGNS } from './signs';
import { requireFloatPrediction, requireTargets } from './targets';

export const cosineSimilarity = defineTermLoss({
  type: 'cosine_similarity',
  summary: 'The negative cosine of the angle between predicted and target vectors.',
  details: [
    'Inputs: predictions and targets of the same shape, vectors on `axis`; one term for each pair.',
    "−x·t / (|x|·|t|), from −1 (same direction) to 1, as Keras' loss of that name. Vectors shorter than 1e-6 count as if they were that long. Plus 1, it is PyTorch's CosineEmbeddingLoss with a target of 1: see `cosine_embedding`.",
  ].join('\n\n'),
  example: '{type: cosine_similarity, inputs: [vector, target]}',
  fields: { axis: axisField('The axis of the vectors.', -1) },
  own: 2,
  samples: [
    { inputs: [{ shape: ['N', 5] }, { shape: ['N', 5] }] },
    { name: 'channels', inputs: [{ shape: ['N', 3, 2] }, { shape: ['N', 3, 2] }], fields: { axis: 1 } },
  ],
  terms(context, inputs) {
    const [prediction, targets] = inputs as readonly [Value, Value];
    requireFloatPrediction(context, prediction);
    const axis = axisOf(context, prediction);
    const m = Formula.in(context);
    return { loss: m.neg(cosineOf(m, prediction, requireTargets(context, prediction, targets), axis)) };
  },
});

export const cosineEmbedding = defineTermLoss({
  type: 'cosine_embedding',
  summary: 'Embeddings of pairs that belong together point one way; others do not.',
  details: [
    `Inputs: two embeddings [N, D] and a target [N]. ${SIGNS} One term for each pair.`,
    "1 − cos where the target is 1, max(0, cos − margin) where it is −1, as PyTorch's CosineEmbeddingLoss; Keras and Caffe have none.",
  ].join('\n\n'),
  example: '{type: cosine_embedding, inputs: [a, b, same], margin: 0.2}',
  fields: {
    margin: { ...marginField(0, 'Greatest cosine of pairs that do not belong together.', -1), maximum: 1 },
  },
  own: 3,
  samples: [
    {
      inputs: [{ shape: ['N', 5] }, { shape: ['N', 5] }, { shape: ['N'], dtype: 'int32', values: [1, -1, 0] }],
    },
    {
      name: 'sequences, margin',
      inputs: [{ shape: ['N', 2, 3] }, { shape: ['N', 2, 3] }, { shape: ['N', 2], values: [-1, 1, -1] }],
      fields: { margin: -0.75 },
      wrt: [0, 1],
    },
  ],
  terms(context, inputs) {
    const [a, b, targets] = inputs as readonly [Value, Value, Value];
    requireEmbeddings(context, [a, b]);
    const m = Formula.in(context);
    const cosine = cosineOf(m, a, b, a.type.shape.length - 1);
    const together = m.greater(requirePairTargets(context, a, targets), 0);
    const margin = numberOf(context.fields, 'margin');
    return { loss: m.where(together, m.sub(1, cosine), m.hinge(m.sub(cosine, margin))) };
  },
});
