/** Normalizations, softmax and its relatives, dropout. */
import type { Fields } from '../../../../frontend/spec';
import { ELEM } from '../../../formats/onnx/types';
import { differing, fixed, type Emitter } from '../emitter';
import { refuse, type Handler, type Handlers, type Node } from '../node';
import { count, isSymbolic, type Value } from '../value';

const batchNorm: Handler = (node) => {
  const { e } = node;
  const x = e.float(node.in(0));
  const [gamma, beta, mean, variance] = [1, 2, 3, 4].map((i) => node.in(i)) as [Value, Value, Value, Value];
  const training = node.flag('training_mode') || (node.opset < 7 && node.has('is_test') && !node.flag('is_test'));
  const epsilon = node.float('epsilon', 1e-5);
  if (training) return trainedNorm(node, x, [gamma, beta, mean, variance], epsilon);
  if (!node.flag('spatial', true)) refuse('normalizes each place of an image by itself (`spatial: 0`)');
  const momentum = Number((1 - node.float('momentum', 0.9)).toFixed(7));
  // Statistics that are computed are no buffers: the formula then.
  if (mean.known === undefined || variance.known === undefined)
    return byFormula(e, x, [gamma, beta, mean, variance], epsilon);
  const fields = differing({ epsilon, momentum }, { epsilon: 1e-5, momentum: 0.1 });
  return e.weighted('batch_norm', [x], fields, { shape: x.shape }, { gamma, beta, mean, variance });
};

type Four = readonly [Value, Value, Value, Value];

function byFormula(e: Emitter, x: Value, four: Four, epsilon: number): Value {
  const channels = x.shape.length > 1 ? [x.shape[1]!, ...x.shape.slice(2).map(() => 1)] : [1];
  const [gamma, beta, mean, variance] = four.map((value) => e.reshape(e.float(value), channels)) as [
    Value,
    Value,
    Value,
    Value,
  ];
  return e.expr(`(a - d) / sqrt(e + ${epsilon}) * b + c`, [x, gamma, beta, mean, variance]);
}

/** By the statistics of the batch itself, giving the running ones that come of them. */
function trainedNorm(node: Node, x: Value, [gamma, beta, mean, variance]: Four, epsilon: number): readonly Value[] {
  const { e } = node;
  fixed(x.shape);
  const axes = x.shape.map((_, axis) => axis).filter((axis) => axis !== 1);
  const momentum = node.float('momentum', 0.9);
  const own = e.reduce('reduce_mean', x, axes, false);
  const spread = e.reduce('reduce_variance', x, axes, false);
  const y = byFormula(e, x, [gamma, beta, own, spread], epsilon);
  const mixed = (old: Value, now: Value): Value =>
    e.expr(`a * ${momentum} + b * ${Number((1 - momentum).toFixed(7))}`, [e.float(old), now]);
  return [y, ...(node.wants(1) ? [mixed(mean, own)] : []), ...(node.wants(2) ? [mixed(variance, spread)] : [])];
}

/** Normalizes over the axes from one on. */
const layerNorm: Handler = (node) => {
  const { e } = node;
  const x = e.float(node.in(0));
  const first = node.axisOf('axis', -1, x.shape.length);
  const epsilon = node.float('epsilon', 1e-5);
  const [scale, bias] = [node.maybe(1), node.maybe(2)];
  const axes = x.shape.map((_, axis) => axis).slice(first);
  const y = normalized(e, 'layer_norm', x, first, epsilon, { gamma: scale, beta: bias });
  if (!node.wants(1) && !node.wants(2)) return y;
  const mean = e.reduce('reduce_mean', x, axes, true);
  const spread = e.expr(`1 / sqrt(x + ${epsilon})`, [e.reduce('reduce_variance', x, axes, true)]);
  return [y, mean, spread];
};

const rmsNorm: Handler = (node) => {
  const { e } = node;
  const x = e.float(node.in(0));
  const first = node.axisOf('axis', -1, x.shape.length);
  return normalized(e, 'rms_norm', x, first, node.float('epsilon', 1e-5), { gamma: node.maybe(1) });
};

const EPSILON: Readonly<Record<string, number>> = { layer_norm: 1e-5, rms_norm: 1e-6 };

function normalized(
  e: Emitter,
  type: 'layer_norm' | 'rms_norm',
  x: Value,
  first: number,
  epsilon: number,
  params: Readonly<Record<string, Value | undefined>>,
): Value {
  // The layer has no word for the batch axis: a single sample of everything then.
  if (first === 0) {
    const shape = [1, ...fixed(x.shape)];
    return e.reshape(normalized(e, type, e.reshape(x, shape), 1, epsilon, params), x.shape);
  }
  const extents = fixed(x.shape.slice(first));
  const axes = extents.map((_, i) => i - extents.length);
  const whole = Object.fromEntries(
    Object.entries(params).map(([name, value]) => [
      name,
      value && count(value.shape) === count(extents)
        ? e.reshape(value, extents)
        : value && e.broadcastTo(value, extents),
    ]),
  );
  const fields = {
    ...(axes.length === 1 ? {} : { axis: axes }),
    ...(epsilon === EPSILON[type] ? {} : { epsilon }),
    ...(whole.gamma === undefined ? { scale: false } : {}),
    ...(type === 'layer_norm' && whole.beta === undefined ? { center: false } : {}),
  };
  return e.weighted(type, [x], fields, { shape: x.shape }, whole);
}

