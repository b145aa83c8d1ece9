/** Batch normalization with the statistics of the batch. With running statistics it is element-wise and needs no op. */
import type { Value } from '../ir/graph';
import { elementCount, formatType, tensorType } from '../ir/types';
import { inputAt, numberAttr, requireArity, requireFloat, requireShape } from './attributes';
import type { OpSample } from './define';
import { defineOp, OpTypeError } from './define';
import { Arithmetic } from './families/arithmetic';
import { forEachLine, viewAround } from './families/channels';
import { withBfloat16, withChannelsLast } from './families/images-samples';
import { inEitherLayout } from './families/layout';
import { parameterDType, requireChannelsTogether, requireParameters } from './families/storage';

function sample(name: string, shape: readonly number[], epsilon = 1e-5): OpSample {
  const channels = tensorType('f32', shape.slice(1, 2));
  return {
    name,
    inputs: [tensorType('f32', shape), channels, channels],
    attrs: { epsilon },
    range: [
      [-1, 2],
      [0.5, 1.5],
      [-1, 1],
    ],
  };
}

const images = { inputs: [0], outputs: [0] };

const ROWS = sample('rows', [9, 5]);
const IMAGES: readonly OpSample[] = [
  sample('images', [3, 4, 5, 3]),
  sample('one channel', [2, 1, 3, 3]),
  sample('one image', [1, 3, 4, 4]),
  sample('sequences, large epsilon', [2, 3, 7], 1e-2),
  sample('volumes', [2, 2, 2, 3, 2]),
  sample('many channels', [4, 33, 2, 2], 1e-3),
];
const SAMPLES = [ROWS, ...IMAGES];
const LAST_SAMPLES = [
  ...IMAGES,
  sample('panels of channels', [2, 35, 7, 5]),
  sample('blocks of rows', [3, 17, 31, 33]),
].map((each) => withChannelsLast(each, images));

export const batch_norm_train = defineOp(
  inEitherLayout(images, {
    name: 'batch_norm_train',
    doc:
      'y = gamma[c]·(x − mean[c]) / √(variance[c] + epsilon) + beta[c], with mean and biased variance of channel c (axis 1) ' +
      'over all other axes. Input [N,C,…], gamma and beta [C]; outputs y like x, mean and variance [C]. ' +
      'Ioffe and Szegedy, "Batch normalization" (2015).',
    inputs: ['x', 'gamma', 'beta'],
    outputs: ['y', 'mean', 'variance'],
    native: 'kernel',
    traits: { foldable: true },

    infer(inputs, attrs) {
      requireArity(inputs, 3);
      requireParameters(inputs, ['input', 'gamma', 'beta']);
      const x = inputAt(inputs, 0, 'input');
      requireFloat(x, 'input');
      requireChannelsTogether(x, 'input', attrs);
      const channels = x.shape.slice(1, 2);
      if (channels.length === 0) {
        throw new OpTypeError(`the input is ${formatType(x)}, expected [N, C, …] with channels on axis 1`);
      }
      requireShape(inputAt(inputs, 1, 'gamma'), channels, 'gamma');
      requireShape(inputAt(inputs, 2, 'beta'), channels, 'beta');
      const epsilon = numberAttr(attrs, 'epsilon');
      if (epsilon <= 0) throw new OpTypeError(`attribute 'epsilon' is ${epsilon}, expected a number above 0`);
      const statistics = tensorType(parameterDType(x.dtype), channels);
      return [x, statistics, statistics];
    },

    evaluate(inputs, attrs) {
      const x = inputAt(inputs, 0, 'input');
      const gamma = inputAt(inputs, 1, 'gamma').data;
      const beta = inputAt(inputs, 2, 'beta').data;
      const epsilon = numberAttr(attrs, 'epsilon');
      const view = viewAround(x.type.shape, 1);
      const count = view.outer * view.inner;
      const y = new Float64Array(x.data.length);
      const mean = new Float64Array(view.extent);
      const variance = new Float64Array(view.extent);
      for (let c = 0; c < view.extent; c++) {
        let sum = 0;
        forEachLine(view, (start, step) => (sum += x.data[start + c * step] as number));
        const m = sum / count;
        let squares = 0;
        forEachLine(view, (start, step) => (squares += ((x.data[start + c * step] as number) - m) ** 2));
        const v = squares / count;
        const scale = (gamma[c] as number) / Math.sqrt(v + epsilon);
        forEachLine(view, (start, step) => {
          const at = start + c * step;
          y[at] = scale * ((x.data[at] as number) - m) + (beta[c] as number);
        });
        mean[c] = m;
        variance[c] = v;
      }
      return [y, mean, variance];
    },

    grad({ b, node, outputGrads, wants }) {
      const [x, gamma] = node.inputs;
      const [, mean, variance] = node.outputs;
      const [dy, dmean, dvariance] = outputGrads;
      if (!x || !gamma || !mean || !variance) return [];
      const { dtype, shape } = x.type;
      const perChannel = shape.map((extent, axis) => (axis === 1 ? extent : 1));
      const spread = (value: Value) => b.op('reshape', [value], { shape: perChannel });
      const m = new Arithmetic(b, dtype);
      const count = elementCount(shape) / elementCount(mean.type.shape);

      const [dx, dgamma, dbeta] = dy ? b.ops('batch_norm_grad', [dy, x, gamma, mean, variance], node.attrs) : [];
      // What flows in through the statistics themselves: d mean / dx = 1/M, d variance / dx = 2 (x - mean) / M.
      const terms = [dx];
      if (wants[0] && dmean) terms.push(m.mul(spread(dmean), 1 / count));
      if (wants[0] && dvariance) {
        terms.push(m.mul(m.sub(x, spread(mean)), m.mul(spread(dvariance), 2 / count)));
      }
      const [first, ...rest] = terms.filter((term) => term !== undefined);
      const total = first && rest.reduce((sum, term) => m.add(sum, term), first);
      const whole = total && total.type.shape.some((extent, axis) => extent !== shape[axis]);
      return [whole ? b.op('broadcast_to', [total], { shape }) : total, dgamma, dbeta];
    },

    cost(inputs) {
      return { flops: 7 * elementCount(inputAt(inputs, 0, 'input').shape) };
    },

    samples: [...SAMPLES, ...LAST_SAMPLES, ...[ROWS, ...LAST_SAMPLES].map((each) => withBfloat16(each, images.inputs))],
  }),
);
