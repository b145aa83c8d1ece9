/** `dlc diff`: what differs between two models in meaning, and which weights of the first fit the second. */
import { diffModels, type Figure, type ModelDiff, type WeightTransfer } from '../../compiler/diff/diff';
import type { Change } from '../../compiler/diff/values';
import { SpecError } from '../../compiler/diagnostics/errors';
import type { Json, Spec } from '../../compiler/frontend/spec';
import { checkModel } from '../../compiler/lower/lower';
import { batchOf } from '../../compiler/check';
import { modelStates } from '../../compiler/train/programs';
import { formatBytes } from '../../compiler/train/report/html';
import { loadStates } from '../../compiler/weights/several';
import { EXIT, type Verb } from '../command';
import { allowOutsideOption, openModel, type ModelOptions } from '../model';
import { givenWeights, weightOptions, type WeightOptions } from '../weights';

interface Options extends WeightOptions, ModelOptions {
  readonly json?: boolean;
  readonly exitCode?: boolean;
}

/** More names than this on a line are for `--json`. */
const MOST_NAMES = 8;

function valueText(value: Json | undefined): string {
  if (value === undefined) return '(none)';
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length > 72 ? `${text.slice(0, 72)}…` : text;
}

const changeText = ({ field, was, is }: Change): string => `${field}: ${valueText(was)} → ${valueText(is)}`;

function layerLines({ layers }: ModelDiff): string[] {
  return [
    ...layers.removed.map(({ name, type }) => `- ${name}  ${type}`),
    ...layers.added.map(({ name, type }) => `+ ${name}  ${type}`),
    ...layers.changed.flatMap(({ name, renamed, changes }) => [
      `~ ${renamed === undefined ? name : `${name} → ${renamed}`}`,
      ...changes.map((change) => `    ${changeText(change)}`),
    ]),
  ];
}

function figureText(name: string, { before, after }: Figure, format: (n: number) => string): string {
  const delta = after - before;
  const sign = delta > 0 ? '+' : '−';
  const part = before > 0 ? `, ${sign}${((100 * Math.abs(delta)) / before).toFixed(1)} %` : '';
  const change = delta === 0 ? '' : `  (${sign}${format(Math.abs(delta))}${part})`;
  return `${name.padEnd(16)}${format(before)}${delta === 0 ? '' : ` → ${format(after)}`}${change}`;
}

function figureLines({ figures }: ModelDiff): string[] {
  const count = (n: number): string => n.toLocaleString('en-US');
  return [
    figureText('parameters', figures.params, count),
    figureText('FLOPs', figures.flops, count),
    figureText('predict memory', figures.predict_bytes, formatBytes),
    ...(figures.train_bytes ? [figureText('train memory', figures.train_bytes, formatBytes)] : []),
  ];
}

function weightLines({ kept, renamed, reshaped, added, removed }: WeightTransfer): string[] {
  const names = (list: readonly string[]): string =>
    list.slice(0, MOST_NAMES).join(' ') + (list.length > MOST_NAMES ? ` and ${list.length - MOST_NAMES} more` : '');
  const line = (what: string, list: readonly string[]): string[] =>
    list.length === 0 ? [] : [`${String(list.length).padStart(4)} ${what}: ${names(list)}`];
  return [
    `${String(kept.length).padStart(4)} of ${kept.length + renamed.length + reshaped.length + removed.length} transfer as they are`,
    ...line(
      'would transfer under another name',
      renamed.map(({ from, to }) => `${from} → ${to}`),
    ),
    ...line(
      'have another shape',
      reshaped.map(({ name, was, is }) => `${name} ${was} → ${is}`),
    ),
    ...line('are new', added),
    ...line('are gone', removed),
  ];
}

function show(diff: ModelDiff): string {
  const part = (title: string, lines: readonly string[]): string =>
    lines.length === 0 ? '' : `${title}\n${lines.map((line) => `  ${line}\n`).join('')}`;
  if (diff.same) return 'the models are the same\n';
  return [
    part('layers', layerLines(diff)),
    part('sections', diff.sections.map(changeText)),
    part('figures', figureLines(diff)),
    part('weights', weightLines(diff.weights)),
  ]
    .filter((text) => text !== '')
    .join('\n');
}

/** A model whose shapes are right too: there is nothing to compare else. */
async function open(file: string, options: Options): Promise<Spec> {
  const spec = await openModel(file, [], options);
  const errors = checkModel(spec, batchOf(spec)).filter(({ severity }) => severity === 'error');
  if (errors.length > 0) throw new SpecError(errors);
  return spec;
}

export const verb: Verb = {
  configure(command) {
    weightOptions(
      allowOutsideOption(command),
      'a weight file of the first model: what becomes of its tensors in the second',
    )
      .argument('<before>', 'model file, or a weight file for the model in it')
      .argument('<after>', 'the model to compare with it')
      .option('--json', 'for machines')
      .option('--exit-code', 'exits with 1 where the models differ')
      .action(async (before: string, after: string, options: Options) => {
        const second = await open(after, options);
        const weights = givenWeights({ ...second, weights: [] }, options);
        const diff = diffModels(await open(before, options), second);
        process.stdout.write(options.json ? `${JSON.stringify(diff, null, 2)}\n` : show(diff));
        if (weights) await loadStates({ ...weights, partial: true }, modelStates(second));
        if (options.exitCode && !diff.same) process.exitCode = EXIT.fault;
      });
  },
};
