/** `dlc bench`: times training or prediction on synthetic data of the declared shapes. */
import { batchOf } from '../../compiler/check';
import { UsageError } from '../../compiler/diagnostics/errors';
import type { Spec } from '../../compiler/frontend/spec';
import { openRuntime, type NativeRuntime } from '../../compiler/native/runtime';
import { openBench, openSessionBench, runBench, type BenchProgram, type BenchResult } from '../../compiler/train/bench';
import { isBundle, openBundle } from '../../compiler/train/bundle';
import { programSizes } from '../../compiler/train/predict';
import { programName } from '../../compiler/train/programs';
import { chromeTrace, sumsBy, type StepProfile } from '../../compiler/train/profile';
import { writeFile } from '../../compiler/train/run-folder';
import type { Verb } from '../command';
import {
  machineOptions,
  modelArguments,
  oneOf,
  openModel,
  precisionOption,
  refuseOverrides,
  wholeNumber,
  type MachineOptions,
  type ModelOptions,
  type PrecisionOption,
} from '../model';
import { startOptions, weightsOf, type StartOptions } from '../weights';
import { formatBytes } from '../../compiler/train/report/html';
import { recomputedText } from '../ui/figures';
import { formatTable } from '../ui/table';
import { formatRate } from '../ui/progress';

const MODES = ['train', 'predict'] as const;

interface Options extends StartOptions, ModelOptions, MachineOptions, PrecisionOption {
  readonly mode?: (typeof MODES)[number];
  readonly batch?: number;
  readonly seconds: number;
  readonly profile?: boolean;
  readonly chromeTrace?: string;
  readonly json?: boolean;
}

const MOST_ROWS = 20;

async function profile(spec: Spec, runtime: NativeRuntime, program: BenchProgram, options: Options): Promise<void> {
  const bench = await openBench(spec, runtime, program);
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

function print(name: string, result: BenchResult, { json }: Options): void {
  const { mode, batch, threads, calls, recomputed } = result;
  process.stdout.write(
    json
      ? `${JSON.stringify(result, null, 2)}\n`
      : `${name} ${mode}, batch ${batch}, ${threads} threads: median ${result.median_ms.toFixed(3)} ms a step ` +
          `(p95 ${result.p95_ms.toFixed(3)}, ${calls} calls), ${formatRate(result.items_per_s)}\n` +
          `planned ${formatBytes(result.planned_bytes)}, process peak ${formatBytes(result.peak_rss_bytes)}\n` +
          (recomputed ? `${recomputedText(recomputed)}\n` : ''),
  );
}

/** With the weights of the bundle, at one of its batch sizes. */
async function benchBundle(file: string, overrides: readonly string[], options: Options): Promise<void> {
  if (overrides.length > 0) refuseOverrides(overrides[0]!);
  if (options.precision !== undefined) refuseOverrides('--precision');
  if (options.weights !== undefined) refuseOverrides('--weights');
  if (options.mode === 'train') throw new UsageError('a bundle predicts: it has no train program');
  if (options.profile || options.chromeTrace !== undefined) {
    throw new UsageError('a bundle does not name its steps', 'profile the model file');
  }
  const runtime = openRuntime(options);
  const { model, session } = await openBundle(file, runtime);
  const sizes = programSizes(session);
  const batch = options.batch ?? Math.max(...sizes);
  if (!sizes.includes(batch)) {
    throw new UsageError(`the bundle is not compiled for batches of ${batch}`, `it has ${sizes.join(', ')}`);
  }
  const bench = await openSessionBench(session, programName('predict', batch));
  print(model.name, await runBench(bench, runtime, { mode: 'predict', batch, seconds: options.seconds }), options);
}

export const verb: Verb = {
  configure(command) {
    startOptions(precisionOption(machineOptions(modelArguments(command))))
      .option('--mode <mode>', 'train (the default) or predict; a bundle predicts', oneOf('--mode', MODES))
      .option('--batch <n>', "samples in a batch (default: the file's)", wholeNumber('--batch', 1))
      .option('--seconds <n>', 'measure for about this long', wholeNumber('--seconds', 1), 3)
      .option('--profile', 'time and bytes of each op, layer and step instead')
      .option('--chrome-trace <file>', 'write the profile for chrome://tracing or Perfetto')
      .option('--json', 'for machines')
      .action(async (file: string, overrides: string[], options: Options) => {
        if (isBundle(file)) {
          await benchBundle(file, overrides, options);
          return;
        }
        const spec = await openModel(file, overrides, options);
        const mode = options.mode ?? 'train';
        if (mode === 'train' && (!spec.train || spec.losses.length === 0)) {
          throw new UsageError('the model has no train section with a loss', 'measure prediction with --mode predict');
        }
        const batch = options.batch ?? batchOf(spec);
        const runtime = openRuntime(options);
        const { precision } = options;
        const program = { mode, batch, precision, weights: weightsOf(spec, options, file) };
        if (options.profile || options.chromeTrace !== undefined) {
          await profile(spec, runtime, program, options);
          return;
        }
        const bench = await openBench(spec, runtime, program);
        print(spec.name, await runBench(bench, runtime, { mode, batch, seconds: options.seconds }), options);
      });
  },
};
