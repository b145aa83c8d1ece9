/** `dlc predict`: arrays or images in, the model's outputs as .npy files out; `--show` draws them in the terminal. */
import { makeFolder } from '../../compiler/files';
import path from 'node:path';
import { UsageError } from '../../compiler/diagnostics/errors';
import { encodeNpy, type NpyArray } from '../../compiler/data/npy';
import { classNames } from '../../compiler/data/classes';
import type { Learned } from '../../compiler/data/learned';
import { elementCount } from '../../compiler/ir/types';
import { openRuntime, type NativeSession } from '../../compiler/native/runtime';
import { isBundle, openBundle } from '../../compiler/train/bundle';
import { interfaceOf, type ModelInterface } from '../../compiler/train/interface';
import { predict, predictBatches, hasBatchAxis } from '../../compiler/train/predict';
import { readInputFiles, readSamples, type InputArrays, type NamedFile } from '../../compiler/train/predict-inputs';
import { writeFault, writeFile } from '../../compiler/train/run-folder';
import { neededWeights, openTrained, trainedLearned } from '../../compiler/train/trained';
import { formatType } from '../../compiler/ir/types';
import type { Verb } from '../command';
import {
  machineOptions,
  modelArguments,
  openModel,
  precisionOption,
  refuseOverrides,
  wholeNumber,
  type MachineOptions,
  type ModelOptions,
  type PrecisionOption,
} from '../model';
import { weightOptions, weightsOf, type WeightOptions } from '../weights';
import { detectionLines } from '../ui/detections';
import { besides, pictureLines } from '../ui/picture';
import { Progress } from '../ui/progress';

interface Options extends WeightOptions, ModelOptions, MachineOptions, PrecisionOption {
  readonly input: readonly NamedFile[];
  readonly samples?: number;
  readonly out?: string;
  readonly show?: boolean;
}

function namedFile(text: string, before: readonly NamedFile[]): NamedFile[] {
  const split = text.indexOf('=');
  if (split < 1 || split === text.length - 1) throw new UsageError(`--input takes NAME=FILE, not '${text}'`);
  return [...before, { input: text.slice(0, split), file: text.slice(split + 1) }];
}

/** `7 (99.8 %)` for a row of probabilities, by the name of the class where it has one; the first values otherwise. */
function rowText(output: NpyArray, index: number, learned: Learned): string {
  const things = detectionLines(output, index, learned);
  if (things) return things.join('\n');
  const size = elementCount(output.shape.slice(1));
  const row = Array.from(output.data.subarray(index * size, (index + 1) * size), Number);
  const best = row.indexOf(Math.max(...row));
  const sum = row.reduce((total, value) => total + value, 0);
  const isDistribution = row.length > 1 && row.every((value) => value >= 0) && Math.abs(sum - 1) < 1e-3;
  if (isDistribution) return `${classNames(learned, row.length)?.[best] ?? best} (${(100 * row[best]!).toFixed(1)} %)`;
  return (
    row
      .slice(0, 6)
      .map((value) => value.toPrecision(4))
      .join(' ') + (row.length > 6 ? ' …' : '')
  );
}

/** Each sample with its picture, where it has one, and all that the model says of it, side by side as far as they fit. */
function showSamples(
  inputs: InputArrays,
  outputs: Readonly<Record<string, NpyArray>>,
  count: number,
  learned: Learned,
): string {
  const picture = Object.values(inputs).find((array) => pictureLines(array, 0));
  const named = Object.entries(outputs);
  const widest = Math.max(30, ...[...Object.values(inputs), ...Object.values(outputs)].map(pictureWidth));
  const columns = Math.max(1, Math.floor((process.stdout.columns || 100) / (widest + 2)));
  const rows: string[] = [];
  const blockOf = (index: number): string[] => [
    ...((picture && pictureLines(picture, index)) ?? []),
    ...named.flatMap(([name, output]) => {
      // Not one for each sample: it is said once.
      if (output.shape[0] !== count && index > 0) return [];
      const lines = pictureLines(output, index) ?? rowText(output, index, learned).split('\n');
      if (named.length === 1) return lines;
      return lines.length === 1 ? [`${name}: ${lines[0]!}`] : [`${name}:`, ...lines];
    }),
  ];
  for (let start = 0; start < count; start += columns) {
    const blocks = Array.from({ length: Math.min(columns, count - start) }, (_, i) =>
      blockOf(start + i).map((line) => line.padEnd(widest)),
    );
    rows.push(...besides(blocks, '  '), '');
  }
  return rows.join('\n');
}

