/** Functions of single elements, and sums, products and maxima of several inputs. */
import { Word, type Proto } from '../../../formats/caffe/print';
import type { Blob, Converter, Use } from '../use';

const plain =
  (type: string, fields: (use: Use) => Proto = () => ({})): Converter =>
  (use) =>
    use.become(type, fields(use));

const power = (
  read: (use: Use) => { readonly power?: number; readonly scale?: number; readonly shift?: number },
): Converter => plain('Power', (use) => ({ power_param: { ...read(use) } }));

/** Exp and Log; without a base it is e. */
const based = (type: string, message: string): Converter =>
  plain(type, (use) => ({
    [message]: {
      base: typeof use.fields['base'] === 'number' ? use.fields['base'] : undefined,
      scale: use.number('scale', 1),
      shift: use.number('shift', 0),
    },
  }));

const clip: Converter = plain('Clip', (use) => {
  const [min, max] = [use.fields['min'], use.fields['max']];
  // Caffe has always two bounds.
  return { clip_param: { min: typeof min === 'number' ? min : -3.4e38, max: typeof max === 'number' ? max : 3.4e38 } };
});

const between = (min: (use: Use) => number, max: (use: Use) => number): Converter =>
  plain('Clip', (use) => ({ clip_param: { min: min(use), max: max(use) } }));

/** slope · x + offset, held between 0 and 1. */
function hardSigmoid(use: Use, slope: number, offset: number, suffix: string): string {
  const line = use.add(
    'Power',
    [use.x.name],
    { power_param: { scale: slope, shift: offset } },
    { suffix: `${suffix}_line` },
  );
  return use.add('Clip', [line], { clip_param: { min: 0, max: 1 } }, { suffix });
}

const hardSwish: Converter = (use) => {
  const gate = hardSigmoid(use, 1 / 6, 0.5, '_gate');
  use.give(use.add('Eltwise', [use.x.name, gate], { eltwise_param: { operation: new Word('PROD') } }));
};

const prelu: Converter = (use) => {
  const slopes = use.field('slopes');
  if (slopes === 'element' || use.number('axis', 1) !== 1) use.refuse('has slopes that Caffe cannot share so');
  const param = slopes === 'one' ? { channel_shared: true } : {};
  use.become('PReLU', { ...use.params(['slope']), prelu_param: param }, [use.blob('slope')]);
};

const threshold: Converter = (use) => {
  if (use.number('above', NaN) !== 1 || use.number('value') !== 0) use.refuse('gives other than 0 and 1');
  use.become('Threshold', { threshold_param: { threshold: use.number('threshold') } });
};

const softmax: Converter = (use) => {
  const axis = use.axis('axis');
  use.become('Softmax', axis === 1 ? {} : { softmax_param: { axis } });
};

const sameShape = (a: Blob, b: Blob): boolean => String(a.shape) === String(b.shape);

function requireAlike(use: Use): void {
  const [x] = use.inputs;
  const other = use.inputs.find((input) => !sameShape(input, x!));
  if (other !== undefined)
    use.refuse(`combines [${x!.shape.join(', ')}] with [${other.shape.join(', ')}], which Caffe does not stretch`);
}

const eltwise =
  (operation: string, coefficients: (use: Use) => readonly number[] | undefined): Converter =>
  (use) => {
    requireAlike(use);
    const factors = coefficients(use);
    const coeff = factors === undefined || factors.every((factor) => factor === 1) ? undefined : [...factors];
    use.become('Eltwise', { eltwise_param: { operation: new Word(operation), coeff } });
  };

const listed = (use: Use): readonly number[] | undefined => {
  const given = use.fields['coefficients'];
  return Array.isArray(given) ? use.inputs.map((_, i) => Number(given[i] ?? 1)) : undefined;
};

