/** Layers that move, cut, copy or sum numbers. */
import type { Json } from '../../../../frontend/spec';
import type { Fields } from '../../../formats/caffe/fields';
import type { Converter, Use } from '../use';
import { BatchBound, sampleSize, shapeText, type Extent, type Extents, type Value } from '../value';

const flatten: Converter = (use) => {
  const x = use.input();
  const param = use.part('flatten_param');
  const axis = use.axis(x, param.number('axis', 1));
  const end = use.axis(x, param.number('end_axis', -1));
  flat(use, x, axis, end);
};

function flat(use: Use, x: Value, axis: number, end: number): void {
  if (x.variances !== undefined) {
    use.pass('prior boxes have no batch axis here');
    return;
  }
  if (x.timeFirst && axis < 2) use.refuse('joins time and batch');
  if (axis === 0 && end > 0 && x.shape[0] === 'N') throw new BatchBound();
  if (axis >= end) {
    use.pass('there is a single axis to join');
    return;
  }
  const joined = x.shape
    .slice(axis, end + 1)
    .reduce<number>((product, extent) => product * use.conversion.number(extent), 1);
  const shape = [...x.shape.slice(0, axis), joined, ...x.shape.slice(end + 1)];
  const fields = { ...(axis === 1 ? {} : { axis }), ...(end === x.shape.length - 1 ? {} : { end_axis: end }) };
  const made = use.give('flatten', [x], fields, shape, x);
  if (axis === 1 && x.shape.length === 3) {
    use.output(0, { ref: made.name, shape, dtype: 'f32', unflat: x });
  }
}

const reshape: Converter = (use) => {
  const x = use.input();
  const param = use.part('reshape_param');
  const dims = param.parts('shape').flatMap((shape) => shape.numbers('dim'));
  const rank = x.shape.length;
  const given = param.number('axis', 0);
  const first = given < 0 ? given + rank + 1 : given;
  const axes = param.number('num_axes', -1);
  const end = axes < 0 ? rank : first + axes;
  if (first < 0 || end > rank || first > end) use.refuse(`replaces axes ${first} to ${end} of ${shapeText(x.shape)}`);
  const source = unswapped(x);
  const numbers = source.map((extent) => use.conversion.number(extent));
  const written = [...numbers.slice(0, first), ...dims, ...numbers.slice(end)];
  const middle = dims.map((dim, i) =>
    dim === 0 ? (numbers[first + i] ?? use.refuse('copies an axis that is not there')) : dim,
  );
  const open = dims.indexOf(-1);
  const whole = [...numbers.slice(0, first), ...middle, ...numbers.slice(end)];
  const total = numbers.reduce((product, extent) => product * extent, 1);
  const known = whole.reduce((product, extent) => (extent === -1 ? product : product * extent), 1);
  const out = whole.map((extent) => (extent === -1 ? total / known : extent));
  if (out.some((extent) => !Number.isInteger(extent) || extent < 1) || out.reduce((p, e) => p * e, 1) !== total) {
    use.refuse(`makes [${written.join(', ')}] of ${shapeText(x.shape)}`);
  }
  if (x.variances !== undefined) {
    use.pass('prior boxes are rows of four here');
    return;
  }
  place(use, x, out, open < 0 ? -1 : first + open);
};

/** The shape as the source counts axes. */
function unswapped(x: Value): Extents {
  return x.timeFirst ? [x.shape[1]!, x.shape[0]!, ...x.shape.slice(2)] : x.shape;
}

/** Writes a reshape to these extents; the batch stays open where the first axis is still the batch. */
function place(use: Use, x: Value, out: readonly number[], open: number): void {
  if (x.timeFirst) {
    const same = out[0] === use.extent(x, 1) && out[1] === use.extent(x, 0);
    if (!same) throw new BatchBound();
    const shape: Extent[] = [x.shape[0]!, x.shape[1]!, ...out.slice(2)];
    use.give('reshape', [x], { shape: [0, 0, ...out.slice(2)] }, shape, x);
    return;
  }
  if (x.shape[0] !== 'N') {
    use.give('reshape', [x], { shape: [...out] }, out);
    return;
  }
  const rest = out.slice(1).reduce((product, extent) => product * extent, 1);
  if (out[0] !== use.conversion.batch || rest !== sampleSize(x.shape)) throw new BatchBound();
  const shape: Extent[] = ['N', ...out.slice(1)];
  if (shape.length === x.shape.length && shape.every((extent, i) => extent === x.shape[i])) {
    use.pass('it keeps the shape');
    return;
  }
  if (out.length === 2) {
    flat(use, x, 1, x.shape.length - 1);
    return;
  }
  const dims: Json[] = out.map((extent, i) => (i === 0 ? 0 : i === open ? -1 : extent));
  use.give('reshape', [x], { shape: dims }, shape);
}

