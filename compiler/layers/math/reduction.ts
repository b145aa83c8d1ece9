/** What the reductions share: which axes become one number, and how. */
import type { Described, FieldSchema, Sample } from '../../frontend/describe';
import type { Value } from '../../ir/graph';
import { elementCount } from '../../ir/types';
import { Arithmetic } from '../../ops/families/arithmetic';
import { axesOf } from '../axis';
import type { LayerDef, LowerContext } from '../define';
import { defineLayer } from '../define';
import { axesField, flag, flagOf } from '../fields';
import { requireNumbers } from '../merge/merge';
import { requireFloat } from '../window';

/** What is to be reduced, and how many elements each number is made of. */
export interface Reduced {
  readonly context: LowerContext;
  readonly m: Arithmetic;
  readonly count: number;
  /** A reduction op over the axes; the axes stay, as extents of 1, where told or asked by `keepdims`. */
  readonly reduce: (op: string, x: Value, keepdims?: boolean) => Value;
}

interface Reduction {
  readonly type: string;
  readonly summary: string;
  readonly details?: string;
  readonly takes: 'float' | 'number' | 'bool';
  readonly fields?: Readonly<Record<string, FieldSchema>>;
  readonly samples?: readonly Sample[];
  /** Of the samples of floating point. */
  readonly range?: readonly [number, number];
  readonly apply: (x: Value, reduced: Reduced) => Value;
}

const RULE =
  'The axes become one number each and are removed, or kept with an extent of 1. Unless told it reduces all axes but the batch axis; Keras and PyTorch reduce that one too.';

export function defineReduction({ apply, takes, ...rest }: Reduction): LayerDef {
  const described: Described['fields'] = {
    axes: axesField('The axes to reduce; all but the first unless given.'),
    keepdims: flag('Keeps the axes, with an extent of 1.', false),
    ...rest.fields,
  };
  return defineLayer({
    ...rest,
    details: rest.details === undefined ? RULE : `${rest.details}\n\n${RULE}`,
    example: `{name: reduced, type: ${rest.type}, axes: [2, 3]}`,
    fields: described,
    samples: [...samplesFor(takes, rest.range), ...(rest.samples ?? [])],
    arity: [1, 1],
    lower(context, inputs) {
      const x = inputs[0]!;
      requireTaken(context, x, takes);
      const axes = axesToReduce(context, x);
      const { shape } = x.type;
      const keep = flagOf(context.fields, 'keepdims');
      return apply(x, {
        context,
        m: new Arithmetic(context.b, x.type.dtype),
        count: elementCount(axes.map((axis) => shape[axis] ?? 1)),
        reduce: (op, value, keepdims = keep) => context.b.op(op, [value], { axes, keepdims }),
      });
    },
  });
}

function samplesFor(takes: Reduction['takes'], range: Reduction['range'] = [-1, 1.1]): readonly Sample[] {
  const dtype = takes === 'bool' ? 'bool' : 'float32';
  const input = (...shape: readonly (number | 'N')[]) => ({ shape, dtype, range, separated: true });
  const integers: readonly Sample[] = [{ inputs: [{ shape: ['N', 2, 3], dtype: 'int32', range: [-4, 4] }] }];
  return [
    { inputs: [input('N', 2, 3, 5)], fields: { axes: [2, 3] } },
    { inputs: [input('N', 3)] },
    { inputs: [input('N', 3, 5)], fields: { axes: -2, keepdims: true } },
    { name: 'the batch axis', inputs: [input('N', 3)], fields: { axes: 0 } },
    ...(takes === 'number' ? integers : []),
  ];
}

function requireTaken(context: LowerContext, x: Value, takes: Reduction['takes']): void {
  if (takes === 'float') requireFloat(context, x);
  if (takes === 'number') requireNumbers(context, [x]);
  if (takes === 'bool' && x.type.dtype !== 'bool') {
    context.mismatch('dtype', 'it works on bools', 'compare numbers first, or cast them to bool');
  }
}

function axesToReduce(context: LowerContext, x: Value): readonly number[] {
  if (context.fields['axes'] !== undefined) return axesOf(context, x);
  const all = x.type.shape.flatMap((_, axis) => (axis === 0 ? [] : [axis]));
  if (all.length === 0) context.mismatch('shape', 'there is no axis to reduce but the first', 'name it: `axes: 0`');
  return all;
}
