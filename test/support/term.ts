/** Lowers one loss or metric on two literal tensors, the way a model does, and runs it in the reference interpreter. */
import { differentiate } from '../../compiler/autodiff/differentiate';
import { loadSpecText } from '../../compiler/frontend/load';
import type { Shape } from '../../compiler/ir/types';
import { elementCount } from '../../compiler/ir/types';
import { lowerTerms } from '../../compiler/lower/lower';
import { ModelLowering } from '../../compiler/lower/model';
import { resultOfBatch } from '../../compiler/metrics/batch';
import type { METRICS } from '../../compiler/metrics/index';
import { interpret } from '../../compiler/reference/interpret';

export interface Pair {
  readonly x: readonly number[];
  readonly shape: Shape;
  readonly target: readonly number[];
  /** Default: the shape of x without axis 1. */
  readonly targetShape?: Shape;
  readonly dtype?: 'int32' | 'float32' | 'uint8';
}

function lowering(pair: Pair, sections: string): ModelLowering {
  const target = pair.targetShape ?? pair.shape.filter((_, axis) => axis !== 1);
  const text = `
inputs:
  x: {shape: [${pair.shape.join(', ')}]}
  target: {shape: [${target.join(', ')}], dtype: ${pair.dtype ?? 'int32'}}
layers: [{name: y, type: identity, inputs: x}]
${sections}`;
  return new ModelLowering(loadSpecText(text, 'term.yaml'), { batch: pair.shape[0] ?? 1, mode: 'eval' });
}

function feeds(pair: Pair): Record<string, Float64Array> {
  return { x: Float64Array.from(pair.x), target: Float64Array.from(pair.target) };
}

/** The loss of the batch, what it was divided by, and its gradient with respect to x. */
export function lossOf(pair: Pair, loss: string): { loss: number; count: number; gradient: number[] } {
  const model = lowering(pair, `losses: [{name: l, inputs: [y, target], ${loss}}]`);
  const { total } = lowerTerms(model);
  model.problems.throwIfErrors();
  const [gradient] = differentiate(model.b, total!, [model.values.get('x')!]);
  model.b.result('gradient', gradient!);
  const { results } = interpret(model.b.build(), feeds(pair));
  expect(results['gradient']!.data).toHaveLength(elementCount(pair.shape));
  return {
    loss: results['loss']!.data[0]!,
    count: results['losses/l/count']!.data[0]!,
    gradient: [...results['gradient']!.data],
  };
}

/** The figure that a metric gives for one batch. */
export function metricOf(pair: Pair, type: keyof typeof METRICS, fields = ''): number {
  const model = lowering(pair, `metrics: [{name: m, inputs: [y, target], type: ${type}${fields}}]`);
  lowerTerms(model);
  model.problems.throwIfErrors();
  const { results } = interpret(model.b.build(), feeds(pair));
  return resultOfBatch(model.spec.metrics[0]!, results).value;
}
