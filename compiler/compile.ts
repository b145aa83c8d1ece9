/** From the graphs of a model to its executable plan: the pipeline on each, then the plan over all of them. */
import { makeFolder } from './files';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Graph } from './ir/graph';
import type { Facts } from './passes/define';
import { runPipeline, type PipelineOptions, type Stage } from './pipeline';
import { planPrograms } from './plan/build';
import type { Plan } from './plan/plan';
import { PREPARE } from './plan/prepare';

export interface CompileOptions extends Omit<PipelineOptions, 'dump' | 'facts'> {
  /** By program name. */
  readonly facts?: (program: string) => Facts;
}

export interface Compiled {
  readonly plan: Plan;
  /** As the pipeline left them, by program name. */
  readonly graphs: Readonly<Record<string, Graph>>;
  readonly stages: Readonly<Record<string, readonly Stage[]>>;
}

/** `graphs` by program name: `init`, `train`, `eval`, `predict`, … `prepare` can be disabled as passes can. */
export function compileGraphs(
  name: string,
  graphs: Readonly<Record<string, Graph>>,
  options: CompileOptions = {},
): Compiled {
  const { disable = [] } = options;
  const passes = { ...options, disable: disable.filter((pass) => pass !== PREPARE) };
  const { optimized, stages } = optimizeGraphs(graphs, passes);
  const plan = planPrograms(name, optimized, { prepare: !disable.includes(PREPARE) });
  return { plan, graphs: optimized, stages };
}

/** The pipeline alone, for `dlc compile --emit ir`. `DLC_DUMP=<folder>` writes the graph after every pass there. */
export function optimizeGraphs(
  graphs: Readonly<Record<string, Graph>>,
  options: CompileOptions = {},
): { readonly optimized: Readonly<Record<string, Graph>>; readonly stages: Compiled['stages'] } {
  const folder = process.env['DLC_DUMP'];
  const optimized: Record<string, Graph> = {};
  const stages: Record<string, readonly Stage[]> = {};
  for (const [program, graph] of Object.entries(graphs)) {
    const dump = folder ? { dump: dumpInto(folder, program) } : {};
    const { facts, ...others } = options;
    const result = runPipeline(graph, { ...others, ...(facts ? { facts: facts(program) } : {}), ...dump });
    optimized[program] = result.graph;
    stages[program] = result.stages;
  }
  return { optimized, stages };
}

/** `<folder>/<program>/03-fold.ir`, one file for each pass that changed something. */
function dumpInto(folder: string, program: string): NonNullable<PipelineOptions['dump']> {
  return (_graph, stage, pass, text) => {
    const directory = join(folder, program);
    makeFolder(directory);
    writeFileSync(join(directory, `${String(stage).padStart(2, '0')}-${pass}.ir`), text);
  };
}
