/**
 * Prints the cases of the losses with what dlc makes of them in float32 as JSON: what `losses.py` compares with
 * PyTorch. The bundle has to lie inside of the package, where the native runtime is found.
 */
import { allocateTensor } from '../../compiler/native/tensors';
import { openRuntime } from '../../compiler/native/runtime';
import { runPipeline } from '../../compiler/pipeline';
import { planPrograms } from '../../compiler/plan/build';
import { encodePlan } from '../../compiler/plan/encode';
import { CASES } from '../../test/losses/cases';
import { lossGraph, runLoss, type LossCase } from '../../test/support/loss';

const runtime = openRuntime({ threads: 1 });

async function native(given: LossCase): Promise<object> {
  const { graph, feeds, wrt } = lossGraph(given);
  const plan = planPrograms(graph.name, { run: runPipeline(graph).graph });
  const session = runtime.createSession(encodePlan(plan), plan);
  const inputs = Object.entries(feeds).map(([name, { type, data }]) => {
    const tensor = allocateTensor({ name, ...type });
    if (tensor instanceof BigInt64Array) data.forEach((x, i) => (tensor[i] = BigInt(x)));
    else tensor.set(data);
    return [name, tensor] as const;
  });
  const { ok, outputs } = await session.run('run', 1, Object.fromEntries(inputs));
  session.close();
  const listed = (name: string): number[] => Array.from(outputs[name] ?? [], Number);
  return { ok, loss: listed('loss')[0], gradients: wrt.map((i) => listed(`d_in${i}`)) };
}

async function main(): Promise<void> {
  const results = [];
  for (const [name, given] of Object.entries(CASES)) {
    const { wrt } = lossGraph(given);
    results.push({ name, ...given, wrt, native: await native(given), reference: runLoss(given) });
  }
  process.stdout.write(JSON.stringify(results));
}

void main();
