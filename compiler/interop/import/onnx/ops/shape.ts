/** Operators that give the same numbers another shape, some of them, or more of them. */
import { DTYPE_WORD } from '../../../words';
import { ELEM } from '../../../formats/onnx/types';
import { denseOf } from '../../../formats/onnx/tensor';
import { fixed, type Emitter } from '../emitter';
import { sliceParts, splitSizes } from '../fold';
import { refuse, type Handler, type Handlers } from '../node';
import { strides } from '../numbers';
import { BATCH, SYMBOL, broadcast, count, isSymbolic, sameExtents, type Value } from '../value';

const reshape: Handler = (node) => {
  const x = node.in(0);
  const wanted = node.has('shape') ? node.ints('shape')! : (node.numbers(1, 'shape') ?? refuse('lacks its shape'));
  const zero = node.flag('allowzero');
  const extents = wanted.map((extent, i) =>
    extent === 0 && !zero ? (x.shape[i] ?? refuse('copies an axis that is not there')) : extent,
  );
  const rest = extents.filter((extent) => extent !== -1);
  const left = count(x.shape) / count(rest);
  // A 1 in front of what a file has of its one sample is the batch.
  const samples = node.e.isOpened && x.shape[0] === BATCH && extents[0] === 1 && isSymbolic(left);
  if (samples) {
    const own = extents.with(0, BATCH);
    return node.e.reshape(
      x,
      own.map((extent) => (extent === -1 ? left / BATCH : extent)),
    );
  }
  return node.e.reshape(
    x,
    extents.map((extent) => (extent === -1 ? left : extent)),
  );
};

const flatten: Handler = (node) => {
  const x = node.in(0);
  const axis = node.int('axis', 1);
  const first = axis < 0 ? axis + x.shape.length : axis;
  return node.e.reshape(x, [count(x.shape.slice(0, first)), count(x.shape.slice(first))]);
};

const squeeze: Handler = (node) => {
  const x = node.in(0);
  const listed = node.listed('axes', 1);
  const axes =
    listed?.map((axis) => node.axis(axis, x.shape.length)) ??
    x.shape.flatMap((extent, axis) => (extent === 1 ? [axis] : []));
  if (axes.some((axis) => x.shape[axis] !== 1)) refuse('leaves out an axis whose extent is not 1');
  const shape = x.shape.filter((_, axis) => !axes.includes(axis));
  if (x.known !== undefined || axes.length === 0) return { ...x, shape };
  const from = x.from && 'layer' in x.from ? x.from.layer : undefined;
  // What put the axis there need not have done so.
  if (from?.type === 'expand_dims' && sameExtents(from.inputs[0]!.shape, shape))
    return { ...from.inputs[0]!, elem: x.elem };
  return node.e.layer('squeeze', [x], { axes: axes.length === 1 ? axes[0]! : axes }, { shape });
};

const unsqueeze: Handler = (node) => {
  const x = node.in(0);
  const listed = node.listed('axes', 1) ?? refuse('lacks its axes');
  const rank = x.shape.length + listed.length;
  const axes = listed.map((axis) => node.axis(axis, rank));
  const rest = [...x.shape];
  const shape = Array.from({ length: rank }, (_, axis) => (axes.includes(axis) ? 1 : rest.shift()!));
  if (x.known === undefined && axes.length === 1) {
    const axis = axes[0]!;
    return node.e.layer('expand_dims', [x], axis === rank - 1 ? {} : { axis }, { shape });
  }
  return node.e.reshape(x, shape);
};

const transpose: Handler = (node) => {
  const x = node.in(0);
  return node.e.permute(x, node.ints('perm') ?? x.shape.map((_, axis) => x.shape.length - 1 - axis));
};

const concat: Handler = (node) => {
  const values = node.all().filter(({ shape }) => !shape.includes(0));
  const axis = node.axisOf('axis', 1, values[0]!.shape.length);
  return { ...node.e.concat(node.e.alike(values), axis), elem: values[0]!.elem };
};

const split: Handler = (node) => {
  const { e } = node;
  const x = node.in(0);
  const axis = node.axisOf('axis', 0, x.shape.length);
  if (isSymbolic(x.shape[axis]!)) refuse('cuts the batch');
  const sizes = splitSizes(node, x.shape[axis]!);
  const made = parts(
    e,
    x,
    axis,
    sizes.filter((size) => size > 0),
  );
  return sizes.map((size) => (size > 0 ? made.shift()! : e.none(x, x.shape.with(axis, 0))));
};

/** Consecutive parts of an axis. */
export function parts(e: Emitter, x: Value, axis: number, sizes: readonly number[]): Value[] {
  if (sizes.length === 1) return [x];
  const even = sizes.every((size) => size === sizes[0]);
  const fields = { ...(axis === 1 ? {} : { axis }), ...(even ? { sections: sizes.length } : { sizes: [...sizes] }) };
  const first = e.layer('split', [x], fields, { shape: x.shape.with(axis, sizes[0]!) });
  return sizes.map((size, i) => (i === 0 ? first : e.further(first, String(i), { shape: x.shape.with(axis, size) })));
}

