/**
 * Checks that a graph is well formed. Each invariant has a number; the first one broken is thrown as an
 * InternalError that names who broke it, the invariant, and the ten lines around the place.
 */
import { InternalError } from '../diagnostics/errors';
import { OpTypeError, type OpDef } from '../ops/define';
import { OPS } from '../ops/index';
import type { Graph, Node, Result, State, Update, Value } from './graph';
import { isStateOf, printNode, printState, printUpdate, printValue } from './print';
import { DTYPES, elementCount, formatType, sameType, type TensorType } from './types';

export const INVARIANTS = {
  1: 'names are unique: inputs and node outputs together, states among themselves, results among themselves',
  2: 'a value is defined once, before its uses',
  3: 'every op is known, and has as many inputs and outputs as its definition says',
  4: 'output types are what the op infers',
  5: 'shapes are lists of whole extents of a countable size, dtypes are known',
  6: 'an update goes to a declared state of the same type, one for each state',
  7: 'a graph is never changed in what its caller sees: inputs, states, names and types of results, updated states',
  8: 'a region has no states and no updates; the other invariants hold in it too',
} as const;
export type Invariant = keyof typeof INVARIANTS;

const LINES_AROUND = 5;

/** Nodes and types never change, so what has passed once is not looked at again: most passes leave most nodes alone. */
const wellTyped = new WeakSet<Node>();
const wellFormed = new WeakSet<TensorType>();

/** Throws unless the graph holds invariants 1 to 6 and 8. `by` says who made it, e.g. `pass 'cse'`. */
export function verifyGraph(graph: Graph, by: string): void {
  new Verifier(graph, by).run();
}

/** Invariant 7: what a pass made of `before` can stand in for it. */
export function verifyInterface(before: Graph, after: Graph, by: string): void {
  const differences = [
    difference('inputs', before.inputs, after.inputs),
    difference('states', before.states.map(stateValue), after.states.map(stateValue)),
    difference('results', before.results.map(resultType), after.results.map(resultType)),
    difference('updated states', before.updates.map(updatedState), after.updates.map(updatedState)),
  ].filter((text) => text !== undefined);
  if (differences[0] !== undefined)
    throw new InternalError(`${by} broke invariant 7 (${INVARIANTS[7]}): ${differences[0]}`);
}

class Verifier {
  readonly #byName = new Map<string, Value>();
  readonly #stateByName = new Map<string, Value>();

  constructor(
    readonly graph: Graph,
    readonly by: string,
  ) {}

  run(): void {
    const { inputs, states, nodes, results, updates } = this.graph;
    for (const input of inputs) this.#define(input, '%', 0);
    for (const state of states) this.#define(state.value, '@', 0);
    nodes.forEach((node, i) => this.#node(node, states.length + i));
    const updated = new Set<Value>();
    const stateSet = new Set(states.map(stateValue));
    updates.forEach(({ state, value }, i) => {
      const line = states.length + nodes.length + i;
      this.#used(value, line);
      if (!stateSet.has(state)) this.#fail(6, `@${state.name} is not declared`, line);
      if (updated.has(state)) this.#fail(6, `@${state.name} is updated twice`, line);
      updated.add(state);
      if (!sameType(state.type, value.type)) {
        this.#fail(6, `@${state.name} is ${formatType(state.type)} but gets ${formatType(value.type)}`, line);
      }
    });
    const end = states.length + nodes.length + updates.length;
    const resultNames = new Set<string>();
    for (const { name, value } of results) {
      this.#used(value, end);
      if (resultNames.has(name)) this.#fail(1, `two results are called '${name}'`, end);
      resultNames.add(name);
    }
  }

  #node(node: Node, line: number): void {
    for (const input of node.inputs) this.#used(input, line);
    if (!wellTyped.has(node)) this.#types(node, line);
    for (const output of node.outputs) this.#define(output, '%', line);
  }

