/** A loss that layers have computed already. */
import { numberOf } from '../layers/fields';
import { Formula } from './formula';
import { defineTermLoss } from './reduction';
import { requireFloatPrediction } from './targets';

export const mean = defineTermLoss({
  type: 'mean',
  summary: "The mean of a layer's output as it stands: a loss that layers compute.",
  details: [
    'Input: any tensor [N, ...]; one term for each element.',
    'scale · x. What the layers compute may be anything: an energy, a divergence. The critic of a Wasserstein GAN (Arjovsky et al. 2017) has two of these, `{type: mean, inputs: critic_fake}` and `{type: mean, inputs: critic_real, scale: -1}`; with weights of 1 and −1 and `normalization: full` one is enough.',
  ].join('\n\n'),
  example: '{type: mean, inputs: [energy]}',
  fields: {
    scale: { description: 'Factor of every term; −1 makes large what is averaged.', type: 'number', default: 1 },
  },
  own: 1,
  samples: [
    { inputs: [{ shape: ['N', 3, 2] }], fields: { scale: -1 } },
    { name: 'sums of samples', inputs: [{ shape: ['N', 5] }], fields: { normalization: 'batch' } },
  ],
  terms(context, [x]) {
    requireFloatPrediction(context, x!);
    const scale = numberOf(context.fields, 'scale');
    return { loss: scale === 1 ? x! : Formula.in(context).mul(scale, x!) };
  },
});
