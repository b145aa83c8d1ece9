/**
 * Samples of a batch mixed with each other, and their labels with them: mixup and cutmix. Partners are a random order of
 * the batch; shares are beta distributed.
 */
import type { Described, FieldSchema, Sample } from '../../frontend/describe';
import type { Value } from '../../ir/graph';
import { defineLayer, type LayerDef, type LowerContext } from '../define';
import { numberOf, positive, wordOf } from '../fields';
import { Drawing, imagesOf, probabilityField, type Images } from './drawing';
import { rectangle } from './region';

const ATTEMPTS = 8;

/**
 * log of draws from the gamma distribution, by Marsaglia and Tsang 2000: d · v with d = alpha + 2/3, v = (1 + z / √(9d))³
 * of the first of eight attempts where log u < z²/2 + d − d·v + d·log v (each is taken with a probability above 0.95),
 * for the shape alpha + 1, and log(u) / alpha added for the shape alpha. As logarithms, since u^(1/alpha) of a small
 * alpha is no float32.
 */
function logGamma(m: Drawing, alpha: number, purpose: string): Value {
  const { b, context } = m;
  const d = alpha + 2 / 3;
  const shape = m.shape(ATTEMPTS);
  const attrs = { shape, mean: 0, std: 1, truncated: false, stream: context.stream(`${purpose} z`) };
  const z = b.op('random_normal', [context.rng()], attrs);
  const root = m.add(m.mul(z, 1 / Math.sqrt(9 * d)), 1);
  const positive = m.greater(root, 0);
  const logV = m.mul(m.log(m.where(positive, root, 1)), 3);
  const bound = m.add(m.sub(m.mul(m.square(z), 0.5), m.mul(m.exp(logV), d)), m.add(m.mul(logV, d), d));
  const u = m.between(`${purpose} u`, [2 ** -25, 1], ATTEMPTS);
  const taken = m.and(positive, m.op('less', m.log(u), bound));
  const first = b.op('argmax', [b.op('cast', [taken], { dtype: 'f32' })], { axis: 1 });
  const chosen = b.op('gather_elements', [logV, b.op('reshape', [first], { shape: m.shape() })], { axis: 1 });
  const boost = m.log(m.between(`${purpose} boost`, [2 ** -25, 1]));
  return m.add(m.add(chosen, Math.log(d)), m.mul(boost, 1 / alpha));
}

/** Beta(alpha, alpha) = G₁ / (G₁ + G₂). */
function betaOf(m: Drawing, alpha: number): Value {
  return m.op('sigmoid', m.sub(logGamma(m, alpha, 'first'), logGamma(m, alpha, 'second')));
}

/** Labels as probabilities, [N, …, K]: class numbers become ones and zeros. */
function probabilities(context: LowerContext, { n }: Images, labels: Value): Value {
  const { b, fields } = context;
  const { dtype, shape } = labels.type;
  const classes = fields['classes'];
  if (shape[0] !== n) context.mismatch('shape', `there are ${n} images and ${shape[0] ?? 0} labels`);
  if (dtype === 'f32') {
    if (classes !== undefined) context.fail(['classes'], 'it has no effect on labels that are probabilities already');
    if (shape.length !== 2) context.mismatch('shape', 'labels that are probabilities are [N, K]');
    return labels;
  }
  if (dtype !== 'i32' && dtype !== 'i64') context.mismatch('dtype', 'labels are int32, int64 or float32 probabilities');
  if (shape.length !== 1) context.mismatch('shape', 'labels that are class numbers are [N]');
  if (classes === undefined) context.fail(['classes'], 'labels that are class numbers need it');
  const count = numberOf(fields, 'classes');
  const numbers = b.constant(
    Array.from({ length: count }, (_, i) => i),
    [1, count],
    dtype,
  );
  const wide = b.op('reshape', [labels], { shape: [n, 1] });
  return b.op('cast', [b.op('equal', [wide, numbers])], { dtype: 'f32' });
}

interface Mixing extends Pick<Described, 'type' | 'summary' | 'example'> {
  readonly about: string;
  readonly alpha: number;
  /** The images mixed with their partners, and the share that is left of each, [N, 1, 1, 1]. */
  readonly mix: (m: Drawing, images: Images, partners: Value, share: Value) => readonly [images: Value, share: Value];
}

const perField: FieldSchema = {
  description: 'What has a draw of its own: each sample, or the batch.',
  enum: ['sample', 'batch'],
  default: 'sample',
};

const LABELS: Sample['inputs'][number] = { shape: ['N'], dtype: 'int32', range: [0, 3] };
const IMAGES: Sample['inputs'][number] = { shape: ['N', 2, 5, 7] };

