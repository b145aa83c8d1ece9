/**
 * The program text of a `fused_elementwise` node: statements `name = instr(arg, …)` separated by `; ` and ended by
 * `yield name, …`. An argument is `%k` (input k of the node), an earlier name, or a literal. Instructions are the
 * element-wise ops by their names, `bf16(x)`, which rounds to what bfloat16 can hold, and `f32(x)`, which is x as a
 * float32: what is read as bfloat16 is float32 within the program anyway. `parse(print(p))` equals `p`.
 */
import { toBfloat16 } from '../../ir/bfloat16';
import { OpTypeError } from '../define';
import { ELEMENTWISE } from '../elementwise/index';
import type { ElementwiseOp } from './elementwise';

export type Argument =
  | { readonly kind: 'input'; readonly index: number }
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'literal'; readonly value: number };

export interface Statement {
  readonly name: string;
  readonly instr: string;
  readonly args: readonly Argument[];
}

export interface Program {
  readonly statements: readonly Statement[];
  /** Inputs or names; one for each output. */
  readonly yields: readonly Argument[];
}

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
const INPUT = /^%(\d+)$/;
const LITERAL = /^-?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$/;
const STATEMENT = /^([^\s=]+)\s*=\s*([^\s(]+)\((.*)\)$/;
const WORDS: Readonly<Record<string, number>> = { inf: Infinity, '-inf': -Infinity, nan: NaN };
const RESERVED: ReadonlySet<string> = new Set(['yield', 'inf', 'nan']);

/** What a statement does for one element, and the dtype of that. */
export type Instruction = Pick<ElementwiseOp, 'name' | 'arity' | 'apply' | 'dtypeOf'>;

/** Changes of storage. There are no other casts in programs. */
export const STORAGE: Readonly<Record<'bf16' | 'f32', Instruction>> = {
  bf16: {
    name: 'bf16',
    arity: 1,
    apply: toBfloat16,
    dtypeOf: ([x]) => {
      if (x?.dtype !== 'f32') throw new OpTypeError(`takes f32, found ${x?.dtype}`);
      return 'bf16';
    },
  },
  f32: {
    name: 'f32',
    arity: 1,
    apply: (x) => x,
    dtypeOf: ([x]) => {
      if (x?.dtype !== 'f32' && x?.dtype !== 'u8' && x?.dtype !== 'bool') {
        throw new OpTypeError(`takes f32, u8 or bool, found ${x?.dtype}`);
      }
      return 'f32';
    },
  },
};

/** The element-wise op or the change of storage that an instruction means. */
export function instruction(name: string): Instruction {
  for (const table of [ELEMENTWISE, STORAGE] as readonly Readonly<Record<string, Instruction>>[]) {
    const found = Object.hasOwn(table, name) ? table[name] : undefined;
    if (found) return found;
  }
  throw new OpTypeError(`the program uses '${name}', which is no element-wise op`);
}

export function printArgument(argument: Argument): string {
  if (argument.kind === 'input') return `%${argument.index}`;
  if (argument.kind === 'name') return argument.name;
  const { value } = argument;
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  return Object.is(value, -0) ? '-0' : String(value);
}

export function printProgram(program: Program): string {
  const statements = program.statements.map(
    ({ name, instr, args }) => `${name} = ${instr}(${args.map(printArgument).join(', ')})`,
  );
  return [...statements, `yield ${program.yields.map(printArgument).join(', ')}`].join('; ');
}

/** Checks everything but the inputs' types: an OpTypeError says which statement is wrong. */
/** The text of a program whose inputs have other numbers. */
export function renumbered({ statements, yields }: Program, number: (input: number) => number): string {
  const of = (argument: Argument): Argument =>
    argument.kind === 'input' ? { kind: 'input', index: number(argument.index) } : argument;
  return printProgram({
    statements: statements.map((statement) => ({ ...statement, args: statement.args.map(of) })),
    yields: yields.map(of),
  });
}

export function parseProgram(text: string): Program {
  const parts = text.split(';').map((part) => part.trim());
  const last = parts.pop() ?? '';
  const names = new Set<string>();
  const statements = parts.map((part) => {
    const statement = parseStatement(part, names);
    names.add(statement.name);
    return statement;
  });
  const yields = /^yield\s+(.+)$/.exec(last)?.[1];
  if (yields === undefined) throw new OpTypeError(`the program must end in 'yield name, …', found '${last}'`);
  return { statements, yields: parseArguments(yields, names).map(yieldable) };
}

function parseStatement(text: string, names: ReadonlySet<string>): Statement {
  const [, name = '', instr = '', args = ''] = STATEMENT.exec(text) ?? [];
  if (!NAME.test(name) || RESERVED.has(name)) {
    throw new OpTypeError(`'${text}' is no statement; expected 'name = instr(arg, …)'`);
  }
  if (names.has(name)) throw new OpTypeError(`the name '${name}' is given twice in the program`);
  const { arity } = instruction(instr);
  const parsed = parseArguments(args, names);
  if (parsed.length !== arity) throw new OpTypeError(`'${text}': ${instr} takes ${arity} arguments`);
  return { name, instr, args: parsed };
}

function parseArguments(text: string, names: ReadonlySet<string>): Argument[] {
  return text.split(',').map((part) => parseArgument(part.trim(), names));
}

function parseArgument(text: string, names: ReadonlySet<string>): Argument {
  const input = INPUT.exec(text)?.[1];
  if (input !== undefined) return { kind: 'input', index: Number(input) };
  const word = Object.hasOwn(WORDS, text) ? WORDS[text] : undefined;
  if (word !== undefined) return { kind: 'literal', value: word };
  if (LITERAL.test(text)) return { kind: 'literal', value: Number(text) };
  if (names.has(text)) return { kind: 'name', name: text };
  throw new OpTypeError(`'${text}' in the program is no input (%k), no earlier name and no number`);
}

function yieldable(argument: Argument): Argument {
  if (argument.kind === 'literal') throw new OpTypeError(`the program yields the number ${printArgument(argument)}`);
  return argument;
}