  #types(node: Node, line: number): void {
    const def = Object.hasOwn(OPS, node.op) ? OPS[node.op as keyof typeof OPS] : undefined;
    if (!def) this.#fail(3, `no op is called '${node.op}'`, line);
    const mismatch = arityMismatch(def, node.inputs.length);
    if (mismatch !== undefined) this.#fail(3, mismatch, line);
    for (const region of node.regions ?? []) {
      if (region.states.length + region.updates.length > 0) this.#fail(8, `'${region.name}' has states`, line);
      verifyGraph(region, `${this.by}: region '${region.name}' of ${node.op}`);
    }
    const inferred = this.#infer(def, node, line);
    if (inferred.length !== node.outputs.length) {
      this.#fail(3, `${node.op} has ${inferred.length} outputs, not ${node.outputs.length}`, line);
    }
    node.outputs.forEach((output, i) => {
      const type = inferred[i] as TensorType;
      if (!sameType(type, output.type)) {
        this.#fail(4, `${node.op} gives ${formatType(type)} but %${output.name} is ${formatType(output.type)}`, line);
      }
    });
    wellTyped.add(node);
  }

  #infer(def: OpDef, node: Node, line: number): readonly TensorType[] {
    try {
      return def.infer(
        node.inputs.map((input) => input.type),
        node.attrs,
        node.regions,
      );
    } catch (error) {
      if (error instanceof OpTypeError) this.#fail(4, `${node.op}: ${error.message}`, line);
      throw error;
    }
  }

  #define(value: Value, sigil: '%' | '@', line: number): void {
    const { name, type } = value;
    const [byName, others] = sigil === '@' ? [this.#stateByName, this.#byName] : [this.#byName, this.#stateByName];
    const namesake = byName.get(name);
    if (namesake === value || others.get(name) === value) this.#fail(2, `${sigil}${name} is defined twice`, line);
    if (namesake) this.#fail(1, `two values are called ${sigil}${name}`, line);
    byName.set(name, value);
    if (wellFormed.has(type)) return;
    if (!DTYPES.includes(type.dtype)) this.#fail(5, `${sigil}${name} has the dtype '${type.dtype}'`, line);
    const whole = type.shape.every((extent) => Number.isSafeInteger(extent) && extent >= 0);
    if (!whole || !Number.isSafeInteger(elementCount(type.shape) * 8)) {
      this.#fail(5, `${sigil}${name} is ${formatType(type)}`, line);
    }
    wellFormed.add(type);
  }

  #isDefined(value: Value): boolean {
    return this.#byName.get(value.name) === value || this.#stateByName.get(value.name) === value;
  }

  #used(value: Value, line: number): void {
    if (this.#isDefined(value)) return;
    const printed = printValue(value, isStateOf(this.graph));
    const known = this.#byName.has(value.name)
      ? `another value of the name ${printed}`
      : `${printed}, which is not defined`;
    this.#fail(2, `uses ${known} at this point`, line);
  }

  #fail(invariant: Invariant, message: string, line: number): never {
    throw new InternalError(
      `${this.by} broke invariant ${invariant} (${INVARIANTS[invariant]}): ${message}\n${this.#around(line)}`,
    );
  }

  /** Statements by number: states, nodes, updates, and last the return. */
  #around(line: number): string {
    const { states, nodes, updates, results } = this.graph;
    const isState = isStateOf(this.graph);
    const text = (i: number): string => {
      const state = states[i];
      const node = nodes[i - states.length];
      const update = updates[i - states.length - nodes.length];
      if (state) return printState(state);
      if (i >= states.length && node) return printNode(node, isState);
      if (i >= states.length + nodes.length && update) return printUpdate(update, isState);
      return `return ${results.map((result) => `${result.name}: ${printValue(result.value, isState)}`).join(', ')}`;
    };
    const count = states.length + nodes.length + updates.length + 1;
    const from = Math.max(0, line - LINES_AROUND);
    const to = Math.min(count, line + LINES_AROUND + 1);
    const lines = [`graph ${this.graph.name}:`];
    for (let i = from; i < to; i++) lines.push(`${i === line ? '>' : ' '} ${text(i)}`);
    return lines.join('\n');
  }
}

/** `x?` may be absent, `x*` stands for any number. */
function arityMismatch(def: OpDef, count: number): string | undefined {
  if (def.inputs.some((input) => input.endsWith('*'))) return undefined;
  const least = def.inputs.filter((input) => !input.endsWith('?')).length;
  if (count >= least && count <= def.inputs.length) return undefined;
  return `${def.name} takes (${def.inputs.join(', ')}), not ${count} inputs`;
}

const stateValue = ({ value }: State): Value => value;
const updatedState = ({ state }: Update): Value => state;
const resultType = ({ name, value }: Result): Value => ({ name, type: value.type });

function describe(values: readonly Value[]): string {
  return values.map((value) => `${value.name}: ${formatType(value.type)}`).join(', ');
}

/** Words only where they differ: a large model has thousands of states. */
function difference(what: string, before: readonly Value[], after: readonly Value[]): string | undefined {
  const same = (value: Value, i: number): boolean => {
    const other = after[i];
    return value === other || (value.name === other?.name && sameType(value.type, other.type));
  };
  if (before.length === after.length && before.every(same)) return undefined;
  return `${what} were (${describe(before)}) and are (${describe(after)})`;
}
