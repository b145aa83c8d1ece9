/** Stochastic pooling: in training each window hands on one of its elements, drawn in proportion to their sizes. */
import type { Value } from '../../ir/graph';
import { elementCount } from '../../ir/types';
import type { LowerContext } from '../define';
import { defineLayer } from '../define';
import type { Pooling } from './pooling';
import { pooledText, poolingFields, poolingOf, sampleOn } from './pooling';

/** What keeps a quotient finite where the draw is 0, which one in 2²⁴ is. */
const LEAST_DRAW = 1e-7;

export const stochasticPool2d = defineLayer({
  type: 'stochastic_pool2d',
  summary:
    'Hands on one element of each window, drawn in proportion to its size; elsewhere than in training the mean so weighted.',
  details: [
    `${pooledText(2)} Numbers below 0 count as 0, and so does the padding: it is made for what comes out of a rectifier.`,
    'Training: y is x[i] with probability x[i] / Σx over the window. Evaluation and prediction: y = Σx² / Σx. A window of zeros gives 0 (Zeiler and Fergus, "Stochastic pooling", 2013). It is Caffe\'s STOCHASTIC, which has no processor kernel there; Keras and PyTorch have none.',
    'Each element has one draw, so that windows which overlap do not choose independently of each other.',
  ].join('\n\n'),
  example: '{name: pool1, type: stochastic_pool2d, kernel: 3, stride: 2}',
  fields: poolingFields(2),
  required: ['kernel'],
  arity: [1, 1],
  lower(context, inputs) {
    const pooling = poolingOf(context, inputs[0]!, 2);
    const x = context.b.op('relu', inputs);
    return context.mode === 'train' ? sampled(context, x, pooling) : weighted(context, x, pooling);
  },
  samples: [
    sampleOn(2, { kernel: 2 }, false),
    {
      inputs: [{ shape: ['N', 2, 5, 4], range: [0.1, 2] }],
      fields: { kernel: 3, stride: 2, padding: 1, ceil_mode: true },
    },
  ],
});

/** Of exponential draws at the rates x the first is x[i]'s with probability x[i] / Σx: the largest of x / draw wins. */
function sampled(context: LowerContext, x: Value, { attrs }: Pooling): Value {
  const { b } = context;
  const { shape } = x.type;
  const stream = context.stream('window');
  const uniform = b.op('random_uniform', [context.rng()], { shape, low: 0, high: 1, stream });
  const waits = b.op('neg', [b.op('log1p', [b.op('neg', [uniform])])]);
  const keys = b.op('div', [x, b.op('maximum', [waits, b.full(LEAST_DRAW)])]);
  const index = b.ops('max_pool', [keys], { ...attrs })[1]!;
  const [batch = 1, channels = 1, ...plane] = shape;
  const outputs = index.type.shape;
  const flat = (value: Value, size: readonly number[]): Value =>
    b.op('reshape', [value], { shape: [batch, channels, elementCount(size)] });
  const picked = b.op('gather_elements', [flat(x, plane), flat(index, outputs.slice(2))], { axis: 2 });
  return b.op('reshape', [picked], { shape: outputs });
}

function weighted({ b }: LowerContext, x: Value, { attrs, overhang }: Pooling): Value {
  const sumOf = (value: Value): Value =>
    b.op('avg_pool', [value], { ...attrs, overhang, count_include_pad: true, divisor: 1 });
  const sum = sumOf(x);
  const some = b.op('greater', [sum, b.full(0)]);
  return b.op('div', [sumOf(b.op('square', [x])), b.op('where', [some, sum, b.full(1)])]);
}