function defineMix({ about, alpha, mix, ...rest }: Mixing): LayerDef {
  return defineLayer({
    ...rest,
    details: [
      `Inputs: images [N, C, H, W] and labels, class numbers [N] with \`classes\`, or probabilities [N, K]. Outputs: the images, and \`<name>.labels\` [N, K], the probabilities that \`cross_entropy\` takes. ${about}`,
      'Partners are a random order of the batch. Shares are Beta(alpha, alpha) = G₁ / (G₁ + G₂) of gamma draws by Marsaglia and Tsang (2000), in logarithms. A class number outside 0 … classes − 1 makes a row of zeros. Draws anew in each training step, by the seed; in evaluation and prediction images pass, and labels become probabilities. A model that predicts without labels leaves the layer out there: `when: [train, eval], else: image`, with the name of the images.',
    ].join('\n\n'),
    fields: {
      alpha: {
        description: 'Parameter of the beta distribution: 1 is even, smaller ones lie near 0 and 1.',
        type: 'number',
        minimum: 0.01,
        maximum: 1000,
        default: alpha,
      },
      classes: positive('How many classes there are, for labels that are class numbers.'),
      per: perField,
      probability: probabilityField(1),
    },
    arity: [2, 2],
    outputs: ['labels'],
    lower(context, inputs) {
      const { b, fields } = context;
      const images = imagesOf(context, inputs[0]!);
      const labels = probabilities(context, images, inputs[1]!);
      if (context.mode !== 'train') return [images.x, labels];
      const { n } = images;
      const m = new Drawing(context, wordOf(fields, 'per') === 'sample' ? n : 1);
      const order = b.op('random_uniform', [context.rng()], {
        shape: [n],
        low: 0,
        high: 1,
        stream: context.stream('order'),
      });
      const [, partner] = b.ops('sort', [order], { axis: 0, descending: false });
      const taken = (x: Value): Value => b.op('gather', [x, partner!], { axis: 0, batch_dims: 0 });
      const drawn = m.where(m.hit(fields), betaOf(m, numberOf(fields, 'alpha')), 1);
      const share = b.op('broadcast_to', [drawn], { shape: [n, 1, 1, 1] });
      const [mixed, left] = mix(new Drawing(context, n), images, taken(images.x), share);
      const each = b.op('reshape', [left], { shape: [n, 1] });
      const soft = m.add(taken(labels), m.mul(each, m.sub(labels, taken(labels))));
      return [mixed, soft];
    },
    samples: [
      { inputs: [IMAGES, LABELS], fields: { classes: 4 } },
      { inputs: [IMAGES, LABELS], fields: { classes: 5, alpha: 0.05, per: 'batch', probability: 0.5 } },
      { inputs: [IMAGES, { shape: ['N', 3], range: [0, 1] }], fields: { alpha: 3 } },
    ],
  });
}

export const mixup = defineMix({
  type: 'mixup',
  summary: 'Mixes images of a batch with each other, and their labels in the same shares.',
  about:
    'x = share · x + (1 − share) · x of the partner (Zhang et al. 2018). MixUp of Keras draws for each sample too; torchvision, timm and the authors for each batch: `per: batch`.',
  example: '{name: mixed, type: mixup, inputs: [image, label], classes: 4}',
  alpha: 0.2,
  mix: (m, { x }, partners, share) => [m.add(partners, m.mul(share, m.sub(x, partners))), share],
});

export const cutMix = defineMix({
  type: 'cut_mix',
  summary: 'Puts a rectangle of another image of the batch into each, and mixes the labels by area.',
  about:
    'The rectangle has the shape of the image and 1 − share of its area, its middle is any pixel; what reaches beyond the edges is cut off, and the labels go by the area that is left (Yun et al. 2019). CutMix of torchvision and Keras.',
  example: '{name: mixed, type: cut_mix, inputs: [image, label], classes: 4}',
  alpha: 1,
  mix(m, images, partners, share) {
    const { h, w } = images;
    const cut = m.sqrt(m.maximum(m.sub(1, share), 0));
    // Both ends as whole pixels within the image.
    const span = (purpose: string, extent: number): readonly [Value, Value] => {
      const half = m.op('floor', m.mul(cut, extent / 2));
      const middle = m.below(purpose, extent);
      const from = m.maximum(m.sub(middle, half), 0);
      return [from, m.sub(m.minimum(m.add(middle, half), extent), from)];
    };
    const [left, width] = span('column', w);
    const [top, height] = span('row', h);
    const covered = rectangle(m, images, { left, top, width, height });
    const area = m.mul(m.mul(width, height), 1 / (h * w));
    return [m.where(covered, partners, images.x), m.sub(1, area)];
  },
});
