/**
 * How the operands and results of the ops with regions are laid out, for inference, autodiff, passes and plan:
 *
 *   scan(consts…, carries…, sequences…)   region(consts…, carries…, slices…, index) → carries…, step results…
 *                                         outputs: last carries…, stacks of the step results…
 *   cond(predicate, operands…)            then(operands…), else(operands…) → results…
 *   while(consts…, carries…)              condition(consts…, carries…, index) → bool[]; body(the same) → carries…
 *                                         outputs: last carries…, count
 */
import { InternalError } from '../../diagnostics/errors';
import type { Attrs, Graph, Node, Value } from '../../ir/graph';
import { formatType, sameShape, sameType, type TensorType } from '../../ir/types';
import { integerAttr, plural } from '../attributes';
import { OpTypeError } from '../define';

/** The number of an iteration, or a count of them. */
export const INDEX: TensorType = { dtype: 'i32', shape: [] };
export const PREDICATE: TensorType = { dtype: 'bool', shape: [] };

/** What operands and region inputs of a loop have in common. */
export interface LoopParts {
  readonly consts: readonly Value[];
  readonly inits: readonly Value[];
  /** Of the body. */
  readonly body: Graph;
  readonly constInputs: readonly Value[];
  readonly carryInputs: readonly Value[];
  readonly index: Value;
  readonly carryResults: readonly Value[];
  /** Outputs of the node: what the carries are after the last iteration. */
  readonly finals: readonly Value[];
}

export interface ScanParts extends LoopParts {
  readonly length: number;
  readonly reverse: boolean;
  readonly sequences: readonly Value[];
  readonly sliceInputs: readonly Value[];
  readonly stepResults: readonly Value[];
  readonly stacks: readonly Value[];
}

export interface WhileParts extends LoopParts {
  readonly condition: Graph;
  readonly count: Value;
}

export function scanParts(node: Node): ScanParts {
  const body = regionOf(node, 0);
  const { consts, carries } = countsOf(node.attrs);
  const first = consts + carries;
  const results = body.results.map(({ value }) => value);
  return {
    ...loopParts(node, body),
    length: integerAttr(node.attrs, 'length', 0),
    reverse: node.attrs['reverse'] === true,
    sequences: node.inputs.slice(first),
    sliceInputs: body.inputs.slice(first, -1),
    stepResults: results.slice(carries),
    stacks: node.outputs.slice(carries),
  };
}

export function whileParts(node: Node): WhileParts {
  const count = node.outputs.at(-1);
  if (!count) throw new InternalError('while has no outputs');
  return { ...loopParts(node, regionOf(node, 1)), condition: regionOf(node, 0), count };
}

function loopParts(node: Node, body: Graph): LoopParts {
  const { consts, carries } = countsOf(node.attrs);
  const index = body.inputs.at(-1);
  if (!index) throw new InternalError(`the body of ${node.op} has no inputs`);
  return {
    consts: node.inputs.slice(0, consts),
    inits: node.inputs.slice(consts, consts + carries),
    body,
    constInputs: body.inputs.slice(0, consts),
    carryInputs: body.inputs.slice(consts, consts + carries),
    index,
    carryResults: body.results.slice(0, carries).map(({ value }) => value),
    finals: node.outputs.slice(0, carries),
  };
}

/** Outputs that regions compute in: they need memory even where nobody reads them in the end. */
export function isHeld(node: Node, output: number): boolean {
  if (!node.regions) return false;
  return node.op === 'cond' || output < countsOf(node.attrs).carries;
}

/** [input, output] of every carried value: the loop goes on in the memory in which the value came. */
export function carriedPairs(node: Node): readonly (readonly [number, number])[] {
  if (!node.regions || node.op === 'cond') return [];
  const { consts, carries } = countsOf(node.attrs);
  return Array.from({ length: carries }, (_, j) => [consts + j, j] as const);
}

export function regionOf(node: Node, index: number): Graph {
  const region = node.regions?.[index];
  if (!region) throw new InternalError(`${node.op} lacks its region ${index}`);
  return region;
}

export function countsOf(attrs: Attrs): { readonly consts: number; readonly carries: number } {
  return { consts: integerAttr(attrs, 'consts', 0), carries: integerAttr(attrs, 'carries', 0) };
}

export function requireRegions(regions: readonly Graph[] | undefined, count: number): readonly Graph[] {
  if (regions?.length !== count) {
    throw new OpTypeError(`found ${plural(regions?.length ?? 0, 'region')}, expected ${count}`);
  }
  return regions;
}

/** What a region takes, from what its node is given. */
export function requireInputs(region: Graph, what: string, expected: readonly TensorType[]): void {
  const found = region.inputs.map(({ type }) => type);
  if (found.length !== expected.length) {
    throw new OpTypeError(`${what} takes ${plural(found.length, 'input')}, expected ${expected.length}`);
  }
  found.forEach((type, i) => {
    if (!sameType(type, expected[i] as TensorType)) {
      throw new OpTypeError(
        `input ${i} of ${what} is ${formatType(type)}, expected ${formatType(expected[i] as TensorType)}`,
      );
    }
  });
}

/** A carried value has one type, before a step and after it. */
export function requireCarries(body: Graph, inits: readonly TensorType[]): void {
  if (body.results.length < inits.length) {
    throw new OpTypeError(`a step gives ${plural(body.results.length, 'result')}, expected ${inits.length} carried`);
  }
  inits.forEach((type, i) => {
    const after = body.results[i]?.value.type ?? type;
    if (!sameType(type, after)) {
      throw new OpTypeError(
        `carried value ${i} is ${formatType(type)} before a step and ${formatType(after)} after it`,
      );
    }
  });
}

/** The type of one step's part of a sequence of that many steps. */
export function sliceType(sequence: TensorType, length: number): TensorType {
  const [steps, ...shape] = sequence.shape;
  if (steps !== length) {
    const found = steps === undefined ? 'has no axis' : `has ${steps} steps`;
    throw new OpTypeError(
      `the sequence ${formatType(sequence)} ${found}, expected ${plural(length, 'step')} along axis 0`,
    );
  }
  return { dtype: sequence.dtype, shape };
}

export function stackedType(step: TensorType, length: number): TensorType {
  return { dtype: step.dtype, shape: [length, ...step.shape] };
}

export function sameTypes(a: readonly TensorType[], b: readonly TensorType[]): boolean {
  return a.length === b.length && a.every((type, i) => sameType(type, b[i] as TensorType));
}

export function isScalar(type: TensorType, dtype: TensorType['dtype']): boolean {
  return type.dtype === dtype && sameShape(type.shape, []);
}
