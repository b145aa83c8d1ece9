/** The sampler of spatial transformers: images read under maps or at points that the model computes. */
import type { Value } from '../../ir/graph';
import { Arithmetic } from '../../ops/families/arithmetic';
import { defineLayer, type LowerContext } from '../define';
import { numberOf, pair, pairOf, wordOf } from '../fields';
import { requireFloat } from '../window';
import { imagesOf, type Images } from './drawing';
import { borderFields, methodField } from './motion';

const { border: BORDER, value: VALUE } = borderFields;

/** How pixels lie among coordinates from −1 to 1: place = (u + 1) · span / 2 + start. */
interface Lattice {
  readonly span: number;
  readonly start: number;
}

const lattice = (corners: string, extent: number): Lattice =>
  corners === 'align' ? { span: extent - 1, start: 0 } : { span: extent, start: -0.5 };

/** The coordinate of output place i is from + i · step. */
function places(corners: string, extent: number): { readonly from: number; readonly step: number } {
  if (corners === 'align') return extent === 1 ? { from: 0, step: 0 } : { from: -1, step: 2 / (extent - 1) };
  return { from: 1 / extent - 1, step: 2 / extent };
}

export const affineGridSample = defineLayer({
  type: 'affine_grid_sample',
  summary: 'Reads images under affine maps, or at any points, that the model computes: spatial transformers.',
  details: [
    'Inputs: images [N, C, H, W] and either maps [N, 6] or [N, 2, 3], or points [N, height, width, 2]; output [N, C, height, width]. Coordinates (x, y) run from −1 to 1 over the image; a map takes those of the output to those of the input: x = m0 · u + m1 · v + m2, y = m3 · u + m4 · v + m5. So [1, 0, 0, 0, 1, 0] changes nothing. Gradients go to the images and to the maps or points (Jaderberg et al. 2015).',
    "`affine_grid` and `grid_sample` of PyTorch in one, with its `align_corners` as `corners: align`; its padding_mode zeros is `border: constant`, border `edge`, and reflection `symmetric`, with `corners: align` `reflect`. STN layers of Caffe's forks align the corners. In every mode alike.",
  ].join('\n\n'),
  example: '{name: upright, type: affine_grid_sample, inputs: [image, maps]}',
  fields: {
    size: pair('Extents of the output, for maps. Default: those of the images.'),
    corners: {
      description:
        'Where −1 and 1 lie: `half_pixel`, at the edges of the outermost pixels; `align`, in their middles (`align_corners`).',
      enum: ['half_pixel', 'align'],
      default: 'half_pixel',
    },
    method: methodField,
    ...(BORDER && { border: BORDER }),
    ...(VALUE && { value: VALUE }),
  },
  arity: [2, 2],
  samples: [
    { inputs: [{ shape: ['N', 2, 5, 7] }, { shape: ['N', 6] }] },
    { inputs: [{ shape: ['N', 3, 5, 4] }, { shape: ['N', 2, 3] }], fields: { size: [3, 5], corners: 'align' } },
    {
      name: 'points',
      inputs: [{ shape: ['N', 2, 5, 4] }, { shape: ['N', 3, 2, 2], range: [-1.3, 1.3] }],
      fields: { border: 'symmetric' },
    },
    {
      name: 'nearest',
      inputs: [{ shape: ['N', 2, 3, 5] }, { shape: ['N', 6] }],
      fields: { method: 'nearest', value: 0.5, size: 4 },
      wrt: [0],
    },
  ],
  lower(context, inputs) {
    const { b, fields } = context;
    const images = imagesOf(context, inputs[0]!);
    const border = wordOf(fields, 'border');
    if (fields['value'] !== undefined && border !== 'constant') {
      context.fail(['value'], `it has no effect with \`border: ${border}\``);
    }
    const { points, height, width } = pointsOf(context, images, inputs[1]!);
    const value = fields['value'] === undefined ? 0 : numberOf(fields, 'value');
    return b.op('sample_image', [images.x, points], { height, width, method: wordOf(fields, 'method'), border, value });
  },
});

function pointsOf(
  context: LowerContext,
  { n, h, w }: Images,
  where: Value,
): { readonly points: Value; readonly height: number; readonly width: number } {
  const { b, fields } = context;
  requireFloat(context, where);
  const m = new Arithmetic(b, 'f32');
  const corners = wordOf(fields, 'corners');
  const [across, down] = [lattice(corners, w), lattice(corners, h)];
  const { shape } = where.type;
  const [first, rows = 0, columns = 0, two] = shape;
  if (shape.length === 4 && first === n && two === 2) {
    if (fields['size'] !== undefined) context.fail(['size'], 'it has no effect with points, which have a place each');
    const scale = b.constant([across.span / 2, down.span / 2], [2]);
    const start = b.constant([across.span / 2 + across.start, down.span / 2 + down.start], [2]);
    return { points: m.add(m.mul(where, scale), start), height: rows, width: columns };
  }
  const isMap = (shape.length === 2 && rows === 6) || (shape.length === 3 && rows === 2 && columns === 3);
  if (!isMap || first !== n) {
    return context.mismatch('shape', `the second input is [${n}, 6], [${n}, 2, 3] or [${n}, height, width, 2]`);
  }
  const [height, width] = fields['size'] === undefined ? [h, w] : pairOf(fields, 'size');
  const [u, v] = [places(corners, width), places(corners, height)];
  // A row (m0, m1, m2) of the map in places: the coordinate of a place is from + step · place, and the place of a
  // coordinate (x + 1) · span / 2 + start.
  const change = b.constant([u.step, 0, u.from, 0, v.step, v.from, 0, 0, 1], [3, 3]);
  const maps = b.op('reshape', [where], { shape: [n * 2, 3] });
  const placed = b.op('matmul', [maps, change], { transpose_a: false, transpose_b: false });
  const rowsOf = b.op('reshape', [placed], { shape: [n, 2, 3] });
  const scale = b.constant([across.span / 2, down.span / 2], [1, 2, 1]);
  const start = b.constant([0, 0, across.span / 2 + across.start, 0, 0, down.span / 2 + down.start], [1, 2, 3]);
  const points = b.op('reshape', [m.add(m.mul(rowsOf, scale), start)], { shape: [n, 6] });
  return { points, height, width };
}
