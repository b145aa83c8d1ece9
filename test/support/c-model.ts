/** A model of the zoo, with weights as they are initialized, as C and as `dlc predict` runs it. */
import path from 'node:path';
import type { TypedArray } from '../../compiler/data/define';
import { c } from '../../compiler/interop/export/c';
import { identifier } from '../../compiler/interop/export/c/text';
import { buildC, runC, type BuildOptions, type Program } from './c';
import { startedModel, type StartedOptions } from './started-model';

export interface Compared {
  /** Of all outputs the largest difference, relative to the largest magnitude in its output, or to 1 where that is less. */
  readonly worst: number;
  /** The same relative to the magnitude, whatever it is. */
  readonly relative: number;
  readonly seconds: number;
  readonly nativeSeconds: number;
}

/** A model as C, with random inputs and what `dlc predict` makes of them. */
export interface ModelInC {
  readonly program: Program;
  readonly prefix: string;
  readonly layout: Pick<BuildOptions, 'caller' | 'binary'>;
  readonly inputs: readonly TypedArray[];
  readonly expected: readonly TypedArray[];
  readonly nativeSeconds: number;
}

export type ModelOptions = Pick<BuildOptions, 'caller' | 'binary'> & StartedOptions;

/** Weights as they begin and fixed inputs; what is written lies in a new folder in `parent`. */
export async function modelInC(file: string, parent: string, options: ModelOptions = {}): Promise<ModelInC> {
  const { batch = 1, caller = false, binary = false } = options;
  const { spec, weights, folder, ports, inputs, expected, nativeSeconds } = await startedModel(file, parent, options);
  const out = path.join(folder, spec.name);
  const settings = { workspace: caller ? 'caller' : 'static', weights: binary ? 'binary' : 'const' };
  await c.run({ spec, weights, out: `${out}.c`, options: settings, batch });
  return {
    program: { file: out, inputs: ports.inputs, outputs: ports.outputs },
    prefix: identifier(spec.name),
    layout: { caller, binary },
    inputs,
    expected,
    nativeSeconds,
  };
}

/** Compiled and run `times` times. */
export function compareInC(model: ModelInC, options: BuildOptions & { readonly times?: number } = {}): Compared {
  const { program, prefix, layout, inputs, expected, nativeSeconds } = model;
  buildC(program, prefix, { ...options, ...layout });
  const run = runC(program, inputs, options.times ?? 1, layout.binary ? `${program.file}.bin` : undefined);
  const apart = expected.map((each, i) => differenceOf(run.outputs[i]!, each));
  return {
    worst: Math.max(...apart.map(({ most, scale }) => most / Math.max(1, scale))),
    relative: Math.max(...apart.map(({ most, scale }) => (most === 0 ? 0 : most / scale))),
    seconds: run.seconds,
    nativeSeconds,
  };
}

/** Infinite where only one of two numbers is finite, or they are infinite in different ways. */
export function differenceOf(found: TypedArray, expected: TypedArray): { most: number; scale: number } {
  let [most, scale] = [0, 0];
  for (let i = 0; i < expected.length; i++) {
    const [a, b] = [Number(found[i]), Number(expected[i])];
    if (Number.isFinite(b)) scale = Math.max(scale, Math.abs(b));
    if (Object.is(a, b) || a === b) continue;
    const apart = Math.abs(a - b);
    most = Number.isFinite(apart) ? Math.max(most, apart) : Infinity;
  }
  return { most, scale };
}