const instanceNorm: Handler = (node) => {
  const { e } = node;
  const x = e.float(node.in(0));
  const fields = differing({ epsilon: node.float('epsilon', 1e-5) }, { epsilon: 1e-5 });
  return e.weighted('instance_norm', [x], fields, { shape: x.shape }, { gamma: node.in(1), beta: node.in(2) });
};

const groupNorm: Handler = (node) => {
  const { e } = node;
  const x = e.float(node.in(0));
  const groups = node.int('num_groups', 1);
  const channels = x.shape[1]!;
  const each = (value: Value): Value => {
    if (count(value.shape) === channels) return value;
    // Before opset 21 there was one number for each group.
    const wide = e.broadcastTo(e.reshape(value, [groups, 1]), [groups, channels / groups]);
    return e.reshape(wide, [channels]);
  };
  const fields = differing({ groups, epsilon: node.float('epsilon', 1e-5) }, { groups: 32, epsilon: 1e-5 });
  return e.weighted('group_norm', [x], fields, { shape: x.shape }, { gamma: each(node.in(1)), beta: each(node.in(2)) });
};

const lrn: Handler = (node) => {
  const size = node.int('size', 5);
  const x = node.e.float(node.in(0));
  const fields = { size, alpha: node.float('alpha', 1e-4), beta: node.float('beta', 0.75), k: node.float('bias', 1) };
  if (size % 2 === 0) refuse(`has a size of ${size}, which is even`);
  return node.e.unary('lrn', x, differing(fields, { size: 5, alpha: 1e-4, beta: 0.75, k: 1 }));
};

const meanVariance: Handler = (node) => {
  const { e } = node;
  const x = e.float(node.in(0));
  const axes = (node.ints('axes') ?? [0, 2, 3]).map((axis) => node.axis(axis, x.shape.length));
  const mean = e.reduce('reduce_mean', x, axes, true);
  const spread = e.reduce('reduce_std', x, axes, true);
  return e.expr('(a - b) / (c + 1e-9)', [x, mean, spread]);
};

const lpNorm: Handler = (node) => {
  const { e } = node;
  const x = e.float(node.in(0));
  const axis = node.axisOf('axis', -1, x.shape.length);
  const p = node.int('p', 2);
  if (p !== 1 && p !== 2) refuse(`has the norm ${p}`);
  const length = e.reduce(p === 1 ? 'reduce_l1_norm' : 'reduce_l2_norm', x, [axis], true);
  return e.expr('where(b == 0, 0, a / b)', [x, length]);
};

/** Along one axis; before opset 13 over all axes from one on, as one. */
const along =
  (make: (e: Emitter, x: Value, axis: number) => Value): Handler =>
  (node) => {
    const { e } = node;
    const x = e.float(node.in(0));
    const rank = x.shape.length;
    const axis = node.axisOf('axis', node.opset < 13 ? 1 : -1, rank);
    if (node.opset >= 13 || axis === rank - 1) return make(e, x, axis);
    // Axes of extent 1 behind it change nothing.
    if (x.shape.slice(axis + 1).every((extent) => extent === 1)) return make(e, x, axis);
    const flat = e.reshape(x, [count(x.shape.slice(0, axis)), count(x.shape.slice(axis))]);
    return e.reshape(make(e, flat, 1), x.shape);
  };

export function softmax(e: Emitter, type: string, x: Value, axis: number): Value {
  if (isSymbolic(x.shape[axis]!)) refuse('normalizes over the batch');
  const last = axis === x.shape.length - 1 && axis > 1;
  return e.unary(type, x, axis === 1 ? {} : { axis: last ? -1 : axis });
}

function hardmax(e: Emitter, x: Value, axis: number): Value {
  const classes = x.shape[axis]!;
  const shape = x.shape.filter((_, i) => i !== axis);
  const best = e.layer('argmax', [x], axis === 1 ? {} : { axis }, { shape, elem: ELEM.int32 });
  const fields: Fields = axis === x.shape.length - 1 ? { classes } : { classes, axis };
  return e.layer('one_hot', [best], fields, { shape: x.shape, elem: x.elem });
}

/** Passes on what came; in training it drops. The mask is all true. */
const dropout: Handler = (node) => {
  const { e } = node;
  const x = node.in(0);
  const training = node.numbers(2, 'training_mode')?.[0] === 1;
  const given = training ? node.numbers(1, 'ratio')?.[0] : node.maybe(1)?.known?.[0];
  const rate = node.has('ratio') ? node.float('ratio', 0.5) : (given ?? 0.5);
  if (training && rate > 0) refuse('drops at random whatever the mode (`training_mode`)');
  const share = Number(rate.toPrecision(7));
  const y =
    x.dtype === 'f32' && share > 0 && share < 1 ? e.unary('dropout', x, share === 0.5 ? {} : { rate: share }) : x;
  if (!node.wants(1)) return y;
  const mask = e.layer(
    'constant',
    [],
    { shape: e.words(x.shape), value: 1, dtype: 'bool' },
    { shape: x.shape, elem: ELEM.bool },
  );
  return [y, mask];
};

export const NORMS: Handlers = {
  BatchNormalization: batchNorm,
  LayerNormalization: layerNorm,
  RMSNormalization: rmsNorm,
  InstanceNormalization: instanceNorm,
  GroupNormalization: groupNorm,
  LRN: lrn,
  MeanVarianceNormalization: meanVariance,
  LpNormalization: lpNorm,
  Softmax: along((e, x, axis) => softmax(e, 'softmax', x, axis)),
  LogSoftmax: along((e, x, axis) => softmax(e, 'log_softmax', x, axis)),
  Hardmax: along(hardmax),
  Dropout: dropout,
};
