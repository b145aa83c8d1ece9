/** `dlc bench`: times training or prediction on synthetic data of the declared shapes. */
import { batchOf } from '../../compiler/check';
import { UsageError } from '../../compiler/diagnostics/errors';
import type { Spec } from '../../compiler/frontend/spec';
import { openRuntime, type NativeRuntime } from '../../compiler/native/runtime';
import { benchProgram, openBench } from '../../compiler/train/bench';
import { chromeTrace, sumsBy, type StepProfile } from '../../compiler/train/profile';
import { writeFile } from '../../compiler/train/run-folder';
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
import { formatTable } from '../ui/table';
import { formatRate } from '../ui/progress';

const MODES = ['train', 'predict'] as const;

interface Options extends ModelOptions, MachineOptions {
  readonly mode: (typeof MODES)[number];
  readonly batch?: number;
  readonly seconds: number;
  readonly profile?: boolean;
  readonly chromeTrace?: string;
  readonly json?: boolean;
}

const MOST_ROWS = 20;

async function profile(spec: Spec, runtime: NativeRuntime, batch: number, options: Options): Promise<void> {
  const bench = await openBench(spec, runtime, { mode: options.mode, batch });
  const steps = await bench.profile(options.seconds);
  bench.close();
  if (options.chromeTrace !== undefined) {
    writeFile(options.chromeTrace, `${JSON.stringify(chromeTrace(spec.name, steps))}\n`);
  }
  if (options.json) {
    process.stdout.write(`${JSON.stringify(steps, null, 2)}\n`);
    return;
  }
  const total = sumsBy(steps, () => 'all')[0]?.ms ?? 0;
  const cells = (ms: number, bytes: number): string[] => [
    `${ms.toFixed(3)} ms`.padStart(12),
    `${((100 * ms) / total).toFixed(1)} %`.padStart(7),
    formatBytes(bytes).padStart(10),
  ];
  const figures = ['        time', '  share', '     bytes'];
  const sums = (title: string, key: (step: StepProfile) => string): string =>
    formatTable(
      [title, 'steps', ...figures],
      sumsBy(steps, key)
        .slice(0, MOST_ROWS)
        .map(({ name, steps: count, ms, bytes }) => [name, count, ...cells(ms, bytes)]),
    );
  const longest = [...steps].sort((a, b) => b.ms - a.ms).slice(0, MOST_ROWS);
  process.stdout.write(
    [
      sums('op', ({ op }) => op),
      sums('layer', ({ layer }) => layer),
      formatTable(
        ['step', 'layer', ...figures, 'inputs'],
        longest.map(({ op, layer, ms, bytes, shapes }) => [op, layer, ...cells(ms, bytes), shapes.join(' ')]),
      ),
    ].join('\n'),
  );
}

export const verb: Verb = {
  configure(command) {
    machineOptions(modelArguments(command))
      .option('--mode <mode>', 'train or predict', oneOf('--mode', MODES), 'train')
      .option('--batch <n>', "samples in a batch (default: the file's)", wholeNumber('--batch', 1))
      .option('--seconds <n>', 'measure for about this long', wholeNumber('--seconds', 1), 3)
      .option('--profile', 'time and bytes of each op, layer and step instead')
      .option('--chrome-trace <file>', 'write the profile for chrome://tracing or Perfetto')
      .option('--json', 'for machines')
      .action(async (file: string, overrides: string[], options: Options) => {
        const spec = await openModel(file, overrides, options);
        if (options.mode === 'train' && (!spec.train || spec.losses.length === 0)) {
          throw new UsageError('the model has no train section with a loss', 'measure prediction with --mode predict');
        }
        const batch = options.batch ?? batchOf(spec);
        const runtime = openRuntime(options);
        if (options.profile || options.chromeTrace !== undefined) {
          await profile(spec, runtime, batch, options);
          return;
        }
        const result = await benchProgram(spec, runtime, { mode: options.mode, batch, seconds: options.seconds });
        if (options.json) {
          process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
          return;
        }
        process.stdout.write(
          `${spec.name} ${options.mode}, batch ${batch}, ${result.threads} threads: median ${result.median_ms.toFixed(3)} ms a step ` +
            `(p95 ${result.p95_ms.toFixed(3)}, ${result.calls} calls), ${formatRate(result.items_per_s)}\n` +
            `planned ${formatBytes(result.planned_bytes)}, process peak ${formatBytes(result.peak_rss_bytes)}\n`,
        );
      });
  },
};
