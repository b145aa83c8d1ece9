/** Poolings, enlargements and borders of sequences, images and volumes. */
import type { Fields, Json } from '../../../../frontend/spec';
import { Refusal, type Use } from '../use';
import type { Value } from '../value';
import { from, held, short, windowOf } from './window';

export function pooling(use: Use, axes: 1 | 2 | 3, kind: 'max' | 'avg'): Value {
  const rank = use.rank(axes + 2);
  const order = use.imageOrder(rank);
  const [n, channels, ...spatial] = held(use, order) as [number, number, ...number[]];
  const kernel = use.config.ints('pool_size', axes, 2, 1);
  const window = windowOf(use.config, axes, kernel, kernel);
  const counted = kind === 'avg' && window.fields.padding === 'same' ? { count_include_pad: false } : {};
  const input = use.context.orders.inOrder(use.input, order);
  const ref = use.plain(`${kind}_pool${axes}d`, [input], { ...window.fields, ...counted });
  return from(ref, order, [n, channels, ...spatial.map((extent, i) => window.extent(extent, i))]);
}

export function globalPooling(use: Use, axes: 1 | 2 | 3, kind: 'max' | 'avg'): Value {
  const rank = use.rank(axes + 2);
  const { mask } = use.input;
  const order = use.imageOrder(rank);
  const [n, channels, ...spatial] = held(use, order) as [number, number, ...number[]];
  const keep = use.config.flag('keepdims', false);
  const input = use.context.orders.inOrder(use.input, order);
  const known = mask !== undefined && axes === 1 && kind === 'avg' && !keep && use.channelsLast();
  if (known) return maskedMean(use, mask);
  const ref = use.plain(`global_${kind}_pool${axes}d`, [input], keep ? { keepdims: true } : {});
  return keep ? from(ref, order, [n, channels, ...spatial.map(() => 1)]) : from(ref, [0, 1], [n, channels]);
}

export function upSampling(use: Use, axes: 1 | 2 | 3): Value {
  const rank = use.rank(axes + 2);
  const order = use.imageOrder(rank);
  const [n, channels, ...spatial] = held(use, order) as [number, number, ...number[]];
  const scale = use.config.ints('size', axes, 2, 1);
  const method = use.config.text('interpolation', 'nearest');
  if (!['nearest', 'bilinear'].includes(method)) throw new Refusal(`the interpolation \`${method}\` is not read`);
  const fields = { scale: short(scale), ...(method === 'nearest' ? {} : { method }) };
  const ref = use.plain(`upsample${axes}d`, [use.context.orders.inOrder(use.input, order)], fields);
  return from(ref, order, [n, channels, ...spatial.map((extent, i) => extent * scale[i]!)]);
}

/** Cropping and ZeroPadding: one number, one for each axis, or a pair for each. */
export function border(use: Use, axes: 1 | 2 | 3, kind: 'crop' | 'pad'): Value {
  const rank = use.rank(axes + 2);
  const order = use.imageOrder(rank);
  const [n, channels, ...spatial] = held(use, order) as [number, number, ...number[]];
  const key = kind === 'crop' ? 'cropping' : 'padding';
  const given = use.config.value(key) ?? 1;
  const list = Array.isArray(given) ? (given as readonly Json[]) : new Array<Json>(axes).fill(given);
  const whole = axes === 1 && list.length === 2 ? [list] : list;
  const pairs = whole.map((item) => (Array.isArray(item) ? (item as number[]) : [item as number, item as number]));
  const good = (pair: readonly number[]): boolean =>
    pair.length === 2 && pair.every((x) => Number.isSafeInteger(x) && x >= 0);
  if (pairs.length !== axes || !pairs.every(good)) throw new Refusal(`\`${key}\` is not ${axes} pairs of numbers`);
  const even = pairs.every(([a, b]) => a === b && a === pairs[0]![0]);
  const amount: Json = even ? pairs[0]![0]! : axes === 1 ? pairs[0]! : pairs;
  const fields: Fields =
    kind === 'crop' ? { cropping: amount } : { padding: axes === 1 && !even ? [pairs[0]!] : amount };
  const type = kind === 'crop' ? `crop${axes}d` : 'pad';
  const ref = use.plain(type, [use.context.orders.inOrder(use.input, order)], fields);
  const sign = kind === 'crop' ? -1 : 1;
  return from(ref, order, [
    n,
    channels,
    ...spatial.map((extent, i) => extent + sign * (pairs[i]![0]! + pairs[i]![1]!)),
  ]);
}

/** The mean over the steps that are no padding: a sum over their number. */
function maskedMean(use: Use, mask: string): Value {
  const steps = use.plain('cast', [mask], { dtype: 'float32' }, '_steps');
  const weights = use.plain('expand_dims', [steps], {}, '_weights');
  const kept = use.plain('mul', [use.context.orders.natural(use.input), weights], {}, '_kept');
  const sum = use.plain('reduce_sum', [kept], { axes: 1 }, '_sum');
  const count = use.plain('reduce_sum', [weights], { axes: 1 }, '_count');
  const ref = use.plain('div', [sum, count]);
  return { ref, shape: [0, use.input.shape[2]!], order: [0, 1] };
}

export function adaptivePooling(use: Use, axes: 1 | 2 | 3, kind: 'max' | 'avg'): Value {
  const rank = use.rank(axes + 2);
  const order = use.imageOrder(rank);
  const [n, channels] = held(use, order) as [number, number];
  const size = use.config.ints('output_size', axes, 1, 1);
  const input = use.context.orders.inOrder(use.input, order);
  const ref = use.plain(`adaptive_${kind}_pool${axes}d`, [input], { size: short(size) });
  return from(ref, order, [n, channels, ...size]);
}
