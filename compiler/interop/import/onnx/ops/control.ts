/** Graphs in attributes: conditions and loops. */
import type { Fields, Json } from '../../../../frontend/spec';
import { ELEM } from '../../../formats/onnx/types';
import type { GraphProto } from '../../../formats/onnx/wire';
import { Emitter, Refused } from '../emitter';
import type { Body } from '../layer';
import { refuse, type Handler, type Handlers, type Lowered, type Node } from '../node';
import { isSymbolic, sameExtents, type Value } from '../value';

/** Loops of a fixed number of rounds that `scan` cannot say are written out, up to so many rounds. */
const MOST_ROUNDS = 64;

const conditional: Handler = (node) => {
  const { e } = node;
  const test = node.in(0);
  const [then, otherwise] = [node.graph('then_branch'), node.graph('else_branch')];
  if (test.known !== undefined) return node.around.inline(test.known[0] !== 0 ? then : otherwise, []);
  const sides = [then, otherwise].map((graph) => node.around.body(graph, []));
  const [a, b] = sides as [Lowered, Lowered];
  const captured = [...new Set([...a.captured, ...b.captured])];
  const names = captured.map((_, i) => `x${i + 1}`);
  const outputs = a.outputs.map((_, i) => (i === 0 ? 'output' : `output${i + 1}`));
  const whole = sides.map(({ body, captured: own }): Body => rebound(body, own, captured, names, outputs));
  a.outputs.forEach((value, i) => {
    if (!sameExtents(value.shape, b.outputs[i]!.shape)) refuse('gives another shape on either side');
  });
  const [first] = a.outputs;
  const made = e.layer(
    'cond',
    [test, ...captured],
    {},
    { shape: first!.shape, elem: first!.elem, dtype: first!.dtype, bodies: { then: whole[0]!, otherwise: whole[1]! } },
  );
  return a.outputs.map(({ shape, elem, dtype }, i) =>
    i === 0 ? made : e.further(made, outputs[i]!, { shape, elem, dtype }),
  );
};

/** A body that takes all of the captured values, under new names. */
function rebound(
  body: Body,
  own: readonly Value[],
  all: readonly Value[],
  names: readonly string[],
  outputs: readonly string[],
): Body {
  const rename = new Map(
    own.map((value, i) => [body.inputs[body.inputs.length - own.length + i]!, names[all.indexOf(value)]!]),
  );
  const at = (value: Value): Value => {
    if (value.from === undefined || !('input' in value.from)) return value;
    return { ...value, from: { input: rename.get(value.from.input) ?? value.from.input } };
  };
  for (const layer of body.layers) layer.inputs = layer.inputs.map(at);
  return {
    inputs: names,
    layers: body.layers,
    outputs: body.outputs.map(({ value }, i) => ({ name: outputs[i]!, value: at(value) })),
  };
}

interface Loop {
  readonly graph: GraphProto;
  readonly length: number;
  /** What each round carries on, from their first values. */
  readonly carried: readonly Value[];
  /** Sequences with time in front. */
  readonly sequences: readonly { readonly value: Value; readonly reverse: boolean }[];
  /** Inputs of the graph before the carried ones: the number of the round and a truth value. */
  readonly counts: boolean;
  /** How the stacked outputs lie: their time axis, and whether the last round comes first. */
  readonly stacked: readonly { readonly axis: number; readonly reverse: boolean }[];
}

/** Time moved behind the first axis, as `scan` has it; slices of single numbers get an axis. */
function sequenceOf(e: Emitter, { value, reverse }: Loop['sequences'][number]): Value {
  const turned = reverse ? e.slice(value, 0, value.shape[0]! - 1, value.shape[0]!, -1) : value;
  if (value.shape.length === 1) return e.reshape(turned, [1, value.shape[0]!]);
  return e.permute(turned, [1, 0, ...value.shape.slice(2).map((_, i) => i + 2)]);
}

function stackedFrom(
  e: Emitter,
  value: Value,
  slice: readonly number[],
  { axis, reverse }: Loop['stacked'][number],
): Value {
  const length = value.shape[1]!;
  const front =
    slice.length === 0
      ? e.reshape(value, [length])
      : e.permute(value, [1, 0, ...value.shape.slice(2).map((_, i) => i + 2)]);
  const order = front.shape.map((_, i) => i).slice(1);
  order.splice(axis, 0, 0);
  const placed = e.permute(front, order);
  return reverse ? e.slice(placed, axis, length - 1, length, -1) : placed;
}

