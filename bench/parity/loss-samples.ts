/** Prints the cases of the losses with what dlc makes of them in float32 as JSON: what `losses.py` compares with PyTorch. */
import { CASES } from '../../test/losses/cases';
import { lossGraph, runLoss, type LossCase } from '../../test/support/loss';
import { runStep } from './native-run';

async function native(given: LossCase): Promise<object> {
  const { graph, feeds, wrt } = lossGraph(given);
  const { ok, outputs } = await runStep(graph, feeds);
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
