/** `dlc import`: a model of another framework as a model file and a weight file, with an account of everything in it. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { UsageError } from '../../compiler/diagnostics/errors';
import { importModel } from '../../compiler/interop/import/import';
import { IMPORTERS } from '../../compiler/interop/import';
import { flow } from '../../compiler/interop/import/write';
import { readGiven } from '../../compiler/interop/import/given';
import type { Known } from '../../compiler/interop/formats/onnx/tensor';
import type { Entry } from '../../compiler/interop/draft';
import { makeFolder } from '../../compiler/files';
import { replaceFile, writeFault } from '../../compiler/train/run-folder';
import { saveWeights } from '../../compiler/weights/files';
import type { Verb } from '../command';
import { oneOf } from '../model';
import { printDiagnostics } from '../ui/diagnostics';
import { formatTable } from '../ui/table';

interface Options {
  readonly out: string;
  readonly weightsOut?: string;
  readonly from?: string;
  readonly shape: ReadonlyMap<string, readonly (number | string)[]>;
  readonly bind: ReadonlyMap<string, string>;
  readonly blocks: boolean;
  readonly models: boolean;
  readonly report?: string;
  readonly json?: boolean;
  readonly force?: boolean;
}

async function run(files: string[], options: Options): Promise<void> {
  const weightsFile = options.weightsOut ?? `${options.out.replace(/\.(ya?ml|json)$/i, '')}.h5`;
  if (!options.force && existsSync(options.out))
    throw new UsageError(`${options.out} exists already`, 'choose another name, or replace it with --force');
  const { blocks, from, shape: inputs } = options;
  const bind = new Map<string, Known>();
  for (const [name, file] of options.bind) bind.set(name, await readGiven(file));
  const stem = options.out.replace(/\.(ya?ml|json)$/i, '');
  const { format, text, spec, tensors, models, entries, warnings, learned } = await importModel(files, {
    blocks,
    base: path.basename(stem),
    inPlace: !options.models,
    inputs,
    bind,
    ...(from ? { from } : {}),
  });
  if (warnings.length > 0) printDiagnostics(warnings);
  const hasWeights = tensors.size > 0;
  if (hasWeights && !options.force && existsSync(weightsFile))
    throw new UsageError(`${weightsFile} exists already`, 'choose another name, or replace it with --force');
  const inside = [...models].map(([name, content]) => [path.join(path.dirname(options.out), name), content] as const);
  for (const [file] of inside)
    if (!options.force && existsSync(file))
      throw new UsageError(`${file} exists already`, 'a model inside of the model goes there; replace it with --force');
  makeParent(options.out);
  // The weights first: a model file without its weights would look like a finished import.
  if (hasWeights) await saveWeights(weightsFile, { tensors, spec: spec.resolved, ...(learned ? { learned } : {}) });
  for (const [file, content] of inside) replaceFile(file, content);
  replaceFile(options.out, hasWeights ? text + weightsSection(options.out, weightsFile) : text);
  const report = {
    format,
    model: options.out,
    ...(inside.length > 0 ? { models: inside.map(([file]) => file) } : {}),
    ...(hasWeights ? { weights: weightsFile } : {}),
    entries,
  };
  if (options.report !== undefined) replaceFile(options.report, `${JSON.stringify(report, null, 2)}\n`);
  process.stdout.write(options.json ? `${JSON.stringify(report, null, 2)}\n` : summary(report, tensors.size));
}

function namedShape(text: string, before: Options['shape']): Options['shape'] {
  const split = text.lastIndexOf('=');
  const [batch = '', ...rest] = text.slice(split + 1).split(',');
  const extents = rest.map(Number);
  const sizes = extents.every((extent) => Number.isSafeInteger(extent) && extent >= 1);
  if (split < 1 || !/^(?:[A-Za-z_]\w*|[1-9]\d*)$/.test(batch) || !sizes)
    throw new UsageError(
      `--shape takes INPUT=N,EXTENT,…, not '${text}'`,
      'for sequences of 7 steps with 3 features: --shape x=N,7,3',
    );
  return new Map([...before, [text.slice(0, split), [/^\d/.test(batch) ? Number(batch) : batch, ...extents]]]);
}

function namedFile(text: string, before: Options['bind']): Options['bind'] {
  const split = text.indexOf('=');
  if (split < 1 || split === text.length - 1) throw new UsageError(`--bind takes INPUT=FILE, not '${text}'`);
  return new Map([...before, [text.slice(0, split), text.slice(split + 1)]]);
}

/** The model names its weights where it may: in its folder or below. */
function weightsSection(model: string, weights: string): string {
  const file = path.relative(path.dirname(model), weights).split(path.sep).join('/');
  const outside = file.startsWith('../') || path.isAbsolute(file);
  return outside ? '' : `\nweights: ${flow({ file })}\n`;
}

function makeParent(file: string): void {
  try {
    makeFolder(path.dirname(file));
  } catch (error) {
    throw writeFault(file, error);
  }
}

interface Report {
  readonly format: string;
  readonly model: string;
  readonly weights?: string;
  readonly models?: readonly string[];
  readonly entries: readonly Entry[];
}

/** What was not carried over as it is, line by line, then the sums. */
function summary({ format, model, weights, models = [], entries }: Report, tensors: number): string {
  const told = entries.filter(({ fate }) => fate !== 'mapped');
  const lines = told.map(({ kind, source, fate, to, reason }) => [`${kind} ${source}`, fate, to ?? '', reason ?? '']);
  const sums = (['layer', 'tensor', 'setting', 'input'] as const).flatMap((kind) => {
    const all = entries.filter((entry) => entry.kind === kind);
    if (all.length === 0) return [];
    const of = (fate: Entry['fate']): number => all.filter((entry) => entry.fate === fate).length;
    return [[`${kind}s`, of('mapped'), of('converted'), of('dropped'), of('initial')]];
  });
  return [
    ...(lines.length === 0 ? [] : [formatTable([format, 'fate', 'here', 'why'], lines)]),
    formatTable([format, 'mapped', 'converted', 'dropped', 'initial'], sums),
    `${[model, ...models].join(', ')}${weights === undefined ? ' (the source has no weights)' : `, ${weights} (${tensors} tensors)`}\n`,
  ].join('\n');
}

export const verb: Verb = {
  configure(command) {
    command
      .argument('<files...>', 'all files of one model: its structure, weights, solver')
      .requiredOption('-o, --out <file>', 'the model file to write')
      .option('--weights-out <file>', 'the weight file to write (default: beside the model file, .h5)')
      .option(
        '--from <format>',
        'the format, where the files do not tell',
        oneOf(
          '--from',
          IMPORTERS.map((importer) => importer.format),
        ),
      )
      .option(
        '--shape <input=shape>',
        'the shape of an input that the source leaves open, in its own order: x=N,7,3; repeatable',
        namedShape,
        new Map(),
      )
      .option(
        '--bind <input=file>',
        'numbers that an input always has, .npy or a tensor of ONNX, .pb: they become part of the model; repeatable',
        namedFile,
        new Map(),
      )
      .option('--no-blocks', 'write repeated structures out instead of as blocks')
      .option('--no-models', 'write models inside of the model in their place instead of into files of their own')
      .option('--report <file>', 'write the account of every layer and tensor as JSON')
      .option('--json', 'print that account')
      .option('--force', 'replace files that exist')
      .action(run);
  },
};