const slice: Handler = (node) =>
  sliceParts(node).reduce((x, { axis, start, size, step }) => {
    if (size === 0) return node.e.none(x, x.shape.with(axis, 0));
    return node.e.slice(x, axis, start, size, step);
  }, node.in(0));

const expand: Handler = (node) => {
  const x = node.in(0);
  const wanted = node.numbers(1, 'shape') ?? refuse('lacks its shape');
  return node.e.broadcastTo(x, broadcast([x.shape, wanted]) ?? refuse('stretches to a shape that does not fit'));
};

/** More repeats than this are no list to read. */
const FEW = 8;

const tile: Handler = (node) => {
  const { e } = node;
  const x = node.in(0);
  const times =
    node.opset < 6 ? refuse('is of an old form') : (node.numbers(1, 'repeats') ?? refuse('lacks its repeats'));
  return times.reduce((value, by, axis) => {
    if (by === 1) return value;
    if (by === 0) return refuse('takes nothing: there are no tensors without elements here');
    if (by <= FEW) return e.concat(Array<Value>(by).fill(value), axis);
    // Many of them, or as many as there are samples: an axis of its own, stretched.
    const apart = e.reshape(value, value.shape.toSpliced(axis, 0, 1));
    const wide = e.broadcastTo(apart, value.shape.toSpliced(axis, 0, by));
    return e.reshape(wide, value.shape.with(axis, by * value.shape[axis]!));
  }, x);
};

const MODES: Readonly<Record<string, string>> = {
  constant: 'constant',
  reflect: 'reflect',
  edge: 'edge',
  wrap: 'wrap',
};

const pad: Handler = (node) => {
  const { e } = node;
  const x = node.in(0);
  const rank = x.shape.length;
  const listed = (node.has('paddings') ? node.ints('paddings') : node.listed('pads', 1)) ?? refuse('lacks its pads');
  const axes =
    (node.opset >= 18 ? node.numbers(3, 'axes') : undefined)?.map((axis) => node.axis(axis, rank)) ??
    x.shape.map((_, axis) => axis);
  const value = node.opset < 11 ? node.float('value', 0) : (node.numbers(2, 'value')?.[0] ?? 0);
  const sides = x.shape.map((_, axis): [number, number] => {
    const at = axes.indexOf(axis);
    return at < 0 ? [0, 0] : [listed[at] ?? 0, listed[at + axes.length] ?? 0];
  });
  // Less than nothing cuts off.
  const cut = sides.reduce((inner, [low, high], axis) => {
    const size = inner.shape[axis]! + Math.min(0, low) + Math.min(0, high);
    if (size < 1) return refuse('takes nothing: there are no tensors without elements here');
    return low < 0 || high < 0 ? e.slice(inner, axis, Math.max(0, -low), size) : inner;
  }, x);
  const borders = sides.map(([low, high]): [number, number] => [Math.max(0, low), Math.max(0, high)]);
  const mode = MODES[node.text('mode', 'constant')] ?? refuse(`has the mode ${node.text('mode', '')}`);
  return mode === 'constant' ? e.pad(cut, borders, value) : bordered(e, cut, borders, mode);
};

function bordered(e: Emitter, x: Value, sides: readonly (readonly [number, number])[], mode: string): Value {
  const axes = sides.flatMap(([low, high], axis) => (low + high === 0 ? [] : [axis]));
  if (axes.length === 0) return x;
  const shape = x.shape.map((extent, axis) => extent + sides[axis]![0] + sides[axis]![1]);
  fixed(axes.map((axis) => x.shape[axis]!));
  if (axes.includes(0)) return e.reshape(bordered(e, e.reshape(x, [1, ...x.shape]), [[0, 0], ...sides], mode), shape);
  const behind = axes.every((axis, i) => axis === i + 2) && axes.length === x.shape.length - 2;
  const padding = axes.map((axis) => [...sides[axis]!]);
  return e.layer('pad', [x], { ...(behind ? {} : { axes }), padding, mode }, { shape });
}

const spaceToDepth: Handler = (node) => {
  const { e } = node;
  const x = node.in(0);
  const size = node.int('blocksize', 1);
  const [n, c, h, w] = x.shape as [number, number, number, number];
  // The place within a block counts before the channel.
  const cut = e.reshape(x, [n, c, h / size, size, w / size, size]);
  return e.reshape(e.permute(cut, [0, 3, 5, 1, 2, 4]), [n, c * size * size, h / size, w / size]);
};

