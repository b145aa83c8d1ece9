/**
 * Tensors read at places that the model computes: sampling under grids, deformable convolutions, regions of interest.
 * Images by `affine_grid_sample` and `roi_align`; volumes and cubic kernels by taking every neighbour with its weight.
 */
import type { Fields } from '../../../../frontend/spec';
import { ELEM } from '../../../formats/onnx/types';
import { fixed, type Emitter } from '../emitter';
import { refuse, type Handler, type Handlers } from '../node';
import { strides } from '../numbers';
import { count, type Value } from '../value';

type Mode = 'nearest' | 'linear' | 'cubic';
type Padding = 'zeros' | 'border' | 'reflection';

const MODES: Readonly<Record<string, Mode>> = {
  nearest: 'nearest',
  linear: 'linear',
  bilinear: 'linear',
  cubic: 'cubic',
  bicubic: 'cubic',
};
const PADDINGS: readonly Padding[] = ['zeros', 'border', 'reflection'];
/** Places are counted in float32. */
const MOST_PLACES = 2 ** 24;

const gridSample: Handler = (node) => {
  const { e } = node;
  const [x, grid] = [e.float(node.in(0)), e.float(node.in(1))];
  const mode = MODES[node.text('mode', node.opset < 20 ? 'bilinear' : 'linear')] ?? refuse('has an unknown mode');
  const said = node.text('padding_mode', 'zeros');
  const padding = PADDINGS.find((one) => one === said) ?? refuse(`has the padding ${said}`);
  const align = node.flag('align_corners');
  const rank = x.shape.length - 2;
  if (grid.shape.length !== rank + 2 || grid.shape.at(-1) !== rank)
    refuse(`reads [${e.show(x.shape)}] under a grid of [${e.show(grid.shape)}]`);
  const shape = [...x.shape.slice(0, 2), ...grid.shape.slice(1, -1)];
  if (rank === 2 && mode !== 'cubic') {
    const border = { zeros: 'constant', border: 'edge', reflection: align ? 'reflect' : 'symmetric' }[padding];
    const fields: Fields = {
      ...(align ? { corners: 'align' } : {}),
      ...(mode === 'linear' ? {} : { method: mode }),
      ...(border === 'constant' ? {} : { border }),
    };
    return { ...e.layer('affine_grid_sample', [x, grid], fields, { shape }), elem: node.in(0).elem };
  }
  return { ...byNeighbours(e, x, grid, { mode, padding, align }), elem: node.in(0).elem };
};

interface Reading {
  readonly mode: Mode;
  readonly padding: Padding;
  readonly align: boolean;
}

/** The neighbours of each place along an axis, [N, P, T], and their weights. */
interface Taps {
  readonly at: Value;
  readonly weight: Value;
}

function byNeighbours(e: Emitter, x: Value, grid: Value, how: Reading): Value {
  const [samples, channels, ...extents] = x.shape as [number, number, ...number[]];
  fixed(extents);
  if (count(extents) > MOST_PLACES) refuse('reads from a tensor too large to count in');
  const out = grid.shape.slice(1, -1);
  const places = count(out);
  const rank = extents.length;
  const own = strides(extents);
  const flat = e.reshape(grid, [samples, places, rank]);
  // The last coordinate goes along the first axis.
  const taps = extents.map((extent, i) => axisTaps(e, e.slice(flat, 2, rank - 1 - i, 1), extent, how));
  const spread = (value: Value, i: number): Value =>
    e.reshape(value, [samples, places, ...extents.map((_, k) => (k === i ? value.shape[2]! : 1))]);
  const total = samples === 0 ? 0 : taps.reduce((product, { at }) => product * at.shape[2]!, 1);
  const letters = taps.map((_, i) => 'abc'[i]!);
  const index = e.expr(
    letters.map((letter, i) => (own[i] === 1 ? letter : `${letter} * ${own[i]}`)).join(' + '),
    taps.map(({ at }, i) => spread(at, i)),
  );
  const weight = e.expr(
    letters.join(' * '),
    taps.map(({ weight: one }, i) => spread(one, i)),
  );
  const elements = e.permute(e.reshape(x, [samples, channels, count(extents)]), [0, 2, 1]);
  const wanted = e.cast(e.reshape(index, [samples, places * total]), ELEM.int32);
  const taken = e.layer('gather', [elements, wanted], {}, { shape: [samples, places * total, channels], elem: x.elem });
  const parts = e.reshape(taken, [samples, places, total, channels]);
  const weighted = e.merge('mul', [parts, e.reshape(weight, [samples, places, total, 1])]);
  const sum = e.reduce('reduce_sum', weighted, [2], false);
  return e.reshape(e.permute(sum, [0, 2, 1]), [samples, channels, ...out]);
}

