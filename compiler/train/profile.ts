/** Where the time of a program goes: what the runtime measured of each step, with the step's layer, op and bytes. */
import { bytesOf } from '../ir/types';
import type { PlanBlock, PlanProgram, PlanStep } from '../plan/plan';

export interface StepProfile {
  readonly op: string;
  readonly layer: string;
  /** Shapes of the inputs, as `8x3x32x32`. */
  readonly shapes: readonly string[];
  /** 0 for steps of the program itself, above for those that another step runs: their time is in that one's too. */
  readonly depth: 0 | 1;
  readonly ms: number;
  /** Of all inputs and outputs, each once. */
  readonly bytes: number;
}

function describe(block: PlanBlock, step: PlanStep, seconds: number, depth: 0 | 1): StepProfile {
  const touched = new Set([...step.inputs, ...step.outputs].filter((tensor) => tensor >= 0));
  return {
    op: step.op,
    layer: step.origin.layer,
    shapes: step.inputs.map((tensor) => block.tensors[tensor]!.shape.join('x')),
    depth,
    ms: seconds * 1000,
    bytes: [...touched].reduce((sum, tensor) => sum + bytesOf(block.tensors[tensor]!), 0),
  };
}

/** `seconds` in the order in which the runtime numbers the steps. */
export function profileOf(program: PlanProgram, seconds: Float64Array): readonly StepProfile[] {
  const blocks = [program, ...program.regions];
  const steps = blocks.flatMap((block, i) =>
    block.steps.map((step) => ({ block, step, depth: i === 0 ? 0 : 1 }) as const),
  );
  return steps.map(({ block, step, depth }, i) => describe(block, step, seconds[i]!, depth));
}

export interface ProfileSum {
  readonly name: string;
  readonly steps: number;
  readonly ms: number;
  readonly bytes: number;
}

/** Sums by what `key` says, most time first. Steps that another one runs are left out: their time is counted there. */
export function sumsBy(steps: readonly StepProfile[], key: (step: StepProfile) => string): readonly ProfileSum[] {
  const sums = new Map<string, ProfileSum>();
  for (const step of steps) {
    if (step.depth > 0) continue;
    const name = key(step);
    const { steps: count, ms, bytes } = sums.get(name) ?? { steps: 0, ms: 0, bytes: 0 };
    sums.set(name, { name, steps: count + 1, ms: ms + step.ms, bytes: bytes + step.bytes });
  }
  return [...sums.values()].sort((a, b) => b.ms - a.ms);
}

/** The steps one after the other as `chrome://tracing` and Perfetto read them; microseconds. */
export function chromeTrace(name: string, steps: readonly StepProfile[]): object {
  let at = 0;
  const traceEvents = steps
    .filter(({ depth }) => depth === 0)
    .map(({ op, layer, shapes, ms, bytes }) => {
      const event = {
        name: op,
        cat: layer,
        ph: 'X',
        pid: 1,
        tid: 1,
        ts: at,
        dur: ms * 1000,
        args: { layer, shapes, bytes },
      };
      at += ms * 1000;
      return event;
    });
  return { displayTimeUnit: 'ns', otherData: { program: name }, traceEvents };
}
