/** What a Keras model was compiled with: losses, metrics and the optimizer, as sections of ours. */
import type { Fields, Json } from '../../../frontend/spec';
import { isList, isObject } from '../../formats/json';
import type { Draft } from '../../draft';
import { single } from './activations';
import { Config, type Settings } from './config';
import type { Value } from './value';

/** How targets look beside a prediction [N, …]: alike, or class numbers without the axis of the classes. */
type Target = 'alike' | 'classes';

interface Term {
  readonly type: string;
  readonly fields?: Fields;
  readonly target?: Target;
}

const probabilities = { from_logits: false };
const LOSSES: Readonly<Record<string, Term>> = {
  mean_squared_error: { type: 'mse' },
  mean_absolute_error: { type: 'mae' },
  mean_absolute_percentage_error: { type: 'mape' },
  mean_squared_logarithmic_error: { type: 'msle' },
  squared_hinge: { type: 'squared_hinge' },
  hinge: { type: 'hinge' },
  categorical_hinge: { type: 'categorical_hinge' },
  log_cosh: { type: 'log_cosh' },
  huber: { type: 'huber' },
  poisson: { type: 'poisson', fields: { log_input: false, epsilon: 1e-7 } },
  kl_divergence: { type: 'kl_divergence' },
  cosine_similarity: { type: 'cosine_similarity' },
  categorical_crossentropy: { type: 'cross_entropy', fields: probabilities },
  sparse_categorical_crossentropy: { type: 'cross_entropy', fields: probabilities, target: 'classes' },
  binary_crossentropy: { type: 'binary_cross_entropy', fields: probabilities },
};
const METRICS: Readonly<Record<string, Term>> = {
  accuracy: { type: 'accuracy' },
  binary_accuracy: { type: 'accuracy', fields: { threshold: 0.5 } },
  categorical_accuracy: { type: 'accuracy' },
  sparse_categorical_accuracy: { type: 'accuracy', target: 'classes' },
  top_k_categorical_accuracy: { type: 'top_k' },
  sparse_top_k_categorical_accuracy: { type: 'top_k', target: 'classes' },
  mean_squared_error: { type: 'mse' },
  mean_absolute_error: { type: 'mae' },
  root_mean_squared_error: { type: 'rmse' },
  auc: { type: 'auc' },
  precision: { type: 'precision' },
  recall: { type: 'recall' },
};

/** Short and old names. */
const SAME: Readonly<Record<string, string>> = {
  mse: 'mean_squared_error',
  mae: 'mean_absolute_error',
  mape: 'mean_absolute_percentage_error',
  msle: 'mean_squared_logarithmic_error',
  logcosh: 'log_cosh',
  kld: 'kl_divergence',
  kullback_leibler_divergence: 'kl_divergence',
  cosine_proximity: 'cosine_similarity',
  acc: 'accuracy',
};

interface Named {
  readonly name: string;
  readonly settings: Settings;
}

/** `CategoricalCrossentropy` → `categorical_crossentropy`. */
const words = (name: string): string => name.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toLowerCase();

function named(value: Json): Named | undefined {
  if (typeof value === 'string') return { name: SAME[words(value)] ?? words(value), settings: {} };
  if (!isObject(value)) return undefined;
  const { class_name: type, config } = value;
  // A function of the user's is stored by its name alone.
  const own = typeof config === 'string' ? config : type;
  if (typeof own !== 'string') return undefined;
  return { name: SAME[words(own)] ?? words(own), settings: isObject(config) ? config : {} };
}

/** For each output what is said for it: one thing for all, a list, or a mapping by name. */
function perOutput(value: Json | undefined, outputs: readonly string[]): (Json | undefined)[] {
  if (isList(value) && outputs.length > 1 && value.length === outputs.length) return [...value];
  if (isObject(value) && typeof value.class_name !== 'string') return outputs.map((name) => value[name]);
  return outputs.map(() => value);
}

export interface Compiled {
  readonly draft: Draft;
  readonly outputs: readonly Value[];
  /** Names of the layers that give them, in the source. */
  readonly names: readonly string[];
  readonly version: number;
}

