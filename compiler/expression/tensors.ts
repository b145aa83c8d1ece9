/**
 * Expressions on tensors: syntax tree → ops, typed as it goes. Numbers stay numbers until they meet a tensor, so that
 * constants fold; what comes out are ordinary ops, which are differentiated and fused like those of the built-in layers.
 */
import { nearest } from '../diagnostics/nearest';
import type { Value } from '../ir/graph';
import { isFloat, type DType } from '../ir/types';
import type { LowerContext } from '../layers/define';
import { align, type Tensor } from './axes';
import { compute } from './evaluate';
import { TENSOR_FUNCTIONS } from './functions';
import { indexed } from './indexing';
import { ExpressionError, type BinaryOperator, type Expr, type Part } from './syntax';

/** A number or truth value known now, or a tensor. */
export type Term =
  { readonly kind: 'scalar'; readonly value: number | boolean } | ({ readonly kind: 'tensor' } & Tensor);

export const scalar = (value: number | boolean): Term => ({ kind: 'scalar', value });
export const tensor = (value: Value, axes: Tensor['axes']): Term => ({ kind: 'tensor', value, axes });

const COMPARISONS: Readonly<Partial<Record<BinaryOperator, string>>> = {
  '==': 'equal',
  '!=': 'not_equal',
  '<': 'less',
  '<=': 'less_equal',
  '>': 'greater',
  '>=': 'greater_equal',
};

const ARITHMETIC: Readonly<Partial<Record<BinaryOperator, string>>> = {
  '+': 'add',
  '-': 'sub',
  '*': 'mul',
  '/': 'div',
};

/** Functions of other frameworks by our names. */
const ELSEWHERE: Readonly<Record<string, string | undefined>> = {
  maximum: 'max',
  minimum: 'min',
  matmul: 'dot',
  einsum: 'dot',
  clamp: 'clip',
  power: 'pow',
  reduce_sum: 'sum',
  reduce_mean: 'mean',
  detach: 'stop_gradient',
  rand_like: 'uniform',
  randn_like: 'normal',
};

export class TensorExpression {
  constructor(
    readonly context: LowerContext,
    private readonly names: ReadonlyMap<string, Term>,
  ) {}

  get b(): LowerContext['b'] {
    return this.context.b;
  }

  lower(expr: Expr): Term {
    switch (expr.kind) {
      case 'number':
      case 'flag':
        return scalar(expr.value);
      case 'text':
        throw new ExpressionError('a text has no place in arithmetic', expr.at);
      case 'list':
        throw new ExpressionError('a list of values stands only where axes are named', expr.at);
      case 'name':
        return this.find(expr.name, expr.at);
      case 'unary':
        return expr.operator === '-' ? this.negate(expr.operand, expr.at) : this.not(expr.operand, expr.at);
      case 'binary':
        return this.binary(expr.operator, this.lower(expr.left), this.lower(expr.right), expr.at);
      case 'choice':
        return this.choose(
          this.lower(expr.condition),
          () => this.lower(expr.then),
          () => this.lower(expr.otherwise),
          expr.at,
        );
      case 'index':
        return indexed(this, this.asTensor(this.lower(expr.target)), expr);
      case 'call':
        return this.call(expr);
    }
  }

  has(name: string): boolean {
    return this.names.has(name);
  }

