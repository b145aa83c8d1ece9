/**
 * What each op does with images whose channels lie last: which of its operands and results are images of one region,
 * and what its attributes are then. An op that is not here takes and gives channels first, and ends a region.
 */
import type { Attrs, Node, Value } from '../ir/graph';
import { elementCount, sameShape, type Shape } from '../ir/types';
import { integerAttr, integersAttr } from '../ops/attributes';
import { CHANNELS_LAST, channelsFirst, channelsLast } from '../ops/families/layout';
import { opNamed } from '../ops/registry';

/**
 * `image`: of the region. `free`: an image too, but turned by a reshape, so that it ties nothing together. `spread`: has
 * fewer axes or extents of 1 and is broadcast against an image. `same`: as it is in either order.
 */
export type Role = 'image' | 'free' | 'spread' | 'same';

export interface Roles {
  readonly inputs: readonly Role[];
  readonly outputs: readonly Role[];
  /** With channels last. */
  readonly attrs: Attrs;
}

export function isImage({ type: { shape } }: Value): boolean {
  return shape.length >= 3 && shape.length <= 5;
}

/** True if the order of axes in memory is the same either way but for extents of 1. */
export function turnsFreely(shape: Shape): boolean {
  return shape[1] === 1 || elementCount(shape.slice(2)) === 1;
}

/** Where an axis of a channels-first image of that rank is with channels last. */
export function axisLast(axis: number, rank: number): number {
  if (axis === 0) return 0;
  return axis === 1 ? rank - 1 : axis - 1;
}

type Rule = (node: Node, x: Value) => Roles | undefined;

/** Undefined where the node wants channels first. */
export function rolesOf(node: Node): Roles | undefined {
  const { images, traits } = opNamed(node.op);
  const [x] = node.inputs;
  if (images) return x && isImage(x) ? kernelRoles(node, images.inputs, images.outputs) : undefined;
  if (traits.elementwise === true) return spreading(node, {});
  if (!x || !Object.hasOwn(RULES, node.op)) return undefined;
  return RULES[node.op]?.(node, x);
}

function kernelRoles(node: Node, inputs: readonly number[], outputs: readonly number[]): Roles {
  const { input_shape: shape } = node.attrs;
  return {
    inputs: node.inputs.map((_, i) => (inputs.includes(i) ? 'image' : 'same')),
    outputs: node.outputs.map((_, i) => (outputs.includes(i) ? 'image' : 'same')),
    attrs: {
      ...node.attrs,
      ...(shape !== undefined && { input_shape: channelsLast(integersAttr(node.attrs, 'input_shape')) }),
      layout: CHANNELS_LAST,
    },
  };
}

/** All inputs broadcast to the output. */
function spreading(node: Node, changes: Attrs): Roles | undefined {
  const [y] = node.outputs;
  if (!y || !isImage(y)) return undefined;
  const inputs = node.inputs.map(({ type: { shape } }): Role => {
    if (sameShape(shape, y.type.shape)) return 'image';
    return shape.length === y.type.shape.length && !turnsFreely(shape) ? 'image' : 'spread';
  });
  return { inputs, outputs: ['image'], attrs: { ...node.attrs, ...changes } };
}

/** Inputs and outputs are all images of one rank. */
function alike(node: Node, changes: Attrs = {}): Roles | undefined {
  if (![...node.inputs, ...node.outputs].every(isImage)) return undefined;
  return {
    inputs: node.inputs.map(() => 'image'),
    outputs: node.outputs.map(() => 'image'),
    attrs: { ...node.attrs, ...changes },
  };
}

const unchanged: Rule = (node) => alike(node);

const alongAxis: Rule = (node, x) =>
  alike(node, { axis: axisLast(integerAttr(node.attrs, 'axis'), x.type.shape.length) });

/** Attributes with a number for each axis. */
const forEachAxis =
  (...names: readonly string[]): Rule =>
  (node, x) =>
    isImage(x)
      ? alike(node, Object.fromEntries(names.map((name) => [name, channelsLast(integersAttr(node.attrs, name))])))
      : undefined;

