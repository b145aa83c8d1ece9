/** Lowers a few layers the way a model does and runs them in the reference interpreter. */
import { differentiate } from '../../compiler/autodiff/differentiate';
import { checkSpecText } from '../../compiler/frontend/load';
import type { Mode } from '../../compiler/frontend/spec';
import { SpecError } from '../../compiler/diagnostics/errors';
import type { Shape } from '../../compiler/ir/types';
import { elementCount, isFloat } from '../../compiler/ir/types';
import { RNG } from '../../compiler/lower/lower';
import { ModelLowering } from '../../compiler/lower/model';
import { interpret } from '../../compiler/reference/interpret';

export interface LayerRun {
  /** The model input `x`. */
  readonly x: readonly number[];
  readonly shape: Shape;
  /** Flow-style fields after `name: y`, or a whole list of layers ending in one called y. */
  readonly layers: string;
  readonly mode?: Mode;
  readonly states?: Readonly<Record<string, readonly number[]>>;
}

export interface LayerResult {
  readonly shape: Shape;
  readonly values: number[];
  /** Of the sum of all outputs with respect to x; empty where they do not depend on it. */
  readonly gradient: number[];
  readonly updates: Readonly<Record<string, number[]>>;
}

export function modelOf(shape: Shape, layers: string, mode: Mode): ModelLowering {
  const list = layers.trimStart().startsWith('-') ? `\n${layers}` : ` [{name: y, ${layers}}]`;
  const text = `inputs: {x: {shape: [N${shape
    .slice(1)
    .map((extent) => `, ${extent}`)
    .join('')}]}}\nlayers:${list}\noutputs: [y]\n`;
  const { spec, diagnostics } = checkSpecText(text, 'layer.yaml');
  if (!spec) throw new SpecError(diagnostics);
  return new ModelLowering(spec, { batch: shape[0] ?? 1, mode, ownInputs: mode === 'train' ? { rng: RNG } : {} });
}

export function runLayer({ x, shape, layers, mode = 'predict', states = {} }: LayerRun): LayerResult {
  const model = modelOf(shape, layers, mode);
  const { b } = model;
  model.lowerLayers(['y']);
  model.parameters.finish();
  model.problems.throwIfErrors();
  const y = model.values.get('y')!;
  const axes = y.type.shape.map((_, axis) => axis);
  // Integers and bools have no gradient.
  const [gradient] = isFloat(y.type.dtype)
    ? differentiate(b, b.op('reduce_sum', [y], { axes, keepdims: false }), [model.values.get('x')!])
    : [];
  b.result('y', y);
  if (gradient) b.result('gradient', gradient);
  const given = Object.fromEntries(Object.entries(states).map(([name, data]) => [name, Float64Array.from(data)]));
  const feeds = { x: Float64Array.from(x), ...(mode === 'train' ? { rng: Float64Array.of(1, 1) } : {}) };
  expect(x).toHaveLength(elementCount(shape));
  const { results, updates } = interpret(b.build(), feeds, given);
  return {
    shape: y.type.shape,
    values: [...results['y']!.data],
    gradient: [...(results['gradient']?.data ?? [])],
    updates: Object.fromEntries(Object.entries(updates).map(([name, { data }]) => [name, [...data]])),
  };
}

/** The output shape alone, or the messages of what is wrong. */
export function shapeOf(shape: Shape, layers: string): Shape | string {
  try {
    const model = modelOf(shape, layers, 'predict');
    model.lowerLayers(['y']);
    model.problems.throwIfErrors();
    return model.values.get('y')!.type.shape;
  } catch (error) {
    if (error instanceof SpecError) return error.message;
    throw error;
  }
}

export function expectClose(found: readonly number[], expected: readonly number[], digits = 8): void {
  expect(found).toHaveLength(expected.length);
  expected.forEach((value, i) => expect(found[i]).toBeCloseTo(value, digits));
}
