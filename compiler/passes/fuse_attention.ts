/**
 * Makes one op of attention, and one of its gradient, where it pays: the scores of all queries against all keys are then
 * never in memory, transposes around them are read through, and what causality rules out is not computed. The gradient
 * makes the weights again of two numbers for each query. Only where nobody else asks for scores or weights.
 */
import { InternalError } from '../diagnostics/errors';
import type { Builder } from '../ir/builder';
import type { Attrs, Graph, Node, Value } from '../ir/graph';
import { builderFor, removeDeadNodes } from '../ir/rewrite';
import { sameShape, sameType, type Shape } from '../ir/types';
import { MOST_HEAD_FEATURES } from '../ops/families/attention';
import { AttentionPatterns, type Backward, type Forward } from './attention_pattern';
import { definePass } from './define';

export const fuse_attention = definePass({
  name: 'fuse_attention',
  doc: 'Makes attention one op, and its gradient another, which keep no scores in memory.',
  run(graph, facts) {
    const softmaxes = graph.nodes.filter(({ op }) => op === 'softmax');
    // Its products are of float32: those of bfloat16 are twice as fast one by one.
    if (softmaxes.length === 0 || facts.precision === 'bfloat16') return graph;
    const patterns = new AttentionPatterns(graph);
    const rewriting = new Rewriting(graph, patterns);
    for (const softmax of softmaxes) {
      const forward = patterns.forward(softmax);
      if (!forward || !pays(forward)) continue;
      const backward = patterns.backward(forward);
      if (backward) rewriting.fuse(forward, backward === 'none' ? undefined : backward);
    }
    return rewriting.result();
  },
});

function pays({ q, v }: Forward): boolean {
  return Math.max(q.type.shape[3] ?? 0, v.type.shape[3] ?? 0) <= MOST_HEAD_FEATURES;
}

/** An operand as the op reads it: positions on axis 2, or on axis 1 where a transpose is read through. */
interface Operand {
  readonly value: Value;
  readonly axis: 1 | 2;
}

/** A result of the op: the value that it gives, after what it replaces, or what makes one of the value it gives. */
interface Outcome extends Operand {
  readonly replaced: readonly Node[];
  readonly reshape?: Node;
}

class Rewriting {
  readonly #b: Builder;
  readonly #removed = new Set<Node>();
  /** Values that new nodes read: they have to stay. */
  readonly #read = new Set<Value>();
  readonly #before = new Map<Node, readonly Node[]>();

  constructor(
    readonly graph: Graph,
    readonly patterns: AttentionPatterns,
  ) {
    this.#b = builderFor(graph);
  }

  result(): Graph {
    if (this.#removed.size === 0) return this.graph;
    const nodes = this.graph.nodes.flatMap((node) => [
      ...(this.#before.get(node) ?? []),
      ...(this.#removed.has(node) ? [] : [node]),
    ]);
    return removeDeadNodes({ ...this.graph, nodes });
  }

  fuse(forward: Forward, backward: Backward | undefined): void {
    const { scores, product } = forward;
    const [n = 1, heads = 1, queries = 1] = scores;
    const queryShape = [n, heads, queries, forward.q.type.shape[3] ?? 1];
    const resultShape = [n, heads, queries, forward.v.type.shape[3] ?? 1];
    for (const node of [...forward.nodes, ...(backward?.nodes ?? [])]) this.#removed.add(node);
    this.#b.origin = product.origin;

    const made: Node[] = [];
    const scaled = this.#unscaled(
      this.#shaped(forward.q, queryShape, made),
      backward?.dq && this.#outcome(backward.dq, queryShape),
    );
    const [q, dq] = this.#apart(scaled.query, scaled.gradient);
    const [k, dk] = this.#apart(forward.k, backward?.dk && this.#outcome(backward.dk, forward.k.type.shape));
    const [v, dv] = this.#apart(forward.v, backward?.dv && this.#outcome(backward.dv, forward.v.type.shape));
    const masks = this.#masks(forward, made);
    const gradients: Node[] = [];
    const whole = this.#outcome(product.outputs[0]!, resultShape);
    const given = backward && this.#shaped(backward.dy, resultShape, gradients);
    // The result is read through its transpose where its gradient comes through one too.
    const behind = given ? this.#swapped(given) : undefined;
    const y = (given && !behind ? undefined : this.#followed(whole, isSwap)) ?? whole;
    const dy = y.axis === 1 ? behind : given;
    const attrs: Attrs = {
      scale: scaled.scale,
      causal: forward.causal,
      position_axis: [q.axis, k.axis, v.axis, y.axis],
    };

    const operands = [q.value, k.value, v.value];
    const [result, most, sum] = this.#make('attention', [...operands, ...masks], attrs, [y], made);
    this.#before.set(product, made);
    const first = backward && this.graph.nodes.find((node) => backward.nodes.has(node));
    if (!first || !dy || !result || !most || !sum) return;
    this.#b.origin = first.origin;
    this.#make('attention_grad', [...operands, result, dy, most, sum, ...masks], attrs, [dq, dk, dv], gradients);
    this.#before.set(first, gradients);
  }

  /** A new node that gives what `outcomes` say, and values of its own where they say nothing. */
  #make(
    op: string,
    inputs: readonly Value[],
    attrs: Attrs,
    outcomes: readonly (Outcome | undefined)[],
    made: Node[],
  ): readonly Value[] {
    const known = outcomes.find((outcome) => outcome !== undefined);
    const values = this.#b.ops(op, inputs, attrs, known?.value.name ?? op);
    const node = this.#b.nodes.pop();
    if (!node) throw new InternalError(`${op} was not made`);
    const outputs = values.map((value, i) => outcomes[i]?.value ?? value);
    outputs.forEach((output, i) => {
      if (!sameType(output.type, values[i]!.type)) throw new InternalError(`${op} does not give %${output.name}`);
    });
    for (const input of inputs) this.#read.add(input);
    made.push({ ...node, outputs });
    for (const outcome of outcomes) {
      for (const replaced of outcome?.replaced ?? []) this.#removed.add(replaced);
      if (outcome?.reshape) made.push(outcome.reshape);
    }
    return outputs;
  }

  #shaped(value: Value, shape: Shape, made: Node[]): Value {
    if (sameShape(value.type.shape, shape)) return value;
    const node = this.#standing(value);
    const [from] = node?.op === 'reshape' ? node.inputs : [];
    if (from && sameShape(from.type.shape, shape)) return from;
    return this.#make('reshape', [value], { shape }, [], made)[0]!;
  }

  #outcome(value: Value, shape: Shape): Outcome {
    const outcome: Outcome = { value, axis: 2, replaced: [] };
    if (sameShape(value.type.shape, shape)) return outcome;
    const reshaped = this.#followed(outcome, ({ op, outputs: [to] }) => op === 'reshape' && hasShape(to, shape));
    if (reshaped) return { ...reshaped, axis: 2 };
    const from = this.#b.fresh(`${value.name}.heads`, { dtype: value.type.dtype, shape });
    const { origin } = this.#b;
    const attrs = { shape: value.type.shape };
    return { ...outcome, value: from, reshape: { op: 'reshape', inputs: [from], attrs, outputs: [value], origin } };
  }

