/**
 * Builds a graph node by node: infers types, gives values unique names, stamps origins.
 * The only place that creates nodes; passes use it too.
 */
import { InternalError } from '../diagnostics/errors';
import type { Origin } from '../diagnostics/location';
import { OpTypeError } from '../ops/define';
import { opNamed } from '../ops/registry';
import { buildCond, buildScan, buildWhile } from './control';
import type { CondBranch, ScanOptions, Scanned, WhileOptions, Whiled } from './control';
import type { Attrs, Graph, Node, Result, State, StateRole, Update, Value } from './graph';
import type { DType, Shape, TensorType } from './types';

/** Type inference of an op failed while a graph was being built. */
export class InferenceError extends Error {
  override readonly name = 'InferenceError';
  constructor(
    readonly op: string,
    readonly reason: string,
    readonly inputs: readonly Value[],
    readonly origin: Origin,
  ) {
    super(`${op}: ${reason}`);
  }
}

/** A value around a region and the region's input that stands for it. */
export interface Capture {
  readonly outer: Value;
  readonly inner: Value;
}

const NOWHERE: Origin = { layer: '', at: { file: '', line: 0, column: 0, length: 1 }, via: [] };

export class Builder {
  readonly inputs: Value[] = [];
  readonly states: State[] = [];
  readonly nodes: Node[] = [];
  readonly results: Result[] = [];
  readonly updates: Update[] = [];
  readonly #used = new Map<string, number>();
  readonly #stateByName = new Map<string, State>();
  /** Stamped on every node made from here on; set it before lowering a layer. */
  origin: Origin = NOWHERE;
  /** The name the next value gets if none is asked for: usually the layer's. */
  prefix = 't';
  /** Of a region: values of the builder around it that it uses, each with the input that stands for it inside. */
  readonly captures: Capture[] = [];
  readonly #own = new Set<Value>();
  readonly #inside = new Map<Value, Value>();
  readonly #constants = new Map<Value, Node>();

  /** With a `parent`, the graph is a region: what it uses of the parent's values is captured. */
  constructor(
    readonly name: string,
    readonly parent?: Builder,
  ) {}

  input(name: string, type: TensorType): Value {
    const value = this.fresh(name, type);
    this.inputs.push(value);
    if (this.parent) this.#own.add(value);
    return value;
  }

