/** Layers that make one value of several. */
import { Refusal, type Use } from '../use';
import { identity, sameOrder } from '../../../formats/keras/axes';
import { settled, type Value } from '../value';
import { axisOf } from './normalization';

const operands = (use: Use): readonly Value[] => [...use.inputs, ...(use.named.other ?? [])];

/** The inputs in one order: that of the first that is not Keras's own. */
function together(use: Use): { refs: string[]; order: readonly number[] } {
  const inputs = operands(use);
  if (inputs.length < 2) throw new Refusal('it has fewer than two inputs');
  const rank = inputs[0]!.shape.length;
  if (inputs.some(({ shape }) => shape.length !== rank)) throw new Refusal('its inputs differ in their number of axes');
  const order = inputs.find((input) => !sameOrder(input.order, identity(rank)))?.order ?? identity(rank);
  return { refs: inputs.map((input) => use.context.orders.inOrder(input, order)), order };
}

const SIGNS: Readonly<Record<string, string>> = { add: '+', sub: '-', mul: '*', div: '/' };

export function merge(use: Use, type: string): Value {
  const { input } = use;
  // Operations of Keras 3 take the other operand by its place; it may be a number.
  const number = use.call.settings['argument 2'];
  const sign = SIGNS[type];
  if (use.inputs.length === 1 && typeof number === 'number' && sign !== undefined)
    return { ...settled(input), ref: use.plain('expression', [input.ref], { expr: `x ${sign} ${number}` }) };
  const { refs, order } = together(use);
  const inputs = operands(use);
  const shape = inputs[0]!.shape.map((_, axis) => Math.max(...inputs.map((one) => one.shape[axis]!)));
  return { ref: use.plain(type, refs), shape, order, foldable: 1 };
}

export function concatenate(use: Use): Value {
  const { refs, order } = together(use);
  const keras = axisOf(use, 'axis', -1);
  const axis = order.indexOf(keras);
  const shape = [...use.inputs[0]!.shape];
  shape[keras] = use.inputs.reduce((sum, input) => sum + input.shape[keras]!, 0);
  return { ref: use.plain('concat', refs, axis === 1 ? {} : { axis }), shape, order };
}

export function dot(use: Use): Value {
  const [a, b] = use.inputs;
  if (a === undefined || b === undefined || use.inputs.length !== 2) throw new Refusal('it takes two inputs');
  const given = use.config.integers('axes') ?? [-1];
  const axes = [given[0]!, given[given.length - 1]!];
  const [i, j] = [a, b].map(({ shape }, at) => (axes[at]! < 0 ? axes[at]! + shape.length : axes[at]!)) as [
    number,
    number,
  ];
  const normalize = use.config.flag('normalize', false);
  const rest = (value: Value, axis: number): number[] => value.shape.filter((_, at) => at !== 0 && at !== axis);
  const extents = [...rest(a, i), ...rest(b, j)];
  const refs = [a, b].map((value) => use.context.orders.natural(value));
  const same = given.length === 1 || given[0] === given[1];
  const fields = {
    ...(same && given[0] === -1 ? {} : { axes: same ? given[0]! : [i, j] }),
    ...(normalize ? { normalize: true } : {}),
  };
  const shape = [0, ...(extents.length === 0 ? [1] : extents)];
  return { ref: use.plain('dot', refs, fields), shape, order: identity(shape.length) };
}
