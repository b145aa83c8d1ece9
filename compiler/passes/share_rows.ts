/**
 * What is looked up in a table many times, the characters of a text say, is the same few rows over and over. A product
 * of such rows is looked up in the product of the table; and where a gradient is multiplied on the way to the table, or
 * with the rows that were looked up, what belongs to one row is added up first. Both leave a product of as many rows as
 * the table has in the place of one of all rows that were read.
 */
import type { Builder } from '../ir/builder';
import type { Node, Value } from '../ir/graph';
import { fixedValues, rewriteNodes, type RewriteContext } from '../ir/rewrite';
import { bytesOf, elementCount, sameShape, type Shape } from '../ir/types';
import { definePass } from './define';
import { numbers } from './local';

/** A table of as many rows as are read is not worth another pass over memory. */
const LEAST_READS = 2;

/** Products of narrower rows cost no more than reading them. */
const LEAST_WIDTH = 32;

/** A product made once serves every call, so it may be of rows that one call does not read; within bounds. */
const MOST_UNREAD = 8;
const MOST_BYTES = 2 ** 22;

/** Rows of a table, in an order and shape of their own. */
interface Rows {
  readonly lookup: Node;
  readonly table: Value;
  /** What has moved the rows since, each whole. */
  readonly moves: readonly Node[];
}

export const share_rows = definePass({
  name: 'share_rows',
  doc: 'Multiplies rows of a table once that are looked up many times, and adds up their gradients before products.',
  run(graph) {
    if (!graph.nodes.some(({ op }) => op === 'gather' || op === 'scatter_add')) return graph;
    const fixed = graph.updates.length > 0 ? new Set<Value>() : fixedValues(graph);
    return rewriteNodes(graph, (node, context) => {
      if (node.op === 'scatter_add') return addedBefore(node, context);
      if (node.op !== 'matmul' || node.attrs['activation'] !== undefined) return undefined;
      return node.attrs['transpose_a'] === true ? addedRows(node, context) : lookedUp(node, fixed, context);
    });
  },
});

/** rows · w → rows of (table · w) */
function lookedUp(node: Node, fixed: ReadonlySet<Value>, context: RewriteContext): Value | undefined {
  const [x, w, ...rest] = node.inputs;
  const [y] = node.outputs;
  const rows = x && rowsOf(x, context);
  if (!rows || !w || !y || w.type.shape.length !== 2 || node.attrs['weight_shape'] !== undefined) return undefined;
  const read = elementCount(x.type.shape.slice(0, -1));
  const [held = 0, width = 0] = rows.table.type.shape;
  const once = [rows.table, w, ...rest].every((value) => fixed.has(value));
  const bytes = (bytesOf(y.type) / Math.max(1, read)) * held;
  const cheap = once && held <= MOST_UNREAD * read && bytes <= MOST_BYTES;
  if (width < LEAST_WIDTH || (held * LEAST_READS > read && !cheap)) return undefined;
  const indices = indicesOf(rows, context.b);
  const product = context.intermediate('matmul', [rows.table, w, ...rest], node.attrs);
  // An index that is out of range is the lookup's, which had them in another order.
  context.b.origin = rows.lookup.origin;
  const turned = rows.moves.some(({ op }) => op === 'transpose');
  return context.op('gather', [product, indices], { ...rows.lookup.attrs, ...(turned && { reordered: true }) });
}

/** rowsᵀ · g → tableᵀ · (g, added up by row), and with the sides swapped */
function addedRows(node: Node, context: RewriteContext): Value | undefined {
  const [a, b] = node.inputs;
  if (!a || !b || node.inputs.length > 2 || node.attrs['transpose_b'] === true) return undefined;
  for (const [side, other] of [[a, b] as const, [b, a] as const]) {
    const rows = rowsOf(side, context);
    if (!rows || side.type.shape.length !== 2 || !isShared(rows.table.type.shape, side.type.shape)) continue;
    const sum = addedUp(context, indicesOf(rows, context.b), other, rows.table.type.shape[0] ?? 0);
    return context.op('matmul', side === a ? [rows.table, sum] : [sum, rows.table], node.attrs);
  }
  return undefined;
}