const depthToSpace: Handler = (node) => {
  const { e } = node;
  const x = node.in(0);
  const size = node.int('blocksize', 1);
  const [n, c, h, w] = x.shape as [number, number, number, number];
  const depth = c / (size * size);
  const shape = [n, depth, h * size, w * size];
  if (node.text('mode', 'DCR') === 'CRD') {
    const cut = e.reshape(x, [n, depth, size, size, h, w]);
    return e.reshape(e.permute(cut, [0, 1, 4, 2, 5, 3]), shape);
  }
  const cut = e.reshape(x, [n, size, size, depth, h, w]);
  return e.reshape(e.permute(cut, [0, 3, 4, 1, 5, 2]), shape);
};

const constant: Handler = (node) => {
  const tensor = node.tensor('value');
  if (tensor) return { ...tensor, dtype: node.e.dtype(tensor.elem), known: tensor.data };
  const sparse = node.sparse('sparse_value');
  if (sparse) {
    const { data, shape, elem } = denseOf(sparse, node.around.external);
    return node.e.known(data, shape, elem);
  }
  if (node.has('value_float')) return node.e.scalar(node.float('value_float', 0));
  if (node.has('value_int')) return node.e.scalar(node.int('value_int', 0), ELEM.int64);
  const floats = node.floats('value_floats');
  if (floats && node.has('value_floats')) return node.e.known(floats, [floats.length], ELEM.float);
  const ints = node.ints('value_ints');
  if (ints) return node.e.known(ints, [ints.length]);
  return refuse('holds texts');
};

const shapeOf: Handler = (node) => {
  const { shape } = node.in(0);
  const at = (name: string, byDefault: number): number => {
    const written = node.int(name, byDefault);
    return Math.min(shape.length, Math.max(0, written < 0 ? written + shape.length : written));
  };
  const some = shape.slice(at('start', 0), Math.max(at('start', 0), at('end', shape.length)));
  return node.e.known(some, [some.length]);
};

const eyeLike: Handler = (node) => {
  const { shape, elem } = node.in(0);
  const [rows, columns] = fixed(shape) as [number, number];
  const k = node.int('k', 0);
  const data = Array.from({ length: rows * columns }, (_, i) => Number((i % columns) - Math.floor(i / columns) === k));
  return node.e.known(data, shape, node.int('dtype', elem));
};

const trilu: Handler = (node) => {
  const { e } = node;
  const x = node.in(0);
  const [rows, columns] = fixed(x.shape.slice(-2)) as [number, number];
  const k = node.numbers(1, 'k')?.[0] ?? 0;
  const upper = node.flag('upper', true);
  const kept = Array.from({ length: rows * columns }, (_, i) => {
    const distance = (i % columns) - Math.floor(i / columns);
    return Number(upper ? distance >= k : distance <= k);
  });
  const shape = [...Array<number>(x.shape.length - 2).fill(1), rows, columns];
  const mask = e.known(kept, shape, ELEM.bool);
  const made = e.layer(
    'where',
    [mask, e.number(x)],
    { otherwise: 0 },
    { shape: x.shape, elem: x.elem, dtype: e.number(x).dtype },
  );
  return x.dtype === 'bool' ? e.cast(made, ELEM.bool) : made;
};

const centerCropPad: Handler = (node) => {
  const { e } = node;
  const x = node.in(0);
  const wanted = node.numbers(1, 'shape') ?? refuse('lacks its shape');
  const axes = node.ints('axes')?.map((axis) => node.axis(axis, x.shape.length)) ?? x.shape.map((_, axis) => axis);
  const cut = axes.reduce((inner, axis, i) => {
    const [extent, size] = [inner.shape[axis]!, wanted[i]!];
    return size < extent ? e.slice(inner, axis, Math.floor((extent - size) / 2), size) : inner;
  }, x);
  const sides = cut.shape.map((extent, axis): [number, number] => {
    const more = Math.max(0, (wanted[axes.indexOf(axis)] ?? extent) - extent);
    return [Math.floor(more / 2), more - Math.floor(more / 2)];
  });
  return e.pad(cut, sides);
};

const identity: Handler = (node) => node.in(0);

const reverseSequence: Handler = (node) => {
  const { e } = node;
  const x = node.in(0);
  const [time, batch] = [node.int('time_axis', 0), node.int('batch_axis', 1)];
  const lengths = node.numbers(1, 'lengths') ?? refuse('lacks its lengths');
  const [steps, samples] = [x.shape[time]!, x.shape[batch]!];
  const place = Array.from({ length: samples * steps }, (_, i) => {
    const [sample, step] = [Math.floor(i / steps), i % steps];
    const length = lengths[sample]!;
    return step < length ? length - 1 - step : step;
  });
  // Samples first, then time: the indices are laid out so.
  const order = [batch, time, ...x.shape.map((_, axis) => axis).filter((axis) => axis !== batch && axis !== time)];
  const moved = e.permute(x, order);
  const taken = e.layer('gather', [moved, e.known(place, [samples, steps])], {}, { shape: moved.shape });
  return e.permute(
    { ...taken, elem: x.elem, dtype: x.dtype },
    order.map((_, axis) => order.indexOf(axis)),
  );
};

