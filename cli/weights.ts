/** The options of every verb that takes weights, and what is said of what became of the tensors of the file. */
import type { Command } from 'commander';
import path from 'node:path';
import { UsageError } from '../compiler/diagnostics/errors';
import { readWeightMap } from '../compiler/frontend/weights';
import type { Spec } from '../compiler/frontend/spec';
import { replaceFile } from '../compiler/train/run-folder';
import { weightsFor } from '../compiler/train/weights-for';
import type { AccountLine, Fate } from '../compiler/weights/matching';
import type { WeightSource } from '../compiler/weights/source';
import { isWeightFile, type ModelOptions } from './model';

export interface WeightOptions {
  readonly weights?: string;
  readonly map?: string;
  readonly weightsReport?: string;
}

/** Of verbs that train. */
export interface StartOptions extends WeightOptions {
  readonly partial?: boolean;
}

export function weightOptions(command: Command, weights: string): Command {
  return command
    .option('--weights <file>', weights)
    .option('--map <file>', "new names for the file's tensors: YAML or JSON, as `map` in `weights:` of a model")
    .option('--weights-report <file>', 'write what became of each tensor of the weights as JSON');
}

export function startOptions(command: Command): Command {
  return weightOptions(command, 'begin with these weights instead of drawing new ones').option(
    '--partial',
    'weights for other layers or of other shapes are left out; what has none keeps its initial values',
  );
}

/** What became of the tensors of each weight file: said on stderr, and written where it was asked for. */
export type Accounts = (file: string, account: readonly AccountLine[]) => void;

export function accounts({ weightsReport }: WeightOptions): Accounts {
  const files: string[] = [];
  const tensors: object[] = [];
  return (file, account) => {
    tell(file, account);
    if (weightsReport === undefined) return;
    if (!files.includes(file)) files.push(file);
    tensors.push(...account.map((line) => ({ file, ...line })));
    replaceFile(weightsReport, `${JSON.stringify({ weights: files, tensors }, null, 2)}\n`);
  };
}

/** The weights that a command was given; `model`: what stands for the model, which may be a weight file. */
export function givenWeights(
  spec: Spec,
  options: StartOptions,
  model?: string,
  hear = accounts(options),
): WeightSource | undefined {
  const { map, partial, weightsReport } = options;
  const file = options.weights ?? (model !== undefined && isWeightFile(model) ? model : undefined);
  if (file === undefined) {
    // There is nothing to report of where the model names no file either.
    const idle = { map, partial, ...(spec.weights.length === 0 ? { 'weights-report': weightsReport } : {}) };
    for (const [name, value] of Object.entries(idle))
      if (value !== undefined) throw new UsageError(`--${name} is for weights`, 'give them with --weights FILE');
    return undefined;
  }
  return {
    file,
    ...(map === undefined ? {} : { map: readWeightMap(map) }),
    ...(spec.weightMap === undefined ? {} : { foreignMap: spec.weightMap }),
    ...(partial === undefined ? {} : { partial }),
    onLoaded: (account) => hear(file, account),
  };
}

/** What a command works with: the weights that it was given, or those that the model names. */
export function weightsOf(
  spec: Spec,
  options: WeightOptions & ModelOptions,
  model: string,
): readonly WeightSource[] | undefined {
  const hear = accounts(options);
  const { allowOutside = false } = options;
  return weightsFor(spec, givenWeights(spec, options, model, hear), { allowOutside, onLoaded: hear });
}

const FATES: readonly (readonly [Fate, string])[] = [
  ['loaded', 'loaded'],
  ['renamed', 'renamed'],
  ['transposed', 'transposed'],
  ['initial', 'left at initial values'],
  ['unused', 'unused'],
];
const SHOWN = 6;

/** On stderr: a line of sums, and a line for each tensor that did not find its place. Silent where all is as it was saved. */
function tell(file: string, account: readonly AccountLine[]): void {
  const own = isWeightFile(file) && account.every(({ fate, note }) => fate === 'loaded' && note === undefined);
  if (own) return;
  const sums = FATES.flatMap(([fate, words]) => {
    const count = account.filter((line) => line.fate === fate).length;
    return count === 0 ? [] : [`${count} ${words}`];
  });
  const astray = account.filter(({ fate }) => fate === 'initial' || fate === 'unused');
  const lines = astray.slice(0, SHOWN).map(({ fate, source, target, note }) => {
    const what = fate === 'initial' ? `${target!} keeps its initial values` : `${source!} is not used`;
    return `  ${what}${note === undefined ? '' : `: ${note}`}`;
  });
  if (astray.length > SHOWN) lines.push(`  and ${astray.length - SHOWN} more: --weights-report FILE has all of them`);
  process.stderr.write(`${[`${path.basename(file)}: ${sums.join(', ') || 'nothing'}`, ...lines].join('\n')}\n`);
}
