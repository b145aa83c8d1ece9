/**
 * Normalizations and learned scales. Caffe's BatchNorm has neither scale nor shift: a Scale right behind it, which most
 * nets have, becomes part of the same `batch_norm`.
 */
import type { Json } from '../../../../frontend/spec';
import type { Converter, Learned, Use } from '../use';
import type { Made, Value } from '../value';

const batchNorm: Converter = (use) => {
  const x = use.input();
  const param = use.part('batch_norm_param');
  param.ignore('engine');
  const channels = use.extent(x, 1);
  const global = param.flag('use_global_stats');
  const fields: Record<string, Json> = { ...epsilon(param.number('eps', 1e-5)), scale: false, center: false };
  const { training } = use.conversion;
  if (global === true && training && use.node.when === undefined) fields.use_running = true;
  else if (training || param.has('moving_average_fraction')) {
    fields.momentum = share(param.number('moving_average_fraction', 0.999));
    // From scratch the first steps count in full; averages that were trained have long forgotten them.
    if (training && use.conversion.blobs(use.name) === undefined) fields.average = 'corrected';
  }
  param.ignore('moving_average_fraction');
  const made = use.give('batch_norm', [x], fields, x.shape);
  if (global === false && !training) {
    made.comment = 'in the source by the statistics of the batch';
    use.converted('its statistics are the running ones here, where the source has those of the batch');
  }
  statistics(use, made, channels);
};

/** 1 − fraction without the noise of binary fractions. */
const share = (fraction: number): number => Number((1 - fraction).toPrecision(12));

const epsilon = (eps: number): Record<string, Json> => (eps === 1e-5 ? {} : { epsilon: eps === 0 ? 1e-30 : eps });

/** Mean and variance are sums there, which the third blob divides. */
function statistics(use: Use, made: Made, channels: number): void {
  const [mean, variance, factor] = use.conversion.blobs(use.name) ?? [];
  for (const param of use.fields.parts('param')) param.ignore('lr_mult', 'decay_mult', 'name', 'share_mode');
  if (mean === undefined || variance === undefined) return;
  const total = factor?.data[0] ?? 1;
  const divide = (data: Float32Array): Float32Array =>
    total === 0 ? data.map(() => 0) : data.map((sum) => sum / total);
  const isPlain = total === 1;
  use.tensor(made, 'mean', [channels], mean, isPlain ? undefined : divide);
  use.tensor(made, 'variance', [channels], variance, isPlain ? undefined : divide);
}

/** `BN` of two forks: the one of SegNet (scale and shift, with or without statistics), and that of TSN with four blobs. */
const bn: Converter = (use) => {
  const x = use.input();
  const param = use.part('bn_param');
  param.ignore('engine', 'num_output');
  const channels = use.extent(x, 1);
  const slope = param.has('slope_filler') ? 'slope_filler' : 'scale_filler';
  const shift = param.has('bias_filler') ? 'bias_filler' : 'shift_filler';
  const learned = (gamma: string, beta: string): Learned[] => [
    { param: gamma, shape: [channels], filler: [param, slope], start: 'ones' },
    { param: beta, shape: [channels], filler: [param, shift] },
  ];
  const frozen = param.flag('frozen', false);
  const eps = param.number('eps', param.number('bn_epsilon', 1e-5));
  const momentum = param.number('momentum', 0.9);
  if (param.word('bn_mode', ['LEARN', 'INFERENCE']) === 'INFERENCE') {
    const made = use.give('scale', [x], { bias: true }, x.shape);
    use.learn(made, learned('weight', 'bias'));
    use.converted('in its mode INFERENCE it is a scale and a shift alone');
    return;
  }
  const made = use.give('batch_norm', [x], { ...epsilon(eps) }, x.shape);
  use.learn(made, learned('gamma', 'beta'));
  if (frozen) made.fields.use_running = true;
  else if (momentum !== 0.9) made.fields.momentum = share(momentum);
  const blobs = use.conversion.blobs(use.name) ?? [];
  if (blobs.length >= 4) {
    use.tensor(made, 'mean', [channels], blobs[2]!);
    use.tensor(made, 'variance', [channels], blobs[3]!);
  }
};

const scale: Converter = (use) => {
  const x = use.input();
  const param = use.part('scale_param');
  param.ignore('bias_filler');
  const bias = param.flag('bias_term', false);
  if (use.node.inputs.length > 1) {
    scaleBySecond(use, x, bias);
    return;
  }
  const axis = use.axis(x, param.number('axis', 1));
  const axes = param.number('num_axes', 1);
  const last = axes < 0 ? x.shape.length : axis + axes;
  const shape = x.shape.slice(axis, last).map((_, i) => use.extent(x, axis + i));
  const learned = (weight: string, shift: string): Learned[] => [
    { param: weight, shape, filler: [param, 'filler'], start: 'ones' },
    ...(bias ? [{ param: shift, shape, filler: [param, 'bias_filler'] } as const] : []),
  ];
  const norm = normBefore(use, x);
  if (norm !== undefined && axis === 1 && shape.length === 1) {
    delete norm.fields.scale;
    if (bias) delete norm.fields.center;
    use.output(0, x);
    use.converted(`scale${bias ? ' and shift' : ''} of ${norm.name}`);
    use.learn(norm, learned('gamma', 'beta'));
    return;
  }
  const fields = {
    ...(axis === 1 ? {} : { axis }),
    ...(axes === 1 ? {} : { num_axes: axes }),
    ...(bias ? { bias } : {}),
  };
  const made = use.give('scale', [x], fields, x.shape, x);
  use.learn(made, learned('weight', 'bias'));
};

