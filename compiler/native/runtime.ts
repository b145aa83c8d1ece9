/**
 * The native runtime in TypeScript's terms: programs, states and ports by name, failures as typed results that know
 * their line in the model file. Misuse of this interface is an InternalError; a machine that can't is a RuntimeFault.
 */
import type { Device } from '../device';
import { InternalError, RuntimeFault } from '../diagnostics/errors';
import type { Origin } from '../diagnostics/location';
import { allSteps, type Plan } from '../plan/plan';
import type { AddonMemory, AddonResult, AddonRuntime, AddonSession } from './addon';
import { loadAddon } from './addon';
import type { PortType, TensorData } from './tensors';
import { allocateTensor, checkTensor } from './tensors';

export type { PortType, TensorData } from './tensors';

export interface RuntimeOptions {
  /** 0 or absent: one for each core this process may use. */
  readonly threads?: number;
  readonly device?: Device;
}

export interface RuntimeDescription {
  readonly device: string;
  readonly threads: number;
  readonly cpu: string;
  readonly isa: string;
  readonly features: readonly string[];
  readonly kernels: readonly string[];
}

/** What there is of CUDA, whether it can be used or not. */
export interface CudaDescription {
  readonly device: 'cuda';
  readonly usable: boolean;
  /** One sentence; empty where it is usable. */
  readonly problem: string;
  readonly cards: readonly {
    readonly name: string;
    readonly compute: string;
    readonly processors: number;
    readonly bytes: number;
  }[];
  /** `problem` is empty where a library is there and will do. */
  readonly libraries: readonly {
    readonly name: string;
    readonly version: string;
    readonly path: string;
    readonly problem: string;
  }[];
  /** The ops that run on a card. */
  readonly kernels: readonly string[];
}

export interface ProgramPorts {
  readonly name: string;
  readonly inputs: readonly PortType[];
  readonly outputs: readonly PortType[];
}

export type Tensors = Readonly<Record<string, TensorData>>;

export interface RunSuccess {
  readonly ok: true;
  /** Finished steps. */
  readonly done: number;
  readonly outputs: Tensors;
}

export interface RunFailure {
  readonly ok: false;
  readonly kind: 'non-finite' | 'data-error' | 'cancelled';
  /** Steps that finished before; their outputs are in `outputs`. */
  readonly done: number;
  readonly outputs: Tensors;
  /** Without the place, which is `origin`. */
  readonly message: string;
  /** 0-based step within the call. */
  readonly step: number;
  /** The op that failed; absent where no kernel failed or the session has no plan. */
  readonly op?: string;
  /** What it was made for. */
  readonly origin?: Origin;
}

export type RunResult = RunSuccess | RunFailure;

const STATUS = {
  ok: 0,
  invalidArgument: 1,
  badPlan: 2,
  unsupported: 3,
  outOfMemory: 4,
  dataError: 5,
  nonFinite: 6,
  cancelled: 7,
  deviceLost: 9,
} as const;

const FAILURE_KINDS: Readonly<Record<number, RunFailure['kind']>> = {
  [STATUS.dataError]: 'data-error',
  [STATUS.nonFinite]: 'non-finite',
  [STATUS.cancelled]: 'cancelled',
};

const PLACE = / \[layer '(.*)' at (.*):(\d+):(\d+)\]$/;

function originOf([, layer, file, line, column]: RegExpExecArray): Origin {
  const at = { file: file ?? '', line: Number(line), column: Number(column), length: 1 };
  return { layer: layer ?? '', at, via: [] };
}

/** The failure of a call as the class that says whose fault it is. */
function faultOf(status: number, message: string): Error {
  switch (status) {
    case STATUS.outOfMemory:
      return new RuntimeFault('out-of-memory', message, 'a smaller batch needs less');
    case STATUS.unsupported:
      return new RuntimeFault('unsupported', message);
    case STATUS.deviceLost:
      return new RuntimeFault('device-lost', message);
    default:
      return new InternalError(message);
  }
}

/** Runs a call of the add-on; its errors carry a status. */
function guarded<T>(call: () => T): T {
  try {
    return call();
  } catch (error) {
    const { status, message } = error as { readonly status?: unknown; readonly message?: unknown };
    throw faultOf(typeof status === 'number' ? status : -1, typeof message === 'string' ? message : String(error));
  }
}

export class NativeSession {
  readonly states: readonly PortType[];
  readonly programs: readonly ProgramPorts[];
  private readonly programIndex: ReadonlyMap<string, number>;
  private readonly stateIndex: ReadonlyMap<string, number>;

  constructor(
    private readonly addon: AddonSession,
    private readonly plan: Plan | undefined,
  ) {
    const described = JSON.parse(addon.describe()) as Pick<NativeSession, 'states' | 'programs'>;
    this.states = described.states;
    this.programs = described.programs;
    this.programIndex = new Map(this.programs.map((program, index) => [program.name, index]));
    this.stateIndex = new Map(this.states.map((state, index) => [state.name, index]));
  }

  /** The ports of a program. */
  program(name: string): ProgramPorts {
    return this.programs[this.indexOfProgram(name)]!;
  }

