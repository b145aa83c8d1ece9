/** A loop of as many iterations as the data ask for. */
import { formatType, tensorType, type TensorType } from '../ir/types';
import { integerAttr, requireArity } from './attributes';
import { defineOp, OpTypeError, type OpSample, type RefTensor } from './define';
import { countsOf, INDEX, isScalar, requireCarries, requireInputs, requireRegions } from './families/regions';

export const while_loop = defineOp({
  name: 'while',
  doc:
    'While condition(consts, carries, i) holds and i < limit: carries = body(consts, carries, i), i = 0, 1, …. Gives the ' +
    'last carries and how many iterations there were, i32[]. It has no gradient: what would have to be kept for it has ' +
    'no bound known beforehand; `scan` has one.',
  inputs: ['x*'],
  outputs: [],
  native: 'control',
  traits: {},

  infer(inputs, attrs, regions) {
    const { consts, carries } = countsOf(attrs);
    integerAttr(attrs, 'limit', 0);
    requireArity(inputs, consts + carries);
    const [condition, body] = requireRegions(regions, 2);
    if (!condition || !body) return [];
    requireInputs(condition, 'the condition', [...inputs, INDEX]);
    requireInputs(body, 'the body', [...inputs, INDEX]);
    const [holds, ...more] = condition.results;
    if (!holds || more.length > 0 || !isScalar(holds.value.type, 'bool')) {
      const found = condition.results.map(({ value }) => formatType(value.type)).join(', ');
      throw new OpTypeError(`the condition gives (${found}), expected one bool[]`);
    }
    const inits = inputs.slice(consts);
    requireCarries(body, inits);
    return [...inits, INDEX];
  },

  evaluate(inputs, attrs, _outputs, regions) {
    const [condition, body] = regions ?? [];
    if (!condition || !body) return [];
    const { consts } = countsOf(attrs);
    const limit = integerAttr(attrs, 'limit');
    let carried: readonly RefTensor[] = inputs.slice(consts);
    let count = 0;
    for (; count < limit; count++) {
      const index: RefTensor = { type: INDEX, data: Float64Array.of(count) };
      const given = [...inputs.slice(0, consts), ...carried, index];
      if (condition(given)[0]?.data[0] === 0) break;
      carried = body(given);
    }
    return [...carried.map(({ data }) => data.slice()), Float64Array.of(count)];
  },

  // How often it runs is not known: the bound.
  cost: (_inputs, _outputs, attrs, regions) => ({
    flops: integerAttr(attrs, 'limit') * (regions ?? []).reduce((sum, { flops }) => sum + flops, 0),
  }),

  samples: [halving('ends by its condition', 50), halving('ends at its limit', 2), halving('no iteration', 0)],
});

/** x ← x / 2 · y while Σ |x| > 1/8. */
function halving(name: string, limit: number): OpSample {
  return {
    name,
    inputs: [f32(3), f32(3)],
    build: (b, [x, y]) =>
      b.while({
        limit,
        init: [x!],
        condition: (sub, [z]) => {
          const size = sub.op('reduce_sum', [sub.op('abs', [z!])], { axes: [0], keepdims: false });
          return sub.op('greater', [size, sub.full(0.125)]);
        },
        body: (sub, [z]) => [sub.op('mul', [sub.op('mul', [z!, sub.full(0.5)]), y!])],
      }).all,
  };
}

function f32(...shape: readonly number[]): TensorType {
  return tensorType('f32', shape);
}
