/**
 * Stores activations and their gradients as bfloat16 where `facts.precision` asks for it. A value has one stored form: what
 * a product takes or a convolution gives is bfloat16 (stored_forms.ts), and all its readers read that; casts between
 * element-wise nodes and storage become part of their groups. Weights, statistics, losses, gradients of weights, what an
 * optimizer computes and what loops carry stay float32, as do inputs and results of the graph.
 */
import { Builder } from '../ir/builder';
import type { Attrs, Graph, Node, Value } from '../ir/graph';
import { definitionsOf } from '../ir/rewrite';
import type { DType, TensorType } from '../ir/types';
import { scanParts, type ScanParts } from '../ops/families/regions';
import { opNamed } from '../ops/registry';
import { roleOf } from './bfloat16_roles';
import { definePass } from './define';
import { StoredForms } from './stored_forms';

export const precision = definePass({
  name: 'precision',
  doc: 'Stores activations and their gradients as bfloat16, where the model asks for it.',
  // Loops and what is around them agree on what crosses their borders.
  whole: true,
  run(graph, facts) {
    if (facts.precision !== 'bfloat16') return graph;
    const forms = new StoredForms(graph);
    return forms.isEmpty ? graph : new Rewriting(graph, forms).whole();
  },
});

const asBfloat16 = (type: TensorType): TensorType => ({ dtype: 'bf16', shape: type.shape });

/** One graph or region, written anew in order. Keys of the maps are values of the old one. */
class Rewriting {
  readonly #b: Builder;
  readonly #narrow = new Map<Value, Value>();
  readonly #wide = new Map<Value, Value>();
  /** As computed, before it was rounded to be stored. */
  readonly #computed = new Map<Value, Value>();

  constructor(
    readonly graph: Graph,
    readonly forms: StoredForms,
    isNarrow: (input: Value) => boolean = () => false,
  ) {
    this.#b = new Builder(graph.name);
    const states = graph.states.map(({ value }) => value);
    const outputs = graph.nodes.flatMap((node) => node.outputs);
    for (const { name } of [...graph.inputs, ...states, ...outputs]) this.#b.reserve(name);
    for (const input of graph.inputs) {
      if (isNarrow(input)) this.#narrow.set(input, { name: input.name, type: asBfloat16(input.type) });
      else this.#wide.set(input, input);
    }
    for (const state of states) this.#wide.set(state, state);
  }

  whole(): Graph {
    this.#rewrite();
    const { results, updates } = this.graph;
    return this.#asBefore({
      ...this.graph,
      results: results.map((result) => ({ ...result, value: this.#result(result.value) })),
      updates: updates.map((update) => ({ ...update, value: this.#result(update.value) })),
      nodes: this.#b.nodes,
    });
  }

  region(isNarrow: (position: number) => boolean): Graph {
    this.#rewrite();
    const { inputs, results } = this.graph;
    return this.#asBefore({
      ...this.graph,
      inputs: inputs.map((input) => (this.#wide.get(input) === input ? input : (this.#narrow.get(input) ?? input))),
      results: results.map((result, i) => ({
        ...result,
        value: isNarrow(i) ? this.#read(result.value, 'bf16') : this.#result(result.value),
      })),
      nodes: this.#b.nodes,
    });
  }

  /** The old graph if nothing became of it. */
  #asBefore(graph: Graph): Graph {
    const { inputs, nodes, results } = this.graph;
    const same =
      graph.nodes.length === nodes.length &&
      graph.nodes.every((node, i) => node === nodes[i]) &&
      graph.inputs.every((input, i) => input === inputs[i]) &&
      graph.results.every(({ value }, i) => value === results[i]?.value);
    return same ? this.graph : graph;
  }

  #rewrite(): void {
    for (const node of this.graph.nodes) {
      this.#b.origin = node.origin;
      if (node.op === 'scan') this.#scan(node, scanParts(node));
      else if (node.regions) this.#regions(node);
      else this.#plain(node);
    }
  }

  #plain(node: Node): void {
    const { reads, gives } = this.#narrowed(node);
    const inputs = node.inputs.map((input, i) => this.#read(input, reads.includes(i) ? 'bf16' : 'f32'));
    const dtypes = node.outputs.map(({ type }, i) => (gives.includes(i) ? 'bf16' : type.dtype));
    this.#emit(node, { inputs, attrs: withDtype(node, inputs, dtypes[0]) }, dtypes);
  }

  /** The positions of inputs and outputs that are bfloat16 where the node runs. */
  #narrowed(node: Node): { readonly reads: readonly number[]; readonly gives: readonly number[] } {
    const role = roleOf(node);
    const storedAmong = (values: readonly Value[], positions: readonly number[]): readonly number[] =>
      positions.filter((i) => values[i] !== undefined && this.forms.has(values[i]));
    if (!role) return { reads: [], gives: [] };
    if (role.alike) {
      const { inputs, outputs } = role.alike;
      return storedAmong(node.inputs, inputs).length > 0 ? { reads: inputs, gives: outputs } : { reads: [], gives: [] };
    }
    if (role.together === true) {
      const both = storedAmong(node.inputs, [0]).length + storedAmong(node.outputs, [0]).length === 2;
      return both ? { reads: [0], gives: [0] } : { reads: [], gives: [] };
    }
    if (role.takes) return { reads: storedAmong(node.inputs, role.takes), gives: [] };
    if (!this.forms.isProduct(node)) return { reads: [], gives: [] };
    return {
      reads: storedAmong(node.inputs, role.wants),
      gives: [...role.gives, ...storedAmong(node.outputs, role.chooses)],
    };
  }

  #regions(node: Node): void {
    const regions = node.regions?.map((region) => new Rewriting(region, this.forms).region(() => false));
    const inputs = node.inputs.map((input) => this.#read(input, 'f32'));
    const dtypes = node.outputs.map(({ type }) => type.dtype);
    this.#emit(node, { inputs, attrs: node.attrs, ...(regions ? { regions } : {}) }, dtypes);
  }

  #scan(node: Node, parts: ScanParts): void {
    const { forms } = this;
    const outerOf = new Map<Value, Value>();
    node.inputs.forEach((outer, i) => outerOf.set(parts.body.inputs[i] as Value, outer));
    const carried = new Set(parts.carryInputs);
    const isNarrow = (input: Value): boolean => {
      const outer = outerOf.get(input);
      return outer !== undefined && !carried.has(input) && forms.has(input) && forms.areOne(outer, input);
    };
    const stacked = parts.stacks.map((stack, i) => {
      const result = parts.stepResults[i];
      return result !== undefined && forms.has(stack) && forms.areOne(stack, result);
    });
    const first = parts.carryResults.length;
    const body = new Rewriting(parts.body, forms, isNarrow).region((i) => stacked[i - first] === true);
    const inputs = node.inputs.map((outer, i) =>
      this.#read(outer, isNarrow(parts.body.inputs[i] as Value) ? 'bf16' : outer.type.dtype),
    );
    const dtypes = node.outputs.map(({ type }, i) => (stacked[i - first] === true ? 'bf16' : type.dtype));
    this.#emit(node, { inputs, attrs: node.attrs, regions: [body] }, dtypes);
  }

