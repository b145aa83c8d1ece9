/** Loops and conditions: Scan, Loop and If. What a body captures it reads from the graph around it. */
import type { Graph, Node, Value } from '../../../../ir/graph';
import { scanParts, whileParts } from '../../../../ops/families/regions';
import { integerAttr } from '../../../../ops/attributes';
import type { Emitter, MadePort, Ref } from '../emitter';
import { recurrent } from '../recurrent';
import type { Translations } from '../translate';

export const control: Translations = {
  scan,
  while: repetition,
  cond: condition,
  cumprod: runningProduct,
  linear_recurrence: recurrence,
};

function captureAll(e: Emitter, inner: readonly Value[], outer: readonly Value[]): void {
  inner.forEach((value, i) => {
    e.capture(value, outer[i]!);
  });
}

function resultsOf(graph: Graph, e: Emitter): MadePort[] {
  e.emit(graph, e);
  return graph.results.map(({ value }) => e.given(e.ref(value), value));
}

function scan(node: Node, e: Emitter): Ref[] {
  const parts = scanParts(node);
  const { length, sequences, stacks } = parts;
  captureAll(e, parts.constInputs, parts.consts);
  const known = length > 0 ? recurrent(node, e) : undefined;
  if (known) return known;
  const inits = parts.inits.map((init) => e.ref(init));
  if (length === 0) return [...inits, ...stacks.map((stack) => e.filled(stack.type.dtype, e.extents.shape(stack), 0))];
  const indexed = e.uses.has(parts.index) || sequences.length === 0;
  const count = (): number[] => Array.from({ length }, (_, i) => i);
  const inputs = [
    ...sequences.map((sequence) => e.ref(sequence)),
    ...(indexed ? [e.constant('i32', [length], count(), `${node.origin.layer}/indices`)] : []),
  ];
  const ports = [...parts.carryInputs, ...parts.sliceInputs, ...(indexed ? [parts.index] : [])];
  const taken = ports.map((value) => e.port(value));
  const body = e.block('body', taken, () => resultsOf(parts.body, e));
  const directions = (list: readonly unknown[]): number[] => list.map(() => 1);
  const attributes = {
    body,
    num_scan_inputs: inputs.length,
    ...(parts.reverse && { scan_input_directions: directions(inputs) }),
    ...(parts.reverse && stacks.length > 0 && { scan_output_directions: directions(stacks) }),
  };
  return e.ops('Scan', [...inits, ...inputs], attributes, node.outputs.length);
}

/** Before the first iteration the condition stands in front of the loop, then at the end of each. */
function repetition(node: Node, e: Emitter): Ref[] {
  const parts = whileParts(node);
  const limit = integerAttr(node.attrs, 'limit');
  const { condition: test, body } = parts;
  const carries = parts.carryInputs.length;
  const holds = (values: readonly Ref[], index: Ref): Ref => {
    captureAll(e, test.inputs.slice(0, -1 - carries), parts.consts);
    test.inputs.slice(-1 - carries).forEach((value, i) => {
      e.bind(value, i < carries ? values[i]! : index);
    });
    return resultsOf(test, e)[0]!.ref;
  };
  const inits = parts.inits.map((init) => e.ref(init));
  const first = holds(inits, e.scalar('i32', 0));
  captureAll(e, parts.constInputs, parts.consts);
  const iteration: MadePort = { ref: { hint: 'iteration' }, dtype: 'i64', shape: [] };
  const going: MadePort = { ref: { hint: 'going' }, dtype: 'bool', shape: [] };
  const taken = [...parts.carryInputs, parts.index].map((value) => e.port(value));
  const made = e.block('body', [iteration, going, ...taken], () => {
    const results = resultsOf(body, e);
    const next = e.op('Add', [taken.at(-1)!.ref, e.scalar('i32', 1)]);
    const goesOn = holds(
      results.map(({ ref }) => ref),
      next,
    );
    return [e.given(goesOn, test.results[0]!.value), ...results, e.given(next, parts.index)];
  });
  const inputs = [e.scalar('i64', limit), first, ...inits, e.scalar('i32', 0)];
  return e.ops('Loop', inputs, { body: made }, node.outputs.length);
}

function condition(node: Node, e: Emitter): Ref[] {
  const [predicate, ...operands] = node.inputs;
  const [then, otherwise] = node.regions!.map((region, i) => {
    captureAll(e, region.inputs, operands);
    return e.block(i === 0 ? 'then' : 'else', [], () => resultsOf(region, e));
  });
  const branches = { then_branch: then!, else_branch: otherwise! };
  return e.ops('If', [e.ref(predicate!)], branches, node.outputs.length);
}

/** Runs along an axis, carrying one slice. */
function along(
  node: Node,
  e: Emitter,
  first: number,
  step: (carried: Ref, slices: readonly Ref[]) => readonly [next: Ref, output: Ref],
): Ref {
  const axis = integerAttr(node.attrs, 'axis');
  const reverse = node.attrs['reverse'] === true;
  const [x] = node.inputs;
  const { dtype } = x!.type;
  const slice = e.extents.shape(x!).filter((_, at) => at !== axis);
  const port = (hint: string): MadePort => ({ ref: { hint: `${node.origin.layer}/${hint}` }, dtype, shape: slice });
  const taken = [port('carried'), ...node.inputs.map((_, i) => port(`slice${i}`))];
  const body = e.block('body', taken, () => {
    const [carried, ...slices] = taken.map(({ ref }) => ref);
    return step(carried!, slices).map((ref) => ({ ref, dtype, shape: slice }));
  });
  const each = (value: number): number[] => node.inputs.map(() => value);
  return e.ops(
    'Scan',
    [e.filled(dtype, slice, first), ...node.inputs.map((input) => e.ref(input))],
    {
      body,
      num_scan_inputs: node.inputs.length,
      scan_input_axes: each(axis),
      scan_output_axes: [axis],
      ...(reverse && { scan_input_directions: each(1), scan_output_directions: [1] }),
    },
    2,
  )[1]!;
}

function runningProduct(node: Node, e: Emitter): Ref {
  const exclusive = node.attrs['exclusive'] === true;
  return along(node, e, 1, (carried, [x]) => {
    const next = e.op('Mul', [carried, x!]);
    return [next, exclusive ? carried : next];
  });
}

function recurrence(node: Node, e: Emitter): Ref {
  return along(node, e, 0, (carried, [a, b]) => {
    const next = e.op('Add', [e.op('Mul', [a!, carried]), b!]);
    return [next, next];
  });
}
