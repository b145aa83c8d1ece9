/** Lowers layers with any number of inputs and outputs, as a model file has them, and runs them in the interpreter. */
import { differentiate } from '../../compiler/autodiff/differentiate';
import { SpecError } from '../../compiler/diagnostics/errors';
import { checkSpecText } from '../../compiler/frontend/load';
import type { Mode } from '../../compiler/frontend/spec';
import type { Value } from '../../compiler/ir/graph';
import { elementCount, type Shape } from '../../compiler/ir/types';
import { ModelLowering } from '../../compiler/lower/model';
import { interpret } from '../../compiler/reference/interpret';

export interface ModelInput {
  readonly shape: Shape;
  readonly values: readonly number[];
  /** `float32` unless said. */
  readonly dtype?: string;
}

export interface ModelRun {
  readonly inputs: Readonly<Record<string, ModelInput>>;
  /** A list of layers, one a line. */
  readonly layers: string;
  /** Default: y. */
  readonly outputs?: readonly string[];
  readonly mode?: Mode;
  readonly states?: Readonly<Record<string, readonly number[]>>;
  readonly step?: number;
}

export interface ModelResult {
  readonly values: Readonly<Record<string, number[]>>;
  readonly shapes: Readonly<Record<string, Shape>>;
  /** Of half the sum of squares of the outputs, with respect to inputs and parameters, by name. */
  readonly gradients: Readonly<Record<string, number[]>>;
  /** What random ops draw from is among the inputs of the graph. */
  readonly random: boolean;
}

/** Numbers without a pattern that another program can make again: sin(0.7 · i + phase). */
export function wave(shape: Shape, phase: number): ModelInput {
  return { shape, values: Array.from({ length: elementCount(shape) }, (_, i) => Math.sin(0.7 * i + phase)) };
}

export function counting(shape: Shape): ModelInput {
  return { shape, values: Array.from({ length: elementCount(shape) }, (_, i) => i) };
}

function lowered({ inputs, layers, outputs = ['y'], mode = 'predict' }: ModelRun): ModelLowering {
  const declared = Object.entries(inputs).map(
    ([name, { shape, dtype = 'float32' }]) => `  ${name}: {shape: [${shape.join(', ')}], dtype: ${dtype}}\n`,
  );
  const text = `inputs:\n${declared.join('')}layers:\n${layers}\noutputs: [${outputs.join(', ')}]\n`;
  const { spec, diagnostics } = checkSpecText(text, 'model.yaml');
  if (!spec) throw new SpecError(diagnostics);
  const batch = Object.values(inputs)[0]?.shape[0] ?? 1;
  const model = new ModelLowering(spec, { batch, mode });
  model.lowerLayers(outputs);
  model.parameters.finish();
  model.problems.throwIfErrors();
  return model;
}

export function runModel(run: ModelRun): ModelResult {
  const { inputs, outputs = ['y'], states = {}, step = 1 } = run;
  const model = lowered(run);
  const { b } = model;
  const made = outputs.map((name) => [name, model.values.get(name)!] as const);
  made.forEach(([name, value]) => b.result(name, value));
  const wrt = [...b.inputs, ...b.states.map(({ value }) => value)].filter(({ type }) => type.dtype === 'f32');
  const parts = made
    .filter(([, { type }]) => type.dtype === 'f32')
    .map(([, value]): Value => {
      const axes = value.type.shape.map((_, axis) => axis);
      const squares = b.op('mul', [b.op('square', [value]), b.full(0.5)]);
      return axes.length === 0 ? squares : b.op('reduce_sum', [squares], { axes, keepdims: false });
    });
  const total = parts.reduce((sum, part) => b.op('add', [sum, part]), b.full(0));
  differentiate(b, total, wrt).forEach((gradient, i) => {
    if (gradient) b.result(`gradient of ${wrt[i]!.name}`, gradient);
  });
  const random = b.inputs.some(({ name }) => name === 'rng');
  const feeds = Object.fromEntries(
    Object.entries(inputs).map(([name, { values }]) => [name, Float64Array.from(values)]),
  );
  const held = Object.fromEntries(Object.entries(states).map(([name, values]) => [name, Float64Array.from(values)]));
  const { results } = interpret(b.build(), { ...feeds, ...(random ? { rng: Float64Array.of(7, step) } : {}) }, held);
  const starting = (prefix: string): Record<string, number[]> =>
    Object.fromEntries(
      Object.entries(results)
        .filter(([name]) => name.startsWith(prefix))
        .map(([name, { data }]) => [name.slice(prefix.length), [...data]]),
    );
  return {
    values: Object.fromEntries(outputs.map((name) => [name, [...results[name]!.data]])),
    shapes: Object.fromEntries(made.map(([name, value]) => [name, value.type.shape])),
    gradients: starting('gradient of '),
    random,
  };
}

/** What is wrong with the model, in words. */
export function problemOf(run: ModelRun): string {
  try {
    lowered(run);
  } catch (error) {
    if (error instanceof SpecError) return error.message;
    throw error;
  }
  return 'nothing';
}
