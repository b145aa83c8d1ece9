/**
 * What became of each layer, for `dlc compile --explain`: the kernels that run for it, what they took in, where their
 * results lie, and why something that usually joins did not. Read off the lowered graph and the plan: a pass that fuses
 * differently is explained differently without a word here.
 */
import type { Attrs, Graph } from '../ir/graph';
import { bytesOf, type DType } from '../ir/types';
import { parseProgram } from '../ops/families/program';
import { CHANNELS_LAST } from '../ops/families/layout';
import { opNamed } from '../ops/registry';
import { whyLayout } from './explain_layout';
import type { Plan, PlanBlock, PlanProgram, PlanStep } from './plan';

export interface ExplainedStep {
  readonly kernel: string;
  /** What the kernel does besides: `bias`, `relu`, the instructions of a group. */
  readonly with: readonly string[];
  /** Of what it gives. */
  readonly bytes: number;
  /** Where the results lie: `arena`, `in place`, `state`, `result`; nothing where nobody reads one. */
  readonly places: readonly string[];
  readonly scratch: number;
  /** Why it stands alone where such a step usually joins another, or why its images lie as they do. */
  readonly why?: string;
}

export interface ExplainedLayer {
  readonly layer: string;
  /** Ops that the layer and its gradient were lowered to, with how many of each. */
  readonly lowered: Readonly<Record<string, number>>;
  readonly steps: readonly ExplainedStep[];
  /** Where no step is left: what became of it. */
  readonly note?: string;
}

export interface ExplainedProgram {
  readonly program: string;
  readonly layers: readonly ExplainedLayer[];
}

/** `lowered` by program name, as before the first pass; `prepare` has no such graph. */
export function explainPlan(plan: Plan, lowered: Readonly<Record<string, Graph>>): readonly ExplainedProgram[] {
  return plan.programs.map((program) => ({
    program: program.name,
    layers: layersOf(program, lowered[program.name]),
  }));
}

function layersOf(program: PlanProgram, graph: Graph | undefined): readonly ExplainedLayer[] {
  const ops = new Map<string, Record<string, number>>();
  for (const { op, origin } of graph?.nodes ?? []) {
    const counts = ops.get(origin.layer) ?? {};
    counts[op] = (counts[op] ?? 0) + 1;
    ops.set(origin.layer, counts);
  }
  const steps = new Map<string, ExplainedStep[]>([...ops.keys()].map((layer) => [layer, []]));
  for (const block of [program, ...program.regions]) {
    const readers = readersOf(block);
    for (const step of block.steps) {
      const known = steps.get(step.origin.layer) ?? [];
      known.push(explainStep(block, step, readers));
      steps.set(step.origin.layer, known);
    }
  }
  return [...steps].map(([layer, of]) => {
    const lowered = ops.get(layer) ?? {};
    return { layer, lowered, steps: of, ...(of.length === 0 ? { note: noteOn(lowered) } : {}) };
  });
}

/** How many steps read each tensor of a block. */
function readersOf(block: PlanBlock): ReadonlyMap<number, number> {
  const readers = new Map<number, number>();
  for (const step of block.steps) {
    for (const tensor of new Set(step.inputs)) readers.set(tensor, (readers.get(tensor) ?? 0) + 1);
  }
  return readers;
}

function noteOn(lowered: Readonly<Record<string, number>>): string {
  const isView = (op: string): boolean => op === 'constant' || opNamed(op).traits.view === true;
  return Object.keys(lowered).every(isView)
    ? 'nothing runs: views of what is there'
    : 'nothing of its own runs: folded, computed elsewhere already, or part of steps of its neighbours';
}

function explainStep(block: PlanBlock, step: PlanStep, readers: ReadonlyMap<number, number>): ExplainedStep {
  const outputs = step.outputs.filter((tensor) => tensor >= 0).map((tensor) => block.tensors[tensor]!);
  const inputs = step.inputs.map((tensor) => block.tensors[tensor]!);
  const places = outputs.map(({ space, offset }) => {
    if (space !== 'arena') return space;
    return inputs.some((input) => input.space === space && input.offset === offset) ? 'in place' : space;
  });
  const why = whyAlone(block, step, readers) ?? whyLayout(block, step);
  return {
    kernel: step.op,
    with: takenIn(
      step,
      inputs.map(({ dtype }) => dtype),
    ),
    bytes: outputs.reduce((sum, output) => sum + bytesOf(output), 0),
    places: [...new Set(places)],
    scratch: step.workspace.bytes,
    ...(why === undefined ? {} : { why }),
  };
}

/** Ops whose third input is a bias, the fourth what is added behind it, and that may end with an activation. */
const PRODUCTS: ReadonlySet<string> = new Set(['conv', 'matmul']);

function takenIn({ op, inputs, attrs }: PlanStep, dtypes: readonly DType[]): readonly string[] {
  const { program, activation, layout, weight_shape: packed } = attrs;
  return [
    ...(typeof program === 'string' ? parseProgram(program).statements.map(({ instr }) => instr) : []),
    ...(PRODUCTS.has(op) && inputs.length > 2 ? ['bias'] : []),
    ...(PRODUCTS.has(op) && inputs.length > 3 ? ['residual'] : []),
    ...(typeof activation === 'string' ? [activation] : []),
    ...(Object.hasOwn(FIRST_MASK, op) ? masksOf(op, attrs, dtypes) : []),
    ...(layout === CHANNELS_LAST ? ['channels last'] : []),
    ...(PRODUCTS.has(op) && packed !== undefined ? ['weights packed before'] : []),
  ];
}

/** Ops of attention, with where their masks begin: numbers that are added to scores, bools that rule some out. */
const FIRST_MASK: Readonly<Record<string, number>> = { attention: 3, attention_grad: 7 };

function masksOf(op: string, attrs: Attrs, dtypes: readonly DType[]): readonly string[] {
  const masks = dtypes.slice(FIRST_MASK[op]);
  return [
    'softmax',
    ...(attrs['causal'] === true ? ['causal'] : []),
    ...(masks.includes('f32') ? ['bias'] : []),
    ...(masks.includes('bool') ? ['mask'] : []),
  ];
}

/** For a group behind a product, and for a normalization without the group behind it. */
function whyAlone(block: PlanBlock, step: PlanStep, readers: ReadonlyMap<number, number>): string | undefined {
  if (step.op === 'batch_norm_train') {
    const [y = -1] = step.outputs;
    const count = readers.get(y) ?? 0;
    if (count > 1) return `the normalized values are read by ${count} steps`;
    return 'what follows is no element-wise step of its shape that could run here';
  }
  if (step.op !== 'fused_elementwise') return undefined;
  const [first] = parseProgram(String(step.attrs['program'])).statements;
  if (first?.instr !== 'relu' && first?.instr !== 'add') return undefined;
  for (const tensor of step.inputs) {
    const maker = block.steps.find(({ op, outputs }) => PRODUCTS.has(op) && outputs.includes(tensor));
    const count = readers.get(tensor) ?? 0;
    if (maker && count > 1) return `the ${maker.op} before it is read by ${count} steps`;
  }
  return undefined;
}
