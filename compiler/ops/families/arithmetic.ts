/**
 * Formulas as they are written on paper, for gradients (and lowerings) that are made of element-wise ops:
 * `m.mul(g, m.sub(1, m.square(y)))`. Numbers become scalar constants of the arithmetic's dtype, which broadcast.
 */
import type { Builder } from '../../ir/builder';
import type { Value } from '../../ir/graph';
import type { DType, Shape } from '../../ir/types';
import { sameShape } from '../../ir/types';

export type Operand = Value | number;

export class Arithmetic {
  constructor(
    readonly b: Builder,
    readonly dtype: DType,
  ) {}

  value(x: Operand): Value {
    return typeof x === 'number' ? this.b.full(x, [], this.dtype) : x;
  }

  add(x: Operand, y: Operand): Value {
    return this.#op('add', x, y);
  }
  sub(x: Operand, y: Operand): Value {
    return this.#op('sub', x, y);
  }
  mul(x: Operand, y: Operand): Value {
    return this.#op('mul', x, y);
  }
  div(x: Operand, y: Operand): Value {
    return this.#op('div', x, y);
  }
  pow(x: Operand, y: Operand): Value {
    return this.#op('pow', x, y);
  }
  neg(x: Operand): Value {
    return this.#op('neg', x);
  }
  exp(x: Operand): Value {
    return this.#op('exp', x);
  }
  log(x: Operand): Value {
    return this.#op('log', x);
  }
  sin(x: Operand): Value {
    return this.#op('sin', x);
  }
  cos(x: Operand): Value {
    return this.#op('cos', x);
  }
  sign(x: Operand): Value {
    return this.#op('sign', x);
  }
  square(x: Operand): Value {
    return this.#op('square', x);
  }
  sqrt(x: Operand): Value {
    return this.#op('sqrt', x);
  }
  rsqrt(x: Operand): Value {
    return this.#op('rsqrt', x);
  }
  abs(x: Operand): Value {
    return this.#op('abs', x);
  }
  maximum(x: Operand, y: Operand): Value {
    return this.#op('maximum', x, y);
  }
  minimum(x: Operand, y: Operand): Value {
    return this.#op('minimum', x, y);
  }
  equal(x: Operand, y: Operand): Value {
    return this.#op('equal', x, y);
  }
  greater(x: Operand, y: Operand): Value {
    return this.#op('greater', x, y);
  }
  greaterEqual(x: Operand, y: Operand): Value {
    return this.#op('greater_equal', x, y);
  }
  and(x: Value, y: Value): Value {
    return this.#op('and', x, y);
  }
  where(condition: Value, x: Operand, y: Operand): Value {
    return this.#op('where', condition, x, y);
  }

  /** Any op of such operands and no attributes: `m.op('tanh', x)`. */
  op(name: string, ...operands: readonly Operand[]): Value {
    return this.#op(name, ...operands);
  }

  #op(name: string, ...operands: readonly Operand[]): Value {
    return this.b.op(
      name,
      operands.map((operand) => this.value(operand)),
    );
  }
}

/** A view of another shape; the value itself where the shape is right already. */
export function reshapeTo(b: Builder, value: Value, shape: Shape): Value {
  return sameShape(value.type.shape, shape) ? value : b.op('reshape', [value], { shape });
}

/** The gradient of broadcasting: sums over the axes along which a value of `shape` was repeated. */
export function unbroadcast(b: Builder, gradient: Value, shape: Shape): Value {
  const from = gradient.type.shape;
  const skip = from.length - shape.length;
  const axes = from.flatMap((extent, axis) =>
    axis < skip || (shape[axis - skip] === 1 && extent !== 1) ? [axis] : [],
  );
  const summed = axes.length > 0 ? b.op('reduce_sum', [gradient], { axes, keepdims: false }) : gradient;
  return reshapeTo(b, summed, shape);
}
