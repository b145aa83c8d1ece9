/** Initializers, regularizers and constraints of a layer as `parameters:` of ours. */
import type { Fields, Json } from '../../../frontend/spec';
import { isList, isObject } from '../../formats/json';
import { single } from './activations';
import { Config, type Settings } from './config';

/** What a setting became, or a sentence about why it was left out. */
type Said = { readonly fields: Fields } | { readonly lost: string };

interface Named {
  readonly type: string;
  readonly config: Config;
}

function named(value: Json): Named | undefined {
  const none = (): undefined => undefined;
  if (typeof value === 'string') return { type: value, config: new Config({}, none) };
  if (!isObject(value)) return undefined;
  const type = value.class_name ?? value.name;
  const settings: Settings = isObject(value.config) ? value.config : value;
  return typeof type === 'string' ? { type, config: new Config(settings, none) } : undefined;
}

const squashed = (word: string): string => word.replace(/_/g, '').toLowerCase();

const SIMPLE: Readonly<Record<string, string>> = {
  zeros: 'zeros',
  zero: 'zeros',
  ones: 'ones',
  one: 'ones',
  glorotuniform: 'glorot_uniform',
  heuniform: 'he_uniform',
  lecununiform: 'lecun_uniform',
};
const TRUNCATED: Readonly<Record<string, string>> = {
  glorotnormal: 'glorot_normal',
  henormal: 'he_normal',
  lecunnormal: 'lecun_normal',
};

/** An initializer; undefined where it is one that has no counterpart. */
export function initializer(value: Json): Json | undefined {
  const found = named(value);
  if (found === undefined) return undefined;
  const { config } = found;
  const word = squashed(found.type);
  const simple = SIMPLE[word];
  if (simple !== undefined) return simple;
  const truncated = TRUNCATED[word];
  if (truncated !== undefined) return { type: truncated, truncated: true };
  const number = (key: string, fallback: number): number => single(config.number(key, fallback));
  switch (word) {
    case 'constant':
      return { type: 'constant', value: number('value', 0) };
    case 'uniform':
    case 'randomuniform': {
      const scale = config.optional('scale');
      return {
        type: 'uniform',
        low: scale === undefined ? number('minval', -0.05) : -scale,
        high: scale ?? number('maxval', 0.05),
      };
    }
    case 'normal':
    case 'randomnormal':
      return { type: 'normal', mean: number('mean', 0), std: number('stddev', number('scale', 0.05)) };
    case 'truncatednormal':
      return { type: 'truncated_normal', mean: number('mean', 0), std: number('stddev', 0.05) };
    case 'orthogonal': {
      const gain = number('gain', 1);
      return gain === 1 ? 'orthogonal' : { type: 'orthogonal', gain };
    }
    case 'identity':
      return { type: 'identity', gain: number('gain', 1) };
    case 'variancescaling':
      return scaling(
        number('scale', 1),
        config.text('mode', 'fan_in'),
        config.text('distribution', 'truncated_normal'),
      );
    default:
      return undefined;
  }
}

/** What Keras 2 wrote for its named initializers, by name again. */
function scaling(scale: number, mode: string, distribution: string): Json {
  const uniform = distribution === 'uniform';
  if (mode === 'fan_avg' && scale === 1 && uniform) return 'glorot_uniform';
  if (mode === 'fan_avg' && scale === 1 && distribution !== 'untruncated_normal')
    return { type: 'glorot_normal', truncated: true };
  if (mode === 'fan_in' && scale === 2 && uniform) return 'he_uniform';
  if (mode === 'fan_in' && scale === 1 && uniform) return 'lecun_uniform';
  const word = uniform ? 'uniform' : distribution === 'untruncated_normal' ? 'normal' : 'truncated_normal';
  return { type: 'variance_scaling', scale, mode, distribution: word };
}

export function regularizer(value: Json): Said {
  const found = named(value);
  if (found === undefined) return { lost: 'not a regularizer that is known' };
  const { config } = found;
  const word = squashed(found.type);
  if (word === 'orthogonalregularizer') return { fields: { orthogonal: single(config.number('factor', 0.01)) } };
  if (!['l1', 'l2', 'l1l2', 'weightregularizer', 'activityregularizer'].includes(word))
    return { lost: `the regularizer ${found.type} has no counterpart` };
  const l1 = single(config.number('l1', 0));
  const l2 = single(config.number('l2', 0));
  return { fields: { ...(l1 === 0 ? {} : { l1 }), ...(l2 === 0 ? {} : { l2 }) } };
}

/** `rank` is that of Keras's kernel, whose last axis is the output. */
function constraint(value: Json, rank: number): Said {
  const found = named(value);
  if (found === undefined) return { lost: 'not a constraint that is known' };
  const { config } = found;
  const word = squashed(found.type);
  if (word === 'nonneg') return { fields: { constraint: 'non_negative' } };
  if (!['maxnorm', 'minmaxnorm', 'unitnorm'].includes(word))
    return { lost: `the constraint ${found.type} has no counterpart` };
  const axes = config.integers('axis') ?? [0];
  const whole = rank < 2 || (axes.length === rank - 1 && axes.every((axis) => axis < rank - 1));
  if (!whole) return { lost: 'its axes are not those of one output' };
  const number = (key: string, fallback: number): number => single(config.number(key, fallback));
  if (word === 'unitnorm') return { fields: { constraint: 'unit_norm' } };
  if (word === 'maxnorm')
    return { fields: { constraint: { type: 'max_norm', value: number('max_value', number('m', 2)) } } };
  const low = number('min_value', number('low', 0));
  const high = number('max_value', number('high', 1));
  return { fields: { constraint: { type: 'min_max_norm', low, high, rate: number('rate', 1) } } };
}

export interface ParameterRule {
  /** Ours. */
  readonly param: string;
  /** Keras's word in front of `_initializer`, `_regularizer`, `_constraint`. */
  readonly prefix: string;
  /** What it starts as where nothing is said. */
  readonly usual: Json;
  /** Axes of Keras's tensor. */
  readonly rank: number;
}

/** `parameters:` of a layer; `lost` hears of what has no counterpart. */
export function parameters(
  config: Config,
  rules: readonly ParameterRule[],
  lost: (setting: string, reason: string) => void,
): Fields {
  const result: Record<string, Fields> = {};
  for (const { param, prefix, usual, rank } of rules) {
    const fields: Record<string, Json> = {};
    const said = (setting: string, what: Said): void => {
      if ('lost' in what) lost(setting, what.lost);
      else Object.assign(fields, what.fields);
    };
    const init = config.value(`${prefix}_initializer`);
    if (init !== undefined) {
      const ours = initializer(init);
      if (ours === undefined) lost(`${prefix}_initializer`, 'the initializer has no counterpart');
      else if (JSON.stringify(ours) !== JSON.stringify(usual)) fields.init = ours;
    }
    const penalty = config.value(`${prefix}_regularizer`);
    if (penalty !== undefined) said(`${prefix}_regularizer`, regularizer(penalty));
    const bound = config.value(`${prefix}_constraint`);
    if (bound !== undefined && !(isList(bound) && bound.length === 0))
      said(`${prefix}_constraint`, constraint(bound, rank));
    if (Object.keys(fields).length > 0) result[param] = fields;
  }
  return Object.keys(result).length === 0 ? {} : { parameters: result };
}
