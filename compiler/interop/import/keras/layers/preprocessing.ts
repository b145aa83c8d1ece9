/** Layers in front of a model: numbers and sizes of images; and changes by chance, which only training sees. */
import type { Fields, Json } from '../../../../frontend/spec';
import { isList } from '../../../formats/json';
import { single } from '../activations';
import { Refusal, type Use } from '../use';
import { identity } from '../../../formats/keras/axes';
import { settled, type Value } from '../value';
import { from, held, short } from './window';

export function rescaling(use: Use): Value {
  const number = (key: string, fallback: number): number | undefined => {
    const value: Json | undefined = use.config.value(key);
    if (isList(value) && value.length !== 1) return undefined;
    const one = isList(value) ? value[0] : value;
    return single(typeof one === 'number' ? one : fallback);
  };
  const [scale, offset] = [number('scale', 1), number('offset', 0)];
  if (scale === undefined || offset === undefined) throw new Refusal('its `scale` or `offset` is not one number');
  const fields = { scale, ...(offset === 0 ? {} : { offset }) };
  return { ...settled(use.input), ref: use.plain('rescale', [use.input.ref], fields) };
}

const METHODS: Readonly<Record<string, Fields>> = {
  nearest: { method: 'nearest', corners: 'half_pixel' },
  bilinear: {},
  bicubic: { method: 'cubic', cubic: -0.5, edges: 'renormalize' },
};

interface Pictures {
  readonly order: readonly number[];
  readonly channels: number;
  readonly source: string;
  readonly size: readonly [number, number];
}

function picturesOf(use: Use): Pictures {
  const order = use.imageOrder(use.rank(4));
  const [, channels] = held(use, order) as [number, number];
  const size = [use.config.size('height'), use.config.size('width')] as const;
  return { order, channels, source: use.context.orders.inOrder(use.input, order), size };
}

export function resizing(use: Use): Value {
  const { order, channels, source, size } = picturesOf(use);
  const method = METHODS[use.config.text('interpolation', 'bilinear')];
  if (method === undefined) throw new Refusal('its `interpolation` has no counterpart');
  for (const key of ['crop_to_aspect_ratio', 'pad_to_aspect_ratio', 'antialias'])
    if (use.config.flag(key, false)) throw new Refusal(`its \`${key}\` is not read`);
  use.config.ignore('fill_mode', 'fill_value');
  const ref = use.plain('resize', [source], { size: short(size), ...method });
  return from(ref, order, [0, channels, ...size]);
}

export function centerCrop(use: Use): Value {
  const { order, channels, source, size } = picturesOf(use);
  const ref = use.plain('center_crop', [source], { size: short(size) });
  return from(ref, order, [0, channels, ...size]);
}

export function categoryEncoding(use: Use): Value {
  const classes = use.config.size('num_tokens');
  const { input } = use;
  if (use.config.text('output_mode', 'multi_hot') !== 'one_hot')
    throw new Refusal('of its output modes only `one_hot` is read');
  const flat = input.shape.length === 2 && input.shape[1] === 1;
  const index = use.plain('cast', [use.context.orders.natural(input)], { dtype: 'int32' }, '_indices');
  const numbers = flat ? use.plain('squeeze', [index], { axes: 1 }, '_index') : index;
  const shape = flat ? [0, classes] : [...input.shape, classes];
  return { ref: use.plain('one_hot', [numbers], { classes }), shape, order: identity(shape.length) };
}

/** What only training sees: the settings are of Keras's own, so that the layer is left out with a word. */
export function chance(use: Use): Value {
  use.config.ignore(...Object.keys(use.layer.config));
  use.lost('augmentation', 'changes images by chance in training alone; a layer of ours or `data:` does the same');
  return { ...settled(use.input), ref: use.plain('identity', [use.input.ref]) };
}
