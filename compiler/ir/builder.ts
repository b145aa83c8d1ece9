/**
 * Builds a graph node by node: infers types, gives values unique names, stamps origins.
 * The only place that creates nodes; passes use it too.
 */
import { InternalError } from '../diagnostics/errors';
import type { Origin } from '../diagnostics/location';
import { OpTypeError } from '../ops/define';
import { opNamed } from '../ops/registry';
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

  constructor(readonly name: string) {}

  input(name: string, type: TensorType): Value {
    const value = { name: this.#unique(name), type };
    this.inputs.push(value);
    return value;
  }

  /** Declares a state, or returns the one of that name if it was declared already (weight sharing). */
  state(name: string, type: TensorType, role: StateRole): Value {
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
    this.nodes.push(node);
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
  ops(op: string, inputs: readonly Value[], attrs: Attrs = {}, name: string = this.prefix): readonly Value[] {
    const def = opNamed(op);
    let types: readonly TensorType[];
    try {
      types = def.infer(
        inputs.map((value) => value.type),
        attrs,
      );
    } catch (error) {
      if (error instanceof OpTypeError) throw new InferenceError(op, error.message, inputs, this.origin);
      throw error;
    }
    const outputs = types.map((type, i) => ({
      name: this.#unique(i === 0 ? name : `${name}.${def.outputs[i] ?? i}`),
      type,
    }));
    this.nodes.push({ op, inputs, attrs, outputs, origin: this.origin });
    return outputs;
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
