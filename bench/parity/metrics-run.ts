/**
 * Evaluates the metrics that come as JSON on standard input, in batches of three: in the float64 reference and natively.
 * For metrics.py.
 */
import { readFileSync } from 'node:fs';
import type { Graph } from '../../compiler/ir/graph';
import type { RefTensor } from '../../compiler/ops/define';
import { evaluateMetric, inReference, type Computed, type MetricCase } from '../../test/support/metric';
import { runStep } from './native-run';

const BATCH = 3;

interface Batch {
  readonly graph: Graph;
  readonly feeds: Readonly<Record<string, RefTensor>>;
}

/** The reference runs at once and the native runtime later: its results are put in the same places in a second round. */
async function figures(given: MetricCase): Promise<object> {
  const batches: Batch[] = [];
  const reference = evaluateMetric(given, BATCH, undefined, (graph, feeds) => {
    batches.push({ graph, feeds });
    return inReference(graph, feeds);
  });
  const outputs: Computed[] = [];
  for (const { graph, feeds } of batches) {
    const step = await runStep(graph, feeds);
    outputs.push(
      Object.fromEntries(Object.entries(step.outputs).map(([name, data]) => [name, Float64Array.from(data, Number)])),
    );
  }
  const native = evaluateMetric(given, BATCH, undefined, () => outputs.shift() ?? {});
  return { reference: reference.figures['m'], native: native.figures['m'] };
}

async function main(): Promise<void> {
  const results = [];
  for (const given of JSON.parse(readFileSync(0, 'utf8')) as readonly MetricCase[]) results.push(await figures(given));
  process.stdout.write(JSON.stringify(results));
}

void main();
