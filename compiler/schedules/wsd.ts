/** Warm-up, stable, decay: the full rate nearly all the time, and a fall at the end. */
import { numberOf, wordOf } from '../layers/fields';
import { defineSchedule } from './define';
import { SHARE, shareOf } from './interval';
import { between } from './shapes';

export const wsd = defineSchedule({
  type: 'wsd',
  summary: 'Stays at the full rate and falls to `end` over the last `decay` of the training.',
  details:
    'Warm-up, stable, decay (Hu et al. 2024); the warm-up is `warmup:`, as with every schedule. `shape: sqrt` falls as 1 − √t (Hägele et al. 2024).',
  example: '{type: wsd, decay: 0.2, shape: sqrt, warmup: {steps: 1000}}',
  fields: {
    decay: {
      description: 'Length of the fall: a share of the training, steps, or `"10 epochs"`.',
      ...SHARE,
      default: 0.1,
    },
    shape: { description: 'How it falls.', enum: ['linear', 'cosine', 'exponential', 'sqrt'], default: 'linear' },
    end: { description: 'The factor at the end.', type: 'number', minimum: 0, default: 0 },
  },
  problem: (fields) =>
    wordOf(fields, 'shape') === 'exponential' && fields['end'] === 0
      ? { path: ['end'], why: 'an exponential fall never reaches 0' }
      : undefined,
  factor: (context) => {
    const { fields, step, totalSteps } = context;
    const decay = Math.min(totalSteps, shareOf(fields['decay'], context));
    const t = (step - (totalSteps - decay)) / Math.max(1, decay);
    return t <= 0 ? 1 : between(wordOf(fields, 'shape'), 1, numberOf(fields, 'end'), Math.min(1, t));
  },
});
