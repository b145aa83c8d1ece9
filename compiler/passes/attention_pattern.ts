/**
 * How attention looks where layers and autodiff have written it: products, masks and a softmax over [N, H, Tq, Tk], and
 * the same backwards. What is found here is all of it or nothing: nobody else may read what lies in between.
 */
import type { Graph, Node, Value } from '../ir/graph';
import { definitionsOf } from '../ir/rewrite';
import { elementCount, sameShape, type Shape } from '../ir/types';
import { NEVER_SCORE } from '../ops/families/attention';

/** Forward: softmax(scale · q · kᵀ, masked) · v. */
export interface Forward {
  readonly q: Value;
  readonly k: Value;
  readonly v: Value;
  /** The product that gives the result, and the softmax. */
  readonly product: Node;
  readonly weights: Value;
  readonly scale: number;
  readonly causal: boolean;
  readonly bias: Value | undefined;
  /** What all has to hold where a query may see a key, besides causality. */
  readonly masks: readonly Value[];
  readonly scores: Shape;
  readonly nodes: ReadonlySet<Node>;
}

/** The gradients that the graph asks for, each as the product that gives it. */
export interface Backward {
  readonly dy: Value;
  readonly dq: Value | undefined;
  readonly dk: Value | undefined;
  readonly dv: Value | undefined;
  readonly nodes: ReadonlySet<Node>;
}

export class AttentionPatterns {
  readonly #definitions: ReadonlyMap<Value, Node>;
  readonly #readers = new Map<Value, Node[]>();
  /** Results and updates. */
  readonly #kept: ReadonlySet<Value>;

  constructor(readonly graph: Graph) {
    this.#definitions = definitionsOf(graph);
    for (const node of graph.nodes) {
      for (const input of new Set(node.inputs)) {
        const readers = this.#readers.get(input);
        if (readers) readers.push(node);
        else this.#readers.set(input, [node]);
      }
    }
    this.#kept = new Set([...graph.results, ...graph.updates].map(({ value }) => value));
  }

  definition(value: Value): Node | undefined {
    return this.#definitions.get(value);
  }

  /** The node that alone reads a value. */
  onlyReader(value: Value): Node | undefined {
    const readers = this.#readersOf(value);
    return readers.length === 1 && !this.#kept.has(value) ? readers[0] : undefined;
  }

  /** The number that a value is, if it is a single one. */
  numberIn(value: Value | undefined): number | undefined {
    const node = value && this.definition(value);
    const values = node?.op === 'constant' ? node.attrs['values'] : undefined;
    if (!value || !Array.isArray(values) || elementCount(value.type.shape) !== 1) return undefined;
    return typeof values[0] === 'number' ? values[0] : undefined;
  }

  /** The other factor, where a value is another one times a number. */
  scaled(value: Value): { readonly of: Value; readonly by: number } | undefined {
    const node = this.definition(value);
    if (node?.op !== 'mul') return undefined;
    for (const [of, by] of [node.inputs, [...node.inputs].reverse()]) {
      const number = this.numberIn(by);
      if (of && number !== undefined && sameShape(of.type.shape, value.type.shape)) return { of, by: number };
    }
    return undefined;
  }

