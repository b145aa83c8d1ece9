/**
 * The reduction family: many elements along some axes become one. An op states its start and how two values combine,
 * and its gradient; the family supplies axes, inference, the reference, cost and samples.
 */
import type { Attrs, Value } from '../../ir/graph';
import { elementCount, formatType, type Shape } from '../../ir/types';
import { booleanAttr, inputAt, integersAttr, requireArity } from '../attributes';
import { OpTypeError, type GradContext, type OpDef } from '../define';
import { Arithmetic, reshapeTo } from './arithmetic';
import { withBfloat16 } from './images-samples';
import { broadcastIndex } from './shapes';
import { parameterDType } from './storage';

interface Reduction {
  readonly name: string;
  readonly doc: string;
  readonly start: number;
  readonly combine: (sum: number, x: number) => number;
  /** False where nothing is no sensible input (the largest of no numbers). */
  readonly takesEmpty: boolean;
  /** Distinct values in the samples. */
  readonly separated?: boolean;
  /** Of the values in the samples. */
  readonly range?: readonly [number, number];
  /** `g` and what `y` gives have the reduced axes as extents of 1, so they broadcast against x. */
  grad(context: GradContext, x: Value, g: Value, y: () => Value): Value;
}

export function reduction(op: Reduction): OpDef {
  const drawn = { ...(op.separated && { separated: true }), ...(op.range && { range: op.range }) };
  const sample = (shape: Shape, axes: readonly number[], keepdims = false) => ({
    inputs: [{ dtype: 'f32', shape }] as const,
    attrs: { axes, keepdims },
    ...drawn,
  });
  return {
    name: op.name,
    doc: op.doc,
    inputs: ['x'],
    outputs: ['y'],
    native: 'kernel',
    traits: { foldable: true },
    infer: (inputs, attrs) => {
      requireArity(inputs, 1);
      const x = inputAt(inputs, 0, 'input');
      if (x.dtype === 'bool') throw new OpTypeError(`takes numbers, found ${formatType(x)}: cast it first`);
      const axes = axesOf(attrs, x.shape.length);
      if (!op.takesEmpty && axes.some((axis) => x.shape[axis] === 0)) {
        throw new OpTypeError(`an axis of ${formatType(x)} to reduce is empty`);
      }
      const shape = booleanAttr(attrs, 'keepdims')
        ? keptShape(x.shape, axes)
        : x.shape.filter((_, axis) => !axes.includes(axis));
      return [{ dtype: parameterDType(x.dtype), shape }];
    },
    evaluate: ([x], attrs) => {
      if (!x) return [];
      const { shape } = x.type;
      const kept = keptShape(shape, axesOf(attrs, shape.length));
      const index = broadcastIndex(kept, shape);
      const result = new Float64Array(elementCount(kept)).fill(op.start);
      x.data.forEach((element, i) => {
        const at = index ? (index[i] ?? 0) : i;
        result[at] = op.combine(result[at] ?? op.start, element);
      });
      return [result];
    },
    grad: (context) => {
      const [g] = context.outputGrads;
      const [x] = context.node.inputs;
      const [y] = context.node.outputs;
      if (!g || !x || !y) return [];
      const kept = keptShape(x.type.shape, axesOf(context.node.attrs, x.type.shape.length));
      return [op.grad(context, x, reshapeTo(context.b, g, kept), () => reshapeTo(context.b, y, kept))];
    },
    cost: ([x]) => ({ flops: elementCount(x?.shape ?? []) }),
    samples: [
      sample([], []),
      sample([7], [0]),
      sample([33, 31], [1]),
      sample([33, 31], [0]),
      sample([33, 31], [0, 1]),
      sample([2, 3, 4, 5], [0, 2, 3]),
      sample([2, 3, 4, 5], [1, 3], true),
      sample([2, 3], []),
      ...[
        sample([33, 35], [1]),
        sample([33, 35], [0]),
        sample([2, 5, 7, 35], [1, 2]),
        sample([2, 5, 7, 35], [0, 1, 2]),
        sample([2, 3, 4, 5], [1, 3], true),
        sample([2, 3], []),
      ].map((each) => withBfloat16(each, [0])),
    ],
  };
}

/** The gradient of a largest or smallest: g goes to the elements that attain it, in equal parts. */
export function attained({ b, node }: GradContext, x: Value, g: Value, y: () => Value): Value {
  const m = new Arithmetic(b, x.type.dtype);
  const mask = m.where(m.equal(x, y()), 1, 0);
  const count = b.op('reduce_sum', [mask], { axes: axesOf(node.attrs, x.type.shape.length), keepdims: true });
  return m.mul(mask, m.div(g, count));
}

function axesOf(attrs: Attrs, rank: number): readonly number[] {
  const axes = integersAttr(attrs, 'axes', undefined, 0);
  const bad = axes.find((axis, i) => axis >= rank || axes.indexOf(axis) !== i);
  if (bad !== undefined) {
    throw new OpTypeError(
      bad >= rank ? `axis ${bad} was given, but the input has ${rank} axes` : `axis ${bad} was given twice`,
    );
  }
  return axes;
}

function keptShape(shape: Shape, axes: readonly number[]): Shape {
  return shape.map((extent, axis) => (axes.includes(axis) ? 1 : extent));
}
