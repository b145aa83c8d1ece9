/**
 * The gradient of a loop over time: a loop in the other direction. Its body is the gradient of one step; it carries the
 * gradients of the carried values and the sums for what the loop only reads, takes what the forward loop kept of each
 * step (`residuals.ts`) and stacks the gradients of the slices. Sums of matrix products are taken after the loop
 * (`after_loop.ts`).
 */
import { Builder } from '../ir/builder';
import type { Graph, Node, Value } from '../ir/graph';
import { builderFor, nodesFor } from '../ir/rewrite';
import { isFloat } from '../ir/types';
import type { GradContext } from '../ops/define';
import { scanParts, stackedType, type ScanParts } from '../ops/families/regions';
import { deferredProduct, deferredSum, type Deferred, type Steps } from './after_loop';
import { seedsOf } from './cond';
import { place } from './place';
import { dependents, pullback } from './pullback';
import { chooseResiduals } from './residuals';

/** One step's gradient, before it is known what the forward loop has to keep for it. */
interface StepGradient {
  /** The body; loops in it may have been replaced by ones that keep more. */
  readonly forward: Builder;
  readonly work: Builder;
  /** Places of the carried values that have gradients. */
  readonly carried: readonly number[];
  /** Stand for the gradients of the carried values after the step, and of the step's results. */
  readonly carryGrads: readonly Value[];
  readonly resultGrads: readonly (Value | undefined)[];
  /** Before the step. */
  readonly carriesBefore: readonly Value[];
  readonly slices: readonly (Value | undefined)[];
  /** For each const, what a step adds to its gradient. */
  readonly summands: readonly (readonly Value[])[];
}

export function scanGradient(context: GradContext): readonly (Value | undefined)[] {
  const { b, node, outputGrads } = context;
  const parts = scanParts(node);
  const { length, inits } = parts;
  const step = stepGradient(context, parts);
  const { work, forward } = step;

  const definitions = new Map<Value, Node>();
  for (const made of [...forward.nodes, ...work.nodes]) {
    for (const output of made.outputs) definitions.set(output, made);
  }
  const steps: Steps = { work, length, definitionOf: (value) => definitions.get(value) };
  const sums = sumsOf(step, steps, node.attrs['checkpoint'] === true);

  // Stacks that are there already: the sequences, and the gradients of the stacked results.
  const outside = new Map<Value, Value>(parts.sliceInputs.map((slice, i) => [slice, parts.sequences[i] as Value]));
  step.resultGrads.forEach((grad, k) => {
    const stacked = outputGrads[inits.length + k];
    if (grad && stacked) outside.set(grad, stacked);
  });
  const deferred = sums.flatMap((sum) => sum.deferred);
  const stacked = [...new Set(deferred.flatMap(({ stacks }) => stacks))].filter((value) => !outside.has(value));

  // What the loop backwards computes, and what of the forward step that takes.
  const slices = step.slices.filter((value) => value !== undefined);
  const targets = [...step.carriesBefore, ...sums.flatMap((sum) => sum.added ?? []), ...slices, ...stacked];
  const ownValues = new Set([...forward.inputs, ...forward.nodes.flatMap((made) => made.outputs)]);
  const gradientNodes = nodesFor(work.nodes, targets);
  const needed = new Set(
    [...gradientNodes.flatMap((made) => made.inputs), ...targets].filter((value) => ownValues.has(value)),
  );
  const given = new Set([...parts.constInputs, ...parts.sliceInputs, parts.index]);
  const residuals = residualsOf(context, parts, step, { needed, given });
  for (const [value, stack] of residuals) outside.set(value, stack);
  const recomputed = nodesFor(forward.nodes, needed, new Set([...given, ...residuals.keys()]));

  const read = new Set([...gradientNodes, ...recomputed].flatMap((made) => made.inputs).concat(targets));
  const sequences = [...outside].filter(([value]) => read.has(value));
  const steady = stepsToPass(b, node);
  const accumulated = sums.filter((sum) => sum.added);
  const toStack = stacked.filter((value) => !outside.has(value));
  const { carries, outputs } = b.scan({
    length,
    reverse: !parts.reverse,
    init: [
      ...step.carried.map((j) => outputGrads[j] ?? zeros(b, inits[j] as Value)),
      ...accumulated.map(({ added }) => zeros(b, added as Value)),
    ],
    sequences: [...sequences.map(([, stack]) => stack), ...(steady ? [steady] : [])],
    body: (sub, carried, sliced, index) => {
      const placed = new Map<Value, Value>([[parts.index, index]]);
      parts.constInputs.forEach((input, i) => placed.set(input, parts.consts[i] as Value));
      step.carryGrads.forEach((grad, k) => placed.set(grad, carried[k] as Value));
      sequences.forEach(([value], k) => placed.set(value, sliced[k] as Value));
      place(recomputed, sub, placed);
      place(gradientNodes, sub, placed);
      const at = (value: Value): Value => placed.get(value) ?? value;
      const passing = sliced[sequences.length];
      const before = step.carriesBefore.map((value) =>
        passing ? sub.op('where', [passing, at(value), sub.full(0, [], value.type.dtype)]) : at(value),
      );
      const totals = accumulated.map(({ added }, k) =>
        sub.op('add', [carried[before.length + k] as Value, at(added as Value)]),
      );
      return { carries: [...before, ...totals], outputs: [...slices, ...toStack].map(at) };
    },
  });

  toStack.forEach((value, k) => outside.set(value, outputs[slices.length + k] as Value));
  const stackOf = (value: Value): Value => outside.get(value) ?? value;
  const constGrads = sums.map(({ deferred: later, added }): Value | undefined => {
    const total = added && carries[step.carried.length + accumulated.findIndex((sum) => sum.added === added)];
    const all = [...(total ? [total] : []), ...later.map((each) => each.make(b, stackOf))];
    return all.length === 0 ? undefined : all.reduce((x, y) => b.op('add', [x, y]));
  });
  const initGrads = inits.map((_, j) => carries[step.carried.indexOf(j)]);
  let next = 0;
  const sliceGrads = step.slices.map((value) => (value ? outputs[next++] : undefined));
  return [...constGrads, ...initGrads, ...sliceGrads];
}

