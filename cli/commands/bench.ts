/** `dlc bench`: times training or prediction on synthetic data of the declared shapes. */
import { batchOf } from '../../compiler/check';
import { UsageError } from '../../compiler/diagnostics/errors';
import { openRuntime } from '../../compiler/native/runtime';
import { benchProgram } from '../../compiler/train/bench';
import type { Verb } from '../command';
import {
  machineOptions,
  modelArguments,
  oneOf,
  openModel,
  wholeNumber,
  type MachineOptions,
  type ModelOptions,
} from '../model';
import { formatBytes } from '../../compiler/train/report/html';
import { formatRate } from '../ui/progress';

const MODES = ['train', 'predict'] as const;

interface Options extends ModelOptions, MachineOptions {
  readonly mode: (typeof MODES)[number];
  readonly batch?: number;
  readonly seconds: number;
  readonly json?: boolean;
}

export const verb: Verb = {
  configure(command) {
    machineOptions(modelArguments(command))
      .option('--mode <mode>', 'train or predict', oneOf('--mode', MODES), 'train')
      .option('--batch <n>', "samples in a batch (default: the file's)", wholeNumber('--batch', 1))
      .option('--seconds <n>', 'measure for about this long', wholeNumber('--seconds', 1), 3)
      .option('--json', 'for machines')
      .action(async (file: string, overrides: string[], options: Options) => {
        const spec = await openModel(file, overrides, options);
        if (options.mode === 'train' && (!spec.train || spec.losses.length === 0)) {
          throw new UsageError('the model has no train section with a loss', 'measure prediction with --mode predict');
        }
        const batch = options.batch ?? batchOf(spec);
        const runtime = openRuntime(options);
        const result = await benchProgram(spec, runtime, { mode: options.mode, batch, seconds: options.seconds });
        if (options.json) {
          process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
          return;
        }
        process.stdout.write(
          `${spec.name} ${options.mode}, batch ${batch}, ${result.threads} threads: median ${result.median_ms.toFixed(3)} ms a step ` +
            `(p95 ${result.p95_ms.toFixed(3)}, ${result.steps} steps), ${formatRate(result.items_per_s)}\n` +
            `planned ${formatBytes(result.planned_bytes)}, process peak ${formatBytes(result.peak_rss_bytes)}\n`,
        );
      });
  },
};
