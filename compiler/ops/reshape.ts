/** The same elements in another shape. */
import { elementCount } from '../ir/types';
import { inputAt, integersAttr, requireArity } from './attributes';
import { defineOp, OpTypeError } from './define';
import { reshapeTo } from './families/arithmetic';
import { formatShape } from './families/shapes';

export const reshape = defineOp({
  name: 'reshape',
  doc: 'y = x, read in row-major order into another shape with as many elements. Gradient: g in the shape of x.',
  inputs: ['x'],
  outputs: ['y'],
  native: 'none',
  traits: { view: true, foldable: true },
  infer: (inputs, attrs) => {
    requireArity(inputs, 1);
    const x = inputAt(inputs, 0, 'input');
    const shape = integersAttr(attrs, 'shape', undefined, 0);
    const [from, to] = [elementCount(x.shape), elementCount(shape)];
    if (from !== to) {
      throw new OpTypeError(
        `${formatShape(x.shape)} has ${from} elements and cannot become ${formatShape(shape)}, which has ${to}`,
      );
    }
    return [{ dtype: x.dtype, shape }];
  },
  evaluate: ([x]) => [x ? x.data.slice() : new Float64Array()],
  grad: ({ b, node, outputGrads: [g] }) => {
    const [x] = node.inputs;
    return [g && x && reshapeTo(b, g, x.type.shape)];
  },
  cost: () => ({ flops: 0 }),
  samples: [
    { inputs: [{ dtype: 'f32', shape: [2, 3, 4] }], attrs: { shape: [6, 4] } },
    { inputs: [{ dtype: 'f32', shape: [1] }], attrs: { shape: [] } },
  ],
});
