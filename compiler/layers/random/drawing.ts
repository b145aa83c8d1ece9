/** What the layers that make random numbers share: a shape that is written down, or that of an input. */
import type { FieldSchema } from '../../frontend/describe';
import type { Value } from '../../ir/graph';
import type { Shape } from '../../ir/types';
import type { LowerContext } from '../define';
import { extentsField, extentsOf } from '../shape/extents';
import { tableOf } from '../table';

export const MODES_NOTE =
  'Draws in every mode; `when` says otherwise. Training draws by the seed and the step, evaluation and prediction by the seed and the number of the batch: the same each time, and never as a training step did.';

export const shapeField: FieldSchema = extentsField(
  'Extents, where the layer has no input: numbers and symbols of the inputs such as `N`.',
);

/** The shape of the input, or the one that is written: one of the two. */
export function drawnShape(context: LowerContext, inputs: readonly Value[]): Shape {
  const [input] = inputs;
  const written = context.fields['shape'] !== undefined;
  if (input && written) context.fail(['shape'], 'the shape is that of the input', 'leave out one of the two');
  if (input) return input.type.shape;
  if (!written) context.fail([], 'it needs `shape`, or an input to take the shape from', 'e.g. `shape: [N, 16]`');
  return extentsOf(context);
}

/** Uniform draws in [0, 1). */
export function uniformOf(context: LowerContext, shape: Shape, purpose: string, low = 0): Value {
  const attrs = { shape, low, high: 1, stream: context.stream(purpose) };
  return context.b.op('random_uniform', [context.rng()], attrs);
}

/** The value of `hard` with the gradient of `soft`: exact, as soft − soft is 0. */
export function straightThrough({ b }: LowerContext, hard: Value, soft: Value): Value {
  const fixed = b.op('stop_gradient', [soft]);
  return b.op('add', [b.op('stop_gradient', [hard]), b.op('sub', [soft, fixed])]);
}

/** Noise whose maximum chooses from logits: −log(−log u), from −2.9 to 16.7. */
export function gumbelNoise(context: LowerContext, shape: Shape): Value {
  const { b } = context;
  const log = (x: Value): Value => b.op('neg', [b.op('log', [x])]);
  // Above 0, so that the logarithm is finite; a uniform draw of 1 does not occur.
  return log(log(uniformOf(context, shape, 'gumbel', 2 ** -25)));
}

/** 1 at the index along the axis, 0 elsewhere. */
export function oneHot({ b }: LowerContext, indices: Value, shape: Shape, axis: number): Value {
  const extent = shape[axis] ?? 1;
  const places = b.constant(
    tableOf(extent, (i) => i),
    shape.map((_, i) => (i === axis ? extent : 1)),
    'i32',
  );
  const wide = b.op('reshape', [indices], { shape: shape.with(axis, 1) });
  return b.op('cast', [b.op('equal', [places, wide])], { dtype: 'f32' });
}
