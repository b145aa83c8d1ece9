/**
 * Spec → graphs. One function a graph: `lowerModel` (eval, predict, or the forward half of train), `lowerTraining`,
 * `lowerInit`. Names of inputs and results are those of the table "Graphs of a model" in docs/architecture.md.
 */
import { SpecError } from '../diagnostics/errors';
import type { Diagnostic } from '../diagnostics/diagnostic';
import type { LayerSpec, Mode, Spec } from '../frontend/spec';
import type { Graph, Value } from '../ir/graph';
import type { TensorType } from '../ir/types';
import { isEvaluationOnly, metricsIn } from '../metrics/lookup';
import { lowerInit } from './init';
import { lintLosses } from './lints';
import type { ModelOptions } from './model';
import { ModelLowering } from './model';
import type { StateInfo } from './states';
import { penaltiesOf, reportPenalty } from './regularize';
import { settingsOf } from './settings';
import { lowerLosses, lowerMetrics, reportTerm, totalOf, weightedMean, type Term } from './terms';
import { checkGradients } from './check_gradients';
import { checkTraining } from './check_training';

export { lowerInit } from './init';
export { lowerTraining } from './training';
export type { ModelOptions } from './model';
export type { StateInfo } from './states';

/** (seed, step), what random ops draw from. */
export const RNG: TensorType = { dtype: 'i64', shape: [2] };

export interface LayerInfo {
  readonly layer: LayerSpec;
  readonly outputs: readonly Value[];
}

export interface Lowered {
  readonly graph: Graph;
  /** The layers that were lowered, in order. */
  readonly layers: readonly LayerInfo[];
  /** Every state of the graph, in order of declaration. */
  readonly states: readonly StateInfo[];
  /** By reference: a name of an input or a layer, or `layer.output`. */
  readonly values: ReadonlyMap<string, Value>;
  readonly warnings: readonly Diagnostic[];
}

/** The model itself in one mode. With losses in train and eval, with the declared outputs in predict. */
export function lowerModel(spec: Spec, options: ModelOptions): Lowered {
  const ownInputs = options.mode === 'train' ? { rng: RNG } : {};
  const model = new ModelLowering(spec, { ownInputs, ...options });
  if (options.mode === 'predict') {
    model.lowerLayers(spec.outputs);
    for (const name of spec.outputs) {
      const value = model.values.get(name);
      if (value) model.b.result(name, value);
    }
  } else {
    const { terms, total } = lowerTerms(model);
    if (options.mode === 'train' && !model.problems.hasErrors) checkGradients(model, terms, total);
  }
  return finish(model);
}

interface LoweredTerms {
  readonly terms: readonly Term[];
  /** Before it is checked; undefined where there are no losses. */
  readonly total: Value | undefined;
}

/** Layers, losses, metrics; their results. */
export function lowerTerms(model: ModelLowering): LoweredTerms {
  const { b, spec } = model;
  model.lowerLayers([...spec.losses, ...metricsIn(spec, model.options.mode)].flatMap((term) => term.inputs));
  model.parameters.finish();
  const terms = lowerLosses(model, spec.losses);
  for (const term of terms) reportTerm(b, term);
  const groups = spec.train?.groups ?? [];
  const isLearned = (info: StateInfo): boolean => !settingsOf(info, groups).frozen;
  const penalty = terms.length > 0 ? penaltiesOf(b, model.parameters, groups, isLearned) : undefined;
  reportPenalty(b, penalty);
  const parts = terms.map((term) => weightedMean(b, term));
  b.prefix = 'loss';
  const total = totalOf(b, penalty ? [...parts, penalty] : parts);
  if (total) b.result('loss', b.op('check_finite', [total], { what: 'the loss' }));
  for (const [name, value] of lowerMetrics(model)) b.result(name, value);
  return { terms, total };
}

/** Throws the collected problems, or gives the graph. */
export function finish(model: ModelLowering, slots: readonly StateInfo[] = []): Lowered {
  model.problems.throwIfErrors();
  return {
    graph: model.b.build(),
    layers: [...model.outputs].map(([layer, outputs]) => ({ layer, outputs })),
    states: [...model.parameters.infos.values(), ...slots],
    values: model.values,
    warnings: [...lintLosses(model.spec, model.references), ...model.problems.all()],
  };
}

/** Every problem that lowering the model in every mode finds, and the warnings. */
export function checkModel(spec: Spec, batch: number): readonly Diagnostic[] {
  const found = new Map<string, Diagnostic>();
  for (const diagnostic of checkTraining(spec)) found.set(diagnostic.message, diagnostic);
  for (const mode of modesToCheck(spec)) {
    for (const diagnostic of problemsOf(spec, { batch: atOnce(spec, mode, batch), mode, everyLayer: true })) {
      const { code, at, message } = diagnostic;
      found.set([code, at.file, at.line, at.column, message].join('\0'), diagnostic);
    }
  }
  return [...found.values()];
}

/** Samples that are computed together where a step has `batch` of them: parts of it, where gradients are accumulated. */
function atOnce({ train }: Spec, mode: Mode, batch: number): number {
  if (!train) return batch;
  return mode === 'train' ? Math.ceil(batch / train.accumulate) : Math.min(batch, train.evaluate.batchSize);
}

/** Evaluation differs from prediction by layers that exist in one of the two, from training by metrics. */
function modesToCheck(spec: Spec): readonly Mode[] {
  const ownLayers = spec.layers.some(({ modes }) => modes.includes('eval') !== modes.includes('predict'));
  const evalIsOwn = ownLayers || spec.metrics.some(isEvaluationOnly);
  const trained = spec.losses.length + spec.metrics.length > 0;
  return [...(trained ? (['train'] as const) : []), ...(evalIsOwn ? (['eval'] as const) : []), 'predict'];
}

function problemsOf(spec: Spec, options: ModelOptions): readonly Diagnostic[] {
  try {
    const lowered = lowerModel(spec, options);
    // Initializers that do not suit their parameters; in prediction every layer has its parameters.
    if (options.mode === 'predict') lowerInit(spec, [lowered]);
    return lowered.warnings;
  } catch (error) {
    if (error instanceof SpecError) return error.diagnostics;
    throw error;
  }
}
