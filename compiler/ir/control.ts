/**
 * Builds the ops that have regions. The body of a loop, or a branch, is a function that is given a builder to make
 * nodes with. It may use any value of the builders around it: what it uses is captured, as an operand of the loop, and
 * what of it is the same in every iteration is computed before the loop.
 */
import { INDEX } from '../ops/families/regions';
import { Builder, InferenceError, type Capture } from './builder';
import { hoist } from './hoist';
import type { Attrs, Graph, Node, Value } from './graph';
import type { TensorType } from './types';

export interface Step {
  /** What the carried values are for the next step, in the order of `init` and of the same types. */
  readonly carries: readonly Value[];
  /** Of every step, stacked along a new axis 0. */
  readonly outputs?: readonly Value[];
}

export interface ScanOptions {
  /** How many steps; that of the sequences where there are any. */
  readonly length?: number;
  /** From the last step to the first. Slices and stacks keep their places. */
  readonly reverse?: boolean;
  /** Carried values before the first step. */
  readonly init?: readonly Value[];
  /** Tensors whose axis 0 is time. */
  readonly sequences?: readonly Value[];
  /** For the gradient keep the carried values of each step alone, and compute the rest again. */
  readonly checkpoint?: boolean;
  /** The gradient does not pass from step `truncate`, 2 · `truncate`, … to the one before. */
  readonly truncate?: number;
  readonly name?: string;
  /** `index`, i32[], is the place in the sequences: length − 1 first where it runs in reverse. */
  readonly body: (sub: Builder, carries: readonly Value[], slices: readonly Value[], index: Value) => Step;
}

export interface Scanned {
  /** After the last step. */
  readonly carries: readonly Value[];
  readonly outputs: readonly Value[];
}

export type CondBranch = (sub: Builder) => readonly Value[];

export interface WhileOptions {
  readonly init: readonly Value[];
  /** The most iterations. */
  readonly limit: number;
  readonly name?: string;
  /** A bool[]: whether there is another iteration. */
  readonly condition: (sub: Builder, carries: readonly Value[], index: Value) => Value;
  readonly body: (sub: Builder, carries: readonly Value[], index: Value) => readonly Value[];
}

export interface Whiled {
  readonly carries: readonly Value[];
  /** How many iterations there were, i32[]. */
  readonly count: Value;
  /** Both. */
  readonly all: readonly Value[];
}

export function buildScan(b: Builder, options: ScanOptions): Scanned {
  const { init = [], sequences = [], reverse = false, checkpoint, truncate } = options;
  const length = options.length ?? sequences[0]?.type.shape[0];
  if (length === undefined) throw giveUp(b, 'scan', 'it has no sequence and no length', [...init, ...sequences]);
  const slices = sequences.map(({ name, type }): Value => ({ name: `${name}.t`, type: sliceOf(type) }));
  const sub = regionOf(b, 'body');
  const carried = init.map(({ name, type }) => sub.input(name, type));
  const sliced = slices.map(({ name, type }) => sub.input(name, type));
  const index = sub.input('index', INDEX);
  const step = options.body(sub, carried, sliced, index);
  const results = [...step.carries, ...(step.outputs ?? [])].map((value) => sub.local(value));
  if (step.carries.length !== init.length) {
    const message = `a step gives ${step.carries.length} carried values, and there are ${init.length}`;
    throw giveUp(b, 'scan', message, init);
  }
  const { nodes, captures } = hoist(b, sub.nodes, sub.captures, results);
  const body = graphOf('body', [...captures.map(innerOf), ...sub.inputs], nodes, results);
  const attrs: Attrs = {
    consts: captures.length,
    carries: init.length,
    length,
    reverse,
    ...(checkpoint === true ? { checkpoint } : {}),
    ...(truncate === undefined ? {} : { truncate }),
  };
  const operands = [...captures.map(outerOf), ...init, ...sequences];
  const outputs = b.ops('scan', operands, attrs, options.name, [body]);
  return { carries: outputs.slice(0, init.length), outputs: outputs.slice(init.length) };
}

export function buildCond(b: Builder, predicate: Value, then: CondBranch, otherwise: CondBranch): readonly Value[] {
  const made = [then, otherwise].map((branch, i) => {
    const sub = regionOf(b, i === 0 ? 'then' : 'else');
    return { sub, results: branch(sub).map((value) => sub.local(value)) };
  });
  const { operands, regions } = withSharedInputs(made.map(({ sub, results }) => ({ sub, own: [], results })));
  return b.ops('cond', [predicate, ...operands], {}, undefined, regions);
}

export function buildWhile(b: Builder, { init, limit, name, condition, body }: WhileOptions): Whiled {
  const made = (['condition', 'body'] as const).map((which) => {
    const sub = regionOf(b, which);
    const carried = init.map((value) => sub.input(value.name, value.type));
    const index = sub.input('index', INDEX);
    const values = which === 'condition' ? [condition(sub, carried, index)] : body(sub, carried, index);
    return { sub, own: [...carried, index], results: values.map((value) => sub.local(value)) };
  });
  const hoisted = made.map(({ sub, own, results }) => {
    const { nodes, captures } = hoist(b, sub.nodes, sub.captures, results);
    return { sub: { name: sub.name, nodes, captures, fresh: sub.fresh.bind(sub) }, own, results };
  });
  const { operands, regions } = withSharedInputs(hoisted);
  const attrs = { consts: operands.length, carries: init.length, limit };
  const outputs = b.ops('while', [...operands, ...init], attrs, name, regions);
  const count = outputs.at(-1);
  if (!count) throw giveUp(b, 'while', 'it has no outputs', init);
  return { carries: outputs.slice(0, -1), count, all: outputs };
}

interface Made {
  readonly sub: Pick<Builder, 'name' | 'fresh'> & {
    readonly nodes: readonly Node[];
    readonly captures: readonly Capture[];
  };
  readonly own: readonly Value[];
  readonly results: readonly Value[];
}

/** Regions of one node that all take what any of them captured. */
function withSharedInputs(made: readonly Made[]): { operands: readonly Value[]; regions: readonly Graph[] } {
  const operands = [...new Set(made.flatMap(({ sub }) => sub.captures.map(outerOf)))];
  const regions = made.map(({ sub, own, results }) => {
    const inside = new Map(sub.captures.map(({ outer, inner }) => [outer, inner]));
    const inputs = operands.map((outer) => inside.get(outer) ?? sub.fresh(outer.name, outer.type));
    return graphOf(sub.name, [...inputs, ...own], sub.nodes, results);
  });
  return { operands, regions };
}

function regionOf(b: Builder, name: string): Builder {
  const sub = new Builder(name, b);
  sub.origin = b.origin;
  sub.prefix = b.prefix;
  return sub;
}

function graphOf(name: string, inputs: readonly Value[], nodes: Graph['nodes'], results: readonly Value[]): Graph {
  const named = results.map((value, i) => ({ name: `r${i}`, value }));
  return { name, inputs, states: [], nodes: [...nodes], results: named, updates: [] };
}

function sliceOf({ dtype, shape }: TensorType): TensorType {
  return { dtype, shape: shape.slice(1) };
}

function giveUp(b: Builder, op: string, reason: string, inputs: readonly Value[]): InferenceError {
  return new InferenceError(op, reason, inputs, b.origin);
}

const innerOf = ({ inner }: Capture): Value => inner;
const outerOf = ({ outer }: Capture): Value => outer;
