/** One step of a graph, optimized and run natively: what the comparisons of float32 are made of. */
import { openRuntime, type TensorData } from '../../compiler/native/runtime';
import type { Graph } from '../../compiler/ir/graph';
import type { RefTensor } from '../../compiler/ops/define';
import { runPipeline } from '../../compiler/pipeline';
import { planPrograms } from '../../compiler/plan/build';
import { encodePlan } from '../../compiler/plan/encode';
import { toNative } from '../../test/support/native';

const runtime = openRuntime({ threads: 1 });

export interface NativeStep {
  readonly ok: boolean;
  readonly outputs: Readonly<Record<string, TensorData>>;
}

export async function runStep(graph: Graph, feeds: Readonly<Record<string, RefTensor>>): Promise<NativeStep> {
  const plan = planPrograms(graph.name, { run: runPipeline(graph).graph });
  const session = runtime.createSession(encodePlan(plan), plan);
  try {
    const inputs = Object.entries(feeds).map(([name, tensor]) => [name, toNative(tensor)] as const);
    return await session.run('run', 1, Object.fromEntries(inputs));
  } finally {
    session.close();
  }
}
