/** Cuts a tensor into consecutive parts. */
import type { Fields } from '../../frontend/spec';
import { axisOf } from '../axis';
import { defineLayer, type LowerContext } from '../define';
import { axisField, isNumbers, numbersOf } from '../fields';
import { splitAlong } from './pieces';

const WAYS = ['sections', 'sizes', 'points'] as const;

function countOf(fields: Fields): number {
  const { sections, sizes, points } = fields;
  if (typeof sections === 'number') return sections;
  if (isNumbers(sizes)) return sizes.length;
  return isNumbers(points) ? points.length + 1 : 1;
}

/** The sizes of the parts of an axis of this extent. */
function sizesOf(context: LowerContext, extent: number): readonly number[] {
  const { fields } = context;
  const given = WAYS.filter((way) => fields[way] !== undefined);
  const [way] = given;
  if (way === undefined || given.length > 1) {
    const found = way === undefined ? 'none of them is' : `${given.join(' and ')} are`;
    return context.fail(way === undefined ? [] : [given[1] ?? way], `takes one of ${WAYS.join(', ')}; ${found} given`);
  }
  if (way === 'sections') {
    const sections = countOf(fields);
    if (extent % sections !== 0) {
      context.fail(['sections'], `the extent ${extent} cannot be cut into ${sections} equal parts`, 'give `sizes`');
    }
    return Array.from({ length: sections }, () => extent / sections);
  }
  if (way === 'sizes') {
    const sizes = numbersOf(fields, 'sizes');
    const total = sizes.reduce((sum, size) => sum + size, 0);
    if (total !== extent) context.fail(['sizes'], `the sizes add up to ${total}, the axis has extent ${extent}`);
    return sizes;
  }
  const points = numbersOf(fields, 'points');
  const ends = [...points, extent];
  const wrong = ends.findIndex((end, i) => end <= (ends[i - 1] ?? 0));
  if (wrong >= 0) {
    context.fail(['points'], `the points have to ascend between 0 and the extent ${extent}, both excluded`);
  }
  return ends.map((end, i) => end - (ends[i - 1] ?? 0));
}

export const split = defineLayer({
  type: 'split',
  summary: 'Cuts the input along one axis into consecutive parts.',
  details: [
    'The parts are `name.0`, `name.1`, …; the plain name is the first one. One of `sections`, `sizes` and `points` says where the cuts are.',
    "This is `Slice` of Caffe (`points` is its slice_point; without one it cuts evenly, here `sections`), `split` of PyTorch with a list (`sizes`) and of Keras (`sections`). Sections have to be equal: PyTorch's `chunk` makes the last one shorter. Caffe's layer called Split only hands its input on to several readers: that needs no layer here.",
  ].join('\n\n'),
  example: '{name: parts, type: split, sections: 2}',
  fields: {
    axis: axisField('The axis to cut.', 1),
    sections: { description: 'Into so many equal parts.', type: 'integer', minimum: 1, maximum: 10_000 },
    sizes: {
      description: 'The extents of the parts, which add up to that of the axis.',
      type: 'array',
      items: { type: 'integer', minimum: 1 },
      minItems: 1,
      maxItems: 10_000,
    },
    points: {
      description: 'Where each part after the first begins, ascending.',
      type: 'array',
      items: { type: 'integer', minimum: 1 },
      minItems: 1,
      maxItems: 10_000,
    },
  },
  arity: [1, 1],
  first: '0',
  outputs: (fields) => Array.from({ length: countOf(fields) - 1 }, (_, i) => String(i + 1)),
  lower(context, inputs) {
    const input = inputs[0]!;
    const axis = axisOf(context, input);
    return splitAlong(context.b, input, axis, sizesOf(context, input.type.shape[axis] ?? 1));
  },
  samples: [
    { inputs: [{ shape: ['N', 6, 3] }], fields: { sections: 2 } },
    { name: 'one part', inputs: [{ shape: ['N', 5] }], fields: { sections: 1 } },
    { inputs: [{ shape: ['N', 3, 7] }], fields: { sizes: [1, 4, 2], axis: -1 } },
    { inputs: [{ shape: ['N', 5, 3], dtype: 'int32' }], fields: { points: [2, 3] } },
  ],
});
