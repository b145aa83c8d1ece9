/**
 * Fused element-wise groups: one pass over memory, every instruction a C expression. As in the native kernels, a group
 * computes in float, or in double where integers take part.
 */
import type { DType } from '../../../../ir/types';
import { stringAttr } from '../../../../ops/attributes';
import { parseProgram, type Argument, type Program } from '../../../../ops/families/program';
import { InternalError } from '../../../../diagnostics/errors';
import type { Emitter, Step } from '../emitter';
import { storeOf } from '../store';
import { doubleLiteral, floatLiteral } from '../text';
import { broadcastWalk, eachElement } from './walk';

/** What a name of the program is in C: a number in the group's precision, or a condition, an int of 0 or 1. */
type Kind = 'number' | 'condition';

interface Written {
  readonly text: string;
  readonly kind: Kind;
}

/** `f` stands behind the name of a function in single precision. */
type Formula = (f: string, one: string, ...args: readonly string[]) => string;

const call =
  (name: string): Formula =>
  (f, _one, ...args) =>
    `${name}${f}(${args.join(', ')})`;
const infix =
  (operator: string): Formula =>
  (_f, _one, a, b) =>
    `${a} ${operator} ${b}`;

/** Functions of the header by their own names. */
const CALLS =
  'exp expm1 log log1p sqrt floor ceil tanh erf sin cos tan asin acos atan sinh cosh asinh acosh atanh pow atan2';

const NUMBERS: Readonly<Record<string, Formula>> = {
  ...Object.fromEntries(CALLS.split(' ').map((name) => [name, call(name)])),
  abs: call('fabs'),
  round: call('rint'),
  neg: (_f, _one, a) => `-${a}`,
  sign: (_f, one, a) => `${a} > 0 ? ${one} : ${a} < 0 ? -${one} : ${a}`,
  rsqrt: (f, one, a) => `${one} / sqrt${f}(${a})`,
  square: (_f, _one, a) => `${a} * ${a}`,
  reciprocal: (_f, one, a) => `${one} / ${a}`,
  // Beyond the range of the exponential it is infinite, and the quotient 0.
  sigmoid: (f, one, a) => `${one} / (${one} + exp${f}(-${a}))`,
  relu: (_f, one, a) => `${a} <= 0 ? 0 * ${one} : ${a}`,
  add: infix('+'),
  sub: infix('-'),
  mul: infix('*'),
  div: infix('/'),
  maximum: (_f, _one, a, b) => `${a} > ${b} || ${a} != ${a} ? ${a} : ${b}`,
  minimum: (_f, _one, a, b) => `${a} < ${b} || ${a} != ${a} ? ${a} : ${b}`,
  clamp: (_f, _one, x, low, high) => `${x} <= ${low} ? ${low} : ${x} >= ${high} ? ${high} : ${x}`,
  f32: (f, _one, a) => (f === 'f' ? a : `(double)(float)${a}`),
};

const CONDITIONS: Readonly<Record<string, Formula>> = {
  is_nan: (_f, _one, a) => `${a} != ${a}`,
  is_finite: (_f, _one, a) => `${a} - ${a} == 0`,
  equal: infix('=='),
  not_equal: infix('!='),
  less: infix('<'),
  less_equal: infix('<='),
  greater: infix('>'),
  greater_equal: infix('>='),
  and: infix('&'),
  or: infix('|'),
  not: (_f, _one, a) => `!${a}`,
};

export const INSTRUCTIONS: ReadonlySet<string> = new Set([
  ...Object.keys(NUMBERS),
  ...Object.keys(CONDITIONS),
  'mod',
  'where',
]);

export const fused_elementwise: Emitter = {
  problem: (node) => {
    const { statements } = parseProgram(stringAttr(node.attrs, 'program'));
    const unknown = statements.find(({ instr }) => !INSTRUCTIONS.has(instr));
    return unknown && `its instruction ${unknown.instr} is of the native kernels`;
  },
  emit: (step) => {
    const program = parseProgram(stringAttr(step.attrs, 'program'));
    const [first] = step.node.outputs;
    if (!first) throw new InternalError('a fused group has no output');
    const inputs = step.node.inputs.map((_, i) => step.input(i));
    const types = [...inputs.map(({ dtype }) => dtype), ...step.node.outputs.map(({ type }) => type.dtype)];
    const wide = types.some((dtype) => dtype === 'i32' || dtype === 'i64' || dtype === 'f64');
    const { shape } = first.type;
    const walk = broadcastWalk(
      shape,
      inputs.map((input) => input.shape),
    );
    eachElement(step.code, walk, (at) => {
      new Body(step, program, wide, at).write();
    });
  },
};

