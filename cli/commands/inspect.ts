/** `dlc inspect`: layers, shapes, parameters, FLOPs, and the exact peak memory before anything runs. */
import { batchOf } from '../../compiler/check';
import { compileGraphs } from '../../compiler/compile';
import type { Spec } from '../../compiler/frontend/spec';
import { formatShape } from '../../compiler/lower/problems';
import { summarize } from '../../compiler/lower/summary';
import { plannedBytes } from '../../compiler/plan/plan';
import { largestProgram, lowerPrograms, wholeSteps } from '../../compiler/train/programs';
import { formatBytes } from '../../compiler/train/report/html';
import type { Verb } from '../command';
import { modelArguments, openModel, wholeNumber, type ModelOptions } from '../model';
import { formatTable } from '../ui/table';

interface Options extends ModelOptions {
  readonly json?: boolean;
  readonly batch?: number;
}

interface ModeMemory {
  readonly bytes: number;
  readonly arena: number;
  readonly state: number;
}

function memoryOf(spec: Spec, mode: 'train' | 'predict', batch: number): ModeMemory {
  const wanted = mode === 'train' ? { train: wholeSteps(spec, batch) } : { predict: [batch] };
  const { plan } = compileGraphs(spec.name, lowerPrograms(spec, wanted));
  const program = largestProgram(plan, mode);
  return { bytes: plannedBytes(plan, program), arena: program.arenaBytes, state: plan.stateBytes };
}

export const verb: Verb = {
  configure(command) {
    modelArguments(command)
      .option('--batch <n>', "samples in a batch (default: the file's)", wholeNumber('--batch', 1))
      .option('--json', 'for machines')
      .action(async (file: string, overrides: string[], options: Options) => {
        const spec = await openModel(file, overrides, options);
        const batch = options.batch ?? batchOf(spec);
        const summary = summarize(spec, batch);
        const trains = spec.train !== undefined && spec.losses.length > 0;
        const memory = {
          ...(trains ? { train: memoryOf(spec, 'train', batch) } : {}),
          predict: memoryOf(spec, 'predict', batch),
        };
        if (options.json) {
          process.stdout.write(`${JSON.stringify({ ...summary, batch, memory }, null, 2)}\n`);
          return;
        }
        const rows = summary.layers.map((l) => [
          l.name,
          l.type,
          l.outputs.map(formatShape).join(' '),
          l.params,
          l.flops,
        ]);
        const lines = Object.entries(memory).map(
          ([mode, m]) =>
            `  ${mode.padEnd(8)} ${formatBytes(m.bytes).padStart(10)}  (states ${formatBytes(m.state)}, arena ${formatBytes(m.arena)})`,
        );
        process.stdout.write(
          `${summary.name}${spec.description ? `: ${spec.description}` : ''}\n\n` +
            formatTable(['layer', 'type', 'output', 'parameters', 'FLOPs'], rows) +
            `\n${summary.params.toLocaleString('en-US')} parameters, ${summary.flops.toLocaleString('en-US')} FLOPs a sample forward\n` +
            `peak memory at batch ${batch}:\n${lines.join('\n')}\n`,
        );
      });
  },
};
