/** Functions of single elements, softmax and dropout. */
import type { Fields as SpecFields, Json } from '../../../../frontend/spec';
import type { Fields } from '../../../formats/caffe/fields';
import type { Converter, Use } from '../use';

/** A layer that keeps the shape: its type here and fields from its message. */
function elementwise(message: string, make: (param: Fields, use: Use) => readonly [string, SpecFields]): Converter {
  return (use) => {
    const x = use.input();
    const param = use.part(message);
    param.ignore('engine');
    const [type, fields] = make(param, use);
    use.give(type, [x], fields, x.shape, x);
  };
}

const plain = (type: string, message: string): Converter => elementwise(message, () => [type, {}]);

/** Fields that differ from what they usually are. */
function differing(fields: Readonly<Record<string, readonly [Json, Json]>>): SpecFields {
  return Object.fromEntries(
    Object.entries(fields).flatMap(([name, [value, usual]]) => (value === usual ? [] : [[name, value]])),
  );
}

const relu = elementwise('relu_param', (param) => {
  const slope = param.number('negative_slope', 0);
  return slope === 0 ? ['relu', {}] : ['leaky_relu', differing({ slope: [slope, 0.01] })];
});

const prelu: Converter = (use) => {
  const x = use.input();
  const param = use.part('prelu_param');
  const shared = param.flag('channel_shared', false);
  const made = use.give('prelu', [x], shared ? { slopes: 'one' } : {}, x.shape, x);
  const shape = shared ? [1] : [use.extent(x, 1)];
  use.learn(made, [{ param: 'slope', shape, filler: [param, 'filler'] }]);
};

const power: Converter = (use) => {
  const x = use.input();
  const param = use.part('power_param');
  const [exponent, scale, shift] = [param.number('power', 1), param.number('scale', 1), param.number('shift', 0)];
  if (exponent !== 1) {
    const fields = { power: exponent, ...differing({ scale: [scale, 1], shift: [shift, 0] }) };
    use.give('pow', [x], fields, x.shape, x);
  } else if (scale === 1 && shift === 0) use.pass('it changes nothing');
  else use.give('rescale', [x], { scale, ...differing({ offset: [shift, 0] }) }, x.shape, x);
};

/** Exp and Log: a base, of which −1 stands for e, and a line before. */
const exponential = (type: string, message: string): Converter =>
  elementwise(message, (param) => {
    const base = param.number('base', -1);
    return [
      type,
      {
        ...(base === -1 ? {} : { base }),
        ...differing({ scale: [param.number('scale', 1), 1], shift: [param.number('shift', 0), 0] }),
      },
    ];
  });

const softmax: Converter = (use) => {
  const x = use.input();
  const param = use.part('softmax_param');
  param.ignore('engine');
  const axis = use.axis(x, param.number('axis', 1));
  const fields = axis === 1 ? {} : { axis: axis === x.shape.length - 1 ? -1 : axis };
  use.give('softmax', [x], fields, x.shape, x);
};

const dropout: Converter = (use) => {
  const x = use.input();
  const param = use.part('dropout_param');
  const rate = param.number('dropout_ratio', 0.5);
  param.ignore('scale_train');
  if (!(rate >= 0 && rate < 1)) use.refuse(`drops a share of ${rate}`, undefined, param.placeOf('dropout_ratio'));
  const always = param.flag('sample_weights_test', false);
  use.give('dropout', [x], { rate, ...(always ? { always } : {}) }, x.shape, x);
};

export const activations: Readonly<Record<string, Converter>> = {
  ReLU: relu,
  ReLU6: plain('relu6', 'relu6_param'),
  PReLU: prelu,
  ELU: elementwise('elu_param', (param) => ['elu', differing({ alpha: [param.number('alpha', 1), 1] })]),
  Sigmoid: plain('sigmoid', 'sigmoid_param'),
  TanH: plain('tanh', 'tanh_param'),
  AbsVal: plain('abs', 'absval_param'),
  BNLL: plain('bnll', 'bnll_param'),
  Swish: elementwise('swish_param', (param) => {
    const beta = param.number('beta', 1);
    return beta === 1 ? ['silu', {}] : ['swish', { beta }];
  }),
  Mish: plain('mish', 'mish_param'),
  HardSwish: plain('hard_swish', 'hard_swish_param'),
  HardSigmoid: plain('hard_sigmoid', 'hard_sigmoid_param'),
  Threshold: elementwise('threshold_param', (param) => [
    'threshold',
    { ...differing({ threshold: [param.number('threshold', 0), 0] }), above: 1 },
  ]),
  Clip: elementwise('clip_param', (param, use) => {
    const min = param.number('min') ?? use.refuse('has no `min`');
    return ['clip', { min, max: param.number('max') ?? use.refuse('has no `max`') }];
  }),
  Power: power,
  Exp: exponential('exp', 'exp_param'),
  Log: exponential('log', 'log_param'),
  Softmax: softmax,
  Dropout: dropout,
};