const permute: Converter = (use) => {
  const x = use.input();
  const order = use.part('permute_param').counts('order');
  if (x.timeFirst) use.refuse('moves time and batch');
  // Axes that are not named follow in their order.
  const axes = [...order, ...x.shape.map((_, axis) => axis).filter((axis) => !order.includes(axis))];
  if (axes.length !== x.shape.length || new Set(axes).size !== axes.length) {
    use.refuse(`orders the axes [${order.join(', ')}] of ${shapeText(x.shape)}`);
  }
  if (axes[0] !== 0 && x.shape[0] === 'N') throw new BatchBound();
  use.give(
    'permute',
    [x],
    { axes },
    axes.map((axis) => x.shape[axis]!),
  );
};

const split: Converter = (use) => {
  const state = use.blob(0).state;
  // Every copy is the value itself, an input that nobody has read yet too.
  if (state === undefined || state === 'lost') use.input();
  for (const blob of use.node.outputs) blob.state = state;
  if (typeof state === 'object' && 'ref' in state) use.to = state.ref;
  use.dropped('every layer here may have several readers');
};

const slice: Converter = (use) => {
  const x = use.input();
  const param = use.part('slice_param');
  const axis = use.axis(x, param.number('axis', param.number('slice_dim', 1)));
  const points = param.counts('slice_point');
  const count = use.node.outputs.length;
  const extent = use.extent(x, axis);
  if (x.shape[axis] === 'N') throw new BatchBound();
  if (points.length > 0 ? points.length !== count - 1 : extent % count !== 0) {
    use.refuse(`cuts an extent of ${extent} into ${count} parts at [${points.join(', ')}]`);
  }
  const ends =
    points.length > 0 ? [...points, extent] : Array.from({ length: count }, (_, i) => ((i + 1) * extent) / count);
  const sizes = ends.map((end, i) => end - (ends[i - 1] ?? 0));
  if (sizes.some((size) => size < 1)) use.refuse(`cuts an extent of ${extent} at [${points.join(', ')}]`);
  if (count < 2) {
    use.pass('it has a single output');
    return;
  }
  const parts = points.length > 0 ? { points } : { sections: count };
  const made = use.emit('split', [x], { ...(axis === 1 ? {} : { axis }), ...parts });
  sizes.forEach((size, i) => {
    const shape = x.shape.map((e, a) => (a === axis ? size : e));
    use.output(i, { ...x, ref: i === 0 ? made.name : `${made.name}.${i}`, shape });
  });
};

const tile: Converter = (use) => {
  const x = use.input();
  const param = use.part('tile_param');
  const axis = use.axis(x, param.number('axis', 1));
  const tiles = param.count('tiles') ?? use.refuse('has no `tiles`');
  if (tiles < 1) use.refuse('makes no copy');
  if (x.shape[axis] === 'N') throw new BatchBound();
  const repeats = x.shape.map((_, a) => (a === axis ? tiles : 1));
  use.give(
    'tile',
    [x],
    { repeats },
    x.shape.map((e, a) => (a === axis ? use.extent(x, a) * tiles : e)),
    x,
  );
};

/** The second input gives the extents alone. */
const crop: Converter = (use) => {
  const x = use.input(0);
  const like = use.input(1);
  const param = use.part('crop_param');
  const axis = use.axis(x, param.number('axis', 2));
  const offsets = param.counts('offset');
  const count = x.shape.length - axis;
  if (like.shape.length !== x.shape.length || (offsets.length > 1 && offsets.length !== count)) {
    use.refuse(`crops ${shapeText(x.shape)} to ${shapeText(like.shape)} with ${offsets.length} offsets`);
  }
  const reaches = like.shape.slice(axis).every((extent, i) => {
    const [from, to] = [use.extent(x, axis + i), use.conversion.number(extent)];
    return (offsets[i] ?? offsets[0] ?? 0) + to <= from;
  });
  if (!reaches) use.refuse(`crops ${shapeText(x.shape)} to ${shapeText(like.shape)} at [${offsets.join(', ')}]`);
  const offset = offsets.every((o) => o === offsets[0]) ? (offsets[0] ?? 0) : offsets;
  const fields = { ...(axis === 2 ? {} : { axis }), ...(offset === 0 ? {} : { offset }) };
  use.give('crop_like', [x, like], fields, [...x.shape.slice(0, axis), ...like.shape.slice(axis)]);
};

const shuffle: Converter = (use) => {
  const x = use.input();
  const groups = use.part('shuffle_channel_param').count('group', 1);
  if (groups < 2) use.pass('it has one group');
  else use.give('channel_shuffle', [x], { groups }, x.shape);
};

