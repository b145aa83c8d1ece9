/** A loss on literal tensors: lowered the way a model's is, with the gradients of its value, and run in the reference. */
import { differentiate } from '../../compiler/autodiff/differentiate';
import { checkSpecText } from '../../compiler/frontend/load';
import { DTYPE_WORDS } from '../../compiler/frontend/language';
import type { Fields } from '../../compiler/frontend/spec';
import { SpecError } from '../../compiler/diagnostics/errors';
import type { Graph } from '../../compiler/ir/graph';
import { lowerTerms } from '../../compiler/lower/lower';
import { ModelLowering } from '../../compiler/lower/model';
import type { RefTensor } from '../../compiler/ops/define';
import { interpret } from '../../compiler/reference/interpret';

export interface LossTensor {
  /** The batch in front. */
  readonly shape: readonly number[];
  readonly values: readonly number[];
  /** As users write it: `float32` unless said. */
  readonly dtype?: string;
  /** A constant of the model instead of an input: its first axis need not be the batch. */
  readonly constant?: boolean;
}

export interface LossCase {
  readonly type: string;
  readonly fields?: Fields;
  readonly inputs: readonly LossTensor[];
  /** Inputs, by position, whose gradient is asked for; default all of float32. */
  readonly wrt?: readonly number[];
  /** Layers on the inputs `in0`, `in1`, …, and what the loss is given instead of those. */
  readonly through?: { readonly layers: readonly Fields[]; readonly inputs: readonly string[] };
}

export interface LossGraph {
  /** Results: `loss`, `losses/l/sum`, `losses/l/count`, `d_in<k>`. */
  readonly graph: Graph;
  readonly feeds: Readonly<Record<string, RefTensor>>;
  readonly wrt: readonly number[];
}

export function lossGraph({ type, fields = {}, inputs, wrt, through }: LossCase): LossGraph {
  const names = inputs.map((_, i) => `in${i}`);
  const declared = inputs.flatMap(({ shape, dtype = 'float32', constant }, i) =>
    constant ? [] : [[`in${i}`, { shape, dtype }] as const],
  );
  const constants = inputs.flatMap(({ shape, values, constant }, i) =>
    constant ? [{ name: `in${i}`, type: 'constant', shape, values }] : [],
  );
  const text = JSON.stringify({
    inputs: Object.fromEntries(declared),
    layers: [...constants, { name: 'none', type: 'identity', inputs: 'in0' }, ...(through?.layers ?? [])],
    losses: [{ name: 'l', type, inputs: through?.inputs ?? names, ...fields }],
  });
  const { spec, diagnostics } = checkSpecText(text, 'loss.json');
  if (!spec) throw new SpecError(diagnostics);
  const model = new ModelLowering(spec, { batch: inputs[0]?.shape[0] ?? 1, mode: 'eval' });
  const { total } = lowerTerms(model);
  model.problems.throwIfErrors();
  const floats = inputs.flatMap(({ dtype = 'float32' }, i) => (dtype === 'float32' ? [i] : []));
  const asked = wrt ?? floats;
  const gradients = differentiate(
    model.b,
    total!,
    asked.map((i) => model.values.get(`in${i}`)!),
  );
  gradients.forEach((gradient, k) => {
    if (gradient) model.b.result(`d_in${asked[k]}`, gradient);
  });
  const feeds = inputs.flatMap(({ shape, values, dtype = 'float32', constant }, i) => {
    if (constant) return [];
    const tensor = { type: { dtype: DTYPE_WORDS[dtype] ?? 'f32', shape }, data: Float64Array.from(values) };
    return [[`in${i}`, tensor] as const];
  });
  return { graph: model.b.build(), feeds: Object.fromEntries(feeds), wrt: asked };
}

export interface LossRun {
  readonly loss: number;
  readonly sum: number;
  readonly count: number;
  /** One for each input asked for. */
  readonly gradients: readonly (readonly number[])[];
}

export function runLoss(given: LossCase): LossRun {
  const { graph, feeds, wrt } = lossGraph(given);
  const { results } = interpret(graph, feeds);
  const scalar = (name: string): number => results[name]?.data[0] ?? NaN;
  return {
    loss: scalar('loss'),
    sum: scalar('losses/l/sum'),
    count: scalar('losses/l/count'),
    gradients: wrt.map((i) => [...(results[`d_in${i}`]?.data ?? [])]),
  };
}

/** The message of what is wrong with the model, or nothing. */
export function lossProblem(given: LossCase): string | undefined {
  try {
    lossGraph(given);
  } catch (error) {
    if (error instanceof SpecError) return error.message;
    throw error;
  }
  return undefined;
}