function stepGradient({ b, outputGrads, wants }: GradContext, parts: ScanParts): StepGradient {
  const { body, inits, constInputs, carryInputs, sliceInputs, carryResults, stepResults } = parts;
  const inputs = [...constInputs, ...carryInputs, ...sliceInputs];
  const active = new Set(inputs.filter((input, i) => wants[i] === true && isFloat(input.type.dtype)));
  // What a step passes on to a carried value makes it active in the next.
  let reached = dependents(body.nodes, [...active]);
  for (let grown = true; grown;) {
    grown = false;
    carryResults.forEach((value, j) => {
      const before = carryInputs[j] as Value;
      if (active.has(before) || !reached.has(value) || !isFloat(value.type.dtype)) return;
      active.add(before);
      grown = true;
    });
    if (grown) reached = dependents(body.nodes, [...active]);
  }

  const forward = builderFor(body);
  const work = new Builder('gradients of a step');
  work.origin = b.origin;
  work.prefix = b.prefix;
  const carried = inits.flatMap((_, j) => (active.has(carryInputs[j] as Value) ? [j] : []));
  const gradOf = (value: Value): Value => work.input(`d_${value.name}`, value.type);
  const carryGrads = carried.map((j) => gradOf(carryResults[j] as Value));
  const resultGrads = stepResults.map((value, k) =>
    outputGrads[inits.length + k] && reached.has(value) ? gradOf(value) : undefined,
  );
  const results = [...carried.map((j) => carryResults[j] as Value), ...stepResults];
  const seeds = seedsOf(results, [...carryGrads, ...resultGrads], reached, work);
  const lists = new Map(constInputs.filter((input) => active.has(input)).map((input) => [input, [] as Value[]]));
  const gradients = pullback({ forward, work, seeds, reached, summands: lists });
  return {
    forward,
    work,
    carried,
    carryGrads,
    resultGrads,
    carriesBefore: carried.map((j) => {
      const before = carryInputs[j] as Value;
      return gradients.get(before) ?? zeros(work, before);
    }),
    slices: sliceInputs.map((input, i) =>
      wants[constInputs.length + inits.length + i] ? gradients.get(input) : undefined,
    ),
    summands: constInputs.map((input) => lists.get(input) ?? []),
  };
}