/** The batch normalization right before, where nothing else reads it. */
function normBefore(use: Use, x: Value): Made | undefined {
  const norm = use.conversion.maker(x);
  const isBare = norm?.type === 'batch_norm' && norm.fields.scale === false && norm.fields.center === false;
  return isBare && use.blob(0).readers.length === 1 && norm.node.when === use.node.when ? norm : undefined;
}

function scaleBySecond(use: Use, x: Value, bias: boolean): void {
  const param = use.part('scale_param');
  param.ignore('num_axes', 'filler');
  const factor = use.input(1);
  const axis = use.axis(x, param.number('axis', 1));
  const made = use.give('scale', [x, factor], axis === 1 ? {} : { axis }, x.shape);
  if (!bias) return;
  const shape = factor.shape.map((_, i) => use.extent(factor, i));
  const shifted = use.emit(
    'bias',
    [made.name],
    { ...(axis === 1 ? {} : { axis }), num_axes: shape.length },
    `${use.name}_bias`,
  );
  use.output(0, { ref: shifted.name, shape: x.shape, dtype: 'f32' });
  use.learn(shifted, [{ param: 'bias', shape, filler: [param, 'bias_filler'] }]);
}

const bias: Converter = (use) => {
  const x = use.input();
  const param = use.part('bias_param');
  const axis = use.axis(x, param.number('axis', 1));
  const axes = param.number('num_axes', 1);
  const at = axis === 1 ? {} : { axis };
  if (use.node.inputs.length > 1) {
    use.give('bias', [x, use.input(1)], at, x.shape);
    return;
  }
  const shape = x.shape.slice(axis, axes < 0 ? x.shape.length : axis + axes).map((_, i) => use.extent(x, axis + i));
  const made = use.give('bias', [x], { ...at, ...(axes === 1 ? {} : { num_axes: axes }) }, x.shape);
  use.learn(made, [{ param: 'bias', shape, filler: [param, 'filler'] }]);
};

const lrn: Converter = (use) => {
  const x = use.input();
  const param = use.part('lrn_param');
  param.ignore('engine');
  const fields: Record<string, Json> = {};
  const differs = (name: string, value: number, usual: number): void => {
    if (value !== usual) fields[name] = value;
  };
  if (param.word('norm_region', ['ACROSS_CHANNELS', 'WITHIN_CHANNEL']) === 'WITHIN_CHANNEL') {
    fields.region = 'within_channel';
    param.ignore('k');
  }
  differs('size', param.count('local_size', 5), 5);
  differs('alpha', param.number('alpha', 1), 1e-4);
  differs('beta', param.number('beta', 0.75), 0.75);
  if (fields.region === undefined) differs('k', param.number('k', 1), 1);
  use.give('lrn', [x], fields, x.shape);
};

const mvn: Converter = (use) => {
  const x = use.input();
  const param = use.part('mvn_param');
  const fields = {
    ...(param.flag('normalize_variance', true) ? {} : { normalize_variance: false }),
    ...(param.flag('across_channels', false) ? { across_channels: true } : {}),
    ...(param.number('eps', 1e-9) === 1e-9 ? {} : { epsilon: param.number('eps', 1e-9) }),
  };
  use.give('mvn', [x], fields, x.shape);
};

/** Of the SSD fork: each pixel, or the whole image, to length 1, then a learned scale. */
const normalize: Converter = (use) => {
  const x = use.input();
  const param = use.part('norm_param');
  const across = param.flag('across_spatial', true);
  const shared = param.flag('channel_shared', true);
  const fields = {
    ...(across ? { axis: x.shape.slice(1).map((_, i) => i + 1) } : {}),
    epsilon: param.number('eps', 1e-10),
    epsilon_rule: 'add',
    scale: true,
    ...(shared ? { shared } : {}),
  };
  const made = use.give('l2_normalize', [x], fields, x.shape);
  const shape = shared ? [1] : [use.extent(x, 1)];
  use.learn(made, [{ param: 'gamma', shape, filler: [param, 'scale_filler'], start: 'ones' }]);
};

export const normalizations: Readonly<Record<string, Converter>> = {
  BatchNorm: batchNorm,
  BN: bn,
  Scale: scale,
  Bias: bias,
  LRN: lrn,
  MVN: mvn,
  Normalize: normalize,
};
