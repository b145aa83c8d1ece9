/** Images read between their pixels: resizing along an axis, and places of any kind. */
import type { Node } from '../../../../ir/graph';
import { integerAttr } from '../../../../ops/attributes';
import {
  forEachPoint,
  samplingOf,
  tapsAt,
  type Sampling,
  type SampleBorder,
} from '../../../../ops/families/image_sampling';
import { mapOf } from '../../../../ops/families/sparse-map';
import type { Emitter, Ref } from '../emitter';
import { gatheredSample, gridSample } from './places';
import { resize } from './resize';
import type { Translations } from '../translate';

export const images: Translations = { resample, sample_image: sampleImage };

/** An enlargement, or a lookup where each result is one element; any other map is a product with its matrix. */
function resample(node: Node, e: Emitter): Ref {
  const resized = resize(node, e);
  if (resized) return resized;
  const axis = integerAttr(node.attrs, 'axis');
  const [x] = node.inputs;
  const { shape, dtype } = x!.type;
  const extent = shape[axis]!;
  const { size, taps, indices, weights } = mapOf(node.attrs, extent);
  const layer = node.origin.layer;
  if (taps === 1 && weights.every((weight) => weight === 1)) {
    return e.op('Gather', [e.ref(x!), e.constant('i64', [size], indices, `${layer}/places`)], { axis });
  }
  const table = (rows: number, columns: number, at: (result: number, element: number) => number): Ref => {
    const values = new Array<number>(size * extent).fill(0);
    weights.forEach((weight, i) => {
      if (weight !== 0) values[at(Math.floor(i / taps), indices[i]!)]! += weight;
    });
    return e.constant(dtype, [rows, columns], values, `${layer}/map`);
  };
  const rank = shape.length;
  if (axis === rank - 1) return e.op('MatMul', [e.ref(x!), table(extent, size, (to, from) => from * size + to)]);
  const map = table(size, extent, (to, from) => to * extent + from);
  if (axis === rank - 2) return e.op('MatMul', [map, e.ref(x!)]);
  const order = shape.map((_, i) => i);
  const perm = [...order.filter((i) => i !== axis), axis];
  const moved = e.op('Transpose', [e.ref(x!)], { perm });
  const made = e.op('MatMul', [moved, table(extent, size, (to, from) => from * size + to)]);
  return e.op('Transpose', [made], { perm: order.map((i) => perm.indexOf(i)) });
}

function sampleImage(node: Node, e: Emitter): Ref {
  const [x, points] = node.inputs;
  const sampling = samplingOf(x!.type, points!.type, node.attrs);
  const fixed = points!.type.shape.length === 2 ? e.listed(points!) : undefined;
  const row = fixed?.slice(0, 6) ?? [];
  const alike = fixed?.every((value, i) => value === row[i % 6]);
  if (alike !== true) return placesSample(node, e, sampling);
  const [a, b, left, c, d, top] = row as [number, number, number, number, number, number];
  const whole = a === 1 && b === 0 && c === 0 && d === 1 && Number.isInteger(left) && Number.isInteger(top);
  return whole ? cutOut(node, e, sampling, left, top) : fixedSample(node, e, sampling, row);
}

/** A rectangle of whole pixels. */
function cutOut(node: Node, e: Emitter, sampling: Sampling, left: number, top: number): Ref {
  const { height, width, rows, columns, border, value } = sampling;
  const before = [Math.max(0, -top), Math.max(0, -left)];
  const after = [Math.max(0, top + rows - height), Math.max(0, left + columns - width)];
  const x = e.input(node, 0);
  const { dtype } = node.inputs[0]!.type;
  if ([...before, ...after].every((amount) => amount === 0)) return cut(e, x, [top, left], [rows, columns]);
  const mode = ONNX_PADDING[border];
  const reach = mode === 'reflect' ? 1 : 0;
  const large = [...before, ...after].some((amount, i) => amount + reach > [height, width][i % 2]!);
  if (mode === undefined || (large && mode !== 'constant' && mode !== 'edge')) {
    return fixedSample(node, e, sampling, [1, 0, left, 0, 1, top]);
  }
  const amounts = e.integers([...before, ...after]);
  const filling = mode === 'constant' ? e.scalar(dtype, value) : undefined;
  const padded = e.op('Pad', [x, amounts, filling, e.integers([2, 3])], mode === 'constant' ? {} : { mode });
  return cut(e, padded, [top + before[0]!, left + before[1]!], [rows, columns]);
}

const ONNX_PADDING: Readonly<Partial<Record<SampleBorder, string>>> = {
  constant: 'constant',
  edge: 'edge',
  reflect: 'reflect',
};

/** Places that are computed: by GridSample where it has the border, and else by lookups. */
function placesSample(node: Node, e: Emitter, sampling: Sampling): Ref {
  const { dtype } = node.inputs[0]!.type;
  const plain = dtype === 'f32' && ['constant', 'edge', 'symmetric'].includes(sampling.border);
  return plain ? gridSample(node, e, sampling) : gatheredSample(node, e, sampling);
}

function cut(e: Emitter, x: Ref, from: readonly [number, number], size: readonly [number, number]): Ref {
  const to = [from[0] + size[0], from[1] + size[1]];
  return e.op('Slice', [x, e.integers(from), e.integers(to), e.integers([2, 3])]);
}

/** Places that are the same for every image: a sum of weighted lookups. */
function fixedSample(node: Node, e: Emitter, sampling: Sampling, map: readonly number[]): Ref {
  const { height, width, rows, columns, value } = sampling;
  const points = { type: { dtype: 'f32' as const, shape: [1, 6] }, data: Float64Array.from(map) };
  const taps: (readonly { readonly pixel: number | undefined; readonly weight: number }[])[] = [];
  forEachPoint(points, { ...sampling, batch: 1 }, (_image, _point, px, py) => {
    taps.push(tapsAt(sampling, px, py).filter(({ weight }) => weight !== 0));
  });
  const [x] = node.inputs;
  const extents = e.extents.shape(x!);
  const layer = node.origin.layer;
  const { dtype } = x!.type;
  const flat = e.reshape(e.ref(x!), extents, [...extents.slice(0, 2), height * width]);
  const most = Math.max(1, ...taps.map((list) => list.length));
  let sum: Ref | undefined;
  const add = (term: Ref): void => {
    sum = sum ? e.op('Add', [sum, term]) : term;
  };
  for (let t = 0; t < most; t++) {
    const pixels = taps.map((list) => list[t]?.pixel ?? 0);
    const weights = taps.map((list) => (list[t]?.pixel === undefined ? 0 : list[t]!.weight));
    const found = e.op('Gather', [flat, e.constant('i64', [pixels.length], pixels, `${layer}/pixels`)], { axis: 2 });
    const plain = weights.every((weight) => weight === 1);
    add(plain ? found : e.op('Mul', [found, e.constant(dtype, [weights.length], weights, `${layer}/weights`)]));
  }
  const outside = taps.map((list) =>
    list.reduce((total, { pixel, weight }) => total + (pixel === undefined ? weight * value : 0), 0),
  );
  if (outside.some((each) => each !== 0)) add(e.constant(dtype, [outside.length], outside, `${layer}/outside`));
  return e.reshape(sum!, [...extents.slice(0, 2), rows * columns], [...extents.slice(0, 2), rows, columns]);
}