/** Writes what can be said into the draft's sections, and the rest into the account. */
export function readTraining(compiled: Compiled, settings: Settings): void {
  const { draft } = compiled;
  const dropped = (source: string, reason: string): void =>
    draft.account({ kind: 'setting', source, fate: 'dropped', reason });
  const losses: Fields[] = [];
  const metrics: Fields[] = [];
  const targets = new Map<number, { name: string; target: Target }>();
  const input = (at: number, target: Target): string | undefined => {
    const known = targets.get(at);
    if (known !== undefined) return known.target === target ? known.name : undefined;
    const { shape, order } = compiled.outputs[at]!;
    const extents = order.slice(1).map((axis) => shape[axis]!);
    const wish = compiled.outputs.length === 1 ? 'target' : `${draft.outputs[at]!.replace('.', '_')}_target`;
    const kept = target === 'alike' ? extents : extents.filter((_, i) => order[i + 1] !== shape.length - 1);
    const name = draft.unique(wish);
    const dtype = target === 'classes' ? 'i32' : 'f32';
    draft.inputs.push({ name, shape: ['N', ...kept], dtype });
    targets.set(at, { name, target });
    return name;
  };
  const term = (table: Readonly<Record<string, Term>>, value: Json, at: number, kind: string): Fields | undefined => {
    const found = named(value);
    const known = found === undefined ? undefined : table[found.name];
    if (found === undefined || known === undefined) {
      dropped(`${kind} ${found?.name ?? 'without a name'}`, 'has no counterpart, or is code');
      return undefined;
    }
    // The general `accuracy` takes whatever targets the loss takes.
    const general = known.type === 'accuracy' && known.target === undefined ? targets.get(at)?.target : undefined;
    const target = input(at, general ?? known.target ?? 'alike');
    if (target === undefined) {
      dropped(`${kind} ${found.name}`, 'takes targets of another form than the loss');
      return undefined;
    }
    const { order, shape } = compiled.outputs[at]!;
    const axis = order.indexOf(shape.length - 1);
    const along =
      ['cross_entropy', 'accuracy', 'top_k', 'kl_divergence'].includes(known.type) && axis !== 1 ? { axis } : {};
    draft.account({ kind: 'setting', source: `${kind} ${found.name}`, fate: 'mapped', to: known.type });
    const own = optionsOf(known.type, new Config(found.settings, () => undefined));
    return { type: known.type, inputs: [draft.outputs[at]!, target], ...known.fields, ...own, ...along };
  };
  const weights = perOutput(settings.loss_weights, compiled.names);
  perOutput(settings.loss, compiled.names).forEach((value, at) => {
    if (value === undefined || value === null) return;
    const fields = term(LOSSES, value, at, 'loss');
    const weight = weights[at];
    if (fields !== undefined)
      losses.push({ ...fields, ...(typeof weight === 'number' && weight !== 1 ? { weight } : {}) });
  });
  perOutput(settings.metrics, compiled.names).forEach((value, at) => {
    for (const one of isList(value) ? value.flat() : value === undefined || value === null ? [] : [value]) {
      const fields = term(METRICS, one, at, 'metric');
      if (fields !== undefined) metrics.push(fields);
    }
  });
  const optimizer = optimizerOf(settings.optimizer_config ?? settings.optimizer, compiled.version, dropped);
  for (const key of ['sample_weight_mode', 'weighted_metrics']) {
    const value = settings[key];
    if (value !== undefined && value !== null && !(isList(value) && value.length === 0))
      dropped(key, 'weights of samples are an input of the loss here');
  }
  if (losses.length === 0) {
    if (optimizer !== undefined) dropped('optimizer', 'there is no loss to train with');
    return;
  }
  draft.sections = {
    losses,
    ...(metrics.length === 0 ? {} : { metrics }),
    // Keras keeps neither the size of a batch nor the number of epochs; these are its defaults.
    train: { batch_size: 32, epochs: 1, ...(optimizer ?? {}) },
  };
}

function optionsOf(type: string, config: Config): Fields {
  const smoothing = config.number('label_smoothing', 0);
  const logits = config.value('from_logits') === true;
  switch (type) {
    case 'cross_entropy':
    case 'binary_cross_entropy':
      return {
        ...(logits ? { from_logits: true } : {}),
        ...(smoothing === 0 ? {} : { label_smoothing: single(smoothing) }),
      };
    case 'huber': {
      const delta = config.number('delta', 1);
      return delta === 1 ? {} : { delta: single(delta) };
    }
    case 'top_k': {
      const k = config.number('k', 5);
      return k === 5 ? {} : { k };
    }
    default:
      return {};
  }
}

