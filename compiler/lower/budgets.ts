/** Checks `budgets:` and `train.memory`: parameters and operations by the model's summary, memory by the plan it is given. */
import * as say from '../diagnostics/catalogue';
import type { Diagnostic } from '../diagnostics/diagnostic';
import type { Spec } from '../frontend/spec';
import type { ModelSummary } from './summary';

/** `peakMemory` plans the model and is called only where there is a budget for it. */
export function checkBudgets(spec: Spec, summary: ModelSummary, peakMemory?: () => number): readonly Diagnostic[] {
  const { budgets } = spec;
  if (!budgets) return [];
  const found: Diagnostic[] = [];
  const check = (field: string, needed: number, budget: number, format: (n: number) => string, hint: string): void => {
    if (needed > budget)
      found.push(say.budgetExceeded(budgets.at([field]), field, format(needed), format(budget), hint));
  };
  const largest = (figure: 'params' | 'flops'): string => {
    const layer = summary.layers.reduce((most, next) => (next[figure] > most[figure] ? next : most));
    return `most of it is in layer \`${layer.name}\`: ${inThousands(layer[figure])}`;
  };
  if (budgets.params !== undefined) check('params', summary.params, budgets.params, inThousands, largest('params'));
  if (budgets.flops !== undefined) check('flops', summary.flops, budgets.flops, inThousands, largest('flops'));
  if (budgets.peakMemory !== undefined && peakMemory) {
    check('peak_memory', peakMemory(), budgets.peakMemory, inMebibytes, 'a smaller `train.batch_size` needs less');
  }
  return found;
}

/** Checks `train.memory`: the plan keeps to it where recomputation can. */
export function checkMemory({ train, losses }: Spec, peakMemory: () => number): readonly Diagnostic[] {
  if (train?.memory === undefined || losses.length === 0) return [];
  const least = peakMemory();
  if (least <= train.memory) return [];
  return [say.memoryExceeded(train.at(['memory']), inMebibytes(least), inMebibytes(train.memory))];
}

function inThousands(n: number): string {
  return n.toLocaleString('en-US', { maximumFractionDigits: 0 });
}

function inMebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}
