/**
 * Decides which activations are stored as bfloat16, for the pass `precision`. Values that kernels want or give in one dtype
 * are one class, across the borders of loops too, and a class is stored as bfloat16 if a product takes one of its values
 * or a convolution gives one. What a matrix product gives may be of either dtype: it is rounded where it leads to another
 * product, and else stays float32, as gradients of weights and logits do.
 */
import type { Graph, Node, Value } from '../ir/graph';
import { scanParts, type ScanParts } from '../ops/families/regions';
import { opNamed } from '../ops/registry';
import { activationsOf } from './activations';
import { alikeValues, roleOf } from './bfloat16_roles';

/** Of a graph and all of its regions. */
export class StoredForms {
  readonly #activations: ReadonlySet<Value>;
  readonly #parents = new Map<Value, Value>();
  /** One value of each class that is bfloat16; the root of it once everything is linked. */
  readonly #anchors = new Set<Value>();
  /** Products that work in bfloat16. */
  readonly #products = new Set<Node>();
  /** Weights that a loop reads rounded, so that they are rounded once. */
  readonly #rounded = new Set<Value>();
  readonly #carried = new Set<Value>();

  constructor(graph: Graph) {
    this.#activations = activationsOf(graph);
    this.#visit(graph, true);
    const leading = this.#leading(graph);
    for (const node of graph.nodes) {
      if (!this.#products.has(node)) continue;
      for (const i of roleOf(node)?.chooses ?? []) {
        const output = node.outputs[i];
        if (output && leading.has(output)) this.#anchors.add(output);
      }
    }
    const roots = [...this.#anchors].map((value) => this.#find(value));
    this.#anchors.clear();
    for (const root of roots) this.#anchors.add(root);
  }

  get isEmpty(): boolean {
    return this.#anchors.size === 0 && this.#products.size === 0;
  }

  /** Stored as bfloat16. */
  has(value: Value): boolean {
    return this.#rounded.has(value) || (this.isActivation(value) && this.#anchors.has(this.#find(value)));
  }

  isProduct(node: Node): boolean {
    return this.#products.has(node);
  }

  /** Large enough to be worth a conversion: numbers for each channel, and sums, stay as they are. */
  isActivation(value: Value): boolean {
    return value.type.dtype === 'f32' && value.type.shape.length > 1 && this.#activations.has(value);
  }

  /** A value outside of a loop and the one that stands for it, or for a slice of it, inside: stored alike. */
  areOne(outer: Value, inner: Value): boolean {
    return this.#rounded.has(inner) || (this.isActivation(outer) && this.isActivation(inner));
  }

  #visit(graph: Graph, whole: boolean): void {
    for (const node of graph.nodes) {
      if (node.op === 'scan') this.#visitScan(scanParts(node), whole);
      else for (const region of node.regions ?? []) this.#visit(region, false);
      const role = roleOf(node);
      if (!role) continue;
      if (role.wants.length > 0) this.#visitProduct(node, role.wants, role.gives);
      // A table of weights from which activations are taken is not among these.
      const values = alikeValues(node, role).filter((value) => this.isActivation(value));
      if (node.inputs.some((input) => values.includes(input))) this.#link(values);
    }
  }

  #visitProduct(node: Node, wants: readonly number[], gives: readonly number[]): void {
    const operands = wants.flatMap((i) => node.inputs[i] ?? []);
    const wanted = operands.filter((value) => this.isActivation(value));
    const stored = operands.some((value) => value.type.dtype === 'bf16' || this.#rounded.has(value));
    // Weights are float32: a product of nothing but weights stays so, and convolutions want all that they name.
    if (wanted.length === 0 || (node.op !== 'matmul' && wanted.length < operands.length)) return;
    this.#products.add(node);
    // What is carried stays float32, and kernels round it where they have something rounded beside it.
    const read = wanted.filter((value) => !this.#carried.has(value));
    const anchored = node.op === 'matmul' && (stored || read.length > 0) ? read : wanted;
    for (const value of anchored) this.#anchors.add(value);
    for (const i of gives) {
      const output = node.outputs[i];
      if (output) this.#anchors.add(output);
    }
  }

  #visitScan(parts: ScanParts, whole: boolean): void {
    for (const carry of parts.carryInputs) this.#carried.add(carry);
    for (const input of parts.constInputs) if (this.#isFactor(input, parts)) this.#rounded.add(input);
    this.#visit(parts.body, false);
    const link = (outer: Value | undefined, inner: Value): void => {
      if (outer && this.areOne(outer, inner) && !this.#rounded.has(inner)) this.#link([outer, inner]);
    };
    parts.constInputs.forEach((input, i) => link(parts.consts[i], input));
    parts.sliceInputs.forEach((slice, i) => link(parts.sequences[i], slice));
    parts.stepResults.forEach((result, i) => {
      const stack = parts.stacks[i];
      if (stack) link(stack, result);
    });
    // What a loop with products keeps for its gradient is as large as what it makes.
    if (whole && this.#hasProducts(parts.body)) {
      for (const sequence of parts.sequences) if (this.isActivation(sequence)) this.#anchors.add(sequence);
    }
  }

  /** A matrix of weights that products of the body read, and nothing else. */
  #isFactor(input: Value, { body }: ScanParts): boolean {
    if (input.type.dtype !== 'f32' || input.type.shape.length < 2 || this.#activations.has(input)) return false;
    if (body.results.some(({ value }) => value === input)) return false;
    const readers = body.nodes.filter((node) => node.inputs.includes(input));
    return (
      readers.length > 0 &&
      readers.every(({ op, inputs }) => {
        const [a, b, ...rest] = inputs;
        const other = a === input ? b : a;
        return op === 'matmul' && !rest.includes(input) && other !== undefined && this.isActivation(other);
      })
    );
  }

  #hasProducts(graph: Graph): boolean {
    return graph.nodes.some(
      (node) => this.#products.has(node) || (node.regions ?? []).some((r) => this.#hasProducts(r)),
    );
  }

  /** What products read, and what element-wise ops and movements make that of. */
  #leading(graph: Graph): ReadonlySet<Value> {
    const leading = new Set<Value>();
    for (const node of graph.nodes.toReversed()) {
      const role = roleOf(node);
      if (this.#products.has(node)) {
        for (const i of role?.wants ?? []) if (node.inputs[i]) leading.add(node.inputs[i]);
      }
      if (node.regions?.some((region) => this.#hasProducts(region)) === true) {
        for (const input of node.inputs) leading.add(input);
      }
      const passes = opNamed(node.op).traits.elementwise === true || role?.alike !== undefined;
      if (!passes || !node.outputs.some((output) => leading.has(output) && this.#activations.has(output))) continue;
      for (const input of node.inputs) leading.add(input);
    }
    return leading;
  }

  #link(values: readonly Value[]): void {
    const [first] = values;
    if (!first) return;
    const root = this.#find(first);
    for (const value of values) {
      const other = this.#find(value);
      if (other !== root) this.#parents.set(other, root);
    }
  }

  #find(value: Value): Value {
    let root = value;
    for (let next = this.#parents.get(root); next; next = this.#parents.get(root)) root = next;
    // The way is short the next time.
    for (let at = value; at !== root;) {
      const next = this.#parents.get(at) ?? root;
      this.#parents.set(at, root);
      at = next;
    }
    return root;
  }
}