  /** The value as this graph sees it: its own as they are, those of the graphs around it through an input, constants as a copy. */
  local(value: Value): Value {
    if (!this.parent || this.#own.has(value)) return value;
    const outer = this.parent.local(value);
    const known = this.#inside.get(outer);
    if (known) return known;
    const constant = this.parent.constantOf(outer);
    const inside = constant
      ? this.op('constant', [], constant.attrs, value.name)
      : this.capture({ outer, inner: this.fresh(value.name, value.type) });
    this.#inside.set(outer, inside);
    return inside;
  }

  /** Declares that `inner` stands for `outer`, a value of the parent. */
  capture(capture: Capture): Value {
    this.captures.push(capture);
    this.#own.add(capture.inner);
    return capture.inner;
  }

  /** The node of a constant that was made here. */
  constantOf(value: Value): Node | undefined {
    return this.#constants.get(value);
  }

  /** A value of a name that nothing has yet, for who makes nodes by hand. */
  fresh(name: string, type: TensorType): Value {
    return { name: this.#unique(name), type };
  }

  /** Declares a state, or returns the one of that name if it was declared already (weight sharing). */
  state(name: string, type: TensorType, role: StateRole): Value {
    if (this.parent) return this.local(this.parent.state(name, type, role));
    const existing = this.#stateByName.get(name);
    if (existing) return existing.value;
    const state: State = { value: { name, type }, role, origin: this.origin };
    this.#stateByName.set(name, state);
    this.states.push(state);
    return state.value;
  }

  /** Takes over an input or state of another graph as it stands (passes and autodiff). */
  adopt(graph: Pick<Graph, 'inputs' | 'states'>): void {
    for (const value of graph.inputs) {
      this.reserve(value.name);
      this.inputs.push(value);
    }
    for (const state of graph.states) {
      this.#stateByName.set(state.value.name, state);
      this.states.push(state);
    }
  }

  /** Appends a node of another graph as it stands. */
  append(node: Node): void {
    for (const output of node.outputs) this.reserve(output.name);
    this.#push(node);
  }

  reserve(name: string): void {
    if (!this.#used.has(name)) this.#used.set(name, 1);
  }

  /** Frees the name of a value that is about to be replaced, so that the replacement can take it. */
  release(name: string): void {
    this.#used.delete(name);
  }

  /** One op with a single output. */
  op(op: string, inputs: readonly Value[], attrs: Attrs = {}, name?: string): Value {
    const output = this.ops(op, inputs, attrs, name)[0];
    if (!output) throw new InternalError(`${op} has no output`);
    return output;
  }

  /** One op, all its outputs; the first is called `name`, the others `name.<output>`. */
  ops(
    op: string,
    operands: readonly Value[],
    attrs: Attrs = {},
    name: string = this.prefix,
    regions?: readonly Graph[],
  ): readonly Value[] {
    const def = opNamed(op);
    const inputs = this.parent ? operands.map((value) => this.local(value)) : operands;
    let types: readonly TensorType[];
    try {
      types = def.infer(
        inputs.map((value) => value.type),
        attrs,
        regions,
      );
    } catch (error) {
      if (error instanceof OpTypeError) throw new InferenceError(op, error.message, inputs, this.origin);
      throw error;
    }
    const outputs = types.map((type, i) => this.fresh(i === 0 ? name : `${name}.${def.outputs[i] ?? i}`, type));
    this.#push({ op, inputs, attrs, outputs, origin: this.origin, ...(regions ? { regions } : {}) });
    return outputs;
  }

  /** A loop over time; `body` makes one step of it and may use any value of this builder. See `control.ts`. */
  scan(options: ScanOptions): Scanned {
    return buildScan(this, options);
  }

  /** One of two computations, as the bool[] `predicate` says. Both may use any value of this builder. */
  cond(predicate: Value, then: CondBranch, otherwise: CondBranch): readonly Value[] {
    return buildCond(this, predicate, then, otherwise);
  }

  /** A loop that ends by itself; without a gradient. */
  while(options: WhileOptions): Whiled {
    return buildWhile(this, options);
  }

  /** A constant of any shape filled with one value. */
  full(value: number, shape: Shape = [], dtype: DType = 'f32', name?: string): Value {
    return this.op('constant', [], { dtype, shape, values: [value] }, name);
  }

  /** A constant with its values listed, row major. */
  constant(values: readonly number[], shape: Shape, dtype: DType = 'f32', name?: string): Value {
    return this.op('constant', [], { dtype, shape, values }, name);
  }

  result(name: string, value: Value): void {
    this.results.push({ name, value });
  }

  update(state: Value, value: Value): void {
    if (this.parent) throw new InternalError(`@${state.name} is updated in a region: carry it and update it outside`);
    this.updates.push({ state, value });
  }

  build(): Graph {
    const { name, inputs, states, nodes, results, updates } = this;
    return {
      name,
      inputs: [...inputs],
      states: [...states],
      nodes: [...nodes],
      results: [...results],
      updates: [...updates],
    };
  }

  #push(node: Node): void {
    this.nodes.push(node);
    if (this.parent) for (const output of node.outputs) this.#own.add(output);
    const [output] = node.outputs;
    if (node.op === 'constant' && output) this.#constants.set(output, node);
  }

  #unique(wanted: string): string {
    let candidate = wanted;
    let count = this.#used.get(wanted);
    if (count !== undefined) {
      do {
        candidate = `${wanted}_${count}`;
        count++;
      } while (this.#used.has(candidate));
      this.#used.set(wanted, count);
    }
    this.#used.set(candidate, 1);
    return candidate;
  }
}
