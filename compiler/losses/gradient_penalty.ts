/** How steep a score is in its input: the gradient of a gradient. */
import { differentiate } from '../autodiff/differentiate';
import type { Value } from '../ir/graph';
import { isFloat } from '../ir/types';
import type { LowerContext } from '../layers/define';
import { numberOf, wordOf } from '../layers/fields';
import { opNamed } from '../ops/registry';
import { Formula } from './formula';
import { defineTermLoss } from './reduction';
import { requireFloatPrediction, total } from './targets';

/** A critic of the first input, for the samples. */
const CRITIC = {
  layers: [
    { name: 'hidden', type: 'dense', inputs: 'in0', units: 3, activation: 'tanh' },
    { name: 'score', type: 'dense', units: 1 },
  ],
  inputs: ['score', 'in0'],
};

export const gradientPenalty = defineTermLoss({
  type: 'gradient_penalty',
  summary: 'Keeps the gradient of a score with respect to its input near a length, as critics of GANs need it.',
  details: [
    'Inputs: the score, of any shape [N, ...], and the tensor it was computed from, [N, ...]; one term for each sample.',
    "With g the gradient of a sample's summed scores with respect to its part of the second input: `two_sided` (|g| − target)² (WGAN-GP, Gulrajani et al. 2017), `one_sided` max(0, |g| − target)², `squared` |g|² (R1, Mescheder et al. 2018). Scores may not depend on the other samples of the batch: no batch normalization between the two.",
    'Every op between input and score has to have a gradient of its gradient: dense, convolution, average pooling and activations have, maximum pooling, batch and local response normalization have not, which is an error.',
  ].join('\n\n'),
  example: '{type: gradient_penalty, inputs: [score, mixed], weight: 10}',
  fields: {
    kind: { description: 'What is penalized.', enum: ['two_sided', 'one_sided', 'squared'], default: 'two_sided' },
    target: { description: 'Length of the gradient that is aimed at; 1 by default.', type: 'number', minimum: 0 },
  },
  own: 2,
  samples: [
    { inputs: [{ shape: ['N', 5] }], through: CRITIC },
    { name: 'squared', inputs: [{ shape: ['N', 5] }], through: CRITIC, fields: { kind: 'squared' } },
    {
      name: 'one-sided',
      inputs: [{ shape: ['N', 5] }],
      through: CRITIC,
      fields: { kind: 'one_sided', target: 0.01 },
    },
    {
      name: 'of an image',
      inputs: [{ shape: ['N', 2, 5, 3] }],
      through: {
        layers: [
          {
            name: 'features',
            type: 'conv2d',
            inputs: 'in0',
            filters: 3,
            kernel: 3,
            padding: 1,
            activation: 'softplus',
          },
          { name: 'score', type: 'dense', units: 1 },
        ],
        inputs: ['score', 'in0'],
      },
    },
  ],
  terms(context, inputs) {
    const [score, x] = inputs as readonly [Value, Value];
    requireFloatPrediction(context, score);
    if (x.type.dtype !== 'f32') context.mismatch('dtype', 'its second input should be float32 to have a gradient');
    const { fields } = context;
    const m = Formula.in(context);
    const squared = m.sumOfEach(m.square(gradientOf(context, score, x)));
    const kind = wordOf(fields, 'kind');
    if (kind === 'squared') {
      if (fields['target'] !== undefined) context.fail(['target'], 'with `kind: squared` the target is 0');
      return { loss: squared };
    }
    const excess = m.sub(m.root(squared), fields['target'] === undefined ? 1 : numberOf(fields, 'target'));
    return { loss: m.square(kind === 'one_sided' ? m.hinge(excess) : excess) };
  },
});

function gradientOf(context: LowerContext, score: Value, x: Value): Value {
  const { b } = context;
  const before = b.nodes.length;
  const [gradient] = differentiate(b, total(context, score), [x]);
  if (!gradient) context.mismatch('shape', 'the score, its first input, does not depend on the second');
  for (const { op, inputs, outputs } of b.nodes.slice(before)) {
    const carries = inputs.some(({ type }) => isFloat(type.dtype)) && outputs.some(({ type }) => isFloat(type.dtype));
    if (carries && !opNamed(op).grad)
      context.fail([], `a gradient of \`${op}\` is not known, so that it has no penalty`);
  }
  return gradient;
}
