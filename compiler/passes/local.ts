/**
 * Tables of local rewrites: name, the ops the pattern's root may be, replacement. A table is applied in sweeps until
 * nothing changes. Also the few questions that patterns ask about constants.
 */
import { InternalError } from '../diagnostics/errors';
import type { AttrValue, Graph, Node, Value } from '../ir/graph';
import { rewriteNodes, type RewriteContext } from '../ir/rewrite';
import type { DType } from '../ir/types';

export interface LocalRewrite {
  /** The rewrite in words of the IR, e.g. `x + 0 → x`. */
  readonly name: string;
  readonly ops: readonly string[];
  /** The value to stand for the node's only output, or undefined where the pattern does not hold. */
  replace(node: Node, context: RewriteContext): Value | undefined;
}

/** Every rewrite shrinks the graph or lowers it towards a normal form, so a few sweeps settle any graph. */
const MOST_SWEEPS = 16;

export function applyRewrites(graph: Graph, table: readonly LocalRewrite[]): Graph {
  const byOp = new Map<string, LocalRewrite[]>();
  for (const rewrite of table) {
    for (const op of rewrite.ops) byOp.set(op, [...(byOp.get(op) ?? []), rewrite]);
  }
  for (let sweep = 0; sweep < MOST_SWEEPS; sweep++) {
    const next = rewriteNodes(graph, (node, context) => {
      for (const rewrite of byOp.get(node.op) ?? []) {
        const value = rewrite.replace(node, context);
        if (value) return value;
      }
      return undefined;
    });
    if (next === graph) return graph;
    graph = next;
  }
  throw new InternalError(`local rewrites did not settle within ${MOST_SWEEPS} sweeps`);
}

/** The one number that fills a constant, whatever its shape. */
export function fillOf(node: Node | undefined): number | undefined {
  if (node?.op !== 'constant') return undefined;
  const values = node.attrs.values as readonly number[];
  const [first] = values;
  return first !== undefined && values.every((value) => Object.is(value, first)) ? first : undefined;
}

export function isFilledWith(value: Value | undefined, number: number, context: RewriteContext): boolean {
  return value !== undefined && fillOf(context.definition(value)) === number;
}

export function constantLike(context: RewriteContext, fill: number, like: Value): Value {
  return context.op('constant', [], { dtype: like.type.dtype, shape: like.type.shape, values: [fill] });
}

export function scalar(context: RewriteContext, fill: number, dtype: DType): Value {
  return context.intermediate('constant', [], { dtype, shape: [], values: [fill] });
}

/** The inputs of the node that computes `value`, if it is the given op. */
export function inputsOf(value: Value | undefined, op: string, context: RewriteContext): readonly Value[] | undefined {
  const node = value && context.definition(value);
  return node?.op === op ? node.inputs : undefined;
}

export function numbers(attr: AttrValue | undefined): readonly number[] {
  return attr as readonly number[];
}
