/** Merging element by element (add, mul, maximum, …): one rule of broadcasting for all of them. */
import type { Described, Sample } from '../../frontend/describe';
import type { Value } from '../../ir/graph';
import { Arithmetic } from '../../ops/families/arithmetic';
import { defineLayer } from '../define';
import type { LayerDef, LowerContext } from '../define';
import { requireFloat } from '../window';

const RULE =
  'All inputs have the same number of axes; where extents differ, one of them must be 1 and is stretched. Nothing else is: an input of [N, C] never meets one of [N, C, H, W] by accident. Reshape it to [N, C, 1, 1].';

/** Refuses shapes that do not broadcast without new axes. */
export function requireStretch(context: LowerContext, inputs: readonly Value[]): void {
  const shapes = inputs.map((input) => input.type.shape);
  const rank = shapes[0]?.length ?? 0;
  if (shapes.some((shape) => shape.length !== rank)) {
    context.mismatch(
      'shape',
      'the inputs have different numbers of axes',
      'bring them to the same number with a reshape layer',
    );
  }
  for (let axis = 0; axis < rank; axis++) {
    const extents = new Set(shapes.map((shape) => shape[axis]).filter((extent) => extent !== 1));
    if (extents.size > 1) {
      context.mismatch('shape', `the inputs differ on axis ${axis}, ${[...extents].join(' and ')}`);
    }
  }
}

/** Refuses inputs of different element types. */
export function requireSameDtype(context: LowerContext, inputs: readonly Value[]): void {
  if (inputs.some(({ type }) => type.dtype !== inputs[0]?.type.dtype)) {
    context.mismatch('dtype', 'the inputs have different element types', 'bring them to the same with a cast layer');
  }
}

/** Refuses bools, which are neither added nor compared in size. */
export function requireNumbers(context: LowerContext, inputs: readonly Value[]): void {
  if (inputs.some(({ type }) => type.dtype === 'bool')) context.mismatch('dtype', 'it works on numbers');
}

interface Merge {
  readonly type: string;
  readonly arity: LayerDef['arity'];
  readonly summary: string;
  /** Stands before the rule of broadcasting. */
  readonly details?: string;
  readonly example: string;
  readonly fields?: Described['fields'];
  readonly samples?: readonly Sample[];
  /** Takes integers of one type as well. */
  readonly integers?: boolean;
  /** Of the inputs, one after the other. Default: the binary op of the layer's name, from left to right. */
  readonly apply?: (context: LowerContext, inputs: readonly Value[], m: Arithmetic) => Value;
}

/** Two inputs and, where more are allowed, three; one of them stretched. */
function samplesFor(arity: LayerDef['arity']): readonly Sample[] {
  const full = { shape: ['N', 3, 5], separated: true } as const;
  const thin = { shape: ['N', 1, 5], range: [0.3, 2] } as const;
  return [
    { inputs: [full, { ...full, range: [0.4, 2.1] }] },
    { inputs: [full, thin] },
    ...(arity[1] > 2 ? [{ inputs: [thin, { ...full, range: [-1.1, 1.3] as const }, full] }] : []),
  ];
}

export function defineMerge(merge: Merge): LayerDef {
  const { type, summary, details, example, fields = {}, arity, integers = false } = merge;
  const apply = merge.apply ?? ((_context, inputs, m) => inputs.reduce((sofar, input) => m.op(type, sofar, input)));
  return defineLayer({
    type,
    summary,
    details: details === undefined ? RULE : `${details}\n\n${RULE}`,
    example,
    fields,
    samples: [...samplesFor(arity), ...(merge.samples ?? [])],
    arity,
    activates: true,
    lower(context, inputs) {
      if (integers) {
        requireNumbers(context, inputs);
        requireSameDtype(context, inputs);
      } else requireFloat(context, ...inputs);
      requireStretch(context, inputs);
      return apply(context, inputs, new Arithmetic(context.b, inputs[0]?.type.dtype ?? 'f32'));
    },
  });
}