  /** What the only reader makes of an outcome, if the op can give that itself: with a transpose left out. */
  #followed(outcome: Outcome, fits: (reader: Node) => boolean): Outcome | undefined {
    if (outcome.reshape || this.#read.has(outcome.value)) return undefined;
    const reader = this.patterns.onlyReader(outcome.value);
    const value = reader?.outputs[0];
    if (!reader || !value || this.#removed.has(reader) || !fits(reader)) return undefined;
    return { value, axis: 1, replaced: [...outcome.replaced, reader] };
  }

  /** The query before it is multiplied by a number, if its gradient is so too. */
  #unscaled(
    query: Value,
    gradient: Outcome | undefined,
  ): { query: Value; scale: number; gradient: Outcome | undefined } {
    const plain = { query, scale: 1, gradient };
    const scaled = this.#standing(query) && this.patterns.scaled(query);
    if (!scaled) return plain;
    if (!gradient) return { query: scaled.of, scale: scaled.by, gradient };
    const fits = ({ outputs: [to] }: Node): boolean => to !== undefined && this.patterns.scaled(to)?.by === scaled.by;
    const followed = this.#followed(gradient, fits);
    return followed ? { query: scaled.of, scale: scaled.by, gradient: { ...followed, axis: 2 } } : plain;
  }

  /** An operand and its gradient with the transposes left out, if both have one. */
  #apart(value: Value, gradient: Outcome | undefined): readonly [Operand, Outcome | undefined] {
    const from = this.#swapped(value);
    if (!from) return [{ value, axis: 2 }, gradient];
    if (!gradient) return [{ value: from, axis: 1 }, undefined];
    const followed = this.#followed(gradient, isSwap);
    return followed ? [{ value: from, axis: 1 }, followed] : [{ value, axis: 2 }, gradient];
  }

  #swapped(value: Value): Value | undefined {
    const node = this.#standing(value);
    return node && isSwap(node) ? node.inputs[0] : undefined;
  }

  /** The node that computes a value, unless it is gone. */
  #standing(value: Value): Node | undefined {
    const node = this.patterns.definition(value);
    return node && !this.#removed.has(node) ? node : undefined;
  }

  #masks({ bias, masks: [first, ...rest] }: Forward, made: Node[]): readonly Value[] {
    const both = (a: Value, b: Value): Value => this.#make('and', [a, b], {}, [], made)[0]!;
    const mask = first && rest.reduce(both, first);
    return [...(bias ? [bias] : []), ...(mask ? [mask] : [])];
  }
}

/** A transpose between [N, H, T, D] and [N, T, H, D]. */
function isSwap({ op, attrs }: Node): boolean {
  return op === 'transpose' && String(attrs['perm']) === '0,2,1,3';
}

function hasShape(value: Value | undefined, shape: Shape): boolean {
  return value !== undefined && sameShape(value.type.shape, shape);
}
