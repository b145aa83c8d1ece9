/** Images of another size: our `resize` where it says the same, or else a product with a fixed matrix for each axis. */
import type { Fields } from '../../../../frontend/spec';
import { interpolationRows, type Axis, type Interpolation } from '../../../../layers/shape/interpolation';
import { ELEM, isFloatElem } from '../../../formats/onnx/types';
import { shortest, type Emitter } from '../emitter';
import { refuse, type Handler, type Handlers, type Node } from '../node';
import { resampled, type Resampling, type ResizedAxis, type Row } from '../resampling';
import { isSymbolic, type Value } from '../value';

/** No picture comes near; what is asked for beyond is a mistake or worse. */
const LONGEST = 2 ** 16;
const MOST_WEIGHTS = 2 ** 24;

/** The axes that change, by their numbers. */
type Changes = ReadonlyMap<number, ResizedAxis>;

function given(node: Node, index: number, what: string): readonly number[] | undefined {
  const numbers = node.numbers(index, what);
  return numbers === undefined || numbers.length === 0 ? undefined : numbers;
}

/** How large each axis becomes, by scales or by sizes. */
function changesOf(
  node: Node,
  x: Value,
  scales?: readonly number[],
  sizes?: readonly number[],
  roi?: readonly number[],
): Changes {
  const rank = x.shape.length;
  const axes = (node.ints('axes') ?? x.shape.map((_, axis) => axis)).map((axis) => node.axis(axis, rank));
  const list = scales ?? sizes ?? refuse('has neither scales nor sizes');
  if (list.length !== axes.length) refuse(`has ${list.length} numbers for ${axes.length} axes`);
  if (roi !== undefined && roi.length !== 2 * axes.length) refuse(`has a region of ${roi.length} numbers`);
  const policy = node.text('keep_aspect_ratio_policy', 'stretch');
  const ratios = axes.map((axis, i) => list[i]! / x.shape[axis]!);
  const kept =
    policy === 'not_larger' ? Math.min(...ratios) : policy === 'not_smaller' ? Math.max(...ratios) : undefined;
  const changes = new Map<number, ResizedAxis>();
  axes.forEach((axis, i) => {
    const extent = x.shape[axis]!;
    const region = roi === undefined ? ([0, 1] as const) : ([roi[i]!, roi[i + axes.length]!] as const);
    const scale = scales !== undefined ? list[i]! : (kept ?? ratios[i]!);
    const size =
      scales !== undefined
        ? Math.floor(Math.fround(extent * scale))
        : kept === undefined
          ? list[i]!
          : Math.floor(extent * kept + 0.5);
    const isWhole = region[0] === 0 && region[1] === 1;
    if (size === extent && scale === 1 && isWhole) return;
    if (isSymbolic(extent)) refuse('resizes the batch');
    if (!(size >= 1 && size <= LONGEST)) refuse(`makes ${size} elements of an axis`);
    changes.set(axis, { extent, size, scale, region });
  });
  return changes;
}

function resized(e: Emitter, x: Value, changes: Changes, how: Resampling, beyond: number): Value {
  if (changes.size === 0) return x;
  const rows = new Map([...changes].map(([axis, change]) => [axis, resampled(change, how)]));
  const own = asLayer(e, x, changes, rows, how);
  if (own !== undefined) return own;
  // From the last axis to the first, as a number beyond the region takes part in what the axes before make.
  return [...changes.keys()]
    .sort((a, b) => b - a)
    .reduce((sofar, axis) => along(e, sofar, axis, rows.get(axis)!, beyond), x);
}