  /**
   * Runs `steps` steps off the main thread. Each input holds `steps` consecutive tensors. Outputs are written into
   * `outputs` where given (then only those), else into new arrays.
   */
  async run(program: string, steps: number, inputs: Tensors, outputs?: Tensors): Promise<RunResult> {
    const index = this.indexOfProgram(program);
    const ports = this.programs[index]!;
    const given = this.orderInputs(ports, inputs, steps);
    const results: Record<string, TensorData> = {};
    const written = ports.outputs.map((port) => {
      const into = outputs ? outputs[port.name] : allocateTensor(port, steps);
      if (!into) return null;
      checkTensor(into, port, steps);
      results[port.name] = into;
      return into;
    });
    for (const name of Object.keys(outputs ?? {})) {
      if (!(name in results)) throw new InternalError(`program '${program}' has no output '${name}'`);
    }
    const result = await guarded(() => this.addon.run(index, steps, given, written));
    return this.resultOf(index, result, results);
  }

  /** One step that looks at every value and stops at the first kernel that makes, or is given, a non-finite one. */
  async trace(program: string, inputs: Tensors): Promise<RunResult> {
    const index = this.indexOfProgram(program);
    const given = this.orderInputs(this.programs[index]!, inputs, 1);
    const result = await guarded(() => this.addon.trace(index, given));
    return this.resultOf(index, result, {});
  }

  /** Seconds that each step of the plan takes, on average over `steps` runs of the program over one step's inputs. */
  async profile(program: string, steps: number, inputs: Tensors): Promise<Float64Array> {
    const index = this.indexOfProgram(program);
    const planned = this.plan?.programs[index];
    if (!planned) throw new InternalError('a session without its plan has no steps to time');
    const given = this.orderInputs(this.programs[index]!, inputs, 1);
    const seconds = new Float64Array(allSteps(planned).length);
    const result = await guarded(() => this.addon.profile(index, steps, given, seconds));
    if (result.status !== STATUS.ok) throw faultOf(result.status, result.message ?? result.statusName);
    return seconds.map((sum) => sum / steps);
  }

  readState(name: string, into?: TensorData): TensorData {
    const index = this.indexOfState(name);
    const data = into ?? allocateTensor(this.states[index]!);
    checkTensor(data, this.states[index]!);
    guarded(() => this.addon.readState(index, data));
    return data;
  }

  writeState(name: string, data: TensorData): void {
    const index = this.indexOfState(name);
    checkTensor(data, this.states[index]!);
    guarded(() => this.addon.writeState(index, data));
  }

  memory(): AddonMemory {
    return guarded(() => this.addon.memory());
  }

  /** The running call ends after its current step. */
  cancel(): void {
    this.addon.cancel();
  }

  /** Gives the memory back; a call that is still running ends after its current step. */
  close(): void {
    this.addon.close();
  }

  private orderInputs(ports: ProgramPorts, inputs: Tensors, steps: number): TensorData[] {
    const known = new Set(ports.inputs.map((port) => port.name));
    for (const name of Object.keys(inputs)) {
      if (!known.has(name)) throw new InternalError(`program '${ports.name}' has no input '${name}'`);
    }
    return ports.inputs.map((port) => {
      const data = inputs[port.name];
      if (!data) throw new InternalError(`program '${ports.name}' lacks its input '${port.name}'`);
      checkTensor(data, port, steps);
      return data;
    });
  }

  private resultOf(program: number, result: AddonResult, outputs: Tensors): RunResult {
    if (result.status === STATUS.ok) return { ok: true, done: result.done, outputs };
    const message = result.message ?? result.statusName;
    const kind = FAILURE_KINDS[result.status];
    if (!kind) throw faultOf(result.status, message);
    const planned = this.plan?.programs[program];
    const step = planned && allSteps(planned)[result.kernel ?? -1];
    // The runtime puts the place in brackets behind the message.
    const place = PLACE.exec(message);
    const origin = step?.origin ?? (place && originOf(place));
    return {
      ok: false,
      kind,
      done: result.done,
      outputs,
      message: message.replace(PLACE, ''),
      step: result.step ?? 0,
      ...(step && { op: step.op }),
      ...(origin && { origin }),
    };
  }

  private indexOfProgram(name: string): number {
    const index = this.programIndex.get(name);
    if (index === undefined) throw new InternalError(`the plan has no program '${name}'`);
    return index;
  }

  private indexOfState(name: string): number {
    const index = this.stateIndex.get(name);
    if (index === undefined) throw new InternalError(`the plan has no state '${name}'`);
    return index;
  }
}

export class NativeRuntime {
  constructor(
    private readonly addon: AddonRuntime,
    /** What plans for it are compiled for. */
    readonly device: Device,
  ) {}

  describe(): RuntimeDescription {
    return JSON.parse(guarded(() => this.addon.describe())) as RuntimeDescription;
  }

  /** With the plan that the blob was encoded from, failures know their op and the blocks they come from. */
  createSession(blob: Uint8Array, plan?: Plan): NativeSession {
    const { Session } = loadAddon();
    return new NativeSession(
      guarded(() => new Session(this.addon, blob)),
      plan,
    );
  }
}

export function describeCuda(): CudaDescription {
  const { Runtime } = loadAddon();
  return JSON.parse(guarded(() => Runtime.describeDevice('cuda'))) as CudaDescription;
}

export function openRuntime(options: RuntimeOptions = {}): NativeRuntime {
  const { Runtime } = loadAddon();
  const { threads = 0, device = 'cpu' } = options;
  return new NativeRuntime(
    guarded(() => new Runtime(threads, device)),
    device,
  );
}