/** A loop as a `scan` layer. */
function scanned(node: Node, loop: Loop): readonly Value[] {
  const { e } = node;
  const { carried, sequences, length, counts } = loop;
  const flat = (value: Value): Value => (value.shape.length === 0 ? e.reshape(e.ref(value), [1]) : e.ref(value));
  const starts = carried.map(flat);
  const cut = sequences.map((sequence) => sequenceOf(e, sequence));
  const rounds = counts
    ? [
        e.reshape(
          e.ref(
            e.known(
              Array.from({ length }, (_, i) => i),
              [length],
            ),
          ),
          [1, length],
        ),
      ]
    : [];
  const index: Value[] = counts
    ? [{ elem: ELEM.int64, dtype: 'i64', shape: [], from: { input: 'round' } }, e.known([1], [], ELEM.bool)]
    : [];
  const slices = sequences.map(({ value }): Value => ({ ...value, shape: value.shape.slice(1), from: { input: 'x' } }));
  const lowered = node.around.body(loop.graph, [
    ...index,
    ...carried.map((value): Value => ({
      elem: value.elem,
      dtype: value.dtype,
      shape: value.shape,
      from: { input: 'x' },
    })),
    ...slices,
  ]);
  const { body, outputs, captured } = lowered;
  const first = counts ? 1 : 0;
  const next = outputs.slice(first, first + carried.length);
  next.forEach((value, i) => {
    if (!sameExtents(value.shape, carried[i]!.shape))
      refuse('carries a tensor whose shape changes from round to round');
    if (value.dtype !== carried[i]!.dtype) refuse('carries a tensor whose type changes from round to round');
  });
  const stacks = outputs.slice(first + carried.length);
  const inner = insideScan(lowered, loop, counts);
  const carry: Record<string, Json> = {};
  const names = body.inputs.slice(counts ? 2 : 0);
  carried.forEach((_, i) => (carry[names[i]!] = `next_${names[i]!}`));
  const own = [...(counts ? [body.inputs[0]!] : []), ...names.slice(carried.length, carried.length + sequences.length)];
  const fields: Fields = { sequences: own, ...(carried.length > 0 ? { carry } : {}) };
  const inputs = [...rounds, ...starts, ...cut, ...captured];
  // The first output of a body is the stacked one; with none the first carried value is stacked and not read.
  const result = stacks[0] ?? next[0]!;
  const wide = (shape: readonly number[]): number[] =>
    shape.length === 0 ? [1, length] : [shape[0]!, length, ...shape.slice(1)];
  const made = e.layer('scan', inputs, fields, {
    shape: wide(result.shape),
    elem: result.elem,
    dtype: result.dtype,
    bodies: { body: inner },
  });
  const last = next.map(({ shape, elem, dtype }, i) => {
    const value = e.further(made, `final_${names[i]!}`, { shape: shape.length === 0 ? [1] : shape, elem, dtype });
    return e.reshape(value, shape);
  });
  const all = stacks.map(({ shape, elem, dtype }, i) => {
    const value = i === 0 ? made : e.further(made, `stack_${i + 1}`, { shape: wide(shape), elem, dtype });
    return stackedFrom(e, value, shape, loop.stacked[i]!);
  });
  return [...last, ...all];
}

/** The body as `scan` wants it: single numbers as lists of one, outputs under the names of what they become. */
function insideScan({ body, outputs }: Lowered, loop: Loop, counts: boolean): Body {
  const names = body.inputs.filter((_, i) => !(counts && i === 1));
  const single = new Set<string>();
  const { carried, sequences } = loop;
  const kinds = [
    ...(counts ? [[] as readonly number[]] : []),
    ...carried.map(({ shape }) => shape),
    ...sequences.map(({ value }) => value.shape.slice(1)),
  ];
  kinds.forEach((shape, i) => {
    if (shape.length === 0) single.add(names[i]!);
  });
  const inner = new Map<string, Value>();
  const emitter = new Emitter();
  const at = (value: Value): Value => {
    if (value.from === undefined || !('input' in value.from) || !single.has(value.from.input)) return value;
    const there = inner.get(value.from.input);
    if (there) return there;
    const made = emitter.reshape({ ...value, shape: [1] }, []);
    inner.set(value.from.input, made);
    return made;
  };
  for (const layer of body.layers) layer.inputs = layer.inputs.map(at);
  const first = counts ? 1 : 0;
  const plain = (value: Value): Value => {
    const ref = emitter.ref(at(value));
    return ref.shape.length === 0 ? emitter.reshape(ref, [1]) : ref;
  };
  const next = outputs.slice(first, first + carried.length).map(plain);
  const stacks = outputs.slice(first + carried.length).map(plain);
  const carriedNames = names.slice(counts ? 1 : 0, (counts ? 1 : 0) + carried.length);
  const layers = [
    ...emitter.layers.filter((layer) => isOpening(layer.inputs)),
    ...body.layers,
    ...emitter.layers.filter((layer) => !isOpening(layer.inputs)),
  ];
  const made = [
    ...(stacks.length > 0
      ? stacks.map((value, i) => ({ name: i === 0 ? 'output' : `stack_${i + 1}`, value }))
      : [{ name: 'output', value: next[0]! }]),
    ...next.map((value, i) => ({ name: `next_${carriedNames[i]!}`, value })),
  ];
  return { inputs: names, layers, outputs: made };
}

