/**
 * Runs a program of a plan on memory as the runtime would, but with the float64 reference of each op: an arena whose
 * every byte is poisoned until it is written, one cell for each byte, the value in the cell of an element's first byte.
 * What overwrites a live buffer, reads a dead one or copies too late gives NaN or a wrong number.
 */
import { byteSizeOf, elementCount, type TensorType } from '../../compiler/ir/types';
import type { RefTensor } from '../../compiler/ops/define';
import { opNamed } from '../../compiler/ops/registry';
import type { Plan, PlanProgram, PlanTensor } from '../../compiler/plan/plan';

export interface PlanRun {
  readonly results: Record<string, number[]>;
  readonly states: Record<string, number[]>;
}

export function runPlan(
  plan: Plan,
  program: PlanProgram,
  inputs: Readonly<Record<string, Float64Array>>,
  states: Readonly<Record<string, Float64Array>>,
): PlanRun {
  const memory = {
    arena: new Float64Array(program.arenaBytes).fill(NaN),
    state: new Float64Array(plan.stateBytes).fill(NaN),
    const: constantCells(plan, program),
  };
  const write = (tensor: PlanTensor, data: ArrayLike<number>): void => {
    const size = byteSizeOf(tensor.dtype);
    const cells = memory[tensor.space];
    cells.fill(NaN, tensor.offset, tensor.offset + data.length * size);
    for (let i = 0; i < data.length; i++) cells[tensor.offset + i * size] = data[i] as number;
  };
  const read = (tensor: PlanTensor): RefTensor => {
    const size = byteSizeOf(tensor.dtype);
    const cells = memory[tensor.space];
    const data = Float64Array.from(
      { length: elementCount(tensor.shape) },
      (_, i) => cells[tensor.offset + i * size] as number,
    );
    return { type: typeOf(tensor), data };
  };
  const at = (index: number): PlanTensor => program.tensors[index] as PlanTensor;
  for (const state of plan.states) {
    const data = states[state.name];
    if (data) write({ ...state, space: 'state' }, data);
  }
  for (const input of program.inputs) write(at(input.tensor), inputs[input.name] as Float64Array);
  for (const { op, inputs: from, outputs: to, attrs, workspace } of program.steps) {
    const def = opNamed(op);
    const operands = from.map((index) => read(at(index)));
    const types = def.infer(
      operands.map((operand) => operand.type),
      attrs,
    );
    const values = def.evaluate(operands, attrs, types);
    memory.arena.fill(NaN, workspace.offset, workspace.offset + workspace.bytes);
    to.forEach((index, i) => {
      if (index >= 0) write(at(index), values[i] as Float64Array);
    });
  }
  return {
    results: Object.fromEntries(program.outputs.map((port) => [port.name, [...read(at(port.tensor)).data]])),
    states: Object.fromEntries(plan.states.map((s) => [s.name, [...read({ ...s, space: 'state' }).data]])),
  };
}

function typeOf({ dtype, shape }: PlanTensor): TensorType {
  return { dtype, shape };
}

/** The constants as the bytes of the plan say, in cells. */
function constantCells(plan: Plan, program: PlanProgram): Float64Array {
  const cells = new Float64Array(plan.constants.length).fill(NaN);
  const view = new DataView(plan.constants.buffer, plan.constants.byteOffset, plan.constants.byteLength);
  for (const { space, dtype, shape, offset } of program.tensors) {
    if (space !== 'const') continue;
    const size = byteSizeOf(dtype);
    for (let i = 0; i < elementCount(shape); i++) {
      const byte = offset + i * size;
      if (dtype === 'f32') cells[byte] = view.getFloat32(byte, true);
      else if (dtype === 'i32') cells[byte] = view.getInt32(byte, true);
      else cells[byte] = view.getUint8(byte);
    }
  }
  return cells;
}
