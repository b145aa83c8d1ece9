/** Any sparse linear map along an axis: resizing, adaptive averages, mirrored borders, flips. */
import { elementCount, tensorType, type Shape } from '../ir/types';
import { axisAttr, inputAt, integerAttr, requireArity, requireFloat } from './attributes';
import { defineOp, type OpSample } from './define';
import { forEachLine, viewAround } from './families/channels';
import { startOfLine } from './families/indexing';
import { mapOf, sparseMap, transposed } from './families/sparse-map';

export const resample = defineOp({
  name: 'resample',
  doc:
    'y[…, i, …] = Σ weights[i·taps + t] · x[…, indices[i·taps + t], …] over t < taps, with i < size on axis. Both tables ' +
    'are attributes; a weight of 0 stands for no element, and reads none. Gradient: the transposed map, a resample again.',
  inputs: ['x'],
  outputs: ['y'],
  native: 'kernel',
  traits: { foldable: true },

  infer(inputs, attrs) {
    requireArity(inputs, 1);
    const x = inputAt(inputs, 0, 'input');
    requireFloat(x, 'input');
    const axis = axisAttr(attrs, 'axis', x.shape.length);
    return [tensorType(x.dtype, x.shape.with(axis, mapOf(attrs, x.shape[axis] ?? 1).size))];
  },

  evaluate(inputs, attrs, [output]) {
    const x = inputAt(inputs, 0, 'input');
    const axis = integerAttr(attrs, 'axis');
    const from = viewAround(x.type.shape, axis);
    const { size, taps, indices, weights } = mapOf(attrs, from.extent);
    const y = new Float64Array(elementCount(output?.shape ?? []));
    forEachLine({ ...from, extent: size }, (start, step, line) => {
      const first = startOfLine(line, from);
      for (let at = 0; at < size * taps; at++) {
        const weight = weights[at] as number;
        if (weight === 0) continue;
        const to = start + Math.floor(at / taps) * step;
        y[to] = (y[to] as number) + weight * (x.data[first + (indices[at] as number) * step] as number);
      }
    });
    return [y];
  },

  grad({ b, node, outputGrads: [g] }) {
    const [x] = node.inputs;
    if (!g || !x) return [];
    const axis = integerAttr(node.attrs, 'axis');
    const extent = x.type.shape[axis] ?? 1;
    return [b.op('resample', [g], { axis, ...transposed(mapOf(node.attrs, extent), extent) })];
  },

  cost(_inputs, [output], attrs) {
    return { flops: 2 * integerAttr(attrs, 'taps') * elementCount(output?.shape ?? []) };
  },

  samples: [
    sample('halfway between neighbours, last axis', [2, 3, 5], 2, [
      [
        [0, 0.5],
        [1, 0.5],
      ],
      [
        [1, 0.5],
        [2, 0.5],
      ],
      [
        [2, 0.25],
        [3, 0.75],
      ],
      [[4, 1]],
    ]),
    sample('the same, an axis within', [2, 5, 3], 1, [
      [
        [0, 0.5],
        [1, 0.5],
      ],
      [
        [1, -0.5],
        [2, 1.5],
      ],
      [],
      [
        [4, 1],
        [0, 2],
        [3, -1],
      ],
    ]),
    sample(
      'mirrored, columns',
      [7, 33],
      0,
      [6, 5, 4, 3, 2, 1, 0, 1].map((index) => [[index, 1]]),
    ),
    sample(
      'mirrored, rows',
      [33, 7],
      1,
      [6, 5, 4, 3, 2, 1, 0, 1].map((index) => [[index, 1]]),
    ),
    sample('one result of many elements', [3, 19], 1, [
      Array.from({ length: 19 }, (_, i): [number, number] => [i, 1 / 19]),
      ...Array.from({ length: 21 }, (_, i): [number, number][] => [[i % 19, 1]]),
    ]),
    sample('wide rows', [3, 133], 0, [
      [[2, 1]],
      [
        [0, 0.5],
        [1, 0.5],
      ],
      [
        [1, 1],
        [2, 1],
        [0, -1],
      ],
    ]),
    sample('nothing', [3, 2], 1, []),
  ],
});

function sample(
  name: string,
  shape: Shape,
  axis: number,
  rows: readonly (readonly (readonly [number, number])[])[],
): OpSample {
  return { name, inputs: [tensorType('f32', shape)], attrs: { axis, ...sparseMap(rows) } };
}
