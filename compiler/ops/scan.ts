/** A loop over time: carried values, slices of sequences in, stacked results out. */
import { scanGradient } from '../autodiff/scan';
import type { Builder } from '../ir/builder';
import type { Value } from '../ir/graph';
import { elementCount, tensorType, type TensorType } from '../ir/types';
import { booleanAttr, integerAttr, requireArity } from './attributes';
import { defineOp, type OpSample, type RefTensor } from './define';
import {
  countsOf,
  INDEX,
  requireCarries,
  requireInputs,
  requireRegions,
  sliceType,
  stackedType,
} from './families/regions';

export const scan = defineOp({
  name: 'scan',
  doc:
    'For t = 0 … length−1 (from the last to the first if `reverse`): (carries, outputs[t]) = body(consts, carries, ' +
    'sequences[t], t). Gives the last carries, then the outputs stacked along a new axis 0. `length` 0 gives the carries ' +
    'as they came. The gradient is a scan in the other direction over what the forward one keeps of each step; with ' +
    '`checkpoint` that is the carries alone and the rest is computed again; with `truncate` k no gradient passes from ' +
    'step k, 2k, … to the one before (Williams and Peng 1990).',
  inputs: ['x*'],
  outputs: [],
  native: 'control',
  traits: {},

  infer(inputs, attrs, regions) {
    const { consts, carries } = countsOf(attrs);
    const length = integerAttr(attrs, 'length', 0);
    booleanAttr(attrs, 'reverse');
    if (attrs['checkpoint'] !== undefined) booleanAttr(attrs, 'checkpoint');
    if (attrs['truncate'] !== undefined) integerAttr(attrs, 'truncate', 1);
    requireArity(inputs, consts + carries, Infinity);
    const [body] = requireRegions(regions, 1);
    if (!body) return [];
    const inits = inputs.slice(consts, consts + carries);
    const slices = inputs.slice(consts + carries).map((sequence) => sliceType(sequence, length));
    requireInputs(body, 'the body', [...inputs.slice(0, consts + carries), ...slices, INDEX]);
    requireCarries(body, inits);
    return [...inits, ...body.results.slice(carries).map(({ value }) => stackedType(value.type, length))];
  },

  evaluate(inputs, attrs, outputs, regions) {
    const body = regions?.[0];
    if (!body) return [];
    const { consts, carries } = countsOf(attrs);
    const length = integerAttr(attrs, 'length');
    const sequences = inputs.slice(consts + carries);
    const stacks = outputs.slice(carries).map((type) => new Float64Array(elementCount(type.shape)));
    let carried = inputs.slice(consts, consts + carries);
    for (let step = 0; step < length; step++) {
      const t = attrs['reverse'] === true ? length - 1 - step : step;
      const slices = sequences.map((sequence) => sliceAt(sequence, t));
      const results = body([...inputs.slice(0, consts), ...carried, ...slices, indexOf(t)]);
      carried = results.slice(0, carries);
      stacks.forEach((stack, k) => {
        const part = results[carries + k]?.data ?? new Float64Array();
        stack.set(part, t * part.length);
      });
    }
    return [...carried.map(({ data }) => data.slice()), ...stacks];
  },

  grad: (context) => scanGradient(context),

  cost: (_inputs, _outputs, attrs, regions) => ({ flops: integerAttr(attrs, 'length') * (regions?.[0]?.flops ?? 0) }),

  samples: [
    {
      name: 'a recurrence with a const, a sequence and a stack',
      inputs: [f32(3, 3), f32(2, 3), f32(5, 2, 3)],
      build: recurrence({}),
    },
    { name: 'in reverse', inputs: [f32(3, 3), f32(2, 3), f32(5, 2, 3)], build: recurrence({ reverse: true }) },
    { name: 'checkpointed', inputs: [f32(3, 3), f32(2, 3), f32(5, 2, 3)], build: recurrence({ checkpoint: true }) },
    { name: 'no steps', inputs: [f32(3, 3), f32(2, 3), f32(0, 2, 3)], build: recurrence({}) },
    { name: 'one step', inputs: [f32(3, 3), f32(2, 3), f32(1, 2, 3)], build: recurrence({}) },
    {
      name: 'the number of the step, carries alone',
      inputs: [f32(3)],
      build: (b, [x]) => {
        const { carries } = b.scan({
          length: 4,
          init: [x!, b.full(0, [], 'i32')],
          body: (sub, [y, count], _slices, index) => ({
            carries: [
              sub.op('sin', [sub.op('add', [y!, sub.op('cast', [index], { dtype: 'f32' })])]),
              sub.op('add', [count!, index]),
            ],
          }),
        });
        return carries;
      },
    },
    {
      name: 'a map without carries',
      inputs: [f32(7, 3), f32(7)],
      build: (b, [x, y]) =>
        b.scan({
          sequences: [x!, y!],
          body: (sub, _carries, [row, scale]) => ({
            carries: [],
            outputs: [sub.op('mul', [sub.op('exp', [row!]), scale!]), sub.op('tanh', [scale!])],
          }),
        }).outputs,
    },
  ],
});

type Recurrence = { readonly reverse?: boolean; readonly checkpoint?: boolean };

/** h ← tanh(h · w + x[t] · w); h and its square are stacked. */
function recurrence(options: Recurrence): NonNullable<OpSample['build']> {
  return (b: Builder, [w, h0, xs]: readonly Value[]) => {
    const { carries, outputs } = b.scan({
      ...options,
      init: [h0!],
      sequences: [xs!],
      body: (sub, [h], [x]) => {
        const product = (value: Value): Value =>
          sub.op('matmul', [value, w!], { transpose_a: false, transpose_b: false });
        const next = sub.op('tanh', [sub.op('add', [product(h!), product(x!)])]);
        return { carries: [next], outputs: [next, sub.op('square', [next])] };
      },
    });
    return [...carries, ...outputs];
  };
}

function sliceAt({ type, data }: RefTensor, t: number): RefTensor {
  const shape = type.shape.slice(1);
  const count = elementCount(shape);
  return { type: { dtype: type.dtype, shape }, data: data.subarray(t * count, (t + 1) * count) };
}

function indexOf(t: number): RefTensor {
  return { type: INDEX, data: Float64Array.of(t) };
}

function f32(...shape: readonly number[]): TensorType {
  return tensorType('f32', shape);
}
