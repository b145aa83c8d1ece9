/**
 * Runs a program of a plan on memory as the runtime would, but with the float64 reference of each op: an arena whose
 * every byte is poisoned until it is written, one cell for each byte, the value in the cell of an element's first byte.
 * What overwrites a live buffer, reads a dead one or copies too late gives NaN or a wrong number. Loops and branches
 * run step by step in the same memory, as `control.cpp` does it.
 */
import { InternalError } from '../../compiler/diagnostics/errors';
import { byteSizeOf, elementCount, type TensorType } from '../../compiler/ir/types';
import type { RefTensor } from '../../compiler/ops/define';
import { opNamed } from '../../compiler/ops/registry';
import type { Plan, PlanBlock, PlanProgram, PlanRegion, PlanStep, PlanTensor } from '../../compiler/plan/plan';

export interface PlanRun {
  readonly results: Record<string, number[]>;
  readonly states: Record<string, number[]>;
}

/** Where a tensor's first cell is. */
interface Place {
  readonly cells: Float64Array;
  readonly offset: number;
}

/** What the tensors of a block are relative to. */
interface Frame {
  readonly block: PlanBlock;
  readonly arena: Place;
  readonly operands: readonly Place[];
  readonly results: readonly (Place | undefined)[];
}

type Feeds = Readonly<Record<string, Float64Array>>;

export function runPlan(plan: Plan, program: PlanProgram, inputs: Feeds, states: Feeds): PlanRun {
  const cells = new Float64Array(plan.stateBytes).fill(NaN);
  const before = program.prepare === undefined ? undefined : plan.programs[program.prepare];
  if (before) new PlanRunner(plan, before, cells).run({}, states);
  return new PlanRunner(plan, program, cells).run(inputs, states);
}

class PlanRunner {
  readonly #arena: Float64Array;
  readonly #constants: Float64Array;