/** Keys 1981, with the coefficient that the operator fixes. */
const NEAR = '(1.25 * x - 2.25) * x * x + 1';
const FAR = '((-0.75 * x + 3.75) * x - 6) * x + 3';

function axisTaps(e: Emitter, coordinate: Value, extent: number, { mode, padding, align }: Reading): Taps {
  const last = extent - 1;
  const placed = e.expr(align ? `(x + 1) * ${last / 2}` : `((x + 1) * ${extent} - 1) / 2`, [coordinate]);
  const rounded = mode === 'nearest' ? e.unary('round', placed) : placed;
  const [low, high] = align ? [0, last] : [-0.5, extent - 0.5];
  const reflected = (value: Value): Value => {
    const range = high - low;
    if (range === 0) return e.expr('x * 0', [value]);
    const turns = `floor((x - ${low}) / ${2 * range})`;
    return e.expr(`${low + range} - abs(x - ${low} - ${2 * range} * ${turns} - ${range})`, [value]);
  };
  // A cubic kernel looks at elements beyond the border from wherever it is.
  const bounded =
    padding === 'zeros' || (padding === 'border' && mode === 'cubic')
      ? rounded
      : padding === 'border'
        ? e.expr(`where(x < ${low}, 0.0, where(x > ${high}, ${last}.0, x))`, [rounded])
        : reflected(rounded);
  const reach = { nearest: [0], linear: [0, 1], cubic: [-1, 0, 1, 2] }[mode];
  const steps = e.known(Float32Array.from(reach), [reach.length], ELEM.float);
  // What was reflected may lie half an element beyond the last.
  const base = e.unary(mode === 'nearest' ? 'round' : 'floor', bounded);
  const neighbours = e.merge('add', [base, steps]);
  const distance = e.expr('abs(a - b)', [bounded, neighbours]);
  const kernel =
    mode === 'nearest'
      ? e.expr('x * 0 + 1', [distance])
      : e.expr(mode === 'linear' ? '1 - x' : `where(x <= 1, ${NEAR}, ${FAR})`, [distance]);
  const turned = padding === 'reflection' ? reflected(neighbours) : neighbours;
  const at = e.unary('clip', turned, { min: 0, max: last });
  if (padding !== 'zeros') return { at, weight: kernel };
  return { at, weight: e.expr(`where(a < 0, 0.0, where(a > ${last}, 0.0, b))`, [neighbours, kernel]) };
}

const affineGrid: Handler = (node) => {
  const { e } = node;
  const theta = e.float(node.in(0));
  const size = node.numbers(1, 'size') ?? refuse('lacks its size');
  const extents = size.slice(2);
  const rank = extents.length;
  if (theta.shape.length !== 3 || theta.shape[1] !== rank || theta.shape[2] !== rank + 1)
    refuse(`makes a grid of ${rank} axes by maps of [${e.show(theta.shape)}]`);
  const places = count(extents);
  if (!(places >= 1 && places <= MOST_PLACES)) refuse('makes a grid too large');
  const own = strides(extents);
  const align = node.flag('align_corners');
  const coordinate = (i: number, extent: number): number =>
    align ? (extent === 1 ? 0 : (2 * i) / (extent - 1) - 1) : (2 * i + 1) / extent - 1;
  // Coordinates go the other way round than axes do, and end with a 1 for the shift.
  const rows = Array.from({ length: places }, (_, place) => [
    ...extents.map((extent, axis) => coordinate(Math.floor(place / own[axis]!) % extent, extent)).reverse(),
    1,
  ]);
  const base = e.known(Float32Array.from(rows.flat()), [places, rank + 1], ELEM.float);
  const shape = [theta.shape[0]!, places, rank];
  const made = e.layer('einsum', [base, theta], { equation: 'pk,njk->npj' }, { shape, elem: theta.elem });
  return e.reshape(made, [theta.shape[0]!, ...extents, rank]);
};