/** One axis mapped: elements taken by their numbers, or a product with a matrix. */
function along(e: Emitter, x: Value, axis: number, rows: readonly Row[], beyond: number): Value {
  const shape = x.shape.with(axis, rows.length);
  const taken = rows.map((row) => (row?.size === 1 && [...row.values()][0] === 1 ? [...row.keys()][0]! : undefined));
  if (taken.every((index) => index !== undefined))
    return e.layer('gather', [x], { ...(axis === 1 ? {} : { axis }), indices: taken }, { shape });
  const extent = x.shape[axis]!;
  if (rows.length * extent > MOST_WEIGHTS)
    refuse(`resizes ${extent} elements to ${rows.length}, by a matrix too large`);
  const weights = new Float32Array(rows.length * extent);
  rows.forEach((row, i) => row?.forEach((share, k) => (weights[i * extent + k] = share)));
  const letters = x.shape.map((_, i) => 'abcdefgh'[i]!);
  const made = letters.with(axis, 'z').join('');
  const equation = `${letters.join('')},z${letters[axis]!}->${made}`;
  const matrix = e.known(weights, [rows.length, extent], ELEM.float);
  const product = e.layer('einsum', [x, matrix], { equation }, { shape });
  if (beyond === 0 || rows.every((row) => row !== undefined)) return product;
  const rest = e.known(
    Float32Array.from(rows, (row) => (row === undefined ? beyond : 0)),
    [rows.length, ...shape.slice(axis + 1).map(() => 1)],
    ELEM.float,
  );
  return e.merge('add', [product, rest]);
}

/** Our words for each mode, one of which may say the same. */
const MODES: Readonly<Record<string, readonly Partial<Interpolation>[]>> = {
  nearest: [{ corners: 'half_pixel' }, { corners: 'asymmetric' }, { corners: 'align' }],
  linear: [{ corners: 'half_pixel' }, { corners: 'asymmetric' }, { corners: 'align' }, { antialias: true }],
  cubic: [
    { corners: 'half_pixel' },
    { corners: 'asymmetric' },
    { corners: 'align' },
    { edges: 'renormalize' },
    { antialias: true },
  ],
};

const SPATIAL_WORDS: Readonly<Record<string, Readonly<Record<number, string>>>> = {
  linear: { 2: 'bilinear', 3: 'trilinear' },
  cubic: { 2: 'bicubic' },
};

/** The `resize` or `upsample` that does the same, where there is one. */
function asLayer(
  e: Emitter,
  x: Value,
  changes: Changes,
  rows: ReadonlyMap<number, readonly Row[]>,
  how: Resampling,
): Value | undefined {
  const rank = x.shape.length - 2;
  if (rank < 1 || rank > 3 || changes.has(0) || changes.has(1)) return undefined;
  if (how.mode !== 'nearest' && x.dtype !== 'f32') return undefined;
  const axes = x.shape.slice(2).map((extent, i): ResizedAxis => {
    return changes.get(i + 2) ?? { extent, size: extent, scale: 1, region: [0, 1] };
  });
  const shape = [...x.shape.slice(0, 2), ...axes.map(({ size }) => size)];
  for (const words of MODES[how.mode] ?? []) {
    const fields: Interpolation = {
      method: how.mode as Interpolation['method'],
      corners: 'half_pixel',
      antialias: false,
      cubic: how.cubic,
      edges: 'repeat',
      ...words,
    };
    for (const by of ['size', 'scale'] as const) {
      const same = axes.every((axis, i) => {
        const { extent, size, scale } = axis;
        if (by === 'scale' && Math.floor(extent * shortest(scale)) !== size) return false;
        const own: Axis = { extent, size, step: by === 'size' ? extent / size : 1 / shortest(scale) };
        const wanted = rows.get(i + 2) ?? Array.from({ length: extent }, (_, k) => new Map([[k, 1]]));
        return isSame(interpolationRows(own, fields), wanted);
      });
      if (same) return e.layer(...named(fields, by, axes, x), { shape });
    }
  }
  return undefined;
}

/** Far below what float32 can tell apart after a sum. */
const CLOSE = 1e-6;