class Body {
  readonly #values = new Map<string, Written>();
  readonly #inputs = new Map<number, Written>();
  readonly #f: string;
  readonly #one: string;
  readonly #type: string;

  constructor(
    readonly step: Step,
    readonly program: Program,
    wide: boolean,
    /** The index of each input, and of the outputs behind them. */
    readonly at: readonly string[],
  ) {
    this.#f = wide ? '' : 'f';
    this.#one = wide ? '1.0' : '1.0f';
    this.#type = wide ? 'double' : 'float';
  }

  write(): void {
    const { step } = this;
    const { code } = step;
    // All is read before anything is written: an output may lie over an input.
    for (const { args } of [...this.program.statements, { args: this.program.yields }])
      args.forEach((arg) => this.#load(arg));
    for (const { name, instr, args } of this.program.statements) {
      const operands = args.map((arg) => this.#read(arg));
      const written = this.#formula(instr, operands);
      const own = `v_${name}`;
      code.line(`const ${written.kind === 'condition' ? 'int' : this.#type} ${own} = ${written.text};`);
      this.#values.set(name, { text: own, kind: written.kind });
    }
    this.program.yields.forEach((arg, j) => {
      const y = step.y(j);
      if (y === undefined) return;
      code.line(`${y}[${this.at.at(-1)!}] = ${this.#stored(this.#read(arg), step.output(j).dtype)};`);
    });
  }

  #load(arg: Argument): void {
    if (arg.kind !== 'input' || this.#inputs.has(arg.index)) return;
    const { dtype } = this.step.input(arg.index);
    const element = `${this.step.x(arg.index)}[${this.at[arg.index]!}]`;
    const own = `a${arg.index}`;
    const kind = dtype === 'bool' ? 'condition' : 'number';
    const store = storeOf(dtype);
    const exact = kind === 'number' && (store === 'f32' ? this.#type === 'float' : store === 'f64');
    const text = kind === 'condition' ? `${element} != 0` : exact ? element : `(${this.#type})${element}`;
    this.step.code.line(`const ${kind === 'condition' ? 'int' : this.#type} ${own} = ${text};`);
    this.#inputs.set(arg.index, { text: own, kind });
  }

  #read(arg: Argument): Written {
    if (arg.kind === 'input') return this.#inputs.get(arg.index)!;
    if (arg.kind === 'name') return this.#values.get(arg.name)!;
    const text = this.#f === 'f' ? floatLiteral(arg.value) : doubleLiteral(arg.value);
    return { text: text.startsWith('-') ? `(${text})` : text, kind: 'number' };
  }

  #formula(instr: string, args: readonly Written[]): Written {
    const numbers = args.map((arg) => this.#number(arg));
    if (instr === 'where') {
      const [condition, a, b] = args as readonly [Written, Written, Written];
      const test = condition.kind === 'condition' ? condition.text : `${condition.text} != 0`;
      const both = a.kind === 'condition' && b.kind === 'condition';
      const [left, right] = both ? [a.text, b.text] : [numbers[1], numbers[2]];
      return { text: `${test} ? ${left} : ${right}`, kind: both ? 'condition' : 'number' };
    }
    if (instr === 'mod') {
      const helper = this.step.helper(this.#f === 'f' ? 'modf32' : 'modf64');
      return { text: `${helper}(${numbers.join(', ')})`, kind: 'number' };
    }
    const condition = CONDITIONS[instr];
    if (condition) {
      const same = args.every(({ kind }) => kind === 'condition');
      return {
        text: condition(this.#f, this.#one, ...(same ? args.map(({ text }) => text) : numbers)),
        kind: 'condition',
      };
    }
    const formula = NUMBERS[instr];
    if (!formula) throw new InternalError(`no C is known for ${instr}`);
    return { text: formula(this.#f, this.#one, ...numbers), kind: 'number' };
  }

  #number({ text, kind }: Written): string {
    return kind === 'condition' ? `(${this.#type})${text}` : text;
  }

  #stored(value: Written, dtype: DType): string {
    if (dtype === 'bool') return `(unsigned char)(${value.kind === 'condition' ? value.text : `${value.text} != 0`})`;
    const text = this.#number(value);
    if (dtype === 'f32') return this.#f === 'f' ? text : `(float)${text}`;
    if (dtype === 'f64') return text;
    return `${this.step.helper(TO_INTEGER[dtype] ?? 'to_i64')}(${text})`;
  }
}

export const TO_INTEGER: Readonly<Partial<Record<DType, 'to_i32' | 'to_u8'>>> = { i32: 'to_i32', u8: 'to_u8' };