/** What lies under each place of the kernel is sampled, and a convolution of 1 by 1 sums it up. */
const deformConv: Handler = (node) => {
  const { e } = node;
  const [x, weight, offset] = [e.float(node.in(0)), node.in(1), e.float(node.in(2))];
  const [bias, mask] = [node.maybe(3), node.maybe(4)];
  if (x.shape.length !== 4 || weight.shape.length !== 4 || offset.shape.length !== 4) refuse('is not of images');
  const [samples, channels, height, width] = x.shape as [number, number, number, number];
  fixed([height, width]);
  const kernel = weight.shape.slice(2) as [number, number];
  const [filters] = weight.shape as [number];
  const size = count(kernel);
  const both = (name: string): readonly number[] => node.ints(name) ?? [1, 1];
  const [stride, dilation] = [both('strides'), both('dilations')];
  const pads = node.ints('pads') ?? [0, 0, 0, 0];
  const [groups, offsetGroups] = [node.int('group', 1), node.int('offset_group', 1)];
  const [rows, columns] = offset.shape.slice(2) as [number, number];
  if (offset.shape[1] !== 2 * offsetGroups * size || channels % offsetGroups !== 0)
    refuse(`moves kernels of ${size} elements by [${e.show(offset.shape)}]`);
  const places = size * rows * columns;
  if (!(places <= MOST_PLACES)) refuse('reads at too many places');
  // In coordinates from −1 to 1, x before y: two sides of a pixel away from each other are 2 / extent.
  const moves = e.permute(e.reshape(offset, [samples, offsetGroups, size, 2, rows, columns]), [0, 1, 2, 4, 5, 3]);
  const turned = e.layer('gather', [moves], { axis: 5, indices: [1, 0] }, { shape: moves.shape });
  const at = (place: number, extent: number): number => (2 * place + 1) / extent - 1;
  const fixedPlaces = Float32Array.from({ length: 2 * places }, (_, i) => {
    const k = Math.floor(i / (2 * rows * columns));
    const row = Math.floor(i / (2 * columns)) % rows;
    const column = Math.floor(i / 2) % columns;
    return i % 2 === 0
      ? at(column * stride[1]! - pads[1]! + (k % kernel[1]) * dilation[1]!, width)
      : at(row * stride[0]! - pads[0]! + Math.floor(k / kernel[1]) * dilation[0]!, height);
  });
  const base = e.known(fixedPlaces, [size, rows, columns, 2], ELEM.float);
  const scale = e.known(Float32Array.of(2 / width, 2 / height), [2], ELEM.float);
  const points = e.merge('add', [e.merge('mul', [turned, scale]), base]);
  const each = channels / offsetGroups;
  const read = Array.from({ length: offsetGroups }, (_, group) => {
    const part = offsetGroups === 1 ? x : e.slice(x, 1, group * each, each);
    const grid = e.reshape(e.slice(points, 1, group, 1), [samples, size * rows, columns, 2]);
    const shape = [samples, each, size * rows, columns];
    const sampled = e.layer('affine_grid_sample', [part, grid], {}, { shape });
    if (mask === undefined) return sampled;
    const masks = e.reshape(e.float(mask), [samples, offsetGroups, size * rows, columns]);
    return e.merge('mul', [sampled, e.slice(masks, 1, group, 1)]);
  });
  const unfolded = e.reshape(e.concat(read, 1), [samples, channels * size, rows, columns]);
  const flat = e.reshape(weight, [filters, (channels / groups) * size, 1, 1]);
  const fields: Fields = {
    filters,
    kernel: 1,
    ...(groups === 1 ? {} : { groups }),
    ...(bias === undefined ? { bias: false } : {}),
  };
  const shape = [samples, filters, rows, columns];
  return {
    ...e.weighted('conv2d', [unfolded], fields, { shape }, { weight: flat, bias }),
    elem: node.in(0).elem,
  };
};

const roiAlign: Handler = (node) => {
  const { e } = node;
  const [x, rois, owners] = [e.float(node.in(0)), e.float(node.in(1)), node.in(2)];
  const mode = node.text('mode', 'avg');
  if (mode !== 'avg') refuse(`takes the ${mode} of the points in a bin; there are only means here`);
  const [samples, channels, height, width] = fixed(x.shape) as [number, number, number, number];
  const number = rois.shape[0]!;
  const size = [node.int('output_height', 1), node.int('output_width', 1)] as const;
  const scale = node.float('spatial_scale', 1);
  const byDefault = node.opset < 16 ? 'output_half_pixel' : 'half_pixel';
  const aligned = node.text('coordinate_transformation_mode', byDefault) === 'half_pixel';
  const ratio = node.int('sampling_ratio', 0);
  const sides = Float32Array.from([width, height, width, height], (extent) => scale / extent);
  const parts = e.merge('mul', [rois, e.known(sides, [1, 4], ELEM.float)]);
  const fields: Fields = {
    size: size[0] === size[1] ? size[0] : [...size],
    ...(ratio === 0 ? {} : { sampling_ratio: ratio }),
    ...(aligned ? {} : { aligned: false }),
  };
  const shape = [number, channels, ...size];
  const alone = samples === 1;
  // Of several images every region takes its own along.
  const maps = alone
    ? x
    : e.layer('gather', [x, e.index(owners)], { axis: 0, batch_dims: 0 }, { shape: [number, ...x.shape.slice(1)] });
  const regions = e.reshape(parts, alone ? [1, number, 4] : [number, 1, 4]);
  const made = e.layer('roi_align', [maps, regions], fields, {
    shape: [...regions.shape.slice(0, 2), channels, ...size],
  });
  return { ...e.reshape(made, shape), elem: node.in(0).elem };
};

export const SAMPLES: Handlers = {
  GridSample: gridSample,
  AffineGrid: affineGrid,
  DeformConv: deformConv,
  RoiAlign: roiAlign,
};