function isOpening(inputs: readonly Value[]): boolean {
  return inputs.length > 0 && inputs.every((value) => value.from !== undefined && 'input' in value.from);
}

/** A loop of few rounds, each written out. */
function unrolled(node: Node, loop: Loop): readonly Value[] {
  const { e } = node;
  const { graph, length, sequences, counts } = loop;
  if (length > MOST_ROUNDS) refuse(`runs ${length} rounds of changing shapes`);
  let carried = [...loop.carried];
  const stacks: Value[][] = [];
  for (let round = 0; round < length; round++) {
    const index = counts ? [e.scalar(round, ELEM.int64), e.known([1], [], ELEM.bool)] : [];
    const slices = sequences.map(({ value, reverse }) => {
      const at = reverse ? length - 1 - round : round;
      return e.reshape(e.slice(value, 0, at, 1), value.shape.slice(1));
    });
    const outputs = node.around.inline(graph, [...index, ...carried, ...slices]);
    const first = counts ? 1 : 0;
    if (counts && outputs[0]!.known?.[0] !== 1) refuse('ends when a condition is met that the model computes');
    carried = outputs.slice(first, first + carried.length);
    outputs.slice(first + carried.length).forEach((value, i) => (stacks[i] ??= []).push(value));
  }
  const all = stacks.map((values, i) => {
    const { axis, reverse } = loop.stacked[i]!;
    const ordered = reverse ? values.toReversed() : values;
    const wide = ordered.map((value) => e.reshape(value, value.shape.toSpliced(axis, 0, 1)));
    return e.concat(wide, axis);
  });
  return [...carried, ...all];
}

/** As a `scan`, or written out where that does not do. */
function looped(node: Node, loop: Loop): readonly Value[] {
  const { e } = node;
  const before = e.layers.length;
  try {
    if (loop.length < 1) refuse('runs no rounds');
    return scanned(node, loop);
  } catch (error) {
    if (!(error instanceof Refused) || loop.length > MOST_ROUNDS || loop.length < 1) throw error;
    e.layers.length = before;
    e.forget();
    return unrolled(node, loop);
  }
}

const loop: Handler = (node) => {
  const graph = node.graph('body');
  const rounds = node.numbers(0, 'number of rounds')?.[0];
  const test = node.maybe(1);
  if (test !== undefined && node.numbers(1, 'condition')![0] === 0) return node.inputs.slice(2);
  if (rounds === undefined) return refuse('ends when a condition is met that the model computes');
  const carried = node.inputs.slice(2).map((_, i) => node.in(i + 2));
  const stacks = graph.outputs.length - 1 - carried.length;
  return looped(node, {
    graph,
    length: rounds,
    carried,
    sequences: [],
    counts: true,
    stacked: Array.from({ length: stacks }, () => ({ axis: 0, reverse: false })),
  });
};

const scan: Handler = (node) => {
  const { e } = node;
  const graph = node.graph('body');
  const old = node.opset < 9;
  const inputs = (old ? node.inputs.slice(1) : node.inputs).map((_, i) => node.in(old ? i + 1 : i));
  const count = node.int('num_scan_inputs', 1);
  const states = inputs.length - count;
  if (old && node.maybe(0) !== undefined) refuse('has sequences of different lengths');
  const batch = old ? inputs[0]!.shape[0]! : 1;
  if (old && batch !== 1) refuse('is of an old form with a batch');
  const plain = (value: Value): Value => (old ? e.reshape(value, value.shape.slice(1)) : value);
  const directions = node.ints('scan_input_directions') ?? node.ints('directions') ?? [];
  const axes = node.ints('scan_input_axes') ?? [];
  const sequences = inputs.slice(states).map((value, i) => {
    const own = plain(value);
    const axis = node.axis(axes[i] ?? 0, own.shape.length);
    const order = [axis, ...own.shape.map((_, k) => k).filter((k) => k !== axis)];
    return { value: e.permute(own, order), reverse: directions[i] === 1 };
  });
  const length = sequences[0]?.value.shape[0] ?? refuse('has no sequences');
  if (isSymbolic(length)) refuse('runs along the batch');
  const outAxes = node.ints('scan_output_axes') ?? [];
  const outDirections = node.ints('scan_output_directions') ?? [];
  const stacks = graph.outputs.length - states;
  const made = looped(node, {
    graph,
    length,
    carried: inputs.slice(0, states).map(plain),
    sequences,
    counts: false,
    stacked: Array.from({ length: stacks }, (_, i) => ({
      axis: Math.max(0, outAxes[i] ?? 0),
      reverse: outDirections[i] === 1,
    })),
  });
  return old ? made.map((value) => e.reshape(value, [1, ...value.shape])) : made;
};

export const CONTROL: Handlers = { If: conditional, Loop: loop, Scan: scan };
