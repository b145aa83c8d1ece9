/** The plan as text, for `dlc compile --emit plan`: what runs in which order, and where everything lies. */
import { printAttrs, printName } from '../ir/print';
import { bytesOf, formatType } from '../ir/types';
import { plannedBytes, type Plan, type PlanBlock, type PlanProgram, type PlanRegion, type PlanStep } from './plan';

const SIGILS = { arena: '%', state: '@', const: '#', operand: '<', result: '>' } as const;

export function printPlan(plan: Plan): string {
  const lines = [
    `plan ${printName(plan.name)}`,
    '',
    `states ${plan.stateBytes} bytes`,
    ...[...plan.states, ...plan.derived].map(
      (state) => `  @${printName(state.name)}: ${formatType(state)} ${state.role}   at ${state.offset}`,
    ),
    '',
    `constants ${plan.constants.length} bytes`,
    ...plan.programs.flatMap((program) => ['', ...programLines(plan, program)]),
  ];
  return `${lines.join('\n')}\n`;
}

function programLines(plan: Plan, program: PlanProgram): string[] {
  const lines = new BlockLines(program);
  const before = program.prepare === undefined ? undefined : plan.programs[program.prepare];
  return [
    `program ${printName(program.name)} ${program.arenaBytes} bytes of arena, ${plannedBytes(plan, program)} in all`,
    ...(before ? [`  after ${printName(before.name)}, where a state is new`] : []),
    ...program.inputs.map((port) => `  input ${printName(port.name)} -> ${lines.bound(port.tensor)}`),
    ...program.steps.map((step) => lines.step(step)),
    ...program.outputs.map((port) => `  output ${printName(port.name)} <- ${lines.show(port.tensor)}`),
    ...program.regions.flatMap(regionLines),
  ];
}

function regionLines(region: PlanRegion, index: number): string[] {
  const lines = new BlockLines(region);
  return [
    `  region ${index} ${printName(region.name)} ${region.arenaBytes} bytes of arena`,
    ...region.inputs.map((tensor) => `    filled ${lines.bound(tensor)}`),
    ...region.steps.map((step) => `  ${lines.step(step)}`),
    ...region.outputs.map(({ tensor, early }) => `    taken ${early ? 'before' : 'after'} ${lines.show(tensor)}`),
  ];
}

class BlockLines {
  constructor(readonly block: PlanBlock) {}

  show(index: number): string {
    const tensor = this.block.tensors[index];
    return tensor ? `${SIGILS[tensor.space]}${printName(tensor.name)}` : '_';
  }

  bound(index: number): string {
    const tensor = this.block.tensors[index];
    if (!tensor) return '_';
    const { space, offset } = tensor;
    const placed = space === 'operand' || space === 'result' ? offset : `${offset}..${offset + bytesOf(tensor)}`;
    return `${this.show(index)}: ${formatType(tensor)} at ${space} ${placed}`;
  }

  step(step: PlanStep): string {
    const inputs = step.inputs.map((index) => this.show(index)).join(', ');
    const attrs = printAttrs(step.attrs);
    const { offset, bytes } = step.workspace;
    const workspace = bytes > 0 ? ` workspace ${offset}..${offset + bytes}` : '';
    const regions = step.regions ? ` regions ${step.regions.join(', ')}` : '';
    const { layer, at } = step.origin;
    const outputs = step.outputs.map((index) => this.bound(index)).join(', ');
    const call = `${step.op}(${inputs})${attrs && ` ${attrs}`}${workspace}${regions}`;
    return `  ${outputs} = ${call}   // ${printName(layer)} ${printName(at.file)}:${at.line}`;
  }
}