  constructor(
    readonly plan: Plan,
    readonly program: PlanProgram,
    readonly states: Float64Array,
  ) {
    this.#arena = new Float64Array(program.arenaBytes).fill(NaN);
    this.#constants = new Float64Array(plan.constants.length).fill(NaN);
    for (const block of [program, ...program.regions]) fillConstants(plan, block, this.#constants);
  }

  run(inputs: Feeds, states: Feeds): PlanRun {
    const frame: Frame = { block: this.program, arena: { cells: this.#arena, offset: 0 }, operands: [], results: [] };
    for (const state of this.plan.states) {
      const data = states[state.name];
      if (data) write({ cells: this.states, offset: state.offset }, state, data);
    }
    for (const { name, tensor } of this.program.inputs) this.#write(frame, tensor, inputs[name] ?? []);
    for (const step of this.program.steps) this.#step(frame, step);
    const { outputs } = this.program;
    return {
      results: Object.fromEntries(outputs.map(({ name, tensor }) => [name, [...this.#read(frame, tensor).data]])),
      states: Object.fromEntries(
        this.plan.states.map((s) => [s.name, [...read({ cells: this.states, offset: s.offset }, s).data]]),
      ),
    };
  }

  #step(frame: Frame, step: PlanStep): void {
    const { op, attrs, workspace } = step;
    const start = frame.arena.offset + workspace.offset;
    frame.arena.cells.fill(NaN, start, start + workspace.bytes);
    if (step.regions) {
      this.#control(frame, step, step.regions);
      return;
    }
    const operands = step.inputs.map((index) => this.#read(frame, index));
    const types = opNamed(op).infer(
      operands.map((operand) => operand.type),
      attrs,
    );
    const values = opNamed(op).evaluate(operands, attrs, types);
    step.outputs.forEach((index, i) => {
      if (index >= 0) this.#write(frame, index, values[i] ?? []);
    });
  }

  #control(frame: Frame, step: PlanStep, indices: readonly number[]): void {
    const arena = { cells: frame.arena.cells, offset: frame.arena.offset + step.workspace.offset };
    const operands = step.inputs.map((index) => this.#placeOf(frame, index));
    const results = step.outputs.map((index) => (index < 0 ? undefined : this.#placeOf(frame, index)));
    const frames = indices.map((index): Frame & { readonly block: PlanRegion } => {
      return { block: this.program.regions[index] as PlanRegion, arena, operands, results };
    });
    const [first, second] = frames;
    if (!first) throw new InternalError(`${step.op} has no regions`);
    const { consts = 0, carries = 0, length = 0, limit = 0 } = step.attrs as Readonly<Record<string, number>>;
    for (let j = 0; j < carries; j++) {
      this.#write(frame, step.outputs[j] as number, this.#read(frame, step.inputs[consts + j] as number).data);
    }
    const run = (region: Frame & { readonly block: PlanRegion }, index?: number): void => {
      const at = region.block.inputs.at(-1) ?? -1;
      if (index !== undefined && at >= 0) this.#write(region, at, [index]);
      for (const inner of region.block.steps) this.#step(region, inner);
    };
    if (step.op === 'cond') {
      const chosen = this.#read(frame, step.inputs[0] as number).data[0] === 0 ? second : first;
      if (chosen) run(chosen);
    } else if (step.op === 'while' && second) {
      let count = 0;
      for (; count < limit; count++) {
        run(first, count);
        if (this.#read(first, first.block.outputs[0]?.tensor ?? -1).data[0] === 0) break;
        run(second, count);
      }
      const counter = step.outputs[carries] ?? -1;
      if (counter >= 0) this.#write(frame, counter, [count]);
    } else {
      const take = (t: number, early: boolean): void =>
        first.block.outputs.forEach((output, k) => {
          const stack = step.outputs[carries + k] ?? -1;
          if (stack < 0 || output.early !== early) return;
          const { data } = this.#read(first, output.tensor);
          this.#write(frame, stack, data, t * data.length);
        });
      for (let i = 0; i < length; i++) {
        const t = step.attrs['reverse'] === true ? length - 1 - i : i;
        first.block.inputs.slice(0, -1).forEach((tensor, k) => {
          if (tensor < 0) return;
          const sequence = this.#read(frame, step.inputs[consts + carries + k] as number).data;
          const size = sequence.length / length;
          this.#write(first, tensor, sequence.subarray(t * size, (t + 1) * size));
        });
        take(t, true);
        run(first, t);
        take(t, false);
      }
    }
  }

  #placeOf(frame: Frame, index: number): Place {
    const { space, offset } = frame.block.tensors[index] as PlanTensor;
    switch (space) {
      case 'arena':
        return { cells: frame.arena.cells, offset: frame.arena.offset + offset };
      case 'state':
        return { cells: this.states, offset };
      case 'const':
        return { cells: this.#constants, offset };
      case 'operand':
      case 'result': {
        const place = (space === 'operand' ? frame.operands : frame.results)[offset];
        if (!place) throw new InternalError(`${space} ${offset} is not there`);
        return place;
      }
    }
  }

  #read(frame: Frame, index: number): RefTensor {
    return read(this.#placeOf(frame, index), frame.block.tensors[index] as PlanTensor);
  }

  #write(frame: Frame, index: number, data: ArrayLike<number>, first = 0): void {
    write(this.#placeOf(frame, index), frame.block.tensors[index] as PlanTensor, data, first);
  }
}

function write({ cells, offset }: Place, { dtype }: TensorType, data: ArrayLike<number>, first = 0): void {
  const size = byteSizeOf(dtype);
  const start = offset + first * size;
  cells.fill(NaN, start, start + data.length * size);
  for (let i = 0; i < data.length; i++) cells[start + i * size] = data[i] as number;
}

function read({ cells, offset }: Place, { dtype, shape }: TensorType): RefTensor {
  const size = byteSizeOf(dtype);
  const data = Float64Array.from({ length: elementCount(shape) }, (_, i) => cells[offset + i * size] as number);
  return { type: { dtype, shape }, data };
}

/** The constants that a block reads, as the bytes of the plan say. */
function fillConstants(plan: Plan, { tensors }: PlanBlock, cells: Float64Array): void {
  const view = new DataView(plan.constants.buffer, plan.constants.byteOffset, plan.constants.byteLength);
  for (const { space, dtype, shape, offset } of tensors) {
    if (space !== 'const') continue;
    const size = byteSizeOf(dtype);
    for (let i = 0; i < elementCount(shape); i++) {
      const byte = offset + i * size;
      if (dtype === 'f32') cells[byte] = view.getFloat32(byte, true);
      else if (dtype === 'i32') cells[byte] = view.getInt32(byte, true);
      else cells[byte] = view.getUint8(byte);
    }
  }
}
