/**
 * `dlc compile`: the graph IR at any stage of the pipeline, the executable plan as text or as the runtime's blob, what
 * became of each layer, or the plan of prediction bundled with weights.
 */
import { batchOf } from '../../compiler/check';
import { disabledPasses, type Device } from '../../compiler/device';
import { compileGraphs, optimizeGraphs } from '../../compiler/compile';
import { UsageError } from '../../compiler/diagnostics/errors';
import type { Spec } from '../../compiler/frontend/spec';
import { printGraph } from '../../compiler/ir/print';
import { encodePlan } from '../../compiler/plan/encode';
import { explainPlan } from '../../compiler/plan/explain';
import { printPlan } from '../../compiler/plan/print';
import { isBundle, makeBundle, saveBundle } from '../../compiler/train/bundle';
import { writeFile } from '../../compiler/train/run-folder';
import { factsOf, lowerPrograms, wholeSteps, type Wanted } from '../../compiler/train/programs';
import { neededWeights } from '../../compiler/train/trained';
import type { Verb } from '../command';
import { formatExplained } from '../ui/explained';
import {
  deviceOption,
  modelArguments,
  oneOf,
  openModel,
  precisionOption,
  wholeNumber,
  type ModelOptions,
  type PrecisionOption,
} from '../model';
import { weightOptions, weightsOf, type WeightOptions } from '../weights';

const EMITS = ['ir', 'plan'] as const;
const PROGRAMS = ['init', 'train', 'eval', 'predict'] as const;

interface Options extends WeightOptions, ModelOptions, PrecisionOption {
  readonly device: Device;
  readonly emit?: (typeof EMITS)[number];
  readonly after?: string;
  readonly disablePass: readonly string[];
  readonly program?: (typeof PROGRAMS)[number];
  readonly batch?: readonly number[];
  readonly output?: string;
  readonly explain?: boolean;
  readonly json?: boolean;
}

function wantedPrograms(spec: Spec, options: Options): Wanted {
  const batch = options.batch ?? [batchOf(spec)];
  const possible = spec.losses.length === 0 ? ['init', 'predict'] : spec.train ? PROGRAMS : ['init', 'eval', 'predict'];
  const chosen = options.program === undefined ? possible : [options.program];
  if (options.program !== undefined && !possible.includes(options.program)) {
    throw new UsageError(
      `the model has no ${options.program} program: it lacks ${spec.losses.length === 0 ? 'losses' : 'a train section'}`,
    );
  }
  return {
    init: chosen.includes('init'),
    train: chosen.includes('train') ? batch.flatMap((size) => wholeSteps(spec, size)) : [],
    eval: chosen.includes('eval') ? batch : [],
    predict: chosen.includes('predict') ? batch : [],
  };
}

/** `--batch 8` or `--batch 64,1`. */
function batchList(text: string): number[] {
  return text.split(',').map(wholeNumber('--batch', 1));
}

async function bundle(file: string, overrides: string[], options: Options, output: string): Promise<void> {
  if (options.emit !== undefined || options.after !== undefined || options.disablePass.length > 0) {
    throw new UsageError('--emit, --after and --disable-pass are for looking at a graph or a plan, not for a bundle');
  }
  if (options.program !== undefined && options.program !== 'predict') {
    throw new UsageError(`a bundle predicts: it has no ${options.program} program`);
  }
  const spec = await openModel(file, overrides, options);
  const weights = neededWeights(spec, weightsOf(spec, options, file), 'a bundle');
  await saveBundle(output, await makeBundle(spec, weights, options.batch ?? [1], options.precision, options.device));
}

async function run(file: string, overrides: string[], options: Options): Promise<void> {
  if (options.output !== undefined && isBundle(options.output)) {
    await bundle(file, overrides, options, options.output);
    return;
  }
  if ((options.weights ?? options.map ?? options.weightsReport) !== undefined)
    throw new UsageError('--weights is for a bundle', '-o NAME.dlcb writes one');
  if (options.emit === 'plan' && options.after !== undefined) {
    throw new UsageError('--after belongs to --emit ir: a plan is made of the finished graph');
  }
  if (options.json && !options.explain) throw new UsageError('--json is for --explain');
  if (options.explain && (options.emit !== undefined || options.after !== undefined)) {
    throw new UsageError('--explain tells of the finished plan: --emit and --after show graphs and plans');
  }
  const spec = await openModel(file, overrides, options);
  const graphs = lowerPrograms(spec, wantedPrograms(spec, options));
  const pipeline = {
    facts: factsOf(spec, options.precision),
    disable: [...disabledPasses(options.device), ...options.disablePass],
    ...(options.after === undefined ? {} : { after: options.after }),
  };
  if (options.explain) {
    const explained = explainPlan(compileGraphs(spec.name, graphs, pipeline).plan, graphs);
    const text = options.json ? `${JSON.stringify(explained, null, 2)}\n` : formatExplained(explained);
    if (options.output === undefined) process.stdout.write(text);
    else writeFile(options.output, text);
    return;
  }
  if (options.emit !== 'plan') {
    // `input` is the stage before the first pass.
    const shown = options.after === 'input' ? graphs : optimizeGraphs(graphs, pipeline).optimized;
    const text = Object.values(shown).map(printGraph).join('\n');
    if (options.output === undefined) process.stdout.write(text);
    else writeFile(options.output, text);
    return;
  }
  const { plan } = compileGraphs(spec.name, graphs, pipeline);
  if (options.output === undefined) process.stdout.write(printPlan(plan));
  else writeFile(options.output, encodePlan(plan));
}

export const verb: Verb = {
  configure(command) {
    weightOptions(
      deviceOption(precisionOption(modelArguments(command))),
      'trained weights, for a bundle (default: those that the model names)',
    )
      .option(
        '--emit <what>',
        'ir (text, the default) or plan (text; the binary blob with --output)',
        oneOf('--emit', EMITS),
      )
      .option('--explain', 'for each layer the kernels that run, what they took in, where their results lie, and why')
      .option('--json', 'with --explain, for machines')
      .option('--after <pass>', 'stop after this pass; `input` is the graph before the first one')
      .option('--disable-pass <passes...>', 'leave passes out', [])
      .option('--program <name>', `only ${PROGRAMS.join(', ')}`, oneOf('--program', PROGRAMS))
      .option('--batch <n,...>', "samples in a batch (default: the file's; 1 in a bundle)", batchList)
      .option('-o, --output <file>', 'write to a file; NAME.dlcb is a bundle of the prediction plan and the weights')
      .action(run);
  },
};
