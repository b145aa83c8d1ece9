/** `x[:, 0, 1:3]`, `x[..., -1]`: positions and ranges that are known beforehand, as one slice. */
import type { Tensor } from './axes';
import type { Term, TensorExpression } from './tensors';
import { ExpressionError, type Expr, type IndexItem } from './syntax';

type IndexExpr = Extract<Expr, { kind: 'index' }>;

interface Cut {
  readonly start: number;
  readonly limit: number;
  readonly stride: number;
  /** The axis goes. */
  readonly single: boolean;
}

export function indexed(lowering: TensorExpression, target: Tensor, expr: IndexExpr): Term {
  const { shape } = target.value.type;
  const items = filled(expr, shape.length);
  const cuts = shape.map((extent, axis) => cutOf(lowering, items[axis], extent, axis, expr));
  const sliced = lowering.b.op('slice', [target.value], {
    starts: cuts.map(({ start }) => start),
    limits: cuts.map(({ limit }) => limit),
    strides: cuts.map(({ stride }) => stride),
  });
  const kept = cuts.flatMap(({ single }, axis) => (single ? [] : [axis]));
  const axes = kept.map((axis) => target.axes[axis]);
  if (kept.length === shape.length) return { kind: 'tensor', value: sliced, axes };
  const left = kept.map((axis) => sliced.type.shape[axis] ?? 1);
  return { kind: 'tensor', value: lowering.b.op('reshape', [sliced], { shape: left }), axes };
}

/** One item for each axis: `...` stands for as many `:` as are missing, and so does the end. */
function filled(expr: IndexExpr, rank: number): readonly IndexItem[] {
  const rests = expr.items.filter((item) => item.kind === 'rest').length;
  const given = expr.items.length - rests;
  if (rests > 1) throw new ExpressionError('`...` stands only once', expr.at);
  if (given > rank) throw new ExpressionError(`${given} indices for ${rank} axes`, expr.at);
  const missing = Array.from({ length: rank - given }, (): IndexItem => ({ kind: 'range' }));
  const at = expr.items.findIndex((item) => item.kind === 'rest');
  return at < 0 ? [...expr.items, ...missing] : expr.items.toSpliced(at, 1, ...missing);
}

function cutOf(
  lowering: TensorExpression,
  item: IndexItem | undefined,
  extent: number,
  axis: number,
  expr: IndexExpr,
): Cut {
  const whole = (part: Expr): number => {
    const value = lowering.number(lowering.lower(part), part.at);
    if (!Number.isInteger(value)) throw new ExpressionError(`an index is a whole number; found ${value}`, part.at);
    return value;
  };
  if (item?.kind === 'position') {
    const position = whole(item.value);
    const start = position < 0 ? position + extent : position;
    if (start < 0 || start >= extent) {
      throw new ExpressionError(`there is no position ${position} on axis ${axis} of ${extent}`, item.value.at);
    }
    return { start, limit: start + 1, stride: 1, single: true };
  }
  const { from, to, step } = item?.kind === 'range' ? item : {};
  const clamped = (part: Expr | undefined, otherwise: number): number => {
    if (part === undefined) return otherwise;
    const value = whole(part);
    return Math.min(extent, Math.max(0, value < 0 ? value + extent : value));
  };
  const stride = step === undefined ? 1 : whole(step);
  if (stride < 1) throw new ExpressionError(`a step is at least 1; found ${stride}`, step?.at ?? expr.at);
  const start = clamped(from, 0);
  const limit = clamped(to, extent);
  if (limit <= start) throw new ExpressionError(`nothing is left of axis ${axis} of ${extent}`, expr.at);
  return { start, limit, stride, single: false };
}
