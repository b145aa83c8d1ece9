/**
 * From graphs to the executable plan: the programs of one model over one set of states. Each graph is legalized,
 * scheduled and given memory on its own; states are joined by name, constants by their bytes.
 */
import { InternalError } from '../diagnostics/errors';
import type { Origin } from '../diagnostics/location';
import type { Graph, State, Value } from '../ir/graph';
import { bytesOf, formatType, sameType } from '../ir/types';
import { placeBuffers, type Arena } from './arena';
import { ConstantPool } from './constants';
import { copying, legalize } from './legalize';
import { align, livenessOf, type Liveness } from './liveness';
import type { Plan, PlanProgram, PlanState, PlanStep, PlanTensor } from './plan';
import { schedule, type Schedule } from './schedule';

/** `graphs` are keyed by program name; each is as the pipeline left it, or any other verified graph. */
export function planPrograms(name: string, graphs: Readonly<Record<string, Graph>>): Plan {
  const states = new StateSection();
  const constants = new ConstantPool();
  for (const graph of Object.values(graphs)) graph.states.forEach((state) => states.add(state));
  const programs = Object.entries(graphs).map(([program, graph]) => planProgram(program, graph, states, constants));
  return { name, states: states.states, stateBytes: states.bytes, constants: constants.bytes(), programs };
}

/** A graph's memory, without the rest of the plan: what `dlc inspect` and budgets ask for. */
export interface ProgramMemory {
  readonly graph: Graph;
  readonly schedule: Schedule;
  readonly liveness: Liveness;
  readonly arena: Arena;
}

export function planMemory(graph: Graph): ProgramMemory {
  const legal = legalize(graph);
  const scheduled = schedule(legal);
  const liveness = livenessOf(legal, scheduled);
  return { graph: legal, schedule: scheduled, liveness, arena: placeBuffers(liveness.buffers) };
}

function planProgram(name: string, source: Graph, states: StateSection, constants: ConstantPool): PlanProgram {
  const { graph, schedule: scheduled, liveness, arena } = planMemory(source);
  const tensors: PlanTensor[] = [];
  const indices = new Map<Value, number>();
  const addressOf = (value: Value): Pick<PlanTensor, 'space' | 'offset'> | undefined => {
    const home = liveness.homeOf(value);
    if (home?.space === 'arena') return { space: 'arena', offset: arena.offsets[home.buffer] as number };
    if (home?.space === 'state') return { space: 'state', offset: states.offsetOf(home.state) };
    return home && { space: 'const', offset: constants.add(home.node) };
  };
  const tensorOf = (value: Value): number => {
    const known = indices.get(value);
    if (known !== undefined) return known;
    const address = addressOf(value);
    if (!address) return -1;
    const { dtype, shape } = value.type;
    const index = tensors.push({ name: value.name, dtype, shape, ...address }) - 1;
    indices.set(value, index);
    return index;
  };
  const needed = (value: Value): number => {
    const index = tensorOf(value);
    if (index < 0) throw new InternalError(`%${value.name} of program '${name}' has no memory`);
    return index;
  };

  const inputs = graph.inputs.map((input) => ({ name: input.name, tensor: needed(input) }));
  const steps = liveness.steps.map((node, time): PlanStep => {
    const buffer = liveness.workspaces[time];
    const workspace =
      buffer === undefined
        ? { offset: 0, bytes: 0 }
        : { offset: arena.offsets[buffer] as number, bytes: liveness.buffers[buffer]?.bytes ?? 0 };
    const { op, attrs, origin } = node;
    return { op, inputs: node.inputs.map(needed), outputs: node.outputs.map(tensorOf), attrs, workspace, origin };
  });
  const origins = new Map(graph.states.map((state) => [state.value, state.origin]));
  for (const { state, value } of scheduled.late) {
    steps.push({
      ...copying(state.type),
      inputs: [needed(value)],
      outputs: [needed(state)],
      workspace: { offset: 0, bytes: 0 },
      origin: origins.get(state) as Origin,
    });
  }
  const outputs = graph.results.map((result) => ({ name: result.name, tensor: needed(result.value) }));
  return { name, arenaBytes: arena.bytes, tensors, inputs, outputs, steps };
}

/** The states of all programs, each once. */
class StateSection {
  readonly states: PlanState[] = [];
  readonly #byName = new Map<string, { readonly state: State; readonly offset: number }>();
  bytes = 0;

  add(state: State): void {
    const { name, type } = state.value;
    const existing = this.#byName.get(name)?.state;
    if (!existing) {
      this.#byName.set(name, { state, offset: this.bytes });
      this.states.push({ name, role: state.role, dtype: type.dtype, shape: type.shape, offset: this.bytes });
      this.bytes += align(bytesOf(type));
    } else if (!sameType(existing.value.type, type) || existing.role !== state.role) {
      const found = `${formatType(type)} ${state.role}`;
      throw new InternalError(
        `@${name} is ${formatType(existing.value.type)} ${existing.role} in one program and ${found} in another`,
      );
    }
  }

  offsetOf(value: Value): number {
    const found = this.#byName.get(value.name);
    if (!found) throw new InternalError(`@${value.name} is not declared`);
    return found.offset;
  }
}
