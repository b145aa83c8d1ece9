/**
 * Expressions on numbers, texts, booleans and lists: what `${…}` and `when:` in blocks and schedules compute. Total: every
 * result is finite, and only the branch that is taken is computed.
 */
import { nearest } from '../diagnostics/nearest';
import type { Json } from '../frontend/spec';
import { parseExpression } from './parse';
import { ExpressionError, partsOf, type BinaryOperator, type Expr, type Part } from './syntax';

export type Scope = ReadonlyMap<string, Json>;

/** Evaluates; every name that is read goes to `used`. */
export function evaluate(text: string, scope: Scope, used?: Set<string>): Json {
  return evaluateTree(parseExpression(text), scope, used);
}

/** The same of a parsed expression. */
export function evaluateTree(expr: Expr, scope: Scope, used?: Set<string>): Json {
  check(expr, scope, used);
  return valueOf(expr, scope);
}

/** Names and calls, in branches that are not taken too. */
function check(expr: Expr, scope: Scope, used?: Set<string>): void {
  if (expr.kind === 'name') {
    if (!scope.has(expr.name)) throw new ExpressionError('', expr.at, expr.name);
    used?.add(expr.name);
  }
  if (expr.kind === 'call') {
    const call = functionNamed(expr.name, expr.at);
    const [argument] = expr.named.keys();
    if (argument !== undefined) throw new ExpressionError(`\`${expr.name}\` has no argument \`${argument}\``, expr.at);
    const { arity } = call;
    if (arity === undefined ? expr.args.length === 0 : expr.args.length !== arity) {
      const takes = arity === undefined ? 'at least 1 value' : `${arity} value${arity === 1 ? '' : 's'}`;
      throw new ExpressionError(`\`${expr.name}\` takes ${takes}`, expr.at);
    }
  }
  for (const part of partsOf(expr)) check(part, scope, used);
}

function functionNamed(name: string, at: Part): ScalarFunction {
  const found = FUNCTIONS.get(name);
  if (found !== undefined) return found;
  const near = nearest(name, [...FUNCTIONS.keys()]);
  const known = near === undefined ? `there are ${[...FUNCTIONS.keys()].join(', ')}` : `did you mean \`${near}\`?`;
  throw new ExpressionError(`there is no function \`${name}\`; ${known}`, at);
}

function valueOf(expr: Expr, scope: Scope): Json {
  switch (expr.kind) {
    case 'number':
    case 'text':
    case 'flag':
      return expr.value;
    case 'name':
      return scope.get(expr.name)!;
    case 'list':
      return expr.items.map((item) => valueOf(item, scope));
    case 'call': {
      const args = expr.args.map((arg) => valueOf(arg, scope));
      return finite(functionNamed(expr.name, expr.at).apply(args, { name: expr.name, at: expr.at }), expr.at);
    }
    case 'unary': {
      const value = valueOf(expr.operand, scope);
      if (expr.operator === 'not') return !truth(value, 'not', expr.at);
      return finite(0 - number(value, '-', expr.at), expr.at);
    }
    case 'binary':
      return binary(expr.operator, expr.left, expr.right, scope, expr.at);
    case 'choice':
      return valueOf(truth(valueOf(expr.condition, scope), 'if', expr.at) ? expr.then : expr.otherwise, scope);
    case 'index':
      return element(expr, scope);
  }
}

function binary(operator: BinaryOperator, left: Expr, right: Expr, scope: Scope, at: Part): Json {
  const a = valueOf(left, scope);
  if (operator === 'and') return truth(a, operator, at) && truth(valueOf(right, scope), operator, at);
  if (operator === 'or') return truth(a, operator, at) || truth(valueOf(right, scope), operator, at);
  const b = valueOf(right, scope);
  if (operator === '==') return equal(a, b, operator, at);
  if (operator === '!=') return !equal(a, b, operator, at);
  return compute(operator, number(a, operator, at), number(b, operator, at), at);
}

