/**
 * A sum of parts that were padded with zeros to lie side by side is their concatenation: the gradient of a value that
 * was cut into pieces (the gates of a recurrent layer, the heads of attention) is written that way.
 */
import type { Node, Value } from '../ir/graph';
import type { RewriteContext } from '../ir/rewrite';
import { numbers } from './local';

interface Piece {
  readonly value: Value;
  readonly start: number;
  readonly end: number;
}

/** The sum of a node's padded parts as a concatenation, padded where they do not reach the ends. */
export function joinedPads(node: Node, context: RewriteContext): Value | undefined {
  const [output] = node.outputs;
  const pads = padsOf(node.inputs, context);
  const axis = axisOf(pads?.[0]);
  if (!output || !pads || axis === undefined || pads.some((pad) => axisOf(pad) !== axis)) return undefined;
  const pieces = pads.map((pad) => pieceOf(pad, axis)).sort((a, b) => a.start - b.start);
  const adjoin = pieces.every(({ start }, i) => i === 0 || pieces[i - 1]?.end === start);
  const [first] = pieces;
  const last = pieces.at(-1);
  if (!first || !last || !adjoin) return undefined;
  const extent = output.type.shape[axis] ?? 0;
  const values = pieces.map(({ value }) => value);
  if (first.start === 0 && last.end === extent) return context.op('concat', values, { axis });
  const zeros = output.type.shape.map(() => 0);
  return context.op('pad', [context.intermediate('concat', values, { axis })], {
    low: zeros.with(axis, first.start),
    high: zeros.with(axis, extent - last.end),
    interior: zeros,
    value: 0,
  });
}

/** The pads that the values are sums of, if they are that and nobody else reads them or their parts. */
function padsOf(values: readonly Value[], context: RewriteContext): readonly Node[] | undefined {
  const pads: Node[] = [];
  for (const value of values) {
    const node = context.definition(value);
    if (!node || context.uses(value) !== 1) return undefined;
    const own = node.op === 'add' ? padsOf(node.inputs, context) : node.op === 'pad' ? [node] : undefined;
    if (!own) return undefined;
    pads.push(...own);
  }
  return pads;
}

/** The only axis along which a pad puts zeros, and nowhere in between. */
function axisOf(pad: Node | undefined): number | undefined {
  if (pad?.op !== 'pad' || pad.attrs['value'] !== 0 || numbers(pad.attrs['interior']).some(Boolean)) return undefined;
  const [low, high] = [numbers(pad.attrs['low']), numbers(pad.attrs['high'])];
  const axes = low.flatMap((extent, axis) => (extent > 0 || (high[axis] ?? 0) > 0 ? [axis] : []));
  return axes.length === 1 ? axes[0] : undefined;
}

function pieceOf(pad: Node, axis: number): Piece {
  const value = pad.inputs[0] as Value;
  const start = numbers(pad.attrs['low'])[axis] ?? 0;
  return { value, start, end: start + (value.type.shape[axis] ?? 0) };
}
