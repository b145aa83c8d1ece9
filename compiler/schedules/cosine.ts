/** Half a cosine wave from 1 to `end`: over the whole training, after a flat part, or again and again. */
import { numberOf } from '../layers/fields';
import { defineSchedule } from './define';
import { INTERVAL, OVER, progressOf, SHARE, shareOf, stepsOf } from './interval';
import { between } from './shapes';

const end = { description: 'The factor at the end.', type: 'number', minimum: 0, default: 0 } as const;

export const cosine = defineSchedule({
  type: 'cosine',
  summary: 'Falls along half a cosine wave over the whole training, to `end`.',
  details:
    "end + (1 − end) · (1 + cos(π · step / steps)) / 2, after the warm-up if there is one. PyTorch's CosineAnnealingLR rises again behind T_max; here `end` stays.",
  example: '{type: cosine, warmup: {epochs: 5}}',
  fields: { end, over: OVER },
  factor: (context) => between('cosine', 1, numberOf(context.fields, 'end'), progressOf(context)),
});

export const flatCosine = defineSchedule({
  type: 'flat_cosine',
  summary: 'Stays at the full rate for `flat`, then falls along half a cosine wave to `end`.',
  details: "fastai's fit_flat_cos, there with `end: 1.0e-5`.",
  example: '{type: flat_cosine, flat: 0.75}',
  fields: {
    flat: {
      description: 'Length of the flat part: a share of the training, steps, or `"10 epochs"`.',
      ...SHARE,
      default: 0.75,
    },
    end,
  },
  points: ({ flat = 1 }) =>
    typeof flat === 'number' && flat < 1 ? [] : [{ path: ['flat'], what: 'the fall begins', at: [flat] }],
  factor: (context) => {
    const flat = shareOf(context.fields['flat'], context);
    if (context.step < flat) return 1;
    const t = Math.min(1, (context.step - flat) / Math.max(1, context.totalSteps - flat));
    return between('cosine', 1, numberOf(context.fields, 'end'), t);
  },
});

export const cosineRestarts = defineSchedule({
  type: 'cosine_restarts',
  summary: 'Falls along half a cosine wave to `end`, and begins anew after each `t_0`, which may grow.',
  details:
    "SGDR (Loshchilov and Hutter 2017). Each period is `t_mult` times as long as the one before and begins `decay` times as high: Keras's CosineDecayRestarts; PyTorch's CosineAnnealingWarmRestarts has `decay: 1`.",
  example: '{type: cosine_restarts, t_0: 10 epochs, t_mult: 2}',
  fields: {
    t_0: { description: 'Length of the first period: steps, or `"10 epochs"`.', ...INTERVAL },
    t_mult: { description: 'Factor from a period to the length of the next.', type: 'number', minimum: 1, default: 1 },
    decay: {
      description: 'Factor from the top of a period to that of the next.',
      type: 'number',
      exclusiveMinimum: 0,
      maximum: 1,
      default: 1,
    },
    end: { ...end, description: 'The factor at the end of each period.' },
  },
  required: ['t_0'],
  points: ({ t_0: period = 1 }) => [{ path: ['t_0'], what: 'the first restart comes', at: [period] }],
  factor: (context) => {
    const { fields } = context;
    const growth = numberOf(fields, 't_mult');
    let period = stepsOf(fields['t_0'], context);
    let step = context.step;
    let restarts = 0;
    if (growth === 1) {
      restarts = Math.floor(step / period);
      step -= restarts * period;
    }
    for (; step >= period; restarts++) {
      step -= period;
      period *= growth;
    }
    const wave = numberOf(fields, 'decay') ** restarts * between('cosine', 1, 0, step / period);
    return numberOf(fields, 'end') + (1 - numberOf(fields, 'end')) * wave;
  },
});
