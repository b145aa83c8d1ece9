/** Convolutions, transposed ones, and the layers that forks have for depthwise ones. */
import type { Json } from '../../../../frontend/spec';
import type { Converter, Use } from '../use';
import type { Value } from '../value';
import { convolved, windowFields, windowOf, type Window } from './window';

interface Kind {
  readonly transposed: boolean;
  readonly depthwise: boolean;
}

function convolution(kind: Kind): Converter {
  return (use) => {
    const inputs = use.inputs();
    const first = convolve(use, kind, inputs[0] ?? use.input(), 0);
    // Further bottoms go through the same weights, each to a top of its own.
    inputs.slice(1).forEach((x, i) => {
      const made = convolve(use, kind, x, i + 1);
      for (const param of made.settings.keys()) made.settings.delete(param);
      made.fields.share = first.name;
    });
  };
}

function convolve(use: Use, { transposed, depthwise }: Kind, x: Value, index: number): ReturnType<Use['emit']> {
  const param = use.part('convolution_param');
  param.ignore('engine', 'force_nd_im2col', 'kernelsize', 'bias_filler');
  if (param.number('axis', 1) !== 1) use.refuse('has an axis other than 1', undefined, param.placeOf('axis'));
  const extents = use.spatial(x);
  const channels = use.extent(x, 1);
  const rank = extents.length;
  const window = windowOf(use, param, rank);
  const filters = param.count('num_output') ?? (depthwise ? channels : use.refuse('has no `num_output`'));
  const groups = depthwise && !param.has('group') ? channels : param.count('group', 1);
  if (filters < 1 || groups < 1 || channels % groups !== 0 || filters % groups !== 0) {
    use.refuse(`has ${groups} groups of ${channels} channels and ${filters} filters`);
  }
  const bias = param.flag('bias_term', true);
  const fields: Record<string, Json> = {
    filters,
    ...windowFields(window),
    ...(groups === 1 ? {} : { groups }),
    ...(bias ? {} : { bias: false }),
  };
  const out = transposed ? enlarged(extents, window) : convolved(use, extents, window);
  if (out.some((extent) => extent < 1)) use.refuse('leaves nothing of its input');
  const made = use.emit(`conv${transposed ? '_transpose' : ''}${rank}d`, [x], fields);
  use.output(index, { ref: made.name, shape: [x.shape[0]!, filters, ...out], dtype: 'f32' });
  const shape = transposed ? [channels, filters / groups] : [filters, channels / groups];
  const weight = {
    param: 'weight',
    shape: [...shape, ...window.kernel],
    filler: [param, 'weight_filler'],
    start: 'zeros',
  } as const;
  const biases = { param: 'bias', shape: [filters], filler: [param, 'bias_filler'] } as const;
  if (index === 0) use.learn(made, bias ? [weight, biases] : [weight]);
  return made;
}

/** Extents behind a transposed convolution. */
function enlarged(extents: readonly number[], { kernel, stride, padding, dilation }: Window): number[] {
  return extents.map((n, i) => (n - 1) * stride[i]! + dilation[i]! * (kernel[i]! - 1) + 1 - 2 * padding[i]!);
}

export const convolutions: Readonly<Record<string, Converter>> = {
  Convolution: convolution({ transposed: false, depthwise: false }),
  Deconvolution: convolution({ transposed: true, depthwise: false }),
  DepthwiseConvolution: convolution({ transposed: false, depthwise: true }),
  ConvolutionDepthwise: convolution({ transposed: false, depthwise: true }),
};
