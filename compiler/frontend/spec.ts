/**
 * The Spec: a model file after parsing, validation and expansion. Plain data, fully resolved: no blocks,
 * no repeats, no `$params`, every input a full name. Layers lower from this and from nothing else.
 */
import type { Location, Origin } from '../diagnostics/location';
import type { DType, Precision } from '../ir/types';
import type { WeightMap } from '../weights/matching';

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
export type Fields = { readonly [key: string]: Json };

export const MODES = ['train', 'eval', 'predict'] as const;
export type Mode = (typeof MODES)[number];

/** Finds the place of a field in the text, e.g. `at(['padding', 1])`; the item's own place for `at([])`. */
export type Locate = (
  path: readonly (string | number)[],
  /** A part of the text there. */
  part?: { readonly offset: number; readonly length: number },
) => Location;

export interface InputSpec {
  readonly name: string;
  readonly dtype: DType;
  /** Symbols (`N`) stay symbols until the graph is built for a batch size; the first symbol of axis 0 is the batch. */
  readonly shape: readonly (number | string)[];
  readonly origin: Origin;
}

export interface LayerSpec {
  /** Full name: `stage1/0/conv1` inside blocks. */
  readonly name: string;
  readonly type: string;
  /** Full names of layers or model inputs, `layer.output` for a layer's named further output. */
  readonly inputs: readonly string[];
  /** The layer's own fields, defaults not filled in; common fields (name, type, inputs, when, ...) taken out. */
  readonly fields: Fields;
  /** Modes in which the layer exists; elsewhere it passes its first input (or `otherwise`) through. */
  readonly modes: readonly Mode[];
  readonly otherwise?: string;
  /** The layer or output whose value this one, a buffer, takes on after a training step. */
  readonly next?: string;
  /** The sub-graphs that a control layer runs, by field. */
  readonly bodies?: Readonly<Record<string, BodySpec>>;
  readonly origin: Origin;
  readonly at: Locate;
}

/** A sub-graph: closed, it sees only its inputs. */
export interface BodySpec {
  /** `loop/`: what all names inside begin with. */
  readonly prefix: string;
  /** Full names, `loop/x`, which its layers refer to. */
  readonly inputs: readonly string[];
  /** In order; named `loop/conv1`. */
  readonly layers: readonly LayerSpec[];
  readonly outputs: readonly { readonly name: string; readonly from: string }[];
  readonly at: Locate;
}

/** Every layer, those inside of bodies included. */
export function allLayers(layers: readonly LayerSpec[]): readonly LayerSpec[] {
  return layers.flatMap((layer) => [
    layer,
    ...Object.values(layer.bodies ?? {}).flatMap((body) => allLayers(body.layers)),
  ]);
}

/** A loss or a metric. */
export interface TermSpec {
  readonly name: string;
  readonly type: string;
  readonly inputs: readonly string[];
  /** Weight in the total loss; 1 for metrics. */
  readonly weight: number;
  readonly fields: Fields;
  readonly origin: Origin;
  readonly at: Locate;
}

/** A typed section with fields of its own: a data source, an optimizer, a schedule. */
export interface SectionSpec {
  readonly type: string;
  readonly fields: Fields;
  readonly origin: Origin;
  readonly at: Locate;
}

export interface Interval {
  readonly count: number;
  readonly unit: 'steps' | 'epochs' | 'minutes';
}

/** What a weight is to its layer: groups choose by it. */
export const PARAMETER_KINDS = ['weight', 'bias', 'norm', 'embedding'] as const;
export type ParameterKind = (typeof PARAMETER_KINDS)[number];

/** Settings for the weights that fit a pattern and are of a kind. */
export interface GroupSpec {
  /** Patterns; without them every name fits. */
  readonly names?: readonly string[];
  readonly kinds?: readonly ParameterKind[];
  /** Of lr, decay, frozen, l1, l2, orthogonal and constraint those that are written. */
  readonly fields: Fields;
  readonly optimizer?: OptimizerOverride;
  readonly at: Locate;
}

/** Fields laid over an optimizer; with `whole` it is another one. */
export interface OptimizerOverride {
  readonly type: string;
  readonly fields: Fields;
  readonly whole: boolean;
  readonly origin: Origin;
  readonly at: Locate;
}

export interface ClipSpec {
  readonly value?: number;
  readonly norm?: number;
  readonly globalNorm?: number;
}

/** An average of the weights over the steps: exponential, or plain (`decay` absent). */
export interface AverageSpec {
  readonly decay?: number;
  readonly warmup: boolean;
  readonly start: Interval;
  readonly every: Interval;
  readonly at: Locate;
}

export interface LookaheadSpec {
  readonly steps: number;
  readonly alpha: number;
}

