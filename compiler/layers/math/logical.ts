/** Logic on bools. */
import type { LayerDef, LowerContext } from '../define';
import { MANY, defineLayer } from '../define';
import type { Value } from '../../ir/graph';
import { requireStretch } from '../merge/merge';

function requireBools(context: LowerContext, inputs: readonly Value[]): void {
  if (inputs.some(({ type }) => type.dtype !== 'bool')) {
    context.mismatch('dtype', 'it works on bools', 'compare numbers first, or cast them to bool');
  }
  requireStretch(context, inputs);
}

const BOOLS = { shape: ['N', 3, 5], dtype: 'bool' } as const;
const ROW = { shape: ['N', 1, 5], dtype: 'bool' } as const;

function logical(type: string, op: string, arity: LayerDef['arity'], summary: string): LayerDef {
  const names = ['inside', 'valid'].slice(0, arity[0]).join(', ');
  return defineLayer({
    type,
    summary,
    details: 'Inputs of type bool with the same number of axes; extents of 1 are stretched.',
    example: `{name: both, type: ${type}, inputs: [${names}]}`,
    fields: {},
    samples: [
      { inputs: [BOOLS, BOOLS].slice(0, arity[0]) },
      ...(arity[0] > 1 ? [{ inputs: [BOOLS, ROW] }] : []),
      ...(arity[1] > 2 ? [{ inputs: [ROW, BOOLS, ROW] }] : []),
    ],
    arity,
    lower(context, inputs) {
      requireBools(context, inputs);
      const [first, ...others] = inputs;
      if (others.length === 0) return context.b.op(op, [first!]);
      return others.reduce((sofar, input) => context.b.op(op, [sofar, input]), first!);
    },
  });
}

export const logicalAnd = logical('logical_and', 'and', [2, MANY], 'True where all inputs are.');
export const logicalOr = logical('logical_or', 'or', [2, MANY], 'True where one of the inputs is.');
export const logicalXor = logical('logical_xor', 'not_equal', [2, 2], 'True where exactly one of two inputs is.');
export const logicalNot = logical('logical_not', 'not', [1, 1], 'True where the input is false.');
