/** `dlc lr-find`: a learning-rate range test on the training data, drawn in the terminal, with rates to try. */
import path from 'node:path';
import { UsageError } from '../../compiler/diagnostics/errors';
import { findLearningRate, type RangeOutcome } from '../../compiler/train/lr-find';
import { drawn } from '../../compiler/train/lr-suggest';
import { short } from '../../compiler/train/report/html';
import { ratesChart, ratesPage } from '../../compiler/train/report/rates';
import { writeFile } from '../../compiler/train/run-folder';
import type { Spec } from '../../compiler/frontend/spec';
import { EXIT, type Verb } from '../command';
import { Interrupt } from '../interrupt';
import {
  machineOptions,
  modelArguments,
  openModel,
  wholeNumber,
  type MachineOptions,
  type ModelOptions,
} from '../model';
import { accounts, givenWeights, startOptions, type StartOptions } from '../weights';
import { plot } from '../ui/plot';
import { Progress } from '../ui/progress';
import { formatTable } from '../ui/table';

interface Options extends StartOptions, ModelOptions, MachineOptions {
  readonly from: number;
  readonly to: number;
  readonly steps: number;
  readonly stopAt: number;
  readonly seed?: number;
  readonly out?: string;
  readonly json?: boolean;
}

/** A number above `bound`, from an option's text. */
function above(option: string, bound: number): (text: string) => number {
  return (text) => {
    const value = text.trim() === '' ? NaN : Number(text);
    if (!Number.isFinite(value) || value <= bound)
      throw new UsageError(`${option} takes a number above ${bound}, not '${text}'`);
    return value;
  };
}

const MEANING = {
  valley: 'in the middle of the longest fall: a safe choice',
  steep: 'where the loss falls fastest',
  minimum: 'a tenth of where the loss is least',
} as const;

/** How a rate is given to `dlc train`; with several optimizers there is no one word for it. */
function override(spec: Spec, lr: number): string {
  const { phases = [], objectives = [] } = spec.train ?? {};
  return phases.length + objectives.length === 0 ? `train.optimizer.lr=${lr.toPrecision(2)}` : lr.toPrecision(2);
}

function show(spec: Spec, { points, suggestions }: RangeOutcome): void {
  const curve = drawn(points).map(({ lr, smoothed }) => [Math.log10(lr), smoothed] as const);
  const width = Math.min(96, Math.max(24, (process.stdout.columns || 80) - 14));
  process.stdout.write(`\n${plot(curve, { width, x: (log) => `lr ${short(10 ** log)}`, y: short })}`);
  if (!suggestions) return;
  const rows = (['valley', 'steep', 'minimum'] as const).map((name) => [
    name,
    override(spec, suggestions[name]),
    MEANING[name],
  ]);
  process.stdout.write(`\n${formatTable(['suggestion', 'rate', 'why'], rows)}`);
}

function writePicture(file: string, title: string, { points, suggestions }: RangeOutcome): void {
  const chart = ratesChart(title, drawn(points), suggestions);
  writeFile(file, Buffer.from(/\.svg$/i.test(file) ? chart : ratesPage(title, chart)));
}

async function run(file: string, overrides: string[], options: Options): Promise<void> {
  if (options.from >= options.to) throw new UsageError(`--from ${options.from} is not below --to ${options.to}`);
  if (options.out !== undefined && !/\.(svg|html?)$/i.test(options.out)) {
    throw new UsageError(`--out takes a .svg or .html file, not '${path.basename(options.out)}'`);
  }
  const spec = await openModel(file, overrides, options);
  const hear = accounts(options);
  const weights = givenWeights(spec, options, undefined, hear);
  const progress = new Progress();
  const interrupt = new Interrupt(() => progress.note('stopping after this step; once more ends at once'));
  interrupt.listen();
  try {
    const outcome = await findLearningRate(
      spec,
      {
        from: options.from,
        to: options.to,
        steps: options.steps,
        stopAt: options.stopAt,
        ...(options.seed === undefined ? {} : { seed: options.seed }),
        ...(weights === undefined ? {} : { weights }),
        allowOutside: options.allowOutside ?? false,
        machine: { device: options.device, threads: options.threads },
      },
      {
        onWeights: hear,
        onData: ({ what, done, total }) => progress.update({ done, total, text: what }),
        onStep: ({ step, lr, smoothed }) =>
          progress.update({ done: step, total: options.steps, text: `lr ${short(lr)}  loss ${short(smoothed)}` }),
        shouldStop: interrupt.requested,
      },
    );
    progress.clear();
    if (options.out !== undefined) writePicture(options.out, `${spec.name}: loss over learning rate`, outcome);
    if (options.json) process.stdout.write(`${JSON.stringify(outcome, null, 2)}\n`);
    else show(spec, outcome);
    if (outcome.ended === 'interrupted') process.exitCode = EXIT.interrupted;
    else if (!outcome.suggestions) {
      process.stderr.write(
        `dlc: ${outcome.points.length} steps are too few to suggest a rate\n  hint: begin lower with --from, or take more with --steps\n`,
      );
      process.exitCode = EXIT.fault;
    }
  } finally {
    progress.clear();
    interrupt.release();
  }
}

export const verb: Verb = {
  configure(command) {
    startOptions(machineOptions(modelArguments(command)))
      .option('--from <rate>', 'rate of the first step', above('--from', 0), 1e-7)
      .option('--to <rate>', 'rate of the last step', above('--to', 0), 10)
      .option('--steps <n>', 'steps, each with a higher rate than the one before', wholeNumber('--steps', 1), 100)
      .option('--stop-at <factor>', 'ends where the smoothed loss is so many times its best', above('--stop-at', 1), 4)
      .option('--seed <n>', "seed of weights and order (default: the file's `train.seed`)", wholeNumber('--seed', 0))
      .option('--out <file>', 'draws the curve into a .svg or .html file')
      .option('--json', 'points and suggestions as JSON on stdout')
      .action(run);
  },
};
