/** `dlc inspect`: layers, shapes, parameters, FLOPs, and the exact peak memory before anything runs. */
import { batchOf } from '../../compiler/check';
import type { Spec } from '../../compiler/frontend/spec';
import { formatShape } from '../../compiler/lower/problems';
import { summarize } from '../../compiler/lower/summary';
import { elementCount, type Precision } from '../../compiler/ir/types';
import { recomputedIn, type Recomputed } from '../../compiler/passes/again';
import { plannedBytes, type Plan, type PlanProgram } from '../../compiler/plan/plan';
import { compilePrograms, largestProgram, modelStates, wholeSteps } from '../../compiler/train/programs';
import { formatBytes } from '../../compiler/train/report/html';
import { loadStates } from '../../compiler/weights/several';
import type { Verb } from '../command';
import {
  modelArguments,
  openModel,
  precisionOption,
  wholeNumber,
  type ModelOptions,
  type PrecisionOption,
} from '../model';
import { recomputedText } from '../ui/figures';
import { formatTable } from '../ui/table';
import { weightOptions, weightsOf, type WeightOptions } from '../weights';

interface Options extends WeightOptions, ModelOptions, PrecisionOption {
  readonly json?: boolean;
  readonly batch?: number;
}

interface ModeMemory {
  readonly bytes: number;
  readonly arena: number;
  readonly state: number;
}

interface PhaseMemory extends ModeMemory {
  readonly name: string;
  /** Parameters that a step of the phase changes. */
  readonly learned: number;
}

interface TrainMemory extends ModeMemory {
  /** With `train.memory`, where something had to be. */
  readonly recomputed?: Recomputed;
  /** Where the training has phases: each of them on its own. */
  readonly phases?: readonly PhaseMemory[];
}

const memoryOf = (plan: Plan, program: PlanProgram): ModeMemory => ({
  bytes: plannedBytes(plan, program),
  arena: program.arenaBytes,
  state: plan.stateBytes,
});

function predictMemory(spec: Spec, batch: number, precision?: Precision): ModeMemory {
  const { plan } = compilePrograms(spec, { predict: [batch], precision });
  return memoryOf(plan, largestProgram(plan, 'predict'));
}

/** Of the phase that needs the most. */
function trainMemory(spec: Spec, batch: number, precision?: Precision): TrainMemory {
  const { plan, graphs } = compilePrograms(spec, { train: wholeSteps(spec, batch), precision });
  const largest = largestProgram(plan, 'train');
  const recomputed = recomputedIn(graphs[largest.name]!);
  const whole = { ...memoryOf(plan, largest), ...(recomputed.steps > 0 ? { recomputed } : {}) };
  const phases = spec.train?.phases ?? [];
  if (phases.length === 0) return whole;
  const each = Object.entries(graphs).map(([name, graph], i): PhaseMemory => {
    const program = plan.programs.find((one) => one.name === name)!;
    const changed = new Set(graph.updates.map(({ state }) => state));
    const parameters = graph.states.filter(({ value, role }) => role === 'parameter' && changed.has(value));
    const learned = parameters.reduce((sum, { value }) => sum + elementCount(value.type.shape), 0);
    return { name: phases[i]!.name, learned, ...memoryOf(plan, program) };
  });
  return { ...whole, phases: each };
}

/** Whether the weights fit, after all else was said; what became of each tensor is told as wherever weights are read. */
async function compareWeights(spec: Spec, options: Options, file: string): Promise<void> {
  const weights = weightsOf(spec, options, file);
  if (weights !== undefined) await loadStates(weights, modelStates(spec));
}

export const verb: Verb = {
  configure(command) {
    weightOptions(
      precisionOption(modelArguments(command)),
      'weights to compare with the model (default: those that the model names)',
    )
      .option('--batch <n>', "samples in a batch (default: the file's)", wholeNumber('--batch', 1))
      .option('--json', 'for machines')
      .action(async (file: string, overrides: string[], options: Options) => {
        const spec = await openModel(file, overrides, options);
        const batch = options.batch ?? batchOf(spec);
        const summary = summarize(spec, batch);
        const trains = spec.train !== undefined && spec.losses.length > 0;
        const memory = {
          ...(trains ? { train: trainMemory(spec, batch, options.precision) } : {}),
          predict: predictMemory(spec, batch, options.precision),
        };
        if (options.json) {
          process.stdout.write(`${JSON.stringify({ ...summary, batch, memory }, null, 2)}\n`);
          await compareWeights(spec, options, file);
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
        const phases = (memory.train?.phases ?? []).map(
          ({ name, bytes, learned }) =>
            `  ${formatBytes(bytes).padStart(19)}  phase ${name}, ${learned.toLocaleString('en-US')} parameters learned`,
        );
        const { recomputed } = memory.train ?? {};
        lines.splice(1, 0, ...(recomputed ? [`${' '.repeat(23)}${recomputedText(recomputed)}`] : []), ...phases);
        process.stdout.write(
          `${summary.name}${spec.description ? `: ${spec.description}` : ''}\n\n` +
            formatTable(['layer', 'type', 'output', 'parameters', 'FLOPs'], rows) +
            `\n${summary.params.toLocaleString('en-US')} parameters, ${summary.flops.toLocaleString('en-US')} FLOPs a sample forward\n` +
            `peak memory at batch ${batch}:\n${lines.join('\n')}\n`,
        );
        await compareWeights(spec, options, file);
      });
  },
};