/** Darknet's: it reads its input as if blocks had been made of it already, and then makes them once more. */
const reorg: Converter = (use) => {
  const x = use.input();
  const param = use.part('reorg_param');
  const block = param.count('stride') ?? param.count('up_down', 2);
  if (param.flag('reverse', false)) use.refuse('is reversed');
  const [channels, [height = 1, width = 1]] = [use.extent(x, 1), use.spatial(x)];
  const square = block * block;
  if (block < 2 || channels % square !== 0 || height % block !== 0 || width % block !== 0) {
    use.refuse(`makes blocks of ${block} of ${shapeText(x.shape)}`);
  }
  const wide = use.emit(
    'reshape',
    [x],
    { shape: [0, channels / square, height * block, width * block] },
    `${use.name}_wide`,
  );
  const folded = use.emit('space_to_depth', [wide.name], { block }, `${use.name}_folded`);
  const out = [channels * square, height / block, width / block];
  use.give('reshape', [folded.name], { shape: [0, ...out] }, [x.shape[0]!, ...out]);
  use.converted('Darknet reads the channels in an order that takes two reshapes here');
};

const REDUCTIONS = {
  SUM: 'reduce_sum',
  ASUM: 'reduce_l1_norm',
  SUMSQ: 'reduce_sum_squares',
  MEAN: 'reduce_mean',
} as const;

const reduction: Converter = (use) => {
  const x = use.input();
  const param = use.part('reduction_param');
  const operation = param.word('operation', ['SUM', 'ASUM', 'SUMSQ', 'MEAN']);
  const axis = use.axis(x, param.number('axis', 0));
  const factor = param.number('coeff', 1);
  if (axis === 0 && x.shape[0] === 'N') throw new BatchBound();
  const axes = x.shape.map((_, a) => a).slice(axis);
  const shape = x.shape.slice(0, axis);
  const isUsual = axis === 1;
  const made = use.give(REDUCTIONS[operation], [x], isUsual ? {} : { axes }, shape);
  if (factor === 1) return;
  const scaled = use.emit('rescale', [made.name], { scale: factor }, `${use.name}_scaled`);
  use.output(0, { ref: scaled.name, shape, dtype: 'f32' });
};

const argmax: Converter = (use) => {
  const x = use.input();
  const param = use.part('argmax_param');
  const k = param.count('top_k', 1);
  const both = param.flag('out_max_val', false);
  if (both || k !== 1) use.refuse('gives values or several indices');
  if (!param.has('axis')) {
    // Over everything that a sample has, as [N, 1, 1].
    const flattened = x.shape.length === 2 ? x.ref : use.emit('flatten', [x], {}, `${use.name}_flat`).name;
    use.give('argmax', [flattened], { keepdims: true }, [x.shape[0]!, 1]);
    return;
  }
  const axis = use.axis(x, param.number('axis', 1));
  const made = use.emit('argmax', [x], { ...(axis === 1 ? {} : { axis }), keepdims: true });
  use.output(0, { ref: made.name, shape: x.shape.map((e, a) => (a === axis ? 1 : e)), dtype: 'i32' });
};

const im2col: Converter = (use) => {
  const x = use.input();
  const param = use.part('convolution_param');
  use.refuse(`lays windows of ${shapeText(x.shape)} out on two axes`, 'the layer unfold has them on one', param.at);
};

const parameter: Converter = (use) => {
  const shape = use.part('parameter_param').part('shape').counts('dim');
  const made = use.give('parameter', [], { shape }, shape);
  use.learn(made, [{ param: 'weight', shape }]);
};

const reindex: Converter = (use) => {
  const x = use.input(0);
  const index = use.integers(1);
  use.give('batch_reindex', [x, index], {}, [index.shape[0]!, ...x.shape.slice(1)]);
};

const silence: Converter = (use) => use.dropped('it only keeps its inputs from being outputs');

const output: Converter = (use) => {
  use.part('hdf5_output_param').ignoreAll();
  use.dropped('dlc predict writes the outputs of a model');
};

/** Constant blobs of a filler. */
const dummy: Converter = (use) => {
  const param: Fields = use.part('dummy_data_param');
  const shapes = param.parts('shape').map((shape) => shape.counts('dim'));
  const legacy = ['num', 'channels', 'height', 'width'].map((name) => param.counts(name));
  const fillers = param.parts('data_filler');
  use.node.outputs.forEach((_, i) => {
    const old = legacy.map((list) => list[i] ?? list.at(-1) ?? 1);
    const shape = shapes[i] ?? shapes.at(-1) ?? old;
    const filler = fillers[i] ?? fillers.at(-1);
    if ((filler?.text('type', 'constant') ?? 'constant') !== 'constant') use.refuse('draws random numbers');
    const value = filler?.number('value', 0) ?? 0;
    const made = use.emit('constant', [], { shape, value }, use.node.outputs[i]?.name ?? use.name);
    use.output(i, { ref: made.name, shape, dtype: 'f32' });
  });
};

export const shapes: Readonly<Record<string, Converter>> = {
  Flatten: flatten,
  Reshape: reshape,
  Permute: permute,
  Split: split,
  Slice: slice,
  Tile: tile,
  Crop: crop,
  ShuffleChannel: shuffle,
  Reorg: reorg,
  Reduction: reduction,
  ArgMax: argmax,
  Im2col: im2col,
  Parameter: parameter,
  BatchReindex: reindex,
  Silence: silence,
  HDF5Output: output,
  DummyData: dummy,
};
