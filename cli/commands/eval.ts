/** `dlc eval`: losses and metrics of a trained model over its evaluation data. */
import { missingSection } from '../../compiler/diagnostics/catalogue';
import { SpecError } from '../../compiler/diagnostics/errors';
import { openRuntime } from '../../compiler/native/runtime';
import { batchSizes } from '../../compiler/train/batching';
import { evaluate } from '../../compiler/train/evaluate';
import { openFeed } from '../../compiler/train/feed';
import { tablesJson } from '../../compiler/train/figure-tables';
import { dataInputs } from '../../compiler/train/programs';
import { neededWeights, openTrained, trainedLearned } from '../../compiler/train/trained';
import type { Verb } from '../command';
import {
  machineOptions,
  modelArguments,
  openModel,
  precisionOption,
  wholeNumber,
  type MachineOptions,
  type ModelOptions,
  type PrecisionOption,
} from '../model';
import { weightOptions, weightsOf, type WeightOptions } from '../weights';
import { figuresText, tablesText } from '../ui/figures';
import { Progress } from '../ui/progress';

const DEFAULT_BATCH = 100;

interface Options extends WeightOptions, ModelOptions, MachineOptions, PrecisionOption {
  readonly batch?: number;
  readonly json?: boolean;
}

async function run(file: string, overrides: string[], options: Options): Promise<void> {
  const spec = await openModel(file, overrides, options);
  const weights = neededWeights(spec, weightsOf(spec, options, file), 'dlc eval');
  if (!spec.data.eval) throw new SpecError([missingSection(spec.at([]), 'data.eval', 'eval')]);
  if (spec.losses.length === 0) throw new SpecError([missingSection(spec.at([]), 'losses', 'eval')]);
  const progress = new Progress();
  const batchSize = options.batch ?? spec.train?.evaluate.batchSize ?? DEFAULT_BATCH;
  const feed = await openFeed(spec, 'eval', dataInputs(spec, 'eval', batchSize), {
    allowOutside: options.allowOutside ?? false,
    seed: 0,
    learned: await trainedLearned(weights),
    onProgress: ({ what, done, total }) => progress.update({ done, total, text: what }),
  });
  const runtime = openRuntime(options);
  const wanted = { eval: batchSizes(feed.samples, batchSize), precision: options.precision };
  const { session } = await openTrained(spec, wanted, weights, runtime);
  const { figures, tables } = await evaluate(spec, session, feed, {
    batchSize,
    onProgress: (done, total) => progress.update({ done, total, text: 'evaluating' }),
  });
  progress.clear();
  session.close();
  const samples = feed.samples;
  feed.close();
  process.stdout.write(
    options.json
      ? `${JSON.stringify({ samples, ...figures, ...(tables.length > 0 ? { tables: tablesJson(tables) } : {}) }, null, 2)}\n`
      : `${figuresText(figures, tables)}  (${samples.toLocaleString('en-US')} samples)\n${tablesText(tables)}`,
  );
}

export const verb: Verb = {
  configure(command) {
    weightOptions(
      precisionOption(machineOptions(modelArguments(command))),
      'trained weights (default: those that the model names; not needed where MODEL is a weight file itself)',
    )
      .option(
        '--batch <n>',
        "samples in a batch (default: the file's `train.evaluate.batch_size`)",
        wholeNumber('--batch', 1),
      )
      .option('--json', 'for machines')
      .action(run);
  },
};
