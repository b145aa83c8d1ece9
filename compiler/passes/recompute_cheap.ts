/**
 * Takes values out of element-wise groups that are kept for nothing but groups that run later: those compute them again
 * from what the first group has read. Writing and reading a tensor takes longer than most formulas, and it waits in
 * memory meanwhile: of a gelu only its input is left for the backward pass. Works on the groups' programs, so
 * it stands behind the pass that forms them.
 */
import type { Graph, Node, Value } from '../ir/graph';
import { definitionsOf } from '../ir/rewrite';
import { bytesOf, elementCount, sameShape, type Shape } from '../ir/types';
import { stringAttr } from '../ops/attributes';
import { parseProgram, printProgram, type Argument, type Program, type Statement } from '../ops/families/program';
import { broadcastShapes } from '../ops/families/shapes';
import { definePass, type Facts } from './define';
import { FUSED, groupNode, isInstruction } from './elementwise_group';

export const recompute_cheap = definePass({
  name: 'recompute_cheap',
  doc: 'Computes element-wise values again in the groups that read them later, where that takes less than keeping them.',
  run: (graph, facts) => new Groups(graph, facts).result,
});

/** What an instruction takes for each element, in bytes that move through memory in the same time. */
const WEIGHTS: Readonly<Record<string, number>> = {
  ...Object.fromEntries(['exp', 'expm1', 'log', 'log1p', 'sigmoid', 'tanh', 'erf', 'sin', 'cos'].map((op) => [op, 2])),
  ...Object.fromEntries(
    ['tan', 'asin', 'acos', 'atan', 'sinh', 'cosh', 'asinh', 'acosh', 'atanh'].map((op) => [op, 4]),
  ),
  ...Object.fromEntries(['pow', 'mod', 'atan2'].map((op) => [op, 16])),
  ...Object.fromEntries(['div', 'reciprocal', 'sqrt', 'rsqrt'].map((op) => [op, 0.6])),
};
const PLAIN = 0.25;

/** Reads `batch_norm_train` alone may take over; another reader would take that from it. */
const TAKES_GROUPS = 'batch_norm_train';
/** Its group has to read tensors of one shape. */
const GIVEN_GROUPS = 'batch_norm_grad';

/** A group with its program; `values[k]` is what yield k is for. */
interface Group {
  readonly node: Node;
  readonly program: Program;
  readonly shape: Shape;
}

/** An output of a group and who reads it. */
interface Kept {
  readonly value: Value;
  readonly name: string;
  readonly readers: readonly number[];
}

class Groups {
  readonly #graph: Graph;
  readonly #facts: Facts;
  /** Undefined: gone. */
  readonly #nodes: (Node | undefined)[];
  readonly #readers = new Map<Value, Set<number>>();

  constructor(graph: Graph, facts: Facts) {
    this.#graph = graph;
    this.#facts = facts;
    this.#nodes = [...graph.nodes];
  }

  get result(): Graph {
    const { nodes, results, updates } = this.#graph;
    if (nodes.filter((node) => node.op === FUSED).length === 0) return this.#graph;
    nodes.forEach((node, i) => {
      for (const input of node.inputs) this.#read(input, i);
    });
    for (const { value } of [...results, ...updates]) this.#read(value, -1);
    let changed = false;
    nodes.forEach((_, i) => {
      changed = this.#lighten(i) || changed;
    });
    return changed ? { ...this.#graph, nodes: this.#nodes.filter((node) => node !== undefined) } : this.#graph;
  }

  #read(value: Value, reader: number): void {
    const readers = this.#readers.get(value) ?? new Set();
    this.#readers.set(value, readers.add(reader));
  }

  #groupAt(i: number): Group | undefined {
    const found = this.#nodes[i];
    if (!found) return undefined;
    const definitions = definitionsOf(this.#graph);
    const node = isInstruction(found)
      ? groupNode(
          [found],
          () => true,
          (value) => definitions.get(value),
        )
      : found;
    const shape = node.outputs[0]?.type.shape;
    if (node.op !== FUSED || !shape) return undefined;
    return { node, program: parseProgram(stringAttr(node.attrs, 'program')), shape };
  }