  forward(softmax: Node): Forward | undefined {
    const [masked] = softmax.inputs;
    const [weights] = softmax.outputs;
    if (!masked || !weights || masked.type.dtype !== 'f32' || masked.type.shape.length !== 4) return undefined;
    if (softmax.attrs['axis'] !== 3) return undefined;
    const nodes = new Set([softmax]);
    const allowed = this.#choice(masked, NEVER_SCORE);
    let scores = allowed ? allowed.of : masked;
    if (allowed) nodes.add(allowed.node);
    const added = this.#biased(scores);
    if (added) {
      nodes.add(added.node);
      scores = added.of;
    }
    const product = this.#throughReshape(scores, nodes);
    if (product?.op !== 'matmul' || !isProduct(product, false, true)) return undefined;
    nodes.add(product);
    const after = this.#weighted(weights, allowed?.condition, nodes);
    const [q, k] = product.inputs;
    const v = after?.product.inputs[1];
    if (!after || !q || !k || !v) return undefined;
    const rules = allowed ? this.#conjuncts(allowed.condition) : [];
    const [, , queries, keys] = masked.type.shape as readonly [number, number, number, number];
    const given = rules.filter((rule) => !this.#isCausal(rule, queries, keys));
    const masks = allowed && given.length === rules.length ? [allowed.condition] : given;
    if (masks.some(({ type }) => type.shape.length !== 4)) return undefined;
    // Where a mask empties a row, the op gives no weights; without one it divides as a softmax does.
    if (masks.length > 0 ? !after.cleared : after.cleared && added !== undefined) return undefined;
    return {
      q,
      k,
      v,
      product: after.product,
      weights,
      scale: 1,
      causal: given.length < rules.length,
      bias: added?.bias,
      masks,
      scores: masked.type.shape,
      nodes,
    };
  }

  /** The gradients of what `forward` found; undefined where somebody else reads what both have in between. */
  backward(forward: Forward): Backward | 'none' | undefined {
    const nodes = new Set<Node>();
    const { q, k, v, product } = forward;
    const [used] = product.inputs;
    const dv = used && this.#readersOf(used).find((node) => isProduct(node, true, false) && node.inputs[0] === used);
    const dweights = this.#readersOf(v).find(
      (node) => isProduct(node, false, true) && node.inputs[1] === v && this.#leadsToScores(node, forward),
    );
    const dy = dv?.inputs[1] ?? dweights?.inputs[0];
    if (dv) nodes.add(dv);
    let dscores: { readonly dq: Node | undefined; readonly dk: Node | undefined } | undefined;
    if (dweights) {
      nodes.add(dweights);
      dscores = this.#throughSoftmax(dweights, forward, nodes, q, k);
      if (!dscores) return undefined;
    }
    const mine = new Set([...forward.nodes, ...nodes]);
    const results = new Set([product, dv, dscores?.dq, dscores?.dk]);
    for (const node of mine) {
      if (results.has(node)) continue;
      for (const output of node.outputs) {
        if (this.#kept.has(output) || this.#readersOf(output).some((reader) => !mine.has(reader))) return undefined;
      }
    }
    if (!dy) return 'none';
    if ((dv && dv.inputs[1] !== dy) || (dweights && dweights.inputs[0] !== dy)) return undefined;
    return { dy, dq: dscores?.dq?.outputs[0], dk: dscores?.dk?.outputs[0], dv: dv?.outputs[0], nodes };
  }

  #readersOf(value: Value): readonly Node[] {
    return this.#readers.get(value) ?? [];
  }