/** One operator on two numbers. */
export function compute(operator: BinaryOperator, a: number, b: number, at: Part): number | boolean {
  switch (operator) {
    case '+':
      return finite(a + b, at);
    case '-':
      return finite(a - b, at);
    case '*':
      return finite(a * b, at);
    case '/':
      return finite(a / nonZero(b, at), at);
    case '//':
      return finite(Math.floor(a / nonZero(b, at)), at);
    case '%':
      // The remainder has the sign of the divisor, as `//` rounds down.
      return finite(a - nonZero(b, at) * Math.floor(a / b), at);
    case '**':
      return finite(a ** b, at);
    case '<':
      return a < b;
    case '<=':
      return a <= b;
    case '>':
      return a > b;
    case '>=':
      return a >= b;
    case '==':
      return a === b;
    case '!=':
      return a !== b;
    case 'and':
    case 'or':
      throw new ExpressionError(`\`${operator}\` needs true or false; found the number ${a}`, at);
  }
}

interface ScalarFunction {
  readonly arity?: number;
  apply(values: readonly Json[], call: { readonly name: string; readonly at: Part }): number;
}

const numeric = (arity: number | undefined, apply: (...values: number[]) => number): ScalarFunction => ({
  ...(arity === undefined ? {} : { arity }),
  apply: (values, { name, at }) => apply(...values.map((value) => number(value, name, at))),
});

const FUNCTIONS: ReadonlyMap<string, ScalarFunction> = new Map<string, ScalarFunction>([
  ['min', numeric(undefined, Math.min)],
  ['max', numeric(undefined, Math.max)],
  ['floor', numeric(1, Math.floor)],
  ['ceil', numeric(1, Math.ceil)],
  // Halves to the even number, as the op does.
  ['round', numeric(1, roundEven)],
  ['abs', numeric(1, Math.abs)],
  ['sqrt', numeric(1, Math.sqrt)],
  ['exp', numeric(1, Math.exp)],
  ['log', numeric(1, Math.log)],
  ['log2', numeric(1, Math.log2)],
  ['sin', numeric(1, Math.sin)],
  ['cos', numeric(1, Math.cos)],
  ['tanh', numeric(1, Math.tanh)],
  [
    'len',
    {
      arity: 1,
      apply: ([value], { at }) => {
        if (Array.isArray(value)) return value.length;
        throw new ExpressionError(`\`len\` needs a list; found ${kindOf(value ?? null)}`, at);
      },
    },
  ],
]);

function roundEven(x: number): number {
  const low = Math.floor(x);
  if (x - low !== 0.5) return Math.round(x);
  return low % 2 === 0 ? low : low + 1;
}

/** `sizes[1]`, from the end where negative. */
function element(expr: Extract<Expr, { kind: 'index' }>, scope: Scope): Json {
  const list = valueOf(expr.target, scope);
  const [item, ...more] = expr.items;
  if (!Array.isArray(list)) throw new ExpressionError(`only a list has elements; found ${kindOf(list)}`, expr.at);
  if (item?.kind !== 'position' || more.length > 0) throw new ExpressionError('a list takes one position', expr.at);
  const position = number(valueOf(item.value, scope), 'an index', item.value.at);
  const found: unknown = list[position < 0 ? position + list.length : position];
  if (found === undefined) {
    throw new ExpressionError(`there is no element ${position} in a list of ${list.length}`, item.value.at);
  }
  return found as Json;
}

function equal(a: Json, b: Json, operator: string, at: Part): boolean {
  if (typeof a !== typeof b) {
    throw new ExpressionError(`\`${operator}\` compares ${kindOf(a)} with ${kindOf(b)}`, at);
  }
  return typeof a === 'object' ? JSON.stringify(a) === JSON.stringify(b) : a === b;
}

function nonZero(value: number, at: Part): number {
  if (value === 0) throw new ExpressionError('division by zero', at);
  return value;
}

function finite(value: number, at: Part): number {
  if (!Number.isFinite(value)) throw new ExpressionError('the result is not a finite number', at);
  return value === 0 ? 0 : value;
}

function number(value: Json, by: string, at: Part): number {
  if (typeof value === 'number') return value;
  throw new ExpressionError(`\`${by}\` needs numbers; found ${kindOf(value)}`, at);
}

function truth(value: Json, by: string, at: Part): boolean {
  if (typeof value === 'boolean') return value;
  throw new ExpressionError(`\`${by}\` needs true or false; found ${kindOf(value)}`, at);
}

function kindOf(value: Json): string {
  if (typeof value === 'number') return `the number ${value}`;
  if (typeof value === 'boolean') return String(value);
  if (typeof value === 'string') return `the text '${value}'`;
  return value === null ? 'nothing' : Array.isArray(value) ? 'a list' : 'a mapping';
}
