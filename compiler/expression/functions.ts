/** What a formula on tensors can call, by name; the families are in files of their own. */
import { ACTIVATIONS } from '../layers/activations/index';
import type { LayerDef } from '../layers/define';
import { withDefaults } from '../lower/defaults';
import { argumentsOf, type Call, type TensorFunction } from './arguments';
import { DRAWS } from './draws';
import { PRODUCTS } from './products';
import { REDUCTIONS } from './reductions';
import { ExpressionError } from './syntax';
import { scalar, tensor, type Term, type TensorExpression } from './tensors';

/** Functions of one tensor that are an op of the same meaning. */
const UNARY: Readonly<Record<string, string>> = {
  exp: 'exp',
  expm1: 'expm1',
  log: 'log',
  log1p: 'log1p',
  sqrt: 'sqrt',
  rsqrt: 'rsqrt',
  square: 'square',
  reciprocal: 'reciprocal',
  abs: 'abs',
  sign: 'sign',
  floor: 'floor',
  ceil: 'ceil',
  round: 'round',
  sin: 'sin',
  cos: 'cos',
  tan: 'tan',
  asin: 'asin',
  acos: 'acos',
  atan: 'atan',
  sinh: 'sinh',
  cosh: 'cosh',
  asinh: 'asinh',
  acosh: 'acosh',
  atanh: 'atanh',
  erf: 'erf',
};

/** What they are of a number that is known beforehand. */
const OF_NUMBERS: Readonly<Record<string, (x: number) => number>> = {
  ...Object.fromEntries(
    (['exp', 'expm1', 'log', 'log1p', 'sqrt', 'abs', 'sign', 'floor', 'ceil', 'sin', 'cos', 'tan'] as const).map(
      (name) => [name, (x: number) => Math[name](x)],
    ),
  ),
};

function unary(name: string, op: string): TensorFunction {
  return (lowering, call) => {
    const [arg] = argumentsOf(lowering, call, ['x']);
    const known = OF_NUMBERS[name];
    if (arg.kind === 'scalar' && known && typeof arg.value === 'number') {
      const value = known(arg.value);
      if (Number.isFinite(value)) return scalar(value);
      throw new ExpressionError('the result is not a finite number', call.at);
    }
    return lowering.map(op, lowering.float(arg));
  };
}

/** An activation layer by its name: `gelu(x)`, `leaky_relu(x, slope=0.2)`. */
function activation(def: LayerDef): TensorFunction {
  return (lowering, call) => {
    const [first, ...rest] = call.args;
    if (!first || rest.length > 0) {
      const numbers = Object.entries(def.fields).flatMap(([name, schema]) =>
        schema['type'] === 'number' ? [name] : [],
      );
      const named =
        numbers.length === 0 ? '' : `, and its numbers by name: \`${numbers.map((name) => `${name}=`).join('`, `')}\``;
      throw new ExpressionError(`\`${def.type}\` takes one tensor${named}`, call.at);
    }
    const given = [...call.named].map(([field, value]) => {
      const schema = Object.hasOwn(def.fields, field) ? def.fields[field] : undefined;
      if (schema?.['type'] !== 'number') {
        throw new ExpressionError(`\`${def.type}\` has no number called \`${field}\``, value.at);
      }
      return [field, lowering.number(lowering.lower(value), value.at)] as const;
    });
    const { value, axes } = lowering.float(lowering.lower(first));
    const fields = withDefaults(def, Object.fromEntries(given));
    return tensor(def.lower({ ...lowering.context, fields }, [value]) as typeof value, axes);
  };
}

/** An activation with weights of its own has no place in a formula. */
const CALLABLE = Object.entries<LayerDef>(ACTIVATIONS).filter(([, def]) => (def.parameters ?? []).length === 0);

const where: TensorFunction = (lowering, call) => {
  const [condition, then, otherwise] = argumentsOf(lowering, call, ['condition', 'a', 'b']);
  return lowering.choose(
    condition,
    () => then,
    () => otherwise,
    call.at,
  );
};

const clip: TensorFunction = (lowering, call) => {
  const [x, low, high] = argumentsOf(lowering, call, ['x', 'low', 'high']);
  return extreme(lowering, 'minimum', [extreme(lowering, 'maximum', [x, low], call), high], call);
};

/** The smallest or greatest of several values, element by element. */
export function extreme(
  lowering: TensorExpression,
  op: 'minimum' | 'maximum',
  terms: readonly Term[],
  call: Call,
): Term {
  return terms.reduce((a, b) => {
    if (a.kind === 'scalar' && b.kind === 'scalar') {
      const [x, y] = [lowering.number(a, call.at), lowering.number(b, call.at)];
      return scalar(op === 'minimum' ? Math.min(x, y) : Math.max(x, y));
    }
    return lowering.merge(op, lowering.unify([a, b], 'any'), call.at);
  });
}

const power: TensorFunction = (lowering, call) => {
  const [x, exponent] = argumentsOf(lowering, call, ['x', 'exponent']);
  return lowering.binary('**', x, exponent, call.at);
};

const toFloat: TensorFunction = (lowering, call) => {
  const [x] = argumentsOf(lowering, call, ['x']);
  return { kind: 'tensor', ...lowering.float(x) };
};

export const TENSOR_FUNCTIONS: ReadonlyMap<string, TensorFunction> = new Map<string, TensorFunction>([
  ...CALLABLE.map(([name, def]) => [name, activation(def)] as const),
  ...Object.entries(UNARY).map(([name, op]) => [name, unary(name, op)] as const),
  ...REDUCTIONS,
  ...PRODUCTS,
  ...DRAWS,
  ['where', where],
  ['clip', clip],
  ['pow', power],
  ['float', toFloat],
]);
