/** Element by element: most ops have an operator of ONNX with the same rules; the others are made of a few. */
import type { Node } from '../../../../ir/graph';
import { isFloat, type DType } from '../../../../ir/types';
import { stringAttr } from '../../../../ops/attributes';
import { arrayOf, type Emitter, type Ref } from '../emitter';
import { BatchError, isFixed } from '../extents';
import type { Translate, Translations } from '../translate';

const SAME: Readonly<Record<string, string>> = {
  neg: 'Neg',
  abs: 'Abs',
  sign: 'Sign',
  exp: 'Exp',
  log: 'Log',
  sqrt: 'Sqrt',
  reciprocal: 'Reciprocal',
  floor: 'Floor',
  ceil: 'Ceil',
  round: 'Round',
  sigmoid: 'Sigmoid',
  tanh: 'Tanh',
  erf: 'Erf',
  relu: 'Relu',
  sin: 'Sin',
  cos: 'Cos',
  tan: 'Tan',
  asin: 'Asin',
  acos: 'Acos',
  atan: 'Atan',
  sinh: 'Sinh',
  cosh: 'Cosh',
  asinh: 'Asinh',
  acosh: 'Acosh',
  atanh: 'Atanh',
  is_nan: 'IsNaN',
  not: 'Not',
  and: 'And',
  or: 'Or',
  pow: 'Pow',
  div: 'Div',
};

/** Those that runtimes have for bytes in their widened form only. */
const ARITHMETIC: Readonly<Record<string, string>> = {
  add: 'Add',
  sub: 'Sub',
  mul: 'Mul',
  maximum: 'Max',
  minimum: 'Min',
};
const COMPARISONS: Readonly<Record<string, string>> = {
  equal: 'Equal',
  less: 'Less',
  less_equal: 'LessOrEqual',
  greater: 'Greater',
  greater_equal: 'GreaterOrEqual',
};

export const elementwise: Translations = {
  ...tableOf(SAME, same),
  ...tableOf(ARITHMETIC, (op) => (node, e) => narrowed(node, e, op)),
  ...tableOf(COMPARISONS, (op) => (node, e) => e.op(op, widened(node, e))),
  not_equal: (node, e) => e.op('Not', [e.op('Equal', widened(node, e))]),
  square: (node, e) => e.op('Mul', [e.input(node, 0), e.input(node, 0)]),
  rsqrt: (node, e) => e.op('Reciprocal', [e.op('Sqrt', [e.input(node, 0)])]),
  is_finite: (node, e) => {
    const x = e.input(node, 0);
    return e.op('Not', [e.op('Or', [e.op('IsNaN', [x]), e.op('IsInf', [x])])]);
  },
  expm1: (node, e) => inDouble(node, e, (x) => e.op('Sub', [e.op('Exp', [x]), e.scalar('f64', 1)])),
  log1p: (node, e) => inDouble(node, e, (x) => e.op('Log', [e.op('Add', [x, e.scalar('f64', 1)])])),
  mod: remainder,
  atan2: angle,
  where: choice,
  clamp,
  cast,
  constant,
  stop_gradient: itself,
  scale_gradient: itself,
  clip_gradient: itself,
  check_finite: itself,
  accumulate: (node, e) => e.op('Add', [e.input(node, 0), e.input(node, 1)]),
};

function tableOf(names: Readonly<Record<string, string>>, make: (op: string) => Translate): Translations {
  return Object.fromEntries(Object.entries(names).map(([name, op]) => [name, make(op)]));
}

function same(op: string): Translate {
  return (node, e) => e.op(op, inputsOf(node, e));
}

function itself(node: Node, e: Emitter): Ref {
  return e.input(node, 0);
}

function inputsOf(node: Node, e: Emitter): Ref[] {
  return node.inputs.map((input) => e.ref(input));
}

/** Bytes as 32-bit integers. */
function widened(node: Node, e: Emitter): Ref[] {
  return node.inputs.map((input) => (input.type.dtype === 'u8' ? e.cast(e.ref(input), 'i32') : e.ref(input)));
}

function narrowed(node: Node, e: Emitter, op: string): Ref {
  const made = e.op(op, widened(node, e));
  return node.outputs[0]!.type.dtype === 'u8' ? e.cast(made, 'u8') : made;
}