/** Logits whose classes are the channels; what has no such axis is the same in either order. */
const overChannels: Rule = (node, x) => {
  if (!isImage(x) || node.attrs['axis'] !== 1) return undefined;
  return {
    inputs: node.inputs.map((_, i) => (i === 0 ? 'image' : 'same')),
    outputs: node.outputs.map((y) => (sameShape(y.type.shape, x.type.shape) ? 'image' : 'same')),
    attrs: { ...node.attrs, axis: x.type.shape.length - 1 },
  };
};

const reduced: Rule = (node, x) => {
  const [y] = node.outputs;
  if (!y || !isImage(x)) return undefined;
  const rank = x.type.shape.length;
  const axes = integersAttr(node.attrs, 'axes');
  const attrs = { ...node.attrs, axes: axes.map((axis) => axisLast(axis, rank)).sort((a, b) => a - b) };
  const role = reducedRole(node, axes, rank, y);
  return role && { inputs: ['image'], outputs: [role], attrs };
};

function reducedRole(node: Node, axes: readonly number[], rank: number, y: Value): Role | undefined {
  if (node.attrs['keepdims'] === true) return turnsFreely(y.type.shape) ? 'free' : 'image';
  const kept = Array.from({ length: rank }, (_, axis) => axis).filter((axis) => !axes.includes(axis));
  const last = channelsLast(Array.from({ length: rank }, (_, axis) => axis)).filter((axis) => kept.includes(axis));
  if (sameShape(kept, last)) return 'same';
  // Batch and channels are still there: an image of a lower rank.
  return kept[0] === 0 && kept[1] === 1 && isImage(y) ? 'image' : undefined;
}

/** Between planes of different form: batch and channels stay. */
const replaned: Rule = (node, x) => {
  const [y] = node.outputs;
  if (!y || !isImage(x) || !isImage(y)) return undefined;
  const [n, c] = x.type.shape;
  if (y.type.shape[0] !== n || y.type.shape[1] !== c) return undefined;
  return { inputs: ['image'], outputs: ['image'], attrs: { shape: channelsLast(y.type.shape) } };
};

const RULES: Readonly<Record<string, Rule>> = {
  cast: unchanged,
  stop_gradient: unchanged,
  scale_gradient: unchanged,
  clip_gradient: unchanged,
  check_finite: unchanged,
  accumulate: unchanged,
  concat: alongAxis,
  resample: alongAxis,
  softmax: alongAxis,
  log_softmax: alongAxis,
  cumsum: alongAxis,
  cumprod: alongAxis,
  slice: forEachAxis('starts', 'limits', 'strides'),
  pad: forEachAxis('low', 'high', 'interior'),
  argmax: overChannels,
  in_top_k: overChannels,
  softmax_cross_entropy: overChannels,
  softmax_cross_entropy_grad: overChannels,
  reduce_sum: reduced,
  reduce_max: reduced,
  reduce_min: reduced,
  reduce_prod: reduced,
  reshape: replaned,
  broadcast_to: (node, x) => {
    const [y] = node.outputs;
    return y && x.type.shape.length <= y.type.shape.length && isImage(y)
      ? spreading(node, { shape: channelsLast(y.type.shape) })
      : undefined;
  },
};

/** `perm` of a transpose whose input or output lies with channels last. */
export function turnedPerm(perm: readonly number[], from: 'first' | 'last', to: 'first' | 'last'): readonly number[] {
  const rank = perm.length;
  const source = from === 'last' ? perm.map((axis) => axisLast(axis, rank)) : perm;
  return to === 'last' ? channelsLast(source) : source;
}

/** The order of axes that turns an image around. */
export function orderTo(layout: 'first' | 'last', rank: number): readonly number[] {
  const axes = Array.from({ length: rank }, (_, axis) => axis);
  return layout === 'last' ? channelsLast(axes) : channelsFirst(axes);
}

/** True if a transpose moves nothing but axes of extent 1. */
export function isReshape(shape: Shape, perm: readonly number[]): boolean {
  const moved = perm.filter((axis) => shape[axis] !== 1);
  return moved.every((axis, i) => i === 0 || axis > (moved[i - 1] as number));
}
