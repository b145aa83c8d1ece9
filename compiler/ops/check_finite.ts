/** The guard that keeps a diverged training run from writing its weights. */
import { elementCount, formatType, isFloat } from '../ir/types';
import { inputAt, requireArity, stringAttr } from './attributes';
import { defineOp, OpDataError, OpTypeError } from './define';

export const check_finite = defineOp({
  name: 'check_finite',
  doc: 'y = x; fails at run time, naming `what`, where x holds NaN or infinity. Gradient: g.',
  inputs: ['x'],
  outputs: ['y'],
  native: 'kernel',
  traits: { checks: true, inPlace: [[0, 0]] },
  infer: (inputs, attrs) => {
    requireArity(inputs, 1);
    const x = inputAt(inputs, 0, 'input');
    if (!isFloat(x.dtype)) throw new OpTypeError(`takes floating-point numbers, found ${formatType(x)}`);
    stringAttr(attrs, 'what');
    return [x];
  },
  evaluate: ([x], attrs) => {
    if (!x) return [];
    const bad = x.data.find((value) => !Number.isFinite(value));
    if (bad !== undefined) throw new OpDataError(`${stringAttr(attrs, 'what')} is not finite: ${bad}`);
    return [x.data.slice()];
  },
  grad: ({ outputGrads: [g] }) => [g],
  cost: ([x]) => ({ flops: elementCount(x?.shape ?? []) }),
  samples: [
    { inputs: [{ dtype: 'f32', shape: [] }], attrs: { what: 'the loss' } },
    { inputs: [{ dtype: 'f32', shape: [3, 5] }], attrs: { what: 'a gradient' } },
  ],
});