interface Optimizer {
  readonly type: string;
  /** Our field → Keras's words for it and its default. */
  readonly fields: Readonly<Record<string, readonly [words: readonly string[], usual: number]>>;
  readonly extra?: (config: Config, version: number) => Fields;
}

const lr = (usual: number): readonly [readonly string[], number] => [['learning_rate', 'lr'], usual];
const betas = { beta1: [['beta_1'], 0.9], beta2: [['beta_2'], 0.999] } as const;
const epsilon = [['epsilon'], 1e-7] as const;
const rho = (usual: number): readonly [readonly string[], number] => [['rho'], usual];
const amsgrad = (config: Config): Fields => (config.value('amsgrad') === true ? { amsgrad: true } : {});
const OPTIMIZERS: Readonly<Record<string, Optimizer>> = {
  sgd: {
    type: 'sgd',
    fields: { lr: lr(0.01), momentum: [['momentum'], 0] },
    extra: (config) => {
      if (config.number('momentum', 0) === 0) return {};
      return { ...(config.value('nesterov') === true ? { nesterov: true } : {}), lr_in_buffer: true };
    },
  },
  rmsprop: {
    type: 'rmsprop',
    fields: { lr: lr(0.001), rho: rho(0.9), momentum: [['momentum'], 0], epsilon },
    extra: (config, version) => ({
      ...(config.value('centered') === true ? { centered: true } : {}),
      ...(version > 2 ? { epsilon_inside: true } : {}),
      ...(config.number('momentum', 0) === 0 ? {} : { lr_in_buffer: true }),
    }),
  },
  adagrad: {
    type: 'adagrad',
    fields: { lr: lr(0.001), initial: [['initial_accumulator_value'], 0], epsilon },
    extra: (_, version) => (version > 2 ? { epsilon_inside: true } : {}),
  },
  adadelta: { type: 'adadelta', fields: { lr: lr(0.001), rho: rho(0.95), epsilon } },
  adam: {
    type: 'adam',
    fields: { lr: lr(0.001), ...betas, epsilon },
    extra: (config) => ({ ...amsgrad(config), epsilon_hat: true }),
  },
  adamw: {
    type: 'adamw',
    fields: { lr: lr(0.001), ...betas, epsilon, weight_decay: [['weight_decay'], 0.004] },
    extra: (config) => ({ ...amsgrad(config), epsilon_hat: true }),
  },
  adamax: { type: 'adamax', fields: { lr: lr(0.001), ...betas, epsilon } },
  nadam: { type: 'nadam', fields: { lr: lr(0.001), ...betas, epsilon } },
  lion: { type: 'lion', fields: { lr: lr(0.001), beta1: [['beta_1'], 0.9], beta2: [['beta_2'], 0.99] } },
};

function optimizerOf(
  value: Json | undefined,
  version: number,
  dropped: (source: string, reason: string) => void,
): Fields | undefined {
  const found = value === undefined || value === null ? undefined : named(value);
  if (found === undefined) return undefined;
  const known = OPTIMIZERS[found.name.replace(/_/g, '')];
  if (known === undefined) {
    dropped(`optimizer ${found.name}`, 'has no counterpart');
    return undefined;
  }
  const config = new Config(found.settings, () => undefined);
  const fields: Record<string, Json> = { type: known.type };
  let falls: Fields | undefined;
  for (const [ours, [keys, usual]] of Object.entries(known.fields)) {
    const key = keys.find((word) => config.has(word));
    const number = key === undefined ? usual : config.number(key, NaN);
    if (Number.isNaN(number)) {
      dropped(`optimizer ${found.name}.${key ?? ours}`, 'is no number: write it as `schedule:`');
      fields[ours] = usual;
    } else if (ours === 'lr' || number !== 0) fields[ours] = single(number);
  }
  Object.assign(fields, known.extra?.(config, version));
  const decay = config.number('decay', 0);
  if (decay > 0) falls = { type: 'inverse_time', rate: single(decay) };
  const clip: Record<string, number> = {};
  for (const [ours, key] of Object.entries({ norm: 'clipnorm', value: 'clipvalue', global_norm: 'global_clipnorm' })) {
    const number = config.number(key, 0);
    if (number > 0) clip[ours] = single(number);
  }
  return {
    optimizer: fields,
    ...(falls === undefined ? {} : { schedule: falls }),
    ...(Object.keys(clip).length === 0 ? {} : { clip }),
  };
}
