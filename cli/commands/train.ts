/** `dlc train`: compiles and trains a model, with live progress; Ctrl-C saves a checkpoint and says how to go on. */
import path from 'node:path';
import { runTraining, type RunHooks, type RunOutcome } from '../../compiler/train/run';
import { isEvaluationOnly } from '../../compiler/metrics/lookup';
import { tablesJson } from '../../compiler/train/figure-tables';
import { formatBytes, short } from '../../compiler/train/report/html';
import { EXIT, type Verb } from '../command';
import { Interrupt } from '../interrupt';
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
import { accounts, givenWeights, startOptions, type Accounts, type StartOptions } from '../weights';
import { printDiagnostics } from '../ui/diagnostics';
import { figuresText, tablesText } from '../ui/figures';
import { formatDuration, Progress } from '../ui/progress';

interface Options extends StartOptions, ModelOptions, MachineOptions, PrecisionOption {
  readonly resume?: boolean;
  readonly runDir?: string;
  readonly seed?: number;
  readonly json?: boolean;
}

function hooksFor(progress: Progress, interrupt: Interrupt, onWeights: Accounts): RunHooks {
  const shown = (dir: string): string => path.relative('', dir) || '.';
  return {
    onStart: ({ folder, step, totalSteps, plannedBytes }) => {
      interrupt.listen();
      const from =
        step === 0
          ? `${totalSteps} steps`
          : step < totalSteps
            ? `goes on at step ${step} of ${totalSteps}`
            : `is at step ${step} already, of ${totalSteps} to train`;
      progress.note(`${shown(folder.dir)}: ${from}, ${formatBytes(plannedBytes)} planned`);
    },
    onWarnings: printDiagnostics,
    onWeights,
    onData: ({ what, done, total }) => progress.update({ done, total, text: what }),
    onProgress: (p, total) =>
      progress.update({
        done: p.step,
        total,
        text: `epoch ${p.epoch}  loss ${short(p.loss)}  lr ${short(p.lr)}`,
        itemsPerSecond: p.samplesPerSecond,
        secondsLeft: p.secondsLeft,
      }),
    onEvaluation: (line, tables) =>
      progress.note(`epoch ${line.epoch}  step ${line.step}  eval ${figuresText(line, tables)}`),
    onEvaluationProgress: (done, total) => progress.update({ done, total, text: 'evaluating' }),
    onCheckpoint: () => undefined,
    shouldStop: interrupt.requested,
  };
}

function finish(outcome: RunOutcome, seconds: number, resume: string, json: boolean): void {
  const { folder, step, totalSteps, status, evaluation, training, stoppedEarly, best } = outcome;
  const dir = path.relative('', folder.dir) || '.';
  if (json) {
    const run = {
      status,
      step,
      total_steps: totalSteps,
      ...(stoppedEarly ? { stopped_early: true } : {}),
      run_dir: folder.dir,
      weights: folder.weights,
      training,
      evaluation: evaluation?.figures,
      ...(evaluation && evaluation.tables.length > 0 ? { tables: tablesJson(evaluation.tables) } : {}),
      ...(best ? { best } : {}),
    };
    process.stdout.write(`${JSON.stringify(run, null, 2)}\n`);
  }
  if (status === 'interrupted') {
    process.stderr.write(
      `\nstopped at step ${step} of ${totalSteps}; a checkpoint is saved. Go on with:\n\n  ${resume}\n`,
    );
    process.exitCode = EXIT.interrupted;
    return;
  }
  if (json) return;
  const shown = evaluation
    ? `: ${figuresText(evaluation.figures, evaluation.tables)}`
    : training && `: training ${figuresText(training)}, mean of the last epoch`;
  const tables = evaluation ? tablesText(evaluation.tables) : '';
  const early = stoppedEarly ? ` of ${totalSteps}, as evaluations got no better,` : '';
  const kept = best ? `best at step ${best.step}: ${figuresText(best.figures, evaluation?.tables)}\n` : '';
  process.stdout.write(
    `trained ${step} steps${early} in ${formatDuration(seconds)}${shown ?? ''}\n${tables}${kept}${dir}/weights.h5  ${dir}/report.html\n`,
  );
}

async function run(file: string, given: string[], options: Options): Promise<void> {
  // Into the model that the run keeps, so that it is resumed as it began.
  const overrides = options.precision === undefined ? given : [...given, `train.precision=${options.precision}`];
  const spec = await openModel(file, overrides, options);
  const hear = accounts(options);
  const weights = givenWeights(spec, options, undefined, hear);
  const progress = new Progress();
  const late = spec.metrics.filter(isEvaluationOnly).map(({ name }) => name);
  if (late.length > 0) {
    const when = spec.data.eval ? 'in evaluation alone' : 'without `data.eval` never computed';
    progress.note(`${when}: ${late.join(', ')}`);
  }
  const interrupt = new Interrupt(() => progress.note('stopping after this step; once more ends at once'));
  const began = Date.now();
  try {
    const outcome = await runTraining(
      spec,
      {
        ...(options.seed === undefined ? {} : { seed: options.seed }),
        ...(options.runDir === undefined ? {} : { runDir: options.runDir }),
        ...(weights === undefined ? {} : { weights }),
        machine: { device: options.device, threads: options.threads },
        runRoot: 'runs',
        resume: options.resume ?? false,
        allowOutside: options.allowOutside ?? false,
        command: ['dlc', ...process.argv.slice(2)].map(quote).join(' '),
      },
      hooksFor(progress, interrupt, hear),
    );
    progress.clear();
    const resume = ['dlc', 'train', file, ...overrides, '--resume', '--run-dir', path.relative('', outcome.folder.dir)];
    if (options.seed !== undefined) resume.push('--seed', String(options.seed));
    finish(outcome, (Date.now() - began) / 1000, resume.map(quote).join(' '), options.json ?? false);
  } finally {
    progress.clear();
    interrupt.release();
  }
}

/** As a shell would need it. */
function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replace(/'/g, `'\\''`)}'`;
}

export const verb: Verb = {
  configure(command) {
    startOptions(precisionOption(machineOptions(modelArguments(command))))
      .option('--resume', "go on from the run folder's newest good checkpoint (or from the start where there is none)")
      .option('--run-dir <dir>', 'run folder (default: runs/<name>/<time>; with --resume the newest run)')
      .option(
        '--seed <n>',
        "seed of weights, order and dropout (default: the file's `train.seed`)",
        wholeNumber('--seed', 0),
      )
      .option('--json', 'the outcome as JSON on stdout')
      .action(run);
  },
};