const compress: Handler = (node) => {
  const { e } = node;
  const chosen = node.numbers(1, 'condition') ?? refuse('lacks its condition');
  const flat = node.has('axis') ? node.in(0) : e.reshape(node.in(0), [count(node.in(0).shape)]);
  const axis = node.has('axis') ? node.axisOf('axis', 0, flat.shape.length) : 0;
  const indices = chosen.flatMap((keep, i) => (keep !== 0 && i < flat.shape[axis]! ? [i] : []));
  if (indices.length === 0) refuse('takes nothing: there are no tensors without elements here');
  return e.layer(
    'gather',
    [flat],
    { ...(axis === 1 ? {} : { axis }), indices },
    { shape: flat.shape.with(axis, indices.length) },
  );
};

/** One element for several, at the places where sums of the parts meet. */
const col2im: Handler = (node) => {
  const { e } = node;
  const x = node.in(0);
  const image = node.numbers(1, 'image_shape') ?? refuse('lacks its image_shape');
  const block = node.numbers(2, 'block_shape') ?? refuse('lacks its block_shape');
  const axes = image.map((_, i) => i);
  const of = (name: string, byDefault: number, size = image.length): readonly number[] =>
    node.ints(name) ?? Array<number>(size).fill(byDefault);
  const [steps, dilations, pads] = [of('strides', 1), of('dilations', 1), of('pads', 0, 2 * image.length)];
  const counts = axes.map(
    (i) =>
      Math.floor((image[i]! + pads[i]! + pads[i + image.length]! - dilations[i]! * (block[i]! - 1) - 1) / steps[i]!) +
      1,
  );
  const [samples, columns] = x.shape as [number, number];
  const channels = columns / count(block);
  const [within, places, own] = [strides(block), strides(counts), strides(image)];
  const target: number[] = [];
  for (let part = 0; part < count(block); part++) {
    for (let place = 0; place < count(counts); place++) {
      const at = axes.map((i) => {
        const inner = Math.floor(part / within[i]!) % block[i]!;
        return (Math.floor(place / places[i]!) % counts[i]!) * steps[i]! + inner * dilations[i]! - pads[i]!;
      });
      const inside = at.every((one, i) => one >= 0 && one < image[i]!);
      // What falls into the padding goes to one place more, which is cut off.
      target.push(inside ? at.reduce((sum, one, i) => sum + one * own[i]!, 0) : count(image));
    }
  }
  const flat = e.reshape(x, [samples, channels, target.length]);
  const size = count(image) + 1;
  const summed = e.layer(
    'scatter',
    [flat, e.known(target, [target.length])],
    { axis: 2, batch_dims: 0, size },
    { shape: [samples, channels, size] },
  );
  return e.reshape(e.slice(summed, 2, 0, size - 1), [samples, channels, ...image]);
};

export const SHAPES: Handlers = {
  Reshape: reshape,
  Flatten: flatten,
  Squeeze: squeeze,
  Unsqueeze: unsqueeze,
  Transpose: transpose,
  Concat: concat,
  Split: split,
  Slice: slice,
  Expand: expand,
  Tile: tile,
  Pad: pad,
  SpaceToDepth: spaceToDepth,
  DepthToSpace: depthToSpace,
  Constant: constant,
  Shape: shapeOf,
  Size: (node) => node.e.scalar(count(node.in(0).shape), ELEM.int64),
  EyeLike: eyeLike,
  Trilu: trilu,
  CenterCropPad: centerCropPad,
  Identity: identity,
  ReverseSequence: reverseSequence,
  Compress: compress,
  Col2Im: col2im,
  ConstantOfShape: (node) => {
    const { e } = node;
    // What is worked out is not here: this is of the batch.
    const shape = node.numbers(0, 'shape') ?? refuse('lacks its shape');
    const { data, elem } = node.tensor('value') ?? { data: [0], elem: ELEM.float };
    return e.filled(shape, data[0] ?? 0, elem);
  },
  Range: (node) => {
    const { e } = node;
    const [start, limit, delta] = ['start', 'limit', 'delta'].map((what, i) => node.numbers(i, what)?.[0]);
    // What is worked out is not here: this counts the samples.
    if (start !== 0 || limit !== BATCH || delta !== 1) return refuse('counts with the size of the batch');
    const { elem, dtype } = node.in(1);
    return e.layer('arange', [], { stop: SYMBOL, dtype: DTYPE_WORD[dtype] }, { shape: [BATCH], elem, dtype });
  },
};