/** What float32 would lose the small numbers of. */
function inDouble(node: Node, e: Emitter, make: (x: Ref) => Ref): Ref {
  const [x] = node.inputs;
  if (x!.type.dtype === 'f64') return make(e.ref(x!));
  return e.cast(make(e.cast(e.ref(x!), 'f64')), x!.type.dtype);
}

/** With the divisor's sign; ONNX has that for integers alone. */
function remainder(node: Node, e: Emitter): Ref {
  const [a, b] = widened(node, e) as [Ref, Ref];
  const { dtype } = node.outputs[0]!.type;
  if (!isFloat(dtype)) {
    const made = e.op('Mod', [a, b]);
    return dtype === 'u8' ? e.cast(made, 'u8') : made;
  }
  const rest = e.op('Mod', [a, b], { fmod: 1 });
  const zero = e.scalar(dtype, 0);
  const apart = e.op('Xor', [e.op('Less', [rest, zero]), e.op('Less', [b, zero])]);
  const wrong = e.op('And', [apart, e.op('Not', [e.op('Equal', [rest, zero])])]);
  return e.op('Where', [wrong, e.op('Add', [rest, b]), rest]);
}

function angle(node: Node, e: Emitter): Ref {
  const [y, x] = inputsOf(node, e) as [Ref, Ref];
  const { dtype } = node.outputs[0]!.type;
  const [zero, half] = [e.scalar(dtype, 0), e.scalar(dtype, Math.PI)];
  const below = e.op('Less', [y, zero]);
  const turn = e.op('Where', [below, e.op('Neg', [half]), half]);
  const plain = e.op('Atan', [e.op('Div', [y, x])]);
  const turned = e.op('Where', [e.op('Less', [x, zero]), e.op('Add', [plain, turn]), plain]);
  const none = e.op('And', [e.op('Equal', [x, zero]), e.op('Equal', [y, zero])]);
  return e.op('Where', [none, zero, turned]);
}

/** Bytes are held at the ends of their range; ONNX leaves open what becomes of other numbers. */
function cast(node: Node, e: Emitter): Ref {
  const from = node.inputs[0]!.type.dtype;
  const to = stringAttr(node.attrs, 'dtype') as DType;
  const x = e.input(node, 0);
  if (to !== 'u8' || from === 'bool') return e.cast(x, to);
  return e.cast(e.op('Clip', [x, e.scalar(from, 0), e.scalar(from, 255)]), to);
}

/** Runtimes have no choice between conditions. */
function choice(node: Node, e: Emitter): Ref {
  const [condition, a, b] = inputsOf(node, e) as [Ref, Ref, Ref];
  if (node.outputs[0]!.type.dtype !== 'bool') return e.op('Where', [condition, a, b]);
  return e.op('Or', [e.op('And', [condition, a]), e.op('And', [e.op('Not', [condition]), b])]);
}

function clamp(node: Node, e: Emitter): Ref {
  const [x, low, high] = node.inputs;
  const bounds = [low!, high!];
  if (bounds.every(({ type }) => type.shape.length === 0)) return e.op('Clip', inputsOf(node, e));
  return e.op('Min', [e.op('Max', [e.ref(x!), e.ref(low!)]), e.ref(high!)]);
}

/** Listed values whose number follows the batch are the same for every sample. */
function constant(node: Node, e: Emitter): Ref {
  const { dtype } = node.outputs[0]!.type;
  const shape = e.extents.shape(node.outputs[0]!);
  const values = node.attrs['values'] as readonly number[];
  e.list(node.outputs[0]!, values);
  const others = e.extents.other(node).attrs['values'] as readonly number[];
  if (values.length === 1 && others.length === 1 && values[0] === others[0]) return e.filled(dtype, shape, values[0]!);
  const hint = `${node.origin.layer}/constant`;
  if (shape.every(isFixed)) {
    if (values.some((value, i) => value !== others[i])) throw new BatchError(node, 'numbers that depend on the batch');
    return e.constant(dtype, shape, values, hint);
  }
  const listed = (numbers: readonly number[]) => ({ dtype, data: arrayOf(dtype, numbers.length, numbers) });
  return e.repeated(hint, shape, listed(values), listed(others));
}
