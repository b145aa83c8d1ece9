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

/** What is known of a sum of pads without a list of them: where their parts begin and end, and how long they are together. */
interface Reach {
  readonly axis: number;
  readonly start: number;
  readonly end: number;
  readonly covered: number;
}

/** The sum of a node's padded parts as a concatenation, padded where they do not reach the ends. */
export function joinedPads(node: Node, context: RewriteContext): Value | undefined {
  const [output] = node.outputs;
  // A gradient is a sum of as many as read the value, and each partial sum is looked at: the list is made for few of them.
  const reach = output && reachOf(output, node, context);
  if (!reach || reach.covered !== reach.end - reach.start) return undefined;
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

/** Of one sweep. What is no sum of pads will not become one in it: counts of uses only grow. */
const known = new WeakMap<RewriteContext, Map<Value, Reach | null>>();

/** The reach of a sum; none if parts of it are no pads of one axis, or are read by others. */
function reachOf(sum: Value, node: Node, context: RewriteContext): Reach | undefined {
  let reaches = known.get(context);
  if (!reaches) known.set(context, (reaches = new Map<Value, Reach | null>()));
  const before = reaches.get(sum);
  if (before !== undefined) return before ?? undefined;
  let reach: Reach | undefined;
  for (const value of node.inputs) {
    const operand = context.uses(value) === 1 ? context.definition(value) : undefined;
    const own = operand?.op === 'add' ? reachOf(value, operand, context) : reachOfPad(operand);
    if (!own || (reach && reach.axis !== own.axis)) {
      reach = undefined;
      break;
    }
    reach = {
      axis: own.axis,
      start: Math.min(reach?.start ?? own.start, own.start),
      end: Math.max(reach?.end ?? own.end, own.end),
      covered: (reach?.covered ?? 0) + own.covered,
    };
  }
  reaches.set(sum, reach ?? null);
  return reach;
}

function reachOfPad(pad: Node | undefined): Reach | undefined {
  const axis = axisOf(pad);
  if (!pad || axis === undefined) return undefined;
  const { start, end } = pieceOf(pad, axis);
  return { axis, start, end, covered: end - start };
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
