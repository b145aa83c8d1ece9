/** What decays and is added to: linear recurrences of the first order along an axis. */
import type { Attrs } from '../ir/graph';
import { elementCount, tensorType } from '../ir/types';
import { inputAt, requireArity, requireFloat, requireSameDtype, requireShape } from './attributes';
import { defineOp } from './define';
import { backwards, checkRunning, forEachRunning, shifted } from './families/running';

export const linear_recurrence = defineOp({
  name: 'linear_recurrence',
  doc:
    'y[i] = a[i] · y[i−1] + b[i] along axis, the first y is b alone; reverse: a[i] · y[i+1] + b[i]. a, b and y have one shape. The sum is ' +
    'carried in double. Gradients: of b, s[i] = g[i] + a[i+1] · s[i+1]; of a, s[i] · y[i−1].',
  inputs: ['a', 'b'],
  outputs: ['y'],
  native: 'kernel',
  traits: {
    foldable: true,
    inPlace: [
      [0, 0],
      [1, 0],
    ],
  },

  infer(inputs, attrs) {
    requireArity(inputs, 2);
    const a = inputAt(inputs, 0, 'factor');
    const b = inputAt(inputs, 1, 'term');
    requireFloat(a, 'factor');
    requireSameDtype([a, b], ['factor', 'term']);
    requireShape(b, a.shape, 'term');
    checkRunning(a, attrs);
    return [a];
  },

  evaluate(inputs, attrs) {
    const a = inputAt(inputs, 0, 'factor');
    const b = inputAt(inputs, 1, 'term').data;
    const y = new Float64Array(b.length);
    let carried = 0;
    forEachRunning(a.type, attrs, (at, first) => {
      carried = (first ? 0 : (a.data[at] as number) * carried) + (b[at] as number);
      y[at] = carried;
    });
    return [y];
  },

  grad({ b, node, outputGrads: [g], wants }) {
    const [a] = node.inputs;
    const [y] = node.outputs;
    if (!g || !a || !y) return [];
    const { attrs } = node;
    const s = b.op('linear_recurrence', [shifted(b, a, attrs, 1), g], backwards(attrs));
    return [wants[0] ? b.op('mul', [s, shifted(b, y, attrs, -1)]) : undefined, s];
  },

  cost(inputs) {
    return { flops: 2 * elementCount(inputAt(inputs, 0, 'factor').shape) };
  },

  samples: [
    sample('rows', [3, 7], { axis: 1, reverse: false }),
    sample('an axis within, in reverse', [2, 5, 3], { axis: 1, reverse: true }),
    sample('many lines', [3, 67], { axis: 0, reverse: false }),
    sample('one element', [4, 1], { axis: 1, reverse: true }),
  ],
});

function sample(name: string, shape: readonly number[], attrs: Attrs) {
  return { name, inputs: [tensorType('f32', shape), tensorType('f32', shape)], attrs };
}
