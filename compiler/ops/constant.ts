/** Numbers that are known when the graph is built. */
import { DTYPES, elementCount, isFloat } from '../ir/types';
import type { Attrs } from '../ir/graph';
import { integersAttr, requireArity, stringAttr } from './attributes';
import { defineOp, OpTypeError } from './define';

export const constant = defineOp({
  name: 'constant',
  doc: 'y = values, row major; a single value fills the whole shape.',
  inputs: [],
  outputs: ['y'],
  native: 'none',
  traits: {},
  infer: (inputs, attrs) => {
    requireArity(inputs, 0);
    const word = stringAttr(attrs, 'dtype');
    const dtype = DTYPES.find((known) => known === word);
    if (!dtype) throw new OpTypeError(`attribute 'dtype' is "${word}", expected one of ${DTYPES.join(', ')}`);
    const shape = integersAttr(attrs, 'shape', undefined, 0);
    const values = valuesAttr(attrs);
    const count = elementCount(shape);
    if (values.length !== 1 && values.length !== count) {
      throw new OpTypeError(`${values.length} values were given for ${count} elements of [${shape.join(',')}]`);
    }
    const fraction = isFloat(dtype) ? undefined : values.find((value) => !Number.isInteger(value));
    if (fraction !== undefined) throw new OpTypeError(`${fraction} is no value of ${dtype}`);
    return [{ dtype, shape }];
  },
  evaluate: (_inputs, attrs, [y]) => {
    const values = valuesAttr(attrs);
    const [fill] = values;
    const count = elementCount(y?.shape ?? []);
    return [values.length === 1 && fill !== undefined ? new Float64Array(count).fill(fill) : Float64Array.from(values)];
  },
  cost: () => ({ flops: 0 }),
  samples: [
    { inputs: [], attrs: { dtype: 'f32', shape: [], values: [0.5] } },
    { inputs: [], attrs: { dtype: 'f32', shape: [2, 3], values: [-1] } },
    { inputs: [], attrs: { dtype: 'i32', shape: [2, 2], values: [1, 2, 3, 4] } },
  ],
});

/** Infinities are values too: they start off a maximum. */
function valuesAttr(attrs: Attrs): readonly number[] {
  const values: unknown = attrs['values'];
  if (!Array.isArray(values) || !values.every((item): item is number => typeof item === 'number')) {
    throw new OpTypeError(`attribute 'values' is ${JSON.stringify(values)}, expected a list of numbers`);
  }
  return values;
}