  /** `where(condition, of, otherwise)` with a number of that value. */
  #choice(value: Value, otherwise: number): { node: Node; condition: Value; of: Value } | undefined {
    const node = this.definition(value);
    const [condition, of, other] = node?.op === 'where' ? node.inputs : [];
    if (!node || !condition || !of || this.numberIn(other) !== otherwise) return undefined;
    return sameShape(of.type.shape, value.type.shape) ? { node, condition, of } : undefined;
  }

  /** Scores and what is added to them, held at −1e30 as the op does. */
  #biased(value: Value): { node: Node; of: Value; bias: Value } | undefined {
    const node = this.definition(value);
    if (node?.op !== 'add') return undefined;
    for (const [of, held] of [node.inputs, [...node.inputs].reverse()]) {
      const maximum = held && this.definition(held);
      if (!of || maximum?.op !== 'maximum' || !sameShape(of.type.shape, value.type.shape)) continue;
      const [bias, least] = maximum.inputs;
      if (bias && this.numberIn(least) === NEVER_SCORE && bias.type.shape.length === 4) return { node, of, bias };
    }
    return undefined;
  }

  #throughReshape(value: Value, nodes: Set<Node>): Node | undefined {
    const node = this.definition(value);
    if (node?.op !== 'reshape' || !node.inputs[0]) return node;
    nodes.add(node);
    return this.definition(node.inputs[0]);
  }

  /** From the softmax to the product with the values. */
  #weighted(
    weights: Value,
    condition: Value | undefined,
    nodes: Set<Node>,
  ): { product: Node; cleared: boolean } | undefined {
    const clearing = condition && this.#readersOf(weights).find((node) => this.#clears(node, condition, weights));
    if (clearing) nodes.add(clearing);
    let used = clearing?.outputs[0] ?? weights;
    const product = (of: Value): Node | undefined =>
      this.#readersOf(of).find((node) => isProduct(node, false, false) && node.inputs[0] === of);
    const reshape = this.#readersOf(used).find((node) => node.op === 'reshape');
    if (reshape?.outputs[0] && !product(used)) {
      nodes.add(reshape);
      used = reshape.outputs[0];
    }
    const found = product(used);
    if (!found) return undefined;
    nodes.add(found);
    return { product: found, cleared: clearing !== undefined };
  }

  #clears(node: Node, condition: Value, of: Value): boolean {
    return (
      node.op === 'where' &&
      node.inputs[0] === condition &&
      node.inputs[1] === of &&
      this.numberIn(node.inputs[2]) === 0
    );
  }

  #conjuncts(value: Value): readonly Value[] {
    const node = this.definition(value);
    return node?.op === 'and' ? node.inputs.flatMap((input) => this.#conjuncts(input)) : [value];
  }

  /** True where a query is not before a key, both counted from 0. */
  #isCausal(value: Value, queries: number, keys: number): boolean {
    const node = this.definition(value);
    const { shape } = value.type;
    if (!sameShape(shape, [1, 1, queries, keys])) return false;
    if (node?.op === 'constant') {
      const values = node.attrs['values'];
      return (
        Array.isArray(values) &&
        values.length === queries * keys &&
        values.every((allowed, at) => Number(allowed) === (Math.floor(at / keys) >= at % keys ? 1 : 0))
      );
    }
    const [row, column] = node?.op === 'greater_equal' ? node.inputs : [];
    return this.#counts(row, [1, 1, queries, 1]) && this.#counts(column, [1, 1, 1, keys]);
  }

  #counts(value: Value | undefined, shape: Shape): boolean {
    const node = value && this.definition(value);
    const values = node?.op === 'constant' ? node.attrs['values'] : undefined;
    if (!value || !sameShape(value.type.shape, shape) || !Array.isArray(values)) return false;
    return values.length === elementCount(shape) && values.every((count, i) => count === i);
  }

  /** Whether a product is that of dy and v, which becomes the gradient of the weights. */
  #leadsToScores(node: Node, { weights, product }: Forward): boolean {
    const [dy] = node.inputs;
    const [y] = product.outputs;
    const rows = product.inputs[0];
    return (
      dy !== undefined &&
      y !== undefined &&
      rows !== undefined &&
      sameShape(dy.type.shape, y.type.shape) &&
      sameShape(node.outputs[0]?.type.shape ?? [], rows.type.shape) &&
      this.#readersOf(weights).some((reader) => reader.op === 'mul')
    );
  }

  /** From the gradient of the weights back to the products that give those of queries and keys. */
  #throughSoftmax(
    dweights: Node,
    { weights, nodes: forward }: Forward,
    nodes: Set<Node>,
    q: Value,
    k: Value,
  ): { dq: Node | undefined; dk: Node | undefined } | undefined {
    const take = (node: Node | undefined): Value | undefined => {
      if (node) nodes.add(node);
      return node?.outputs[0];
    };
    const next = (of: Value, op: string): Node | undefined => this.#readersOf(of).find((node) => node.op === op);
    let at = dweights.outputs[0];
    if (!at) return undefined;
    if (!sameShape(at.type.shape, weights.type.shape)) at = take(next(at, 'reshape')) ?? at;
    const conditions = [...forward].filter(({ op }) => op === 'where').map(({ inputs }) => inputs[0]);
    const unmasked = (value: Value): Value => {
      const found = conditions.flatMap((condition) =>
        condition ? this.#readersOf(value).filter((node) => this.#clears(node, condition, value)) : [],
      );
      return take(found[0]) ?? value;
    };
    const dp = unmasked(at);
    const product = this.#readersOf(dp).find((node) => node.op === 'mul' && node.inputs.includes(weights));
    const sum = take(product) && next(product!.outputs[0]!, 'reduce_sum');
    const total = take(sum);
    const difference = total && next(dp, 'sub');
    if (!difference || difference.inputs[0] !== dp || difference.inputs[1] !== total) return undefined;
    if (sum?.attrs['keepdims'] !== true || String(sum.attrs['axes']) !== '3') return undefined;
    const shifted = take(difference);
    const dmasked = shifted && next(shifted, 'mul');
    if (!dmasked?.inputs.includes(weights)) return undefined;
    const scores = take(dmasked);
    if (!scores) return undefined;
    let used = unmasked(scores);
    // With a mask the score of what it rules out is a constant.
    if (used === scores && conditions.length > 0) return undefined;
    const reshape = next(used, 'reshape');
    if (reshape && !this.#readersOf(used).some((node) => node.op === 'matmul')) used = take(reshape) ?? used;
    const dq = this.#readersOf(used).find((node) => isProduct(node, false, false) && node.inputs[1] === k);
    const dk = this.#readersOf(used).find((node) => isProduct(node, true, false) && node.inputs[1] === q);
    take(dq);
    take(dk);
    return { dq, dk };
  }
}

function isProduct(node: Node, transposeA: boolean, transposeB: boolean): boolean {
  const { attrs, inputs } = node;
  return (
    node.op === 'matmul' &&
    inputs.length === 2 &&
    inputs.every(({ type }) => type.shape.length === 4 && type.dtype === 'f32') &&
    attrs['transpose_a'] === transposeA &&
    attrs['transpose_b'] === transposeB &&
    attrs['activation'] === undefined
  );
}
