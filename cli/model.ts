/** Opening a model on behalf of a verb: from a model file with overrides, or from the model that a weight file carries. */
import type { Command } from 'commander';
import { checkSpec, checkSpecText, type Checked } from '../compiler/frontend/load';
import type { Spec } from '../compiler/frontend/spec';
import { DEVICES, type Device } from '../compiler/device';
import { SpecError, UsageError } from '../compiler/diagnostics/errors';
import { nearest } from '../compiler/diagnostics/nearest';
import { PRECISIONS, type Precision } from '../compiler/ir/types';
import { recordedFolder } from '../compiler/train/model-folder';
import { readAttributes } from '../compiler/weights/files';
import { printDiagnostics } from './ui/diagnostics';

export interface ModelOptions {
  readonly allowOutside?: boolean;
}

export function allowOutsideOption(command: Command): Command {
  return command.option('--allow-outside', "let paths in the model file leave the model's folder");
}

/** The arguments that verbs share: a model file and `key=value` overrides. */
export function modelArguments(command: Command): Command {
  command.argument('<model>', 'model file (YAML or JSON)');
  command.argument('[overrides...]', '`key=value` for any path of the file, e.g. train.epochs=3');
  return allowOutsideOption(command);
}

/** A bundle is compiled: it takes nothing that would make it another model. */
export function refuseOverrides(what: string): never {
  throw new UsageError(`a bundle is compiled with its weights: '${what}' comes too late`, 'give it to dlc compile');
}

export interface PrecisionOption {
  readonly precision?: Precision;
}

/** What the values between layers are stored in. */
export function precisionOption(command: Command): Command {
  return command.option(
    '--precision <dtype>',
    "float32 or bfloat16 (default: the file's `train.precision` in training and evaluation, float32 in prediction)",
    oneOf('--precision', PRECISIONS),
  );
}

export interface MachineOptions {
  readonly device: Device;
  readonly threads: number;
}

/** Where to run: the options that every verb with a runtime shares. */
export function machineOptions(command: Command): Command {
  return deviceOption(command).option(
    '--threads <n>',
    'threads (0: one for each core); results do not depend on it',
    wholeNumber('--threads', 0),
    0,
  );
}

export function deviceOption(command: Command): Command {
  return command.option('--device <device>', DEVICES.join(' or '), oneOf('--device', DEVICES), 'cpu');
}

/** The Spec; warnings go to stderr, errors are thrown with everything found. */
export async function openModel(file: string, overrides: readonly string[], options: ModelOptions = {}): Promise<Spec> {
  const checked = await check(file, overrides, options.allowOutside ?? false);
  if (!checked.spec) throw new SpecError(checked.diagnostics);
  if (checked.diagnostics.length > 0) printDiagnostics(checked.diagnostics);
  return checked.spec;
}

/** A weight file carries its model: it may stand where a model file is asked for. */
export const isWeightFile = (file: string): boolean => /\.(h5|hdf5)$/i.test(file);

async function check(file: string, overrides: readonly string[], allowOutside: boolean): Promise<Checked> {
  const checked = isWeightFile(file)
    ? checkSpecText((await readAttributes(file)).spec, file, { overrides, allowOutside })
    : checkSpec(file, { overrides, allowOutside });
  // Of a weight file or the kept model of a run: paths go on from where the model was.
  const folder = recordedFolder(file);
  return checked.spec && folder !== undefined ? { ...checked, spec: { ...checked.spec, folder } } : checked;
}

/** A whole number of at least `least`, from an option's text. */
export function wholeNumber(option: string, least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < least || !Number.isSafeInteger(value)) {
      throw new UsageError(`${option} takes a whole number of at least ${least}, not '${text}'`);
    }
    return value;
  };
}

/** One of a few words, from an option's text. */
export function oneOf<T extends string>(option: string, choices: readonly T[]): (text: string) => T {
  return (text) => {
    const found = choices.find((choice) => choice === text);
    if (found === undefined) {
      const near = nearest(text, choices);
      const hint = near === undefined ? undefined : `did you mean \`${near}\`?`;
      throw new UsageError(`${option} takes ${choices.join(', ')}, not '${text}'`, hint);
    }
    return found;
  };
}
