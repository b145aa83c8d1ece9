/**
 * Finds and loads the native add-on, and says what it offers in types. Nothing else touches the `.node` file.
 */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { RuntimeFault } from '../diagnostics/errors';

/** What a run or trace resolves with; `status` is the number of a `dlc_status`. */
export interface AddonResult {
  readonly status: number;
  readonly statusName: string;
  readonly done: number;
  readonly message?: string;
  /** Index of the plan step, -1 where the failure is not a kernel's. */
  readonly kernel?: number;
  readonly step?: number;
}

export interface AddonMemory {
  readonly stateBytes: number;
  readonly constBytes: number;
  readonly arenaBytes: number;
  readonly allocatedBytes: number;
}

export interface AddonRuntime {
  describe(): string;
}

export interface AddonSession {
  describe(): string;
  memory(): AddonMemory;
  run(
    program: number,
    steps: number,
    inputs: readonly NodeJS.TypedArray[],
    outputs: readonly (NodeJS.TypedArray | null)[],
  ): Promise<AddonResult>;
  trace(program: number, inputs: readonly NodeJS.TypedArray[]): Promise<AddonResult>;
  profile(
    program: number,
    steps: number,
    inputs: readonly NodeJS.TypedArray[],
    seconds: Float64Array,
  ): Promise<AddonResult>;
  readState(state: number, data: NodeJS.TypedArray): void;
  writeState(state: number, data: NodeJS.TypedArray): void;
  cancel(): void;
  close(): void;
}

export interface Addon {
  readonly abiVersion: number;
  readonly Runtime: {
    new (threads: number, device: string): AddonRuntime;
    describeDevice(device: string): string;
  };
  readonly Session: new (runtime: AddonRuntime, plan: Uint8Array) => AddonSession;
}

const ABI_VERSION = 1;
const BUILD_HINT = 'build it with `npm run setup`';

/** `build/native/dlc.node` of the package that this file (or the bundle made of it) belongs to. */
export function addonPath(from: string = __dirname): string {
  let folder = from;
  while (!existsSync(join(folder, 'package.json')) && dirname(folder) !== folder) folder = dirname(folder);
  return join(folder, 'build', 'native', 'dlc.node');
}

const loaded = new Map<string, Addon>();

export function loadAddon(path: string = addonPath()): Addon {
  const known = loaded.get(path);
  if (known) return known;
  if (!existsSync(path)) {
    throw new RuntimeFault('native-missing', `the native runtime is not built: ${path} is not there`, BUILD_HINT);
  }
  const module = { exports: {} };
  try {
    process.dlopen(module, path);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new RuntimeFault('native-broken', `the native runtime does not load: ${reason}`, BUILD_HINT);
  }
  const addon = module.exports as Addon;
  if (addon.abiVersion !== ABI_VERSION) {
    throw new RuntimeFault('native-stale', `${path} is of another version than this dlc`, BUILD_HINT);
  }
  loaded.set(path, addon);
  return addon;
}
