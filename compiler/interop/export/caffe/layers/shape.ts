/** Layers that move, cut or copy numbers. */
import type { Converter, Use } from '../use';

/** Any change of shape that keeps the order: the batch stays where it is. */
function reshape(use: Use): void {
  const [from, to] = [use.x.shape, use.shape()];
  const dim = to.map((extent, axis) => (axis === 0 && from[0] === extent ? 0 : extent));
  use.become('Reshape', { reshape_param: { shape: { dim } } });
}

const flatten: Converter = (use) => {
  const [axis, end] = [use.axis('axis'), use.axis('end_axis')];
  const param = { axis: axis === 1 ? undefined : axis, end_axis: end === use.x.shape.length - 1 ? undefined : end };
  use.become('Flatten', axis === 1 && param.end_axis === undefined ? {} : { flatten_param: param });
};

const permute: Converter = (use) => {
  const rank = use.x.shape.length;
  const order = (use.field('axes') as readonly number[]).map((axis) => (axis < 0 ? axis + rank : axis));
  use.remark('Permute is a layer of the SSD fork');
  use.become('Permute', { permute_param: { order } });
};

const concat: Converter = (use) => {
  const axis = use.axis('axis');
  use.become('Concat', axis === 1 ? {} : { concat_param: { axis } });
};

const split: Converter = (use) => {
  const axis = use.axis('axis');
  const sizes: number[] = [];
  const names = ['', ...Array.from({ length: 10_000 }, (_, i) => String(i + 1))];
  for (const [i, name] of names.entries()) {
    const shape = use.net.shapes.get(i === 0 ? use.name : `${use.name}.${name}`);
    if (shape === undefined) break;
    sizes.push(shape[axis]!);
  }
  const points = sizes.slice(0, -1).map((_, i) => sizes.slice(0, i + 1).reduce((sum, size) => sum + size, 0));
  const tops = sizes.map((_, i) => (i === 0 ? use.name : `${use.name}_${i}`));
  const param = { axis: axis === 1 ? undefined : axis, slice_point: points };
  use.add('Slice', [use.x.name], { slice_param: param }, { tops });
  use.give(use.name);
  tops.slice(1).forEach((top, i) => use.give(top, String(i + 1)));
};

/** The part in the middle of a Slice; the others are silenced. */
const slice: Converter = (use) => {
  const axis = use.axis('axis');
  const extent = use.x.shape[axis]!;
  if (use.number('step') !== 1) use.refuse('skips elements', 'step');
  const counted = (value: number): number => (value < 0 ? value + extent : value);
  const start = counted(use.number('start', 0));
  const stop = counted(use.number('stop', extent));
  if (start === 0 && stop === extent) use.give(use.x.name);
  else use.give(use.section(use.x.name, { axis, extent, range: [start, stop] }));
};

const tile: Converter = (use) => {
  const repeats = use.field('repeats') as readonly number[];
  const copies = repeats.flatMap((count, axis) => (count > 1 ? [{ axis, tiles: count }] : []));
  let blob = use.x.name;
  copies.forEach((param, i) => {
    const last = i === copies.length - 1;
    blob = use.add('Tile', [blob], { tile_param: param }, last ? {} : { suffix: `_axis${param.axis}` });
  });
  use.give(blob);
};

const crop: Converter = (use) => {
  const axis = use.axis('axis');
  const offset = use.field('offset');
  const param = {
    axis: axis === 2 ? undefined : axis,
    offset: Array.isArray(offset) ? offset.map(Number) : [Number(offset)],
  };
  use.become('Crop', { crop_param: param });
};

/** The middle, the smaller part of an odd border in front. */
const middle: Converter = (use) => {
  const [from, to] = [use.x.shape, use.shape()];
  const offset = to.slice(2).map((extent, i) => Math.floor((from[i + 2]! - extent) / 2));
  if (String(from) === String(to)) use.give(use.x.name);
  else use.give(use.crop(use.x.name, from.slice(2), offset));
};

const border: Converter = (use) => {
  if (use.axis('axis') !== 2) use.refuse('crops other axes', 'axis');
  const cropping = use.field('cropping');
  const each = Array.isArray(cropping) ? cropping : [cropping, cropping];
  use.give(
    use.crop(
      use.x.name,
      use.x.shape.slice(2),
      each.map((side: unknown) => Number(Array.isArray(side) ? side[0] : side)),
    ),
  );
};

const shuffle: Converter = (use) => {
  const [, channels = 1, ...rest] = use.x.shape;
  const groups = use.number('groups');
  use.remark('Permute is a layer of the SSD fork');
  const folded = use.add(
    'Reshape',
    [use.x.name],
    { reshape_param: { shape: { dim: [0, groups, channels / groups, ...rest] } } },
    { suffix: '_groups' },
  );
  const order = [0, 2, 1, ...rest.map((_, i) => i + 3)];
  const turned = use.add('Permute', [folded], { permute_param: { order } }, { suffix: '_turned' });
  use.give(use.add('Reshape', [turned], { reshape_param: { shape: { dim: [0, channels, ...rest] } } }));
};

const constant: Converter = (use) => {
  const { value = use.refuse('has a list of numbers', 'values') } = use.fields;
  const filler = { type: 'constant', value: Number(value) };
  use.become('DummyData', { dummy_data_param: { shape: { dim: [...use.shape()] }, data_filler: filler } });
};

const parameter: Converter = (use) => {
  const fields = { ...use.params(['weight']), parameter_param: { shape: { dim: [...use.shape()] } } };
  use.become('Parameter', fields, [use.blob('weight')]);
};

export const shapes: Readonly<Record<string, Converter>> = {
  flatten,
  reshape,
  squeeze: reshape,
  expand_dims: reshape,
  permute,
  concat,
  split,
  slice,
  tile,
  crop_like: crop,
  crop2d: border,
  center_crop: middle,
  random_crop: middle,
  channel_shuffle: shuffle,
  constant,
  parameter,
};
