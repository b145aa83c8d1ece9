/**
 * What one step of a recurrent layer is, apart from the loop around it: a cell has states, a part that needs no state
 * (the projection of the input, done for all steps at once) and a step from state to state. Layers of sequences and
 * single cells are made of the same cells.
 */
import type { FieldSchema } from '../../frontend/describe';
import { typed } from '../../frontend/shapes';
import type { Builder } from '../../ir/builder';
import type { Value } from '../../ir/graph';
import type { Shape } from '../../ir/types';
import { typedItem, withDefaults } from '../../lower/defaults';
import { ACTIVATIONS } from '../activations/index';
import type { LayerDef, LowerContext, ParameterOptions } from '../define';
import { flag, flagOf, numberOf, positive } from '../fields';
import { tableOf } from '../table';

/** Where a cell's weights belong: `suffix` is '' for the first layer in the forward direction. */
export interface CellSite {
  readonly context: LowerContext;
  readonly suffix: string;
  readonly batch: number;
  /** Of the input without the batch: the features, or [C, H, W]. */
  readonly input: Shape;
}

export interface Cell {
  /** Shapes of the states without the batch; the first state is the output. */
  readonly states: readonly Shape[];
  /** Of inputs [R, ...], where R may be all steps: what the step needs of them. */
  project(x: Value): Value;
  /** The states after a step, `b` being the loop's body. */
  step(b: Builder, projected: Value, states: readonly Value[]): readonly Value[];
}

export type MakeCell = (site: CellSite) => Cell;

/** Functions of one number that draw nothing and have no weights. */
const NAMES = [
  'tanh',
  'sigmoid',
  'hard_sigmoid',
  'relu',
  'linear',
  'softsign',
  'softplus',
  'hard_tanh',
  'leaky_relu',
  'elu',
  'selu',
  'gelu',
  'silu',
  'relu6',
  'exponential',
] as const;

const FUNCTIONS = Object.fromEntries(NAMES.map((name) => [name, ACTIVATIONS[name]] as const)) as Readonly<
  Record<string, LayerDef>
>;

export const activationField = (description: string, byDefault: string): FieldSchema => ({
  description,
  ...typed(FUNCTIONS),
  default: byDefault,
});

/** Reads an activation field and gives the function, ready for the loop's body. */
export function activationOf(context: LowerContext, field: string): (b: Builder, x: Value) => Value {
  const { type, fields } = typedItem(context.fields[field] ?? 'tanh');
  const def = FUNCTIONS[type]!;
  const own = {
    ...context,
    fields: withDefaults(def, fields),
    at: (path: readonly (string | number)[]) => context.at([field, ...path]),
  };
  return (b, x) => def.lower({ ...own, b }, [x]) as Value;
}

export const CELL_FIELDS: Readonly<Record<string, FieldSchema>> = {
  units: positive('Size of the state.'),
  bias: flag('Adds learned numbers in each step.', true),
};

/** `parameters: {weight_input: …}` sets those of every layer and direction. */
export function weight(site: CellSite, name: string, shape: Shape, options: ParameterOptions): Value {
  return site.context.parameter(name + site.suffix, shape, { ...options, settings: name });
}

export interface Products {
  readonly units: number;
  /** How many blocks of `units` rows the weights have. */
  readonly gates: number;
  /** What the state that is multiplied holds; `units` unless it is projected. */
  readonly hidden?: number;
  /** Of the bias; zeros unless said. */
  readonly biasInit?: ParameterOptions['init'];
}

/** The weights [gates · units, …] that all cells have, and the two products with them. */
export function products(site: CellSite, { units, gates, hidden = units, biasInit = 'zeros' }: Products) {
  const { context } = site;
  const [features = 1] = site.input;
  const rows = gates * units;
  const input = weight(site, 'weight_input', [rows, features], {
    init: 'glorot_uniform',
    fanIn: features,
    fanOut: rows,
  });
  const recurrent = weight(site, 'weight_hidden', [rows, hidden], { init: 'orthogonal' });
  const operands = [input];
  if (flagOf(context.fields, 'bias')) operands.push(weight(site, 'bias', [rows], { init: biasInit }));
  const flags = { transpose_a: false, transpose_b: true };
  return {
    recurrent,
    project: (x: Value): Value => context.b.op('matmul', [x, ...operands], flags),
    /** With all of the recurrent weight or the blocks of it that are given. */
    hiddenProduct: (b: Builder, h: Value, blocks: Value = recurrent): Value => b.op('matmul', [h, blocks], flags),
  };
}

export const forgetBiasField: FieldSchema = {
  description: "What the forget gate's bias starts from: 1 as in Keras (`unit_forget_bias`); PyTorch and Caffe have 0.",
  type: 'number',
  default: 1,
};

/** Of the gates i, f, g, o: `forget_bias` for the second. */
export function gateBias(context: LowerContext, units: number): ParameterOptions['init'] {
  const forget = numberOf(context.fields, 'forget_bias');
  if (!flagOf(context.fields, 'bias') && forget !== 1) {
    context.fail(['forget_bias'], 'without `bias` there is none to start from it');
  }
  const value = [0, forget, 0, 0].flatMap((start) => tableOf(units, () => start));
  return forget === 0 ? 'zeros' : { type: 'constant', value };
}

/**
 * 1 / (1 − rate) where an element is kept and 0 where not, drawn once for all steps; undefined where nothing is dropped.
 */
export function heldMask(site: Pick<CellSite, 'context' | 'suffix'>, field: string, shape: Shape): Value | undefined {
  const { context } = site;
  const rate = numberOf(context.fields, field);
  if (rate === 0 || context.mode !== 'train') return undefined;
  const { b } = context;
  const attrs = { rate, stream: context.stream(field + site.suffix) };
  return b.op('dropout', [b.full(1, shape), context.rng()], attrs);
}

/** The state as the product with the recurrent weight sees it: `recurrent_dropout` keeps one mask for all steps. */
export function recurrentMask(site: CellSite, shape: Shape): (b: Builder, h: Value) => Value {
  if (site.context.fields['recurrent_dropout'] === undefined) return (_, h) => h;
  const mask = heldMask(site, 'recurrent_dropout', [site.batch, ...shape]);
  return mask ? (b, h) => b.op('mul', [h, mask]) : (_, h) => h;
}
