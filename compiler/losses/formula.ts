/**
 * Formulas of losses as they are written on paper, in float32: `m.mul(0.5, m.square(m.sub(x, t)))`. Beside the usual
 * arithmetic there are the few functions that would overflow, lose their digits or have no gradient if they were
 * written down naively.
 */
import type { Value } from '../ir/graph';
import type { LowerContext } from '../layers/define';
import { Arithmetic, reshapeTo, type Operand } from '../ops/families/arithmetic';

/** Below this a logarithm, a root and a quotient are held: small, and its reciprocal and square are still float32. */
export const TINY = 1e-18;

export class Formula extends Arithmetic {
  static in({ b }: LowerContext): Formula {
    return new Formula(b, 'f32');
  }

  expm1(x: Operand): Value {
    return this.op('expm1', x);
  }
  log1p(x: Operand): Value {
    return this.op('log1p', x);
  }
  sigmoid(x: Operand): Value {
    return this.op('sigmoid', x);
  }
  notEqual(x: Operand, y: Operand): Value {
    return this.op('not_equal', x, y);
  }
  /** A condition as 0 and 1. */
  indicator(condition: Value): Value {
    return condition.type.dtype === this.dtype ? condition : this.b.op('cast', [condition], { dtype: this.dtype });
  }

  /** log(1 + eˣ) = −log σ(−x), which neither overflows nor loses small results. */
  softplus(x: Operand): Value {
    return this.add(this.maximum(x, 0), this.log1p(this.exp(this.neg(this.abs(x)))));
  }
  /** √x with a gradient of 0 instead of infinity at 0. */
  root(x: Operand): Value {
    return this.sqrt(this.maximum(x, TINY));
  }
  /** t · log x, which is 0 where t is 0, whatever x is. */
  xlogy(t: Value, x: Operand): Value {
    return this.where(this.greater(t, 0), this.mul(t, this.log(this.maximum(x, TINY))), 0);
  }
  /** max(0, x). */
  hinge(x: Operand): Value {
    return this.maximum(x, 0);
  }

  /** Sums along axes, which disappear, or stay with an extent of 1. */
  sum(x: Value, axes: readonly number[], keepdims = false): Value {
    return axes.length === 0 ? x : this.b.op('reduce_sum', [x], { axes, keepdims });
  }
  largest(x: Value, axis: number): Value {
    return this.b.op('reduce_max', [x], { axes: [axis], keepdims: false });
  }
  /** The sum over all axes but the first. */
  sumOfEach(x: Value): Value {
    return this.sum(
      x,
      x.type.shape.map((_, axis) => axis).filter((axis) => axis > 0),
    );
  }
  reshape(x: Value, shape: readonly number[]): Value {
    return reshapeTo(this.b, x, shape);
  }
  /** Vectors along an axis, scaled to length 1; those shorter than 1e-6 are scaled by 1e6. */
  normalized(x: Value, axis: number): Value {
    return this.mul(x, this.rsqrt(this.maximum(this.sum(this.square(x), [axis], true), 1e-12)));
  }
}
