/** Comparisons of two inputs, or of one with a number: bools. */
import type { Value } from '../../ir/graph';
import { Arithmetic } from '../../ops/families/arithmetic';
import type { LayerDef, LowerContext } from '../define';
import { defineLayer } from '../define';
import { numberOf } from '../fields';
import { requireNumbers, requireSameDtype, requireStretch } from '../merge/merge';

const RULE =
  'The result is of type bool: for `where` and the logical layers, or a `cast` to numbers; nothing is differentiated. Two inputs have one element type and the same number of axes; extents of 1 are stretched. A comparison with NaN is false, but for `not_equal`.';

/** `ordered`: not for bools. */
function comparison(type: string, sentence: string, ordered: boolean): LayerDef {
  return defineLayer({
    type,
    summary: `True where the first input is ${sentence} the second, or the only input ${sentence} a number.`,
    details: RULE,
    example: `{name: chosen, type: ${type}, value: 0.5}`,
    fields: { value: { description: 'What the only input is compared with.', type: 'number' } },
    samples: [
      { inputs: [{ shape: ['N', 3, 5] }], fields: { value: 0.5 } },
      { name: 'ties', inputs: [{ shape: ['N', 5], dtype: 'int32', range: [0, 2] }], fields: { value: 1 } },
      {
        inputs: [
          { shape: ['N', 3], values: [1, 2, 3] },
          { shape: ['N', 3], values: [3, 2, 1] },
        ],
        wrt: [],
      },
      { inputs: [{ shape: ['N', 3] }, { shape: ['N', 1] }], wrt: [] },
      ...(ordered
        ? []
        : ([
            {
              inputs: [
                { shape: ['N', 5], dtype: 'bool' },
                { shape: ['N', 5], dtype: 'bool' },
              ],
            },
          ] as const)),
    ],
    arity: [1, 2],
    lower(context, inputs) {
      if (ordered) requireNumbers(context, inputs);
      const [left, right] = inputs as readonly [Value, Value?];
      return context.b.op(type, [left, otherSide(context, left, right)]);
    },
  });
}

function otherSide(context: LowerContext, left: Value, right: Value | undefined): Value {
  const { fields } = context;
  if (right) {
    if (fields['value'] !== undefined) context.fail(['value'], 'a number has no effect where there is a second input');
    requireSameDtype(context, [left, right]);
    requireStretch(context, [left, right]);
    return right;
  }
  if (fields['value'] === undefined) context.fail([], 'it needs `value`, or a second input');
  return numberLike(context, left, 'value');
}

/** The number of a field as a scalar of an input's element type. */
export function numberLike(context: LowerContext, input: Value, field: string): Value {
  const { dtype } = input.type;
  const number = numberOf(context.fields, field);
  if (dtype !== 'f32' && !Number.isInteger(number)) {
    context.fail([field], `${number} is no whole number, which elements of the input are`, 'cast the input to float32');
  }
  if (dtype === 'bool') context.mismatch('dtype', 'bools are not compared with numbers');
  return new Arithmetic(context.b, dtype).value(number);
}

export const equal = comparison('equal', 'equal to', false);
export const notEqual = comparison('not_equal', 'different from', false);
export const less = comparison('less', 'less than', true);
export const lessEqual = comparison('less_equal', 'at most', true);
export const greater = comparison('greater', 'greater than', true);
export const greaterEqual = comparison('greater_equal', 'at least', true);