/** A factor for each channel of each sample, [N, C, 1, 1], is a Scale by [N, C]. */
const product: Converter = (use) => {
  const isGate = ({ shape }: Blob): boolean => shape.length > 2 && shape.slice(2).every((extent) => extent === 1);
  const [a, b] = use.inputs;
  if (use.inputs.length !== 2 || sameShape(a!, b!)) {
    eltwise('PROD', () => undefined)(use);
    return;
  }
  const [x, gate] = isGate(b!) ? [a!, b!] : [b!, a!];
  if (!isGate(gate) || String(gate.shape.slice(0, 2)) !== String(x.shape.slice(0, 2))) requireAlike(use);
  const flat = use.add('Flatten', [gate.name], {}, { suffix: '_factors' });
  use.give(use.add('Scale', [x.name, flat], { scale_param: { axis: 0 } }));
};

const dropout: Converter = (use) => {
  if (use.flag('always')) use.refuse('drops in prediction too', 'always');
  if ((use.field('shared_axes') as readonly number[] | number | undefined)?.toString())
    use.refuse('shares its draws', 'shared_axes');
  use.become('Dropout', { dropout_param: { dropout_ratio: use.number('rate') } });
};

/** What does nothing in prediction. */
const passes: Converter = (use) => {
  use.remark(`layers of type ${use.type} do nothing in prediction and are left out`);
  use.give(use.x.name);
};

/** Changes of the images in training alone that keep their size. */
const AUGMENTATIONS = (
  'random_flip random_rotation random_translation random_zoom random_shear random_affine random_perspective ' +
  'random_elastic_transform random_erasing cutout random_brightness random_contrast random_saturation random_hue ' +
  'color_jitter random_grayscale random_invert random_solarize random_posterize random_auto_contrast random_sharpness ' +
  'random_gaussian_blur rand_augment mixup cut_mix'
).split(' ');

export const elementwise: Readonly<Record<string, Converter>> = {
  relu: plain('ReLU'),
  leaky_relu: plain('ReLU', (use) => ({ relu_param: { negative_slope: use.number('slope') } })),
  prelu,
  elu: plain('ELU', (use) => ({ elu_param: { alpha: use.number('alpha') } })),
  sigmoid: plain('Sigmoid'),
  tanh: plain('TanH'),
  abs: plain('AbsVal'),
  bnll: plain('BNLL'),
  softplus: (use) => {
    if (Object.keys(use.fields).some((name) => name === 'beta' || name === 'threshold'))
      use.refuse('has fields of its own');
    use.become('BNLL');
  },
  silu: plain('Swish'),
  swish: (use) => {
    if (use.flag('learned')) use.refuse('learns its factor', 'learned');
    use.become('Swish', { swish_param: { beta: use.number('beta') } });
  },
  relu6: between(
    () => 0,
    () => 6,
  ),
  hard_tanh: between(
    (use) => use.number('min', -1),
    (use) => use.number('max', 1),
  ),
  clip,
  hard_sigmoid: (use) => use.give(hardSigmoid(use, use.number('slope'), use.number('offset'), '')),
  hard_swish: hardSwish,
  threshold,
  softmax,
  exp: based('Exp', 'exp_param'),
  exponential: plain('Exp'),
  log: based('Log', 'log_param'),
  pow: (use) => {
    if (use.inputs.length > 1) use.refuse('has its exponent from an input');
    power(() => ({ power: use.number('power'), scale: use.number('scale', 1), shift: use.number('shift', 0) }))(use);
  },
  rescale: power((use) => ({ scale: use.number('scale'), shift: use.number('offset') })),
  sqrt: power(() => ({ power: 0.5 })),
  rsqrt: power(() => ({ power: -0.5 })),
  square: power(() => ({ power: 2 })),
  reciprocal: power(() => ({ power: -1 })),
  neg: power(() => ({ scale: -1 })),
  add: eltwise('SUM', listed),
  sub: eltwise('SUM', () => [1, -1]),
  average: eltwise('SUM', (use) => use.inputs.map(() => 1 / use.inputs.length)),
  maximum: eltwise('MAX', () => undefined),
  mul: product,
  dropout,
  identity: (use) => use.give(use.x.name),
  stop_gradient: passes,
  spatial_dropout1d: passes,
  spatial_dropout2d: passes,
  spatial_dropout3d: passes,
  gaussian_noise: passes,
  gaussian_dropout: passes,
  alpha_dropout: passes,
  drop_path: passes,
  drop_block: passes,
  activity_regularization: passes,
  ...Object.fromEntries(AUGMENTATIONS.map((type) => [type, passes])),
};
