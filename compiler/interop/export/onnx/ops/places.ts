/** Images read at places that are computed when the model runs. */
import type { Node } from '../../../../ir/graph';
import type { SampleBorder, Sampling } from '../../../../ops/families/image_sampling';
import type { Emitter, Ref } from '../emitter';
import type { Extent } from '../extents';

/** The places [N, rows, columns, 2] in pixels: listed, or given as maps from the output. */
function placesOf(node: Node, e: Emitter, { rows, columns }: Sampling): Ref {
  const [, points] = node.inputs;
  if (points!.type.shape.length !== 2) return e.ref(points!);
  const extents = e.extents.shape(points!);
  const { layer } = node.origin;
  const grid = Array.from({ length: rows * columns }, (_, p) => [p % columns, Math.floor(p / columns), 1]).flat();
  const maps = e.reshape(e.ref(points!), extents, [extents[0]!, 2, 3]);
  const listed = e.constant('f32', [rows * columns, 3], grid, `${layer}/grid`);
  const product = e.op('MatMul', [listed, e.op('Transpose', [maps], { perm: [0, 2, 1] })]);
  return e.reshape(product, [extents[0]!, rows * columns, 2], [extents[0]!, rows, columns, 2]);
}

const PADDING: Readonly<Partial<Record<SampleBorder, string>>> = {
  constant: 'zeros',
  edge: 'border',
  symmetric: 'reflection',
};

/** GridSample, whose coordinates run from −1 to 1 over the image with the outer halves of its pixels. */
export function gridSample(node: Node, e: Emitter, sampling: Sampling): Ref {
  const { height, width, border, value } = sampling;
  const { layer } = node.origin;
  const scale = e.constant('f32', [2], [2 / width, 2 / height], `${layer}/scale`);
  const shift = e.constant('f32', [2], [1 / width - 1, 1 / height - 1], `${layer}/shift`);
  const grid = e.op('Add', [e.op('Mul', [placesOf(node, e, sampling), scale]), shift]);
  const x = e.input(node, 0);
  const shifted = border === 'constant' && value !== 0;
  const from = shifted ? e.op('Sub', [x, e.scalar('f32', value)]) : x;
  const linear = e.opset >= 20 ? 'linear' : 'bilinear';
  const mode = sampling.method === 'nearest' ? 'nearest' : linear;
  const read = e.op('GridSample', [from, grid], { mode, padding_mode: PADDING[border]! });
  return shifted ? e.op('Add', [read, e.scalar('f32', value)]) : read;
}

/** Any border and any kind of number: up to four lookups, weighted. */
export function gatheredSample(node: Node, e: Emitter, sampling: Sampling): Ref {
  const { height, width, rows, columns, method } = sampling;
  const [x, points] = node.inputs;
  const [batch, channels] = e.extents.shape(x!) as [Extent, Extent];
  const count = rows * columns;
  const places = placesOf(node, e, sampling);
  const flatPlaces = e.reshape(places, [batch, rows, columns, 2], [batch, count, 2]);
  const ordinate = (at: number): Ref => e.op('Gather', [flatPlaces, e.scalar('i64', at)], { axis: 2 });
  const pixels = e.op('Transpose', [e.reshape(e.ref(x!), e.extents.shape(x!), [batch, channels, height * width])], {
    perm: [0, 2, 1],
  });
  const { dtype } = x!.type;
  const read = (column: Ref, row: Ref): Ref => {
    const [j, i] = [inside(e, sampling, e.cast(column, 'i64'), width), inside(e, sampling, e.cast(row, 'i64'), height)];
    const flat = e.op('Add', [e.op('Mul', [i.index, e.scalar('i64', width)]), j.index]);
    const found = e.op('GatherND', [pixels, wide(e, flat)], { batch_dims: 1 });
    if (!i.there || !j.there) return found;
    return e.op('Where', [wide(e, e.op('And', [i.there, j.there])), found, e.scalar(dtype, sampling.value)]);
  };
  const [px, py] = [ordinate(0), ordinate(1)];
  const made =
    method === 'nearest' ? read(e.op('Round', [px]), e.op('Round', [py])) : mixed(e, read, px, py, points!.type.dtype);
  const back = e.op('Transpose', [made], { perm: [0, 2, 1] });
  return e.reshape(back, [batch, channels, count], [batch, channels, rows, columns]);
}

function mixed(
  e: Emitter,
  read: (column: Ref, row: Ref) => Ref,
  px: Ref,
  py: Ref,
  dtype: Node['inputs'][number]['type']['dtype'],
): Ref {
  const one = e.scalar(dtype, 1);
  const [left, top] = [e.op('Floor', [px]), e.op('Floor', [py])];
  const [fx, fy] = [e.op('Sub', [px, left]), e.op('Sub', [py, top])];
  const [right, bottom] = [e.op('Add', [left, one]), e.op('Add', [top, one])];
  const [gx, gy] = [e.op('Sub', [one, fx]), e.op('Sub', [one, fy])];
  const corners: readonly (readonly [Ref, Ref, Ref, Ref])[] = [
    [left, top, gx, gy],
    [right, top, fx, gy],
    [left, bottom, gx, fy],
    [right, bottom, fx, fy],
  ];
  return e.op(
    'Sum',
    corners.map(([column, row, a, b]) => e.op('Mul', [read(column, row), wide(e, e.op('Mul', [a, b]))])),
  );
}

function wide(e: Emitter, ref: Ref): Ref {
  return e.op('Unsqueeze', [ref, e.integers([2])]);
}

/** Where an index beyond the image reads, and whether it reads the image at all where that depends. */
function inside(e: Emitter, { border }: Sampling, index: Ref, extent: number): { index: Ref; there?: Ref } {
  const number = (value: number): Ref => e.scalar('i64', value);
  const held = e.op('Min', [e.op('Max', [index, number(0)]), number(extent - 1)]);
  switch (border) {
    case 'edge':
      return { index: held };
    case 'constant':
      return { index: held, there: e.op('Equal', [held, index]) };
    case 'wrap':
      return { index: e.op('Mod', [index, number(extent)]) };
    case 'symmetric':
    case 'reflect': {
      const period = border === 'symmetric' ? 2 * extent : 2 * Math.max(1, extent - 1);
      const within = e.op('Mod', [index, number(period)]);
      const last = border === 'symmetric' ? period - 1 : period;
      const folded = e.op('Min', [within, e.op('Sub', [number(last), within])]);
      return { index: extent === 1 ? held : folded };
    }
  }
}