  private find(name: string, at: Part): Term {
    const found = this.names.get(name);
    if (found !== undefined) return found;
    const known = [...this.names.keys()];
    // Of a single letter everything is near.
    const near = name.length > 2 ? nearest(name, known) : undefined;
    const hint =
      near === undefined ? `there are ${known.map((one) => `\`${one}\``).join(', ')}` : `did you mean \`${near}\`?`;
    throw new ExpressionError(`nothing is called \`${name}\`; ${hint}`, at);
  }

  private call(expr: Extract<Expr, { kind: 'call' }>): Term {
    const apply = TENSOR_FUNCTIONS.get(expr.name);
    if (apply !== undefined) return apply(this, expr);
    const near = ELSEWHERE[expr.name] ?? nearest(expr.name, [...TENSOR_FUNCTIONS.keys()]);
    throw new ExpressionError(
      `there is no function \`${expr.name}\`${near === undefined ? '' : `; did you mean \`${near}\`?`}`,
      expr.at,
    );
  }

  private negate(operand: Expr, at: Part): Term {
    const term = this.lower(operand);
    if (term.kind === 'scalar') return scalar(0 - this.number(term, at));
    return this.map('neg', this.arithmetic(term));
  }

  private not(operand: Expr, at: Part): Term {
    const term = this.lower(operand);
    if (term.kind === 'scalar') return scalar(!this.truth(term, 'not', at));
    return this.map('not', this.condition(term, 'not', at));
  }

  /** A unary op. */
  map(op: string, { value, axes }: Tensor): Term {
    return tensor(this.b.op(op, [value]), axes);
  }

  binary(operator: BinaryOperator, left: Term, right: Term, at: Part): Term {
    if (left.kind === 'scalar' && right.kind === 'scalar') return this.constant(operator, left, right, at);
    if (operator === 'and' || operator === 'or') {
      const sides = [left, right].map((side) => this.condition(this.asTensor(side), operator, at));
      return this.merge(operator, sides, at);
    }
    if (operator === '**') return this.power(left, right, at);
    const comparison = COMPARISONS[operator];
    if (comparison !== undefined) {
      const truths = [left, right].every((side) => this.isTruth(side));
      if (truths && (operator === '==' || operator === '!=')) {
        const asNumbers = [left, right].map((side) => this.cast(this.asTensor(side), 'f32'));
        return this.merge(comparison, asNumbers, at);
      }
      return this.merge(comparison, this.unify([left, right], 'any'), at);
    }
    if (operator === '//') return this.floorDivide(left, right, at);
    if (operator === '%') {
      const [a, b] = this.unify([left, right], 'float').map((side): Term => ({ kind: 'tensor', ...side }));
      const whole = this.binary('*', b!, this.floorDivide(a!, b!, at), at);
      return this.binary('-', a!, whole, at);
    }
    return this.merge(ARITHMETIC[operator] ?? 'div', this.unify([left, right], operator === '/' ? 'float' : 'any'), at);
  }

  private floorDivide(left: Term, right: Term, at: Part): Term {
    const quotient = this.asTensor(this.merge('div', this.unify([left, right], 'float'), at));
    return this.map('floor', quotient);
  }

  private constant(operator: BinaryOperator, left: Term, right: Term, at: Part): Term {
    if (operator === 'and' || operator === 'or') {
      const [a, b] = [this.truth(left, operator, at), this.truth(right, operator, at)];
      return scalar(operator === 'and' ? a && b : a || b);
    }
    return scalar(compute(operator, this.number(left, at), this.number(right, at), at));
  }

  /** Whole small exponents are products: exact, and differentiable at and below zero. */
  private power(left: Term, right: Term, at: Part): Term {
    if (right.kind === 'scalar' && left.kind === 'tensor') {
      const exponent = this.number(right, at);
      const base = this.cast(left, 'f32');
      if (exponent === 0) return scalar(1);
      if (exponent === 0.5) return this.map('sqrt', base);
      if (exponent === -0.5) return this.map('rsqrt', base);
      if (Number.isInteger(exponent) && Math.abs(exponent) <= LARGEST_PRODUCT) {
        const product = this.powerOf(base, Math.abs(exponent));
        return exponent < 0 ? this.map('reciprocal', product) : { kind: 'tensor', ...product };
      }
    }
    return this.merge('pow', this.unify([left, right], 'float'), at);
  }

  /** By squaring. */
  private powerOf(base: Tensor, exponent: number): Tensor {
    if (exponent === 1) return base;
    const half = this.powerOf(base, Math.floor(exponent / 2));
    const square = this.b.op('square', [half.value]);
    return { value: exponent % 2 === 0 ? square : this.b.op('mul', [square, base.value]), axes: base.axes };
  }

  choose(condition: Term, then: () => Term, otherwise: () => Term, at: Part): Term {
    // Both sides are checked, whichever is taken.
    const sides = [then(), otherwise()];
    if (condition.kind === 'scalar') return sides[this.truth(condition, 'if', at) ? 0 : 1]!;
    const test = this.condition(condition, 'if', at);
    const [a, b] = this.unify(sides, 'any');
    return this.merge('where', [test, a!, b!], at);
  }

  /** An op of several tensors with broadcasting, after their axes are aligned. */
  merge(op: string, tensors: readonly Tensor[], at: Part): Term {
    const { values, axes } = align(this.b, tensors, at);
    return tensor(this.b.op(op, values), axes);
  }

  /** One dtype for all: float32 unless every one is an integer and integers will do. */
  unify(terms: readonly Term[], wanted: 'any' | 'float'): readonly Tensor[] {
    const dtypes = terms.flatMap((term) => (term.kind === 'tensor' ? [term.value.type.dtype] : []));
    const whole = terms.every((term) => term.kind === 'tensor' || Number.isInteger(term.value));
    const integers = dtypes.every((dtype) => INTEGERS.has(dtype));
    const same = new Set(dtypes).size === 1;
    const dtype = wanted === 'any' && integers && whole ? (same ? dtypes[0]! : 'i64') : 'f32';
    return terms.map((term) => {
      if (term.kind === 'tensor') return this.cast(term, dtype);
      return { value: this.b.full(Number(term.value), [], dtype), axes: [] };
    });
  }

  cast({ value, axes }: Tensor, dtype: DType): Tensor {
    return { value: value.type.dtype === dtype ? value : this.b.op('cast', [value], { dtype }), axes };
  }

  /** Truth values as 0 and 1, bytes as numbers; float32 and integers as they are. */
  arithmetic(term: Tensor): Tensor {
    const { dtype } = term.value.type;
    return dtype === 'f32' || dtype === 'i32' || dtype === 'i64' ? term : this.cast(term, 'f32');
  }

  /** A float32 tensor of a term. */
  float(term: Term): Tensor {
    return this.cast(this.asTensor(term), 'f32');
  }

  asTensor(term: Term): Tensor {
    if (term.kind === 'tensor') return term;
    const { value } = term;
    const dtype = typeof value === 'boolean' ? 'bool' : 'f32';
    return { value: this.b.full(Number(value), [], dtype), axes: [] };
  }

  private isTruth(term: Term): boolean {
    return term.kind === 'tensor' ? term.value.type.dtype === 'bool' : typeof term.value === 'boolean';
  }

  condition(term: Tensor, by: string, at: Part): Tensor {
    if (term.value.type.dtype === 'bool') return term;
    throw new ExpressionError(`\`${by}\` needs true or false; found numbers; compare them with something`, at);
  }

  number(term: Term, at: Part): number {
    if (term.kind === 'scalar' && typeof term.value === 'number') return term.value;
    throw new ExpressionError(
      term.kind === 'tensor'
        ? 'here stands a number that is known beforehand; found a tensor'
        : 'found true or false where a number is needed',
      at,
    );
  }

  truth(term: Term, by: string, at: Part): boolean {
    if (term.kind === 'scalar' && typeof term.value === 'boolean') return term.value;
    throw new ExpressionError(`\`${by}\` needs true or false; found a number`, at);
  }
}

const LARGEST_PRODUCT = 8;
const INTEGERS: ReadonlySet<DType> = new Set<DType>(['i32', 'i64']);

/** The result of an expression as one value: never a number alone, which would have no batch. */
export function valueOf(lowering: TensorExpression, expr: Expr): Value {
  const term = lowering.lower(expr);
  if (term.kind === 'tensor') return term.value;
  throw new ExpressionError('the expression is a number that depends on no input', expr.at);
}

export function isFloatTensor({ value }: Tensor): boolean {
  return isFloat(value.type.dtype);
}
