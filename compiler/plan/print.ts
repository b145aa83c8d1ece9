/** The plan as text, for `dlc compile --emit plan`: what runs in which order, and where everything lies. */
import { printAttrs, printName } from '../ir/print';
import { bytesOf, formatType } from '../ir/types';
import { plannedBytes, type Plan, type PlanProgram, type PlanStep, type PlanTensor } from './plan';

const SIGILS = { arena: '%', state: '@', const: '#' } as const;

export function printPlan(plan: Plan): string {
  const lines = [
    `plan ${printName(plan.name)}`,
    '',
    `states ${plan.stateBytes} bytes`,
    ...plan.states.map(
      (state) => `  @${printName(state.name)}: ${formatType(state)} ${state.role}   at ${state.offset}`,
    ),
    '',
    `constants ${plan.constants.length} bytes`,
    ...plan.programs.flatMap((program) => ['', ...programLines(plan, program)]),
  ];
  return `${lines.join('\n')}\n`;
}

function programLines(plan: Plan, program: PlanProgram): string[] {
  const show = (tensor: PlanTensor | undefined): string => {
    if (!tensor) return '_';
    return `${SIGILS[tensor.space]}${printName(tensor.name)}`;
  };
  const bound = (index: number): string => {
    const tensor = program.tensors[index];
    if (!tensor) return '_';
    const end = tensor.offset + bytesOf(tensor);
    return `${show(tensor)}: ${formatType(tensor)} at ${tensor.space} ${tensor.offset}..${end}`;
  };
  const stepLine = (step: PlanStep): string => {
    const inputs = step.inputs.map((index) => show(program.tensors[index])).join(', ');
    const attrs = printAttrs(step.attrs);
    const { offset, bytes } = step.workspace;
    const workspace = bytes > 0 ? ` workspace ${offset}..${offset + bytes}` : '';
    const { layer, at } = step.origin;
    const call = `${step.op}(${inputs})${attrs && ` ${attrs}`}${workspace}`;
    return `  ${step.outputs.map(bound).join(', ')} = ${call}   // ${printName(layer)} ${printName(at.file)}:${at.line}`;
  };
  return [
    `program ${printName(program.name)} ${program.arenaBytes} bytes of arena, ${plannedBytes(plan, program)} in all`,
    ...program.inputs.map((port) => `  input ${printName(port.name)} -> ${bound(port.tensor)}`),
    ...program.steps.map(stepLine),
    ...program.outputs.map((port) => `  output ${printName(port.name)} <- ${show(program.tensors[port.tensor])}`),
  ];
}