  /** Writes a node down, with `parts` in place of its own and outputs of other dtypes. */
  #emit(node: Node, parts: Pick<Node, 'inputs' | 'attrs' | 'regions'>, dtypes: readonly DType[]): void {
    const outputs = node.outputs.map((value, i): Value => {
      const dtype = dtypes[i] ?? value.type.dtype;
      return dtype === value.type.dtype ? value : { name: value.name, type: { ...value.type, dtype } };
    });
    const same =
      parts.attrs === node.attrs &&
      parts.inputs.every((input, i) => input === node.inputs[i]) &&
      outputs.every((output, i) => output === node.outputs[i]) &&
      (parts.regions ?? []).every((region, i) => region === node.regions?.[i]);
    this.#b.append(same ? node : { ...node, ...parts, outputs });
    node.outputs.forEach((value, i) => {
      const output = outputs[i] as Value;
      if (output !== value) {
        this.#narrow.set(value, output);
      } else if (this.forms.has(value)) {
        this.#computed.set(value, output);
        this.#narrow.set(value, this.#cast(output, 'bf16'));
      } else {
        this.#wide.set(value, output);
      }
    });
  }

  /** What holds the value, as what an op reads it as; of other dtypes there is one form. */
  #read(value: Value, dtype: DType): Value {
    if (value.type.dtype !== 'f32') return value;
    const forms = dtype === 'bf16' ? this.#narrow : this.#wide;
    const known = forms.get(value);
    if (known) return known;
    const other = (dtype === 'bf16' ? this.#wide : this.#narrow).get(value) ?? value;
    const made = this.#constant(value, dtype) ?? this.#cast(other, dtype === 'bf16' ? 'bf16' : 'f32');
    forms.set(value, made);
    return made;
  }

  #result(value: Value): Value {
    return this.#computed.get(value) ?? this.#read(value, 'f32');
  }

  #cast(value: Value, dtype: DType): Value {
    return this.#b.op('cast', [value], { dtype }, `${value.name}.${dtype}`);
  }

  #constant(value: Value, dtype: DType): Value | undefined {
    const node = definitionsOf(this.graph).get(value);
    if (node?.op !== 'constant') return undefined;
    return this.#b.op('constant', [], { ...node.attrs, dtype }, `${value.name}.${dtype}`);
  }
}

/** Products whose result may be of either dtype say which, where it is not that of their left side. */
function withDtype(node: Node, inputs: readonly Value[], dtype: DType | undefined): Attrs {
  if (node.op !== 'matmul' || dtype === undefined) return node.attrs;
  const types = inputs.map(({ type }) => type);
  const [inferred] = opNamed(node.op).infer(types, node.attrs);
  return inferred?.dtype === dtype ? node.attrs : { ...node.attrs, dtype };
}