/** (g · w), added up by row → (g, added up by row) · w */
function addedBefore(node: Node, context: RewriteContext): Value | undefined {
  const [indices, updates] = node.inputs;
  const [y] = node.outputs;
  if (!indices || !updates || !y || !isPlain(node) || y.type.shape.length !== 2) return undefined;
  const { source, moves } = sourceOf(updates, context);
  const product = context.definition(source);
  const [g, w] = product?.inputs ?? [];
  if (!product || !g || !w || !isPlainProduct(product)) return undefined;
  const alone = [updates, ...moves.map(({ inputs: [from] }) => from as Value)];
  if (!alone.every((value) => context.uses(value) === 1)) return undefined;
  const width = g.type.shape.at(-1) ?? 0;
  if (!isShared([y.type.shape[0] ?? 0, width], g.type.shape)) return undefined;
  const { b } = context;
  const moved = moves.reduceRight((at, { op, attrs, inputs: [from] }) => {
    if (op === 'reshape') return reshaped(b, at, from?.type.shape.slice(0, -1) ?? []);
    const perm = numbers(attrs['perm']).slice(0, -1);
    return b.op('transpose', [at], { perm: perm.map((_, axis) => perm.indexOf(axis)) });
  }, indices);
  const sum = addedUp(context, moved, g, y.type.shape[0] ?? 0);
  return context.op('matmul', [sum, w], product.attrs);
}

/** True if each row of a table [rows, width] is read several times in x [..., width], and is wide enough. */
function isShared([held = 0, width = 0]: Shape, x: Shape): boolean {
  return width >= LEAST_WIDTH && held * LEAST_READS <= elementCount(x.slice(0, -1));
}

function isPlain({ attrs }: Node): boolean {
  return attrs['axis'] === 0 && attrs['batch_dims'] === 0;
}

/** g · w with one matrix w, and nothing added. */
function isPlainProduct({ op, inputs, attrs }: Node): boolean {
  if (op !== 'matmul' || inputs.length !== 2 || inputs[1]?.type.shape.length !== 2) return false;
  return attrs['transpose_a'] !== true && attrs['activation'] === undefined && attrs['weight_shape'] === undefined;
}

function rowsOf(value: Value, context: RewriteContext): Rows | undefined {
  const { source, moves } = sourceOf(value, context);
  const lookup = context.definition(source);
  const [table] = lookup?.inputs ?? [];
  if (lookup?.op !== 'gather' || !table || !isPlain(lookup) || table.type.shape.length !== 2) return undefined;
  return { lookup, table, moves };
}

/** Where rows come from, and what moved them: only the axes before the last one. */
function sourceOf(value: Value, context: RewriteContext): { readonly source: Value; readonly moves: readonly Node[] } {
  const moves: Node[] = [];
  for (;;) {
    const node = context.definition(value);
    const [from] = node?.inputs ?? [];
    if (!node || !from || !movesRows(node, from)) return { source: value, moves: moves.reverse() };
    moves.push(node);
    value = from;
  }
}

function movesRows({ op, attrs, outputs: [y] }: Node, from: Value): boolean {
  if (op === 'reshape') {
    const [before, after] = [from.type.shape, y?.type.shape ?? []];
    return before.length > 1 && after.length > 1 && before.at(-1) === after.at(-1);
  }
  return op === 'transpose' && numbers(attrs['perm']).at(-1) === from.type.shape.length - 1;
}

/** The indices of rows as they are now. */
function indicesOf({ lookup, moves }: Rows, b: Builder): Value {
  return moves.reduce(
    (indices, { op, attrs, outputs: [y] }) =>
      op === 'reshape'
        ? reshaped(b, indices, y?.type.shape.slice(0, -1) ?? [])
        : b.op('transpose', [indices], { perm: numbers(attrs['perm']).slice(0, -1) }),
    lookup.inputs[1] as Value,
  );
}

function reshaped(b: Builder, x: Value, shape: Shape): Value {
  return sameShape(x.type.shape, shape) ? x : b.op('reshape', [x], { shape });
}

function addedUp(context: RewriteContext, indices: Value, updates: Value, size: number): Value {
  return context.intermediate('scatter_add', [indices, updates], { axis: 0, batch_dims: 0, size });
}
