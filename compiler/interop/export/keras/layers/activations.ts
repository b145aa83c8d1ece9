/** Activations of ours in Keras 3: functions by name, and the layers for those with a number. */
import { typedItem } from '../../../../lower/defaults';
import type { Fields, Json } from '../../../../frontend/spec';
import type { Use } from '../use';
import { settled, type Value } from '../value';

const PLAIN: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    [
      ...[
        'relu',
        'relu6',
        'sigmoid',
        'tanh',
        'selu',
        'softplus',
        'softsign',
        'exponential',
        'silu',
        'mish',
        'hard_tanh',
      ],
      ...[
        'log_sigmoid',
        'tanh_shrink',
        'squareplus',
        'sparse_plus',
        'sparse_sigmoid',
        'celu',
        'soft_shrink',
        'hard_shrink',
      ],
    ].map((word) => [word, word]),
  ),
  hard_swish: 'hard_silu',
  swish: 'silu',
  exp: 'exponential',
};
const POSITIVE = new Set(['relu', 'relu6', 'sigmoid', 'softmax', 'softplus', 'hard_sigmoid', 'exponential']);

export const ACTIVATION_TYPES = [
  ...Object.keys(PLAIN),
  'leaky_relu',
  'elu',
  'gelu',
  'softmax',
  'log_softmax',
  'hard_sigmoid',
];

/** A layer of Keras behind `value`. */
export function activated(use: Use, value: Value, type: string, fields: Fields, suffix = ''): Value {
  const { tensor } = value;
  const done = (kind: string, config: Readonly<Record<string, Json>>): Value => ({
    ...settled(value),
    tensor: use.add(kind, config, [tensor], tensor.shape, suffix),
    ...(POSITIVE.has(type) ? { positive: true } : {}),
  });
  const said = Object.entries(fields).filter(([key, setting]) => setting !== undefined && !COMMON.has(key));
  const number = (key: string, usual: number): number => {
    const found = fields[key];
    return typeof found === 'number' ? found : usual;
  };
  switch (type) {
    case 'linear':
      return value;
    case 'leaky_relu':
      return done('LeakyReLU', { negative_slope: number('slope', 0.01) });
    case 'elu':
      return done('ELU', { alpha: number('alpha', 1) });
    case 'gelu':
      if (fields.approximate === 'tanh')
        use.fail('has the approximation of gelu, which Keras takes as Python code only');
      return done('Activation', { activation: 'gelu' });
    case 'hard_sigmoid':
      if (Math.abs(number('slope', 1 / 6) - 1 / 6) > 1e-9 || number('offset', 0.5) !== 0.5)
        use.fail('has a `hard_sigmoid` of another slope than Keras 3');
      return done('Activation', { activation: 'hard_sigmoid' });
    case 'softmax':
    case 'log_softmax': {
      const rank = tensor.shape.length;
      const given = number('axis', 1);
      const axis = value.order[given < 0 ? given + rank : given]!;
      if (type === 'softmax') return done('Softmax', { axis });
      if (axis !== rank - 1) use.fail('has a `log_softmax` along another axis than the last');
      return done('Activation', { activation: 'log_softmax' });
    }
    default: {
      const word = PLAIN[type];
      if (word === undefined) return use.fail(`has the activation \`${type}\`, which Keras has not`);
      const own = said.filter(([key, setting]) => USUAL[`${type}.${key}`] !== setting);
      if (own.length > 0) use.fail(`has \`${own[0]![0]}\` of \`${type}\`, for which Keras has no setting`);
      return done('Activation', { activation: word });
    }
  }
}

const COMMON = new Set(['activation', 'parameters', 'frozen', 'share', 'type']);
const USUAL: Readonly<Record<string, Json>> = {
  'hard_tanh.min': -1,
  'hard_tanh.max': 1,
  'celu.alpha': 1,
  'swish.beta': 1,
  'swish.learned': false,
  'softplus.beta': 1,
  'soft_shrink.threshold': 0.5,
  'hard_shrink.threshold': 0.5,
  'squareplus.b': 4,
};

/** The `activation:` field of a layer. */
export function withActivation(use: Use, value: Value): Value {
  const field = use.fields.activation;
  if (field === undefined || field === null) return value;
  const { type, fields } = typedItem(field);
  return activated(use, value, type, fields, '_activation');
}