function isSame(own: ReturnType<typeof interpolationRows>, wanted: readonly Row[]): boolean {
  return wanted.every((row, i) => {
    if (row === undefined) return false;
    const taps = new Map(own[i]);
    return [...taps.keys(), ...row.keys()].every((k) => Math.abs((taps.get(k) ?? 0) - (row.get(k) ?? 0)) < CLOSE);
  });
}

function named(
  { method, corners, antialias, cubic, edges }: Interpolation,
  by: 'size' | 'scale',
  axes: readonly ResizedAxis[],
  x: Value,
): [string, Value[], Fields] {
  const more: Fields = {
    ...(corners === 'half_pixel' ? {} : { corners }),
    ...(antialias ? { antialias } : {}),
    ...(method === 'cubic' && cubic !== (antialias ? -0.5 : -0.75) ? { cubic } : {}),
    ...(edges === 'repeat' ? {} : { edges }),
  };
  const word = SPATIAL_WORDS[method]?.[axes.length] ?? method;
  const each = (numbers: readonly number[]): number | number[] =>
    numbers.every((number) => number === numbers[0]) ? numbers[0]! : [...numbers];
  const factors = axes.map(({ extent, size }) => size / extent);
  if (by === 'size' && !antialias && factors.every(Number.isInteger)) {
    const called = method === 'nearest' ? {} : { method: word };
    return [`upsample${axes.length}d`, [x], { scale: each(factors), ...called, ...more }];
  }
  const extents = by === 'size' ? axes.map(({ size }) => size) : axes.map(({ scale }) => shortest(scale));
  return ['resize', [x], { [by]: each(extents), ...(word === 'linear' ? {} : { method: word }), ...more }];
}

/** In float32 unless elements are only taken. */
function kept(node: Node, how: Resampling, changes: Changes, beyond = 0): Value {
  const { e } = node;
  const x = node.in(0);
  if (how.mode === 'nearest' && how.place !== 'tf_crop_and_resize') return resized(e, x, changes, how, beyond);
  const made = resized(e, e.float(x), changes, how, beyond);
  return isFloatElem(x.elem) ? { ...made, elem: x.elem } : e.cast(made, x.elem);
}

/** Before there were modes of places, and of what is nearest. */
const EARLY = {
  place: 'asymmetric',
  cubic: -0.75,
  excludeOutside: false,
  antialias: false,
};

const resize: Handler = (node) => {
  const x = node.in(0);
  if (node.opset < 11) {
    const scales = given(node, 1, 'scales');
    return kept(node, { ...EARLY, mode: node.text('mode', 'nearest'), nearest: 'simple' }, changesOf(node, x, scales));
  }
  const place = node.text('coordinate_transformation_mode', 'half_pixel');
  const roi = place === 'tf_crop_and_resize' ? given(node, 1, 'roi') : undefined;
  const scales = given(node, 2, 'scales');
  const changes = changesOf(node, x, scales, scales === undefined ? given(node, 3, 'sizes') : undefined, roi);
  const how: Resampling = {
    mode: node.text('mode', 'nearest'),
    place,
    nearest: node.text('nearest_mode', 'round_prefer_floor'),
    cubic: node.float('cubic_coeff_a', -0.75),
    excludeOutside: node.flag('exclude_outside'),
    antialias: node.flag('antialias'),
  };
  return kept(node, how, changes, node.float('extrapolation_value', 0));
};

const upsample: Handler = (node) => {
  const mode = node.text('mode', 'nearest');
  const scales = node.has('scales') ? node.floats('scales') : given(node, 1, 'scales');
  const early =
    node.opset < 7 && node.has('height_scale')
      ? [1, 1, node.float('height_scale', 1), node.float('width_scale', 1)]
      : scales;
  const how = { ...EARLY, mode: mode === 'bilinear' ? 'linear' : mode, nearest: 'floor' };
  return kept(node, how, changesOf(node, node.in(0), early));
};

export const RESIZES: Handlers = { Resize: resize, Upsample: upsample };