/** A stretch of the training; optimizer, schedule and clip are those that hold in it. */
export interface PhaseSpec {
  readonly name: string;
  readonly epochs?: number;
  readonly steps?: number;
  readonly frozen: readonly string[];
  readonly trainNorms: boolean;
  readonly optimizer: SectionSpec;
  readonly schedule: SectionSpec;
  readonly schedules?: Readonly<Record<string, SectionSpec>>;
  readonly groups: readonly GroupSpec[];
  readonly clip?: ClipSpec;
  readonly at: Locate;
}

/** A part of the training with losses, weights and an optimizer of its own. */
export interface ObjectiveSpec {
  readonly name: string;
  readonly losses: readonly string[];
  readonly parameters: readonly string[];
  readonly optimizer: SectionSpec;
  readonly schedule: SectionSpec;
  readonly schedules?: Readonly<Record<string, SectionSpec>>;
  readonly clip?: ClipSpec;
  /** At work in every so many-th step. */
  readonly every: number;
  readonly at: Locate;
}

export interface StopSpec {
  readonly metric: string;
  readonly patience: number;
  readonly minDelta: number;
  readonly mode?: 'min' | 'max';
  readonly at: Locate;
}

export interface CheckpointSpec {
  readonly every?: Interval;
  readonly keep: number;
  /** The figure whose best evaluation is kept. */
  readonly best?: string;
  readonly restoreBest: boolean;
}

export interface TrainSpec {
  readonly batchSize: number;
  readonly epochs?: number;
  /** In place of `epochs`; 0 writes the initial weights. */
  readonly steps?: number;
  readonly seed: number;
  readonly optimizer: SectionSpec;
  readonly schedule: SectionSpec;
  /** Schedules of the optimizer's other fields, by field. */
  readonly schedules?: Readonly<Record<string, SectionSpec>>;
  /** Parts that the batch of a step is computed in. */
  readonly accumulate: number;
  /** Bytes that a step may take. */
  readonly memory?: number;
  /** What activations are stored in, in steps of training and its evaluations. */
  readonly precision: Precision;
  readonly clip?: ClipSpec;
  readonly groups: readonly GroupSpec[];
  readonly average?: AverageSpec;
  readonly lookahead?: LookaheadSpec;
  /** Empty where the training is one stretch. */
  readonly phases: readonly PhaseSpec[];
  /** Empty where all losses and weights belong together. */
  readonly objectives: readonly ObjectiveSpec[];
  readonly stop?: StopSpec;
  readonly checkpoint: CheckpointSpec;
  readonly evaluate: { readonly every: Interval; readonly batchSize: number };
  readonly origin: Origin;
  readonly at: Locate;
}

/** A weight file whose tensors parameters start from. */
export interface WeightsSpec {
  /** As written; it starts at the folder of the model file. */
  readonly file: string;
  /** What the names of the layers that it fills begin with; empty for the whole model. */
  readonly into: string;
  /** From the names in a file of another framework to ours. */
  readonly map?: WeightMap;
  /** What does not fit is left out, on both sides. */
  readonly partial?: boolean;
  readonly at: Locate;
}

export interface BudgetSpec {
  readonly params?: number;
  readonly flops?: number;
  /** Bytes, of the training step where there is a `train:` section, else of predict. */
  readonly peakMemory?: number;
  readonly at: Locate;
}

/** An expression that must be true of the model. */
export interface AssertSpec {
  readonly text: string;
  readonly at: Locate;
}

/** What `dlc test` runs. */
export interface TestSpec {
  readonly name: string;
  readonly seed: number;
  readonly tolerance: number;
  readonly weights?: string;
  readonly inputs: Fields;
  /** Absent where the test trains. */
  readonly outputs?: Fields;
  readonly lossAfter?: { readonly steps: number; readonly value: number };
  readonly at: Locate;
}

export interface Spec {
  readonly file: string;
  /** Where paths start; by default the folder of the file. */
  readonly folder?: string;
  readonly name: string;
  readonly description?: string;
  readonly inputs: readonly InputSpec[];
  readonly layers: readonly LayerSpec[];
  readonly outputs: readonly string[];
  readonly losses: readonly TermSpec[];
  readonly metrics: readonly TermSpec[];
  readonly data: Readonly<Partial<Record<'train' | 'eval' | 'predict', SectionSpec>>>;
  readonly train?: TrainSpec;
  readonly weights: readonly WeightsSpec[];
  /** For files of other programs that commands are given. */
  readonly weightMap?: WeightMap;
  /** Of a nested model: the layer that it is taken from. */
  readonly start?: string;
  /** Of a nested model: the layers that names of blocks and repeats stand for. */
  readonly aliases?: ReadonlyMap<string, string>;
  readonly budgets?: BudgetSpec;
  readonly asserts?: readonly AssertSpec[];
  readonly tests?: readonly TestSpec[];
  /** The model file after overrides and expansion, as plain JSON: what is stored in weights and run folders. Compiling it again gives the same graph. */
  readonly resolved: Fields;
  readonly origin: Origin;
  /** Place of any path of the document, e.g. `['outputs', 0]`. */
  readonly at: Locate;
}
