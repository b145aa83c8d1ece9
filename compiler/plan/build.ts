/**
 * From graphs to the executable plan: the programs of one model over one set of states. Each graph is legalized,
 * scheduled and given memory on its own; states are joined by name, constants by their bytes.
 */
import { InternalError } from '../diagnostics/errors';
import type { Origin } from '../diagnostics/location';
import type { Graph, Node, State, Value } from '../ir/graph';
import { bytesOf, formatType, sameType } from '../ir/types';
import { ConstantPool } from './constants';
import { copying } from './legalize';
import { align, type Home } from './liveness';
import { planMemory, regionsOf, type GraphMemory, type RegionMemory } from './memory';
import type { Plan, PlanBlock, PlanProgram, PlanRegion, PlanState, PlanStep, PlanTensor } from './plan';
import { isDerived, PREPARE, splitPrepared } from './prepare';

export { planMemory } from './memory';

export interface PlanOptions {
  /** Computes what depends on weights alone once and not in every call; done unless false. */
  readonly prepare?: boolean;
}

/** `graphs` are keyed by program name; each is as the pipeline left it, or any other verified graph. */
export function planPrograms(
  name: string,
  source: Readonly<Record<string, Graph>>,
  { prepare = true }: PlanOptions = {},
): Plan {
  const graphs = prepare ? splitPrepared(source) : source;
  const states = new StateSection();
  const constants = new ConstantPool();
  const all = Object.values(graphs).flatMap((graph) => graph.states);
  const [derived, own] = [all.filter(isDerived), all.filter((state) => !isDerived(state))];
  for (const state of [...own, ...derived]) states.add(state);
  const maker = Object.keys(graphs).indexOf(PREPARE);
  const programs = Object.entries(graphs).map(([program, graph]): PlanProgram => {
    const planned = planProgram(program, graph, states, constants);
    return program !== PREPARE && graph.states.some(isDerived) ? { ...planned, prepare: maker } : planned;
  });
  return {
    name,
    states: states.states.filter(({ role }) => role !== 'derived'),
    derived: states.states.filter(({ role }) => role === 'derived'),
    stateBytes: states.bytes,
    constants: constants.bytes(),
    programs,
  };
}

function planProgram(name: string, source: Graph, states: StateSection, constants: ConstantPool): PlanProgram {
  const memory = planMemory(source);
  const regions: PlanRegion[] = [];
  const stateAt = (state: Value): Address => ({ space: 'state', offset: states.offsetOf(state) });
  const block = new BlockWriter(name, memory, stateAt, constants, regions);
  const inputs = memory.graph.inputs.map((input) => ({ name: input.name, tensor: block.needed(input) }));
  const steps = block.steps();
  const outputs = memory.graph.results.map((result) => ({ name: result.name, tensor: block.needed(result.value) }));
  return { ...block.block(steps), inputs, outputs, regions };
}

/** Adds the region to `regions`, after those inside of it. */
function planRegion(memory: RegionMemory, constants: ConstantPool, regions: PlanRegion[]): number {
  const { name } = memory.graph;
  const stateAt = (state: Value): Address => {
    const home = memory.homes.get(state);
    if (home?.space !== 'result') throw new InternalError(`%${state.name} of region '${name}' has no place`);
    return { space: home.space, offset: home.index };
  };
  const block = new BlockWriter(name, memory, stateAt, constants, regions);
  const inputs = memory.filled.map((value) => block.tensorOf(value));
  const steps = block.steps();
  const outputs = memory.taken.map(({ value, early }) => ({ tensor: block.needed(value), early }));
  return regions.push({ ...block.block(steps), inputs, outputs }) - 1;
}

type Address = Pick<PlanTensor, 'space' | 'offset'>;

/** Writes the steps of a graph whose memory is planned. */
class BlockWriter {
  readonly #tensors: PlanTensor[] = [];
  readonly #indices = new Map<Value, number>();

  constructor(
    readonly name: string,
    readonly memory: GraphMemory,
    readonly stateAt: (state: Value) => Address,
    readonly constants: ConstantPool,
    readonly regions: PlanRegion[],
  ) {}

  block(steps: readonly PlanStep[]): PlanBlock {
    return { name: this.name, arenaBytes: this.memory.arena.bytes, tensors: this.#tensors, steps };
  }

  steps(): PlanStep[] {
    const { graph, schedule, liveness } = this.memory;
    const steps = liveness.steps.map((node, time) => this.#step(node, liveness.workspaces[time]));
    const origins = new Map(graph.states.map((state) => [state.value, state.origin]));
    for (const { state, value } of schedule.late) {
      steps.push({
        ...copying(state.type),
        inputs: [this.needed(value)],
        outputs: [this.needed(state)],
        workspace: { offset: 0, bytes: 0 },
        origin: origins.get(state) as Origin,
      });
    }
    return steps;
  }

  /** -1 for a value without memory. */
  tensorOf(value: Value): number {
    const known = this.#indices.get(value);
    if (known !== undefined) return known;
    const home = this.memory.liveness.homeOf(value);
    if (!home) return -1;
    const { dtype, shape } = value.type;
    const index = this.#tensors.push({ name: value.name, dtype, shape, ...this.#addressOf(home) }) - 1;
    this.#indices.set(value, index);
    return index;
  }

  needed(value: Value): number {
    const index = this.tensorOf(value);
    if (index < 0) throw new InternalError(`%${value.name} of '${this.name}' has no memory`);
    return index;
  }

  #step(node: Node, buffer: number | undefined): PlanStep {
    const { op, attrs, origin } = node;
    const { liveness, arena } = this.memory;
    const workspace =
      buffer === undefined
        ? { offset: 0, bytes: 0 }
        : { offset: arena.offsets[buffer] as number, bytes: liveness.buffers[buffer]?.bytes ?? 0 };
    const inputs = node.inputs.map((input) => this.needed(input));
    const outputs = node.outputs.map((output) => this.tensorOf(output));
    const regions = regionsOf(node).map((region) => planRegion(region, this.constants, this.regions));
    return { op, inputs, outputs, attrs, workspace, origin, ...(regions.length > 0 ? { regions } : {}) };
  }

  #addressOf(home: Home): Address {
    switch (home.space) {
      case 'arena':
        return { space: 'arena', offset: this.memory.arena.offsets[home.buffer] as number };
      case 'state':
        return this.stateAt(home.state);
      case 'const':
        return { space: 'const', offset: this.constants.add(home.node) };
      case 'operand':
      case 'result':
        return { space: home.space, offset: home.index };
    }
  }
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
