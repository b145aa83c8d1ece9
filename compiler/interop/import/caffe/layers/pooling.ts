/** Pooling, and what undoes it or resizes in another way. */
import type { Json } from '../../../../frontend/spec';
import type { Fields } from '../../../formats/caffe/fields';
import type { Converter, Use } from '../use';
import type { Value } from '../value';
import { perAxis, windowFields, windowOf, type Window } from './window';

const METHODS = ['MAX', 'AVE', 'STOCHASTIC'] as const;
const TYPES = { MAX: 'max_pool', AVE: 'avg_pool', STOCHASTIC: 'stochastic_pool' } as const;

const pooling: Converter = (use) => {
  const x = use.input();
  const param = use.part('pooling_param');
  param.ignore('engine', 'kernelsize');
  const method = param.word('pool', METHODS);
  const extents = use.spatial(x);
  if (param.flag('global_pooling', false)) {
    globalPool(use, x, method, param);
    return;
  }
  const window = windowOf(use, param, extents.length);
  const up = param.has('ceil_mode')
    ? param.flag('ceil_mode', true)
    : param.word('round_mode', ['CEIL', 'FLOOR']) === 'CEIL';
  const out = pooled(extents, window, up);
  if (out.some((extent) => extent < 1)) use.refuse('leaves nothing of its input');
  // Said only where it makes a difference.
  const overhangs = up && pooled(extents, window, false).some((extent, i) => extent !== out[i]);
  const rank = extents.length;
  if (method === 'STOCHASTIC' && rank !== 2) use.refuse('is stochastic on other than images');
  const type = `${TYPES[method]}${rank}d`;
  const fields = { ...windowFields(window, window.kernel), ...(overhangs ? { ceil_mode: true } : {}) };
  const made = use.give(type, [x], fields, [x.shape[0]!, x.shape[1]!, ...out]);
  if (use.node.outputs[1] !== undefined && method === 'MAX') {
    use.output(1, { ref: `${made.name}.index`, shape: [x.shape[0]!, x.shape[1]!, ...out], dtype: 'i32' });
  }
};

/** Rounded up, the last window must not begin in the padding. */
function pooled(extents: readonly number[], { kernel, stride, padding }: Window, up: boolean): number[] {
  return extents.map((extent, i) => {
    const [k, s, p] = [kernel[i]!, stride[i]!, padding[i]!];
    const places = (extent + 2 * p - k) / s;
    const count = (up ? Math.ceil(places) : Math.floor(places)) + 1;
    return (count - 1) * s >= extent + p ? count - 1 : count;
  });
}

function globalPool(use: Use, x: Value, method: (typeof METHODS)[number], param: Fields): void {
  param.ignore('kernel_size', 'stride', 'pad', 'ceil_mode', 'round_mode', 'kernel_h', 'kernel_w');
  if (method === 'STOCHASTIC') use.refuse('is stochastic over whole images');
  const ones = x.shape.slice(2).map(() => 1);
  const type = `global_${TYPES[method]}${ones.length}d`;
  use.give(type, [x], { keepdims: true }, [x.shape[0]!, x.shape[1]!, ...ones]);
}

const pyramid: Converter = (use) => {
  const x = use.input();
  const param = use.part('spp_param');
  param.ignore('engine');
  const height = param.count('pyramid_height') ?? use.refuse('has no `pyramid_height`');
  const method = param.word('pool', METHODS);
  if (method === 'STOCHASTIC') use.refuse('is stochastic');
  const cells = (4 ** height - 1) / 3;
  const fields = { height, ...(method === 'AVE' ? { method: 'average' } : {}), windows: 'padded' };
  use.give('spatial_pyramid_pool', [x], fields, [x.shape[0]!, use.extent(x, 1) * cells]);
};

/** Two layers of forks have this name: one undoes a pooling with its mask, the other repeats pixels. */
const upsample: Converter = (use) => {
  const x = use.input();
  const param = use.part('upsample_param');
  const [height = 1, width = 1] = use.spatial(x);
  const scale = param.count('scale');
  const factors = [param.count('scale_h', scale ?? 2), param.count('scale_w', scale ?? 2)];
  if (use.node.inputs.length < 2) {
    use.give('upsample2d', [x], { scale: perAxis(factors) }, [
      x.shape[0]!,
      x.shape[1]!,
      height * factors[0]!,
      width * factors[1]!,
    ]);
    return;
  }
  const mask = use.integers(1);
  const padded = [param.flag('pad_out_h', false), param.flag('pad_out_w', false)];
  const size = [
    param.count('upsample_h') ?? height * factors[0]! - (padded[0] ? 1 : 0),
    param.count('upsample_w') ?? width * factors[1]! - (padded[1] ? 1 : 0),
  ];
  use.give('max_unpool2d', [x, mask], { size: perAxis(size) }, [x.shape[0]!, x.shape[1]!, ...size]);
};

/** Bilinear interpolation with aligned corners: to a size, or by whole factors. */
const interp: Converter = (use) => {
  const x = use.input();
  const param = use.part('interp_param');
  const [begin, end] = [param.number('pad_beg', 0), param.number('pad_end', 0)];
  if (begin > 0 || end > 0) use.refuse('pads its input');
  const crop = [-begin, -end];
  const [height = 1, width = 1] = use.spatial(x).map((extent) => extent + begin + end);
  const shrink = param.count('shrink_factor', 1);
  const zoom = param.count('zoom_factor', 1);
  if (shrink < 1 || zoom < 1) use.refuse('has a factor of 0');
  const factor = (extent: number): number => {
    const less = Math.floor((extent - 1) / shrink) + 1;
    return less + (less - 1) * (zoom - 1);
  };
  const like = use.node.inputs.length > 1 ? use.spatial(use.input(1)) : undefined;
  const size = like ?? [param.count('height') ?? factor(height), param.count('width') ?? factor(width)];
  const inner =
    begin === 0 && end === 0 ? x : use.emit('crop2d', [x], { cropping: [crop, crop] as Json }, `${use.name}_crop`).name;
  const shape = [x.shape[0]!, x.shape[1]!, ...size];
  use.give('resize', [inner], { size: perAxis(size), method: 'bilinear', corners: 'align' }, shape);
};

export const poolings: Readonly<Record<string, Converter>> = {
  Pooling: pooling,
  SPP: pyramid,
  Upsample: upsample,
  Interp: interp,
};