/** A const's gradient: what is made after the loop, and what each step adds to a running sum. */
interface Sum {
  readonly deferred: readonly Deferred[];
  readonly added: Value | undefined;
}

/** With `inLoop` nothing is stacked: memory is what counts there. */
function sumsOf({ summands, work }: StepGradient, steps: Steps, inLoop: boolean): readonly Sum[] {
  const deferred = new Map<Value, Deferred>();
  const each = [...new Set(summands.flat())];
  const defer = (how: (summand: Value) => Deferred | undefined): void => {
    for (const summand of inLoop ? [] : each) {
      const made = deferred.has(summand) ? undefined : how(summand);
      if (made) deferred.set(summand, made);
    }
  };
  defer((summand) => deferredProduct(summand, steps));
  const stacked = new Set([...deferred.values()].flatMap(({ stacks }) => stacks));
  defer((summand) => deferredSum(summand, steps, (value) => stacked.has(value)));
  return summands.map((list) => {
    const inStep = list.filter((summand) => !deferred.has(summand));
    return {
      deferred: list.flatMap((summand) => deferred.get(summand) ?? []),
      added: inStep.length > 0 ? inStep.reduce((x, y) => work.op('add', [x, y])) : undefined,
    };
  });
}

interface Needs {
  readonly needed: ReadonlySet<Value>;
  readonly given: ReadonlySet<Value>;
}

/** Makes the forward loop keep what it must; gives the stack of each value that is kept. */
function residualsOf(
  context: GradContext,
  parts: ScanParts,
  { forward }: StepGradient,
  { needed, given }: Needs,
): ReadonlyMap<Value, Value> {
  const stacks = new Map(parts.stepResults.map((value, k) => [value, parts.stacks[k] as Value]));
  const wanted = { needed, given, fixed: new Set(parts.constInputs), stacked: new Set(stacks.keys()) };
  const kept =
    context.node.attrs['checkpoint'] === true
      ? carriesFor(forward.nodes, parts, needed)
      : chooseResiduals(forward.nodes, wanted);
  const added = kept.filter((value) => !stacks.has(value));
  const changed = forward.nodes.some((made, i) => made !== parts.body.nodes[i]);
  if (added.length > 0 || changed) {
    const taken = new Set(parts.body.results.map(({ name }) => name));
    const results = added.map((value) => ({ name: nameBeside(value.name, taken), value }));
    const body: Graph = { ...parts.body, nodes: [...forward.nodes], results: [...parts.body.results, ...results] };
    const names = added.map(({ name, type }) => ({ name: `${name}.steps`, type: stackedType(type, parts.length) }));
    context.extend([body], names).forEach((stack, k) => stacks.set(added[k] as Value, stack));
  }
  return new Map(kept.map((value) => [value, stacks.get(value) as Value]));
}

/** The carried values that the needed ones are computed from. */
function carriesFor(nodes: readonly Node[], { carryInputs }: ScanParts, needed: ReadonlySet<Value>): readonly Value[] {
  const read = new Set([...needed, ...nodesFor(nodes, needed).flatMap(({ inputs }) => inputs)]);
  return carryInputs.filter((input) => read.has(input));
}

function nameBeside(name: string, taken: Set<string>): string {
  let candidate = name;
  for (let i = 1; taken.has(candidate); i++) candidate = `${name}_${i}`;
  taken.add(candidate);
  return candidate;
}

/** bool[length]: whether the gradient passes from a step to the one before; undefined where it always does. */
function stepsToPass(b: Builder, node: Node): Value | undefined {
  const every = node.attrs['truncate'];
  const length = node.attrs['length'];
  if (typeof every !== 'number' || typeof length !== 'number' || every >= length) return undefined;
  const passes = Array.from({ length }, (_, at) => {
    const step = node.attrs['reverse'] === true ? length - 1 - at : at;
    return step === 0 || step % every !== 0 ? 1 : 0;
  });
  return b.constant(passes, [length], 'bool');
}

function zeros(b: Builder, { type }: Value): Value {
  return b.full(0, type.shape, type.dtype);
}
