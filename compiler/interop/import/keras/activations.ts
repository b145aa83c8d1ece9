/** Keras's activations in our words, with the defaults and the changes of meaning of its versions. */
import type { Fields, Json } from '../../../frontend/spec';
import { isObject } from '../../formats/json';
import { Config } from './config';

/** `type` and fields of an activation of ours; `axis` counts as in Keras. Undefined for `linear`. */
export interface Activation {
  readonly type: string;
  readonly fields: Fields;
  readonly axis?: number;
}

export class UnknownActivation extends Error {
  override readonly name = 'UnknownActivation';
}

const PLAIN: Readonly<Record<string, string>> = {
  relu: 'relu',
  relu6: 'relu6',
  sigmoid: 'sigmoid',
  tanh: 'tanh',
  elu: 'elu',
  selu: 'selu',
  celu: 'celu',
  softplus: 'softplus',
  softsign: 'softsign',
  exponential: 'exponential',
  swish: 'silu',
  silu: 'silu',
  mish: 'mish',
  hard_swish: 'hard_swish',
  hard_silu: 'hard_swish',
  hard_tanh: 'hard_tanh',
  log_sigmoid: 'log_sigmoid',
  tanh_shrink: 'tanh_shrink',
  soft_shrink: 'soft_shrink',
  hard_shrink: 'hard_shrink',
  squareplus: 'squareplus',
  sparse_plus: 'sparse_plus',
  sparse_sigmoid: 'sparse_sigmoid',
};
const ALONG_AXIS = new Set(['softmax', 'log_softmax', 'sparsemax']);

/** Keras 3 gave `hard_sigmoid` another slope. */
export function hardSigmoid(version: number): Activation {
  return { type: 'hard_sigmoid', fields: version < 3 ? { slope: 0.2 } : {} };
}

export function activationOf(value: Json | undefined, version: number): Activation | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'string') return byName(value, version);
  if (isObject(value) && typeof value.class_name === 'string') {
    const { class_name: type, config } = value;
    if (type === 'function' && typeof config === 'string') return byName(config, version);
    if (isObject(config)) {
      const found = advanced(type, new Config(config, () => undefined));
      if (found !== undefined) return found;
      if (type === 'Activation') return activationOf(config.activation, version);
    }
    throw new UnknownActivation(type);
  }
  throw new UnknownActivation(JSON.stringify(value).slice(0, 60));
}

function byName(name: string, version: number): Activation | undefined {
  if (name === 'linear') return undefined;
  const plain = PLAIN[name];
  if (plain !== undefined) return { type: plain, fields: {} };
  if (name === 'hard_sigmoid') return hardSigmoid(version);
  if (ALONG_AXIS.has(name)) return { type: name, fields: {}, axis: -1 };
  if (name === 'gelu') return { type: 'gelu', fields: {} };
  if (name === 'leaky_relu') return { type: 'leaky_relu', fields: { slope: 0.2 } };
  if (name === 'glu') return { type: 'glu', fields: {}, axis: -1 };
  throw new UnknownActivation(name);
}

/** Layers that are an activation without weights; undefined for other classes. */
export function advanced(type: string, config: Config): Activation | undefined {
  switch (type) {
    case 'ReLU':
      return relu(config);
    case 'LeakyReLU': {
      const slope = single(config.number('negative_slope', config.number('alpha', 0.3)));
      return { type: 'leaky_relu', fields: slope === 0.01 ? {} : { slope } };
    }
    case 'ELU': {
      const alpha = single(config.number('alpha', 1));
      return { type: 'elu', fields: alpha === 1 ? {} : { alpha } };
    }
    case 'ThresholdedReLU':
      return { type: 'threshold', fields: { threshold: single(config.number('theta', 1)) } };
    case 'Softmax':
      return { type: 'softmax', fields: {}, axis: config.integers('axis')?.[0] ?? -1 };
    default:
      return undefined;
  }
}

/** max(x, 0), with a slope below `threshold` and a roof. */
function relu(config: Config): Activation {
  const slope = single(config.number('negative_slope', config.number('alpha', 0)));
  const threshold = single(config.number('threshold', config.number('theta', 0)));
  const roof = config.optional('max_value');
  const top = roof === undefined || roof === Infinity ? undefined : single(roof);
  if (slope === 0 && threshold === 0) {
    if (top === undefined) return { type: 'relu', fields: {} };
    if (top === 6) return { type: 'relu6', fields: {} };
    return { type: 'hard_tanh', fields: { min: 0, max: top } };
  }
  if (top === undefined && threshold === 0) return { type: 'leaky_relu', fields: { slope } };
  if (top === undefined && slope === 0) return { type: 'threshold', fields: { threshold } };
  // x from the threshold on, slope · (x − threshold) below it, never above the roof.
  const below = slope === 0 ? '0' : `${slope} * (x - ${threshold})`;
  const body = `x if x >= ${threshold} else ${below}`;
  const expr = top === undefined ? body : `min(x, ${top}) if x >= ${threshold} else ${below}`;
  return { type: 'expression', fields: { expr } };
}

/** A number that Keras kept in float32, in as few digits as say it. */
export function single(value: number): number {
  const short = Number(value.toPrecision(7));
  return Math.fround(short) === Math.fround(value) ? short : value;
}

/** As the value of an `activation:` field. */
export function activationField({ type, fields }: Activation): Json {
  return Object.keys(fields).length === 0 ? type : { type, ...fields };
}