  /** Takes from group `at` what later groups had better compute again: all that is kept for them alone, or what of it is cheap. */
  #lighten(at: number): boolean {
    if (this.#nodes[at]?.op !== FUSED) return false;
    const group = this.#groupAt(at);
    if (!group) return false;
    const kept = this.#keptBy(group, at);
    const plain = kept.filter(({ name }) => closureOf(group.program, [name]).every(({ instr }) => !(instr in WEIGHTS)));
    return [kept, plain].some((some) => some.length > 0 && this.#moveOut(group, at, some));
  }

  /** The results that only later groups of the same shape read. */
  #keptBy({ node, program, shape }: Group, at: number): Kept[] {
    return node.outputs.flatMap((value, k) => {
      const from = program.yields[k];
      const readers = [...(this.#readers.get(value) ?? [])];
      if (from?.kind !== 'name' || readers.length === 0) return [];
      const fits = readers.every((reader) => {
        const other = reader > at ? this.#groupAt(reader) : undefined;
        return other !== undefined && sameShape(other.shape, shape) && !yieldsInput(other, value);
      });
      return fits ? [{ value, name: from.name, readers }] : [];
    });
  }

  #moveOut(group: Group, at: number, kept: readonly Kept[]): boolean {
    const lighter = without(group, new Set(kept.map(({ value }) => value)));
    const places = new Set(kept.flatMap(({ readers }) => readers));
    const heavier = [...places].map((place) => {
      const own = kept.filter(({ readers }) => readers.includes(place));
      const reader = this.#groupAt(place);
      return { place, own, reader, node: reader && withCopies(reader, group, own) };
    });
    const bytes = kept.reduce((sum, { value }) => sum + bytesOf(value.type), 0);
    let balance = kept.reduce((sum, { value, readers }) => sum + bytesOf(value.type) * (1 + readers.length), 0);
    for (const { own, reader, node } of heavier) {
      if (!reader || !node || !this.#isAllowed(node, reader, group)) return false;
      const leaves = node.inputs.filter((input) => !reader.node.inputs.includes(input));
      const read = leaves.reduce((sum, leaf) => sum + bytesOf(leaf.type), 0);
      if (read > bytes) return false;
      const copies = closureOf(
        group.program,
        own.map(({ name }) => name),
      );
      balance -=
        read + elementCount(group.shape) * copies.reduce((sum, { instr }) => sum + (WEIGHTS[instr] ?? PLAIN), 0);
    }
    if (balance <= 0 || lighter === null) return false;
    this.#replace(at, lighter);
    for (const { place, node } of heavier) if (node) this.#replace(place, node);
    return true;
  }

  /** Within bounds, and no obstacle for the passes behind. */
  #isAllowed(node: Node, reader: Group, group: Group): boolean {
    const { statements } = parseProgram(stringAttr(node.attrs, 'program'));
    if (statements.length > this.#facts.groupInstructions || node.inputs.length > this.#facts.groupInputs) return false;
    if (!sameShape(broadcastShapes(node.inputs.map(({ type }) => type)), reader.shape)) return false;
    const leaves = node.inputs.filter((input) => !reader.node.inputs.includes(input));
    const definitions = definitionsOf(this.#graph);
    const isTaken = leaves.some((leaf) => {
      const alone = this.#readers.get(leaf)?.size === 1;
      return alone && definitions.get(leaf)?.op === TAKES_GROUPS;
    });
    const isGiven = reader.node.outputs.some((output) =>
      [...(this.#readers.get(output) ?? [])].some((place) => this.#nodes[place]?.op === GIVEN_GROUPS),
    );
    const isWhole = ({ type: { shape } }: Value): boolean => sameShape(shape, group.shape) || elementCount(shape) === 1;
    return !isTaken && (!isGiven || leaves.every(isWhole));
  }

  #replace(place: number, node: Node | undefined): void {
    for (const input of this.#nodes[place]?.inputs ?? []) this.#readers.get(input)?.delete(place);
    this.#nodes[place] = node;
    for (const input of node?.inputs ?? []) this.#read(input, place);
  }
}

function yieldsInput({ node, program }: Group, value: Value): boolean {
  return program.yields.some((from) => from.kind === 'input' && node.inputs[from.index] === value);
}

/** The statements that `names` are computed by, in order. */
function closureOf({ statements }: Program, names: readonly string[]): readonly Statement[] {
  const wanted = new Set(names);
  const needed: Statement[] = [];
  for (const statement of [...statements].reverse()) {
    if (!wanted.has(statement.name)) continue;
    needed.push(statement);
    for (const arg of statement.args) if (arg.kind === 'name') wanted.add(arg.name);
  }
  return needed.reverse();
}

/** The group without some of its outputs; undefined if it has no others; null where what is left reads too little. */
function without({ node, program, shape }: Group, gone: ReadonlySet<Value>): Node | undefined | null {
  const left = node.outputs.flatMap((output, k) => (gone.has(output) ? [] : [{ output, from: program.yields[k] }]));
  if (left.length === 0) return undefined;
  const writer = new ProgramWriter();
  const yields = left.flatMap(({ from }) => from ?? []);
  const statements = closureOf(
    program,
    yields.flatMap((from) => (from.kind === 'name' ? [from.name] : [])),
  );
  const map = writer.add(statements, (index) => writer.input(node.inputs[index]));
  const made = writer.node(
    node,
    yields.map(map),
    left.map(({ output }) => output),
  );
  return sameShape(broadcastShapes(made.inputs.map(({ type }) => type)), shape) ? made : null;
}

/** The group `reader` with the statements of `group` in it that compute `kept`. */
function withCopies(reader: Group, group: Group, kept: readonly Kept[]): Node {
  const writer = new ProgramWriter();
  const copies = closureOf(
    group.program,
    kept.map(({ name }) => name),
  );
  const again = writer.add(copies, (index) => writer.input(group.node.inputs[index]));
  const known = new Map(kept.map(({ value, name }) => [value, again({ kind: 'name', name })]));
  const map = writer.add(reader.program.statements, (index) => {
    const value = reader.node.inputs[index];
    return (value && known.get(value)) ?? writer.input(value);
  });
  return writer.node(reader.node, reader.program.yields.map(map), reader.node.outputs);
}

/** Statements of several programs as one, with inputs in order of their first use. */
class ProgramWriter {
  readonly #statements: Statement[] = [];
  readonly #inputs: Value[] = [];

  input(value: Value | undefined): Argument {
    if (!value) return { kind: 'literal', value: NaN };
    const known = this.#inputs.indexOf(value);
    return { kind: 'input', index: known >= 0 ? known : this.#inputs.push(value) - 1 };
  }

  /** Appends the statements; gives what their arguments are from then on. */
  add(statements: readonly Statement[], inputAt: (index: number) => Argument): (argument: Argument) => Argument {
    const names = new Map<string, Argument>();
    const map = (argument: Argument): Argument => {
      if (argument.kind === 'input') return inputAt(argument.index);
      return argument.kind === 'name' ? (names.get(argument.name) ?? argument) : argument;
    };
    for (const { name, instr, args } of statements) {
      const fresh = `t${this.#statements.length}`;
      this.#statements.push({ name: fresh, instr, args: args.map(map) });
      names.set(name, { kind: 'name', name: fresh });
    }
    return map;
  }

  node(from: Node, yields: readonly Argument[], outputs: readonly Value[]): Node {
    const program = printProgram({ statements: this.#statements, yields });
    return { op: FUSED, inputs: this.#inputs, attrs: { program }, outputs, origin: from.origin };
  }
}
