/** A choice between two computations, of which only one is run. */
import { condGradient } from '../autodiff/cond';
import { formatType, tensorType } from '../ir/types';
import { inputAt, requireArity } from './attributes';
import { defineOp, OpTypeError, type OpSample } from './define';
import { isScalar, requireInputs, requireRegions, sameTypes } from './families/regions';

export const cond = defineOp({
  name: 'cond',
  doc:
    'then(operands) where the predicate, a bool[], holds, else otherwise(operands): results of the same types; the other ' +
    'one is not run. The gradient is a cond too, whose branches compute their own forward pass again.',
  inputs: ['predicate', 'x*'],
  outputs: [],
  native: 'control',
  traits: {},

  infer(inputs, _attrs, regions) {
    requireArity(inputs, 1, Infinity);
    const predicate = inputAt(inputs, 0, 'predicate');
    if (!isScalar(predicate, 'bool')) {
      throw new OpTypeError(`the predicate is ${formatType(predicate)}, expected bool[]`);
    }
    const [then, otherwise] = requireRegions(regions, 2);
    if (!then || !otherwise) return [];
    requireInputs(then, 'the first branch', inputs.slice(1));
    requireInputs(otherwise, 'the other branch', inputs.slice(1));
    const [types, others] = [then, otherwise].map(({ results }) => results.map(({ value }) => value.type));
    if (!types || !others || !sameTypes(types, others)) {
      throw new OpTypeError(
        `the branches give (${(types ?? []).map(formatType).join(', ')}) and (${(others ?? []).map(formatType).join(', ')}), ` +
          'expected the same types',
      );
    }
    return types;
  },

  evaluate([predicate, ...operands], _attrs, _outputs, regions) {
    const branch = regions?.[predicate?.data[0] === 0 ? 1 : 0];
    return branch ? branch(operands).map(({ data }) => data.slice()) : [];
  },

  grad: (context) => condGradient(context),

  // Which branch runs is not known: the dearer one.
  cost: (_inputs, _outputs, _attrs, regions) => ({ flops: Math.max(0, ...(regions ?? []).map(({ flops }) => flops)) }),

  samples: [choice('the first branch', 1), choice('the other branch', 0)],
});

/** sin(x) and x · y, or y and x. */
function choice(name: string, predicate: number): OpSample {
  return {
    name,
    inputs: [tensorType('bool', []), tensorType('f32', [3, 5]), tensorType('f32', [3, 5])],
    values: { 0: [predicate] },
    build: (b, [p, x, y]) =>
      b.cond(
        p!,
        (sub) => [sub.op('sin', [x!]), sub.op('mul', [x!, y!])],
        () => [y!, x!],
      ),
  };
}
