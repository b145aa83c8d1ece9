/** Normalizations and learned scales. */
import { Word } from '../../../formats/caffe/print';
import type { CaffeBlob } from '../../../formats/caffe/wire';
import type { Converter, Use } from '../use';

const filled = (count: number, value: number): CaffeBlob => ({
  shape: [count],
  data: new Float32Array(count).fill(value),
});

/** Two layers: statistics first, then scale and shift. */
const batchNorm: Converter = (use) => {
  if (use.axis('axis') !== 1) use.refuse('has its channels on another axis', 'axis');
  const channels = use.x.shape[1]!;
  const [scales, shifts] = [use.flag('scale', true), use.flag('center', true)];
  const known = use.net.tensors !== undefined;
  const momentum = use.number('momentum', 0.1);
  const param = {
    eps: use.number('epsilon'),
    moving_average_fraction: Number((1 - momentum).toPrecision(12)),
    use_global_stats: use.flag('use_running') ? true : undefined,
  };
  const statistics = known ? [use.blob('mean'), use.blob('variance'), filled(1, 1)] : [];
  const norm = use.add('BatchNorm', [use.x.name], { batch_norm_param: param }, { blobs: statistics });
  if (!scales && !shifts) {
    use.give(norm);
    return;
  }
  const gamma = scales ? use.blob('gamma') : filled(channels, 1);
  const blobs = known ? [gamma, ...(shifts ? [use.blob('beta')] : [])] : [];
  const fields = { ...use.params(shifts ? ['gamma', 'beta'] : ['gamma']), scale_param: { bias_term: shifts } };
  use.add('Scale', [norm], fields, { suffix: '_scale', tops: [norm], blobs });
  use.give(norm);
};

function axesOf(use: Use): { readonly axis: number | undefined; readonly num_axes: number | undefined } {
  const axis = use.axis('axis');
  const axes = use.number('num_axes', 1);
  return { axis: axis === 1 ? undefined : axis, num_axes: axes === 1 || use.inputs.length > 1 ? undefined : axes };
}

const scale: Converter = (use) => {
  const bias = use.flag('bias');
  const names = bias ? ['weight', 'bias'] : ['weight'];
  if (use.inputs.length > 1 && bias) use.refuse('scales by an input and has a bias', 'bias');
  const blobs = use.inputs.length > 1 ? [] : names.map((name) => use.blob(name));
  const fields = use.inputs.length > 1 ? {} : use.params(names);
  use.become('Scale', { ...fields, scale_param: { ...axesOf(use), bias_term: bias ? true : undefined } }, blobs);
};

const bias: Converter = (use) => {
  const alone = use.inputs.length === 1;
  use.become(
    'Bias',
    { ...(alone ? use.params(['bias']) : {}), bias_param: axesOf(use) },
    alone ? [use.blob('bias')] : [],
  );
};

const lrn: Converter = (use) => {
  const within = use.field('region') === 'within_channel';
  if (within && use.number('k') !== 1) use.refuse('has a `k` other than 1 within channels', 'k');
  const param = {
    local_size: use.number('size'),
    alpha: use.number('alpha'),
    beta: use.number('beta'),
    k: within || use.number('k') === 1 ? undefined : use.number('k'),
    norm_region: within ? new Word('WITHIN_CHANNEL') : undefined,
  };
  use.become('LRN', { lrn_param: param });
};

const mvn: Converter = (use) => {
  const param = {
    normalize_variance: use.flag('normalize_variance', true),
    across_channels: use.flag('across_channels'),
    eps: use.number('epsilon', 1e-9),
  };
  use.become('MVN', { mvn_param: param });
};

/** Of the SSD fork. */
const normalize: Converter = (use) => {
  const axis = use.field('axis');
  const spatial = Array.isArray(axis) && axis.length === use.x.shape.length - 1;
  if (!use.flag('scale') || use.field('epsilon_rule') !== 'add' || !(spatial || axis === 1)) {
    use.refuse('is none of the SSD fork: `scale: true, epsilon_rule: add` over channels or whole images');
  }
  use.remark('Normalize is a layer of the SSD fork');
  const shared = use.flag('shared');
  const param = { across_spatial: spatial, channel_shared: shared, eps: use.number('epsilon') };
  use.become('Normalize', { ...use.params(['gamma']), norm_param: param }, [use.blob('gamma')]);
};

/** Fixed means and deviations: a scale and a shift that do not learn. */
const standardize: Converter = (use) => {
  if (use.axis('axis') !== 1 || use.flag('invert')) use.refuse('is on another axis, or undoes another layer');
  const channels = use.x.shape[1]!;
  const list = (name: string): number[] | undefined => {
    const value = use.fields[name];
    if (typeof value === 'number') return Array<number>(channels).fill(value);
    return Array.isArray(value) ? value.map(Number) : undefined;
  };
  const deviation = list('std') ?? list('variance')?.map(Math.sqrt);
  const mean = list('mean');
  if (mean === undefined || deviation === undefined) use.refuse('gathers its mean and deviation');
  const slope = deviation!.map((value) => 1 / Math.max(value, use.number('epsilon')));
  const blobs = [
    { shape: [channels], data: Float32Array.from(slope) },
    { shape: [channels], data: Float32Array.from(mean!, (value, i) => -value * slope[i]!) },
  ];
  const still = { lr_mult: 0, decay_mult: 0 };
  use.become('Scale', { param: [still, still], scale_param: { bias_term: true } }, blobs);
};

export const norms: Readonly<Record<string, Converter>> = {
  batch_norm: batchNorm,
  scale,
  bias,
  lrn,
  mvn,
  l2_normalize: normalize,
  standardize,
};
