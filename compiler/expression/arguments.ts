/** Reading the arguments of a call: values by position or name, axes by name or number, flags. */
import { describeAxes, type Tensor } from './axes';
import { ExpressionError, type Expr } from './syntax';
import type { Term, TensorExpression } from './tensors';

export type Call = Extract<Expr, { kind: 'call' }>;
export type TensorFunction = (lowering: TensorExpression, call: Call) => Term;

type Terms<Names extends readonly string[]> = { readonly [K in keyof Names]: Term };

/** The values of a function that takes exactly these, in this order or by name. */
export function argumentsOf<const Names extends readonly string[]>(
  lowering: TensorExpression,
  call: Call,
  names: Names,
): Terms<Names> {
  const list = names.map((name) => `\`${name}\``).join(', ');
  if (call.args.length > names.length) {
    throw new ExpressionError(`\`${call.name}\` takes ${list}`, call.args[names.length]?.at ?? call.at);
  }
  for (const [name, value] of call.named) {
    if (!names.includes(name)) throw unknownArgument(call, name, value, names);
    if (names.indexOf(name) < call.args.length) throw new ExpressionError(`\`${name}\` is given twice`, value.at);
  }
  const terms = names.map((name, i) => {
    const written = call.args[i] ?? call.named.get(name);
    if (!written) throw new ExpressionError(`\`${call.name}\` takes ${list}; \`${name}\` is missing`, call.at);
    return lowering.lower(written);
  });
  return terms as Terms<Names>;
}

export function unknownArgument(call: Call, name: string, value: Expr, known: readonly string[]): ExpressionError {
  const list = known.map((one) => `\`${one}\``).join(', ');
  return new ExpressionError(`\`${call.name}\` has no argument \`${name}\`, it has ${list}`, value.at);
}

/** `keepdims=true` */
export function flagOf(lowering: TensorExpression, call: Call, name: string): boolean {
  const written = call.named.get(name);
  return written !== undefined && lowering.truth(lowering.lower(written), name, written.at);
}

/** True for a bare word that names an axis of the tensor and no value. */
export function isAxisName(lowering: TensorExpression, expr: Expr, { axes }: Tensor): boolean {
  return expr.kind === 'name' && axes.includes(expr.name) && !lowering.has(expr.name);
}

/** The axis that an argument means: a name, or a number that may count from the end. */
export function axisOf(lowering: TensorExpression, expr: Expr, x: Tensor): number {
  if (expr.kind === 'name' && !(lowering.has(expr.name) && !x.axes.includes(expr.name))) {
    const axis = x.axes.indexOf(expr.name);
    if (axis >= 0) return axis;
    throw new ExpressionError(`there is no axis ${expr.name}; there are ${describeAxes(x)}`, expr.at);
  }
  const number = lowering.number(lowering.lower(expr), expr.at);
  const axis = number < 0 ? number + x.axes.length : number;
  if (Number.isInteger(axis) && axis >= 0 && axis < x.axes.length) return axis;
  throw new ExpressionError(`there is no axis ${number}; there are ${describeAxes(x)}`, expr.at);
}

/** The axes among the arguments: `C`, `H, W`, `[H, W]`, `axis=1`; undefined where there are none. */
export function axesOf(
  lowering: TensorExpression,
  call: Call,
  written: readonly Expr[],
  x: Tensor,
): readonly number[] | undefined {
  const named = call.named.get('axis');
  const all = named === undefined ? written : [...written, named];
  if (all.length === 0) return undefined;
  const flat = all.flatMap((expr) => (expr.kind === 'list' ? expr.items : [expr]));
  const axes = flat.map((expr) => axisOf(lowering, expr, x));
  axes.forEach((axis, i) => {
    if (axes.indexOf(axis) < i) throw new ExpressionError('an axis is named twice', flat[i]?.at ?? call.at);
  });
  return axes.toSorted((a, b) => a - b);
}