/** Columns that a picture of an array takes; 0 for what is none. */
function pictureWidth(array: NpyArray): number {
  return pictureLines(array, 0) ? array.shape[3]! : 0;
}

function writeOutputs(dir: string, outputs: Readonly<Record<string, NpyArray>>): void {
  try {
    makeFolder(dir);
  } catch (error) {
    throw writeFault(dir, error);
  }
  for (const [name, array] of Object.entries(outputs)) {
    const file = path.join(dir, `${name.replaceAll('/', '.')}.npy`);
    writeFile(file, encodeNpy(array));
    process.stdout.write(`${file}  ${formatType(array)}\n`);
  }
}

interface Ready {
  readonly model: ModelInterface;
  readonly learned: Learned;
  readonly inputs: InputArrays;
  readonly open: (count: number) => Promise<NativeSession>;
}

async function fromModel(file: string, overrides: readonly string[], options: Options): Promise<Ready> {
  const spec = await openModel(file, overrides, options);
  const weights = neededWeights(spec, weightsOf(spec, options, file), 'dlc predict');
  const model = interfaceOf(spec);
  const learned = await trainedLearned(weights);
  const inputs =
    options.samples === undefined
      ? await readInputFiles(model, options.input, learned)
      : await readSamples(spec, options.samples, { allowOutside: options.allowOutside ?? false, seed: 0, learned });
  const open = async (count: number): Promise<NativeSession> => {
    const wanted = { predict: predictBatches(spec, count), precision: options.precision };
    return (await openTrained(spec, wanted, weights, openRuntime(options))).session;
  };
  return { model, learned, inputs, open };
}

async function fromBundle(file: string, overrides: readonly string[], options: Options): Promise<Ready> {
  if (options.weights !== undefined) refuseOverrides('--weights');
  if (options.map !== undefined) refuseOverrides('--map');
  if (options.precision !== undefined) refuseOverrides('--precision');
  if (overrides.length > 0) refuseOverrides(overrides[0]!);
  const { model, learned, session } = await openBundle(file, openRuntime(options));
  if (options.samples !== undefined && model.needed.length > 0) {
    throw new UsageError(
      'a bundle knows no data: --samples needs the model file',
      'give inputs with --input NAME=FILE',
    );
  }
  const inputs = options.samples === undefined ? await readInputFiles(model, options.input, learned) : {};
  return { model, learned, inputs, open: () => Promise.resolve(session) };
}

async function run(file: string, overrides: string[], options: Options): Promise<void> {
  if (options.input.length > 0 === (options.samples !== undefined)) {
    throw new UsageError('dlc predict takes --input NAME=FILE, or --samples N of the evaluation data');
  }
  if (options.out === undefined && !options.show)
    throw new UsageError('say where the outputs go', '--out DIR, --show or both');
  const from = isBundle(file) ? fromBundle : fromModel;
  const { model, learned, inputs, open } = await from(file, overrides, options);
  const progress = new Progress();
  const batched = model.inputs.find((input) => hasBatchAxis(input) && input.name in inputs);
  const count = batched ? inputs[batched.name]!.shape[0]! : (options.samples ?? 1);
  const session = await open(count);
  const show = (done: number, total: number): void => progress.update({ done, total, text: 'predicting' });
  const outputs = await predict(model, session, inputs, show, undefined, count);
  progress.clear();
  session.close();
  if (options.out !== undefined) writeOutputs(options.out, outputs);
  if (options.show) process.stdout.write(`${showSamples(inputs, outputs, count, learned)}\n`);
}

export const verb: Verb = {
  configure(command) {
    weightOptions(
      precisionOption(machineOptions(modelArguments(command))),
      'trained weights (default: those that the model names; not needed where MODEL is a weight file or a bundle, or has none)',
    )
      .option(
        '--input <name=file>',
        '.npy array, image or text for an input, or a file of texts; more than once for more inputs or samples; images and arrays of bytes are normalized as the data section says (scale, mean, std), arrays of floats are taken as they are',
        namedFile,
        [],
      )
      .option(
        '--samples <n>',
        'the first N samples of the evaluation data instead; N draws of a model without inputs',
        wholeNumber('--samples', 1),
      )
      .option('--out <dir>', 'writes each output as DIR/<output>.npy')
      .option('--show', 'prints the predictions, with the pictures where the input is one')
      .action(run);
  },
};
