/** The program text of fused groups: grammar, types, values, and agreement with the ops taken one by one. */
import fc from 'fast-check';
import { parseProgram, printProgram, type Argument, type Statement } from '../../compiler/ops/families/program';
import { ELEMENTWISE } from '../../compiler/ops/elementwise/index';
import { call, callAll, refusal, tensor } from '../support/call';

const MASK = 'a = greater(%0, 0); b = where(a, %1, 0); yield b';

test('a program is parsed into statements and printed as it was', () => {
  expect(parseProgram(MASK)).toEqual({
    statements: [
      {
        name: 'a',
        instr: 'greater',
        args: [
          { kind: 'input', index: 0 },
          { kind: 'literal', value: 0 },
        ],
      },
      {
        name: 'b',
        instr: 'where',
        args: [
          { kind: 'name', name: 'a' },
          { kind: 'input', index: 1 },
          { kind: 'literal', value: 0 },
        ],
      },
    ],
    yields: [{ kind: 'name', name: 'b' }],
  });
  expect(printProgram(parseProgram(MASK))).toBe(MASK);
  expect(printProgram(parseProgram(' a=mul( %0 ,1e-05 ) ;yield a , %0 '))).toBe('a = mul(%0, 0.00001); yield a, %0');
});

test('parsing what was printed gives the same program', () => {
  const literal = fc.double().map((value): Argument => ({ kind: 'literal', value }));
  const input = fc.nat(15).map((index): Argument => ({ kind: 'input', index }));
  const program = fc
    .array(
      fc.tuple(
        fc.constantFrom(...Object.values(ELEMENTWISE)),
        fc.array(fc.oneof(literal, input), { minLength: 3, maxLength: 3 }),
        fc.nat(),
      ),
      {
        minLength: 1,
        maxLength: 20,
      },
    )
    .map((rows) => {
      const statements = rows.map(([op, args, pick], i): Statement => {
        const back: Argument = i > 0 ? { kind: 'name', name: `t${pick % i}` } : { kind: 'input', index: 0 };
        return { name: `t${i}`, instr: op.name, args: [back, ...args].slice(0, op.arity) };
      });
      return { statements, yields: [{ kind: 'name', name: `t${rows.length - 1}` }] as const };
    });
  fc.assert(fc.property(program, (p) => expect(parseProgram(printProgram(p))).toEqual(p)));
});

test('a program gives every output of the group’s one shape', () => {
  const [p, v] = callAll('fused_elementwise', [tensor([1, 2, 3, 4], [2, 2]), tensor([10, 20], [2]), tensor(0.5)], {
    program: 'a = mul(%1, %2); b = add(%0, a); yield b, a',
  });
  expect(p).toEqual({ dtype: 'f32', shape: [2, 2], values: [6, 12, 8, 14] });
  expect(v).toEqual({ dtype: 'f32', shape: [2, 2], values: [5, 10, 5, 10] });
});

test('an input can be yielded as it is', () => {
  expect(call('fused_elementwise', [tensor([1, 2], [2], 'i64')], { program: 'yield %0' })).toEqual({
    dtype: 'i64',
    shape: [2],
    values: [1, 2],
  });
});

test('comparisons yield bools, and a literal takes the dtype of its neighbours', () => {
  const attrs = { program: 'a = add(%0, 1); b = less(a, 3); c = not(b); yield a, c' };
  const results = callAll('fused_elementwise', [tensor([1, 2], [2], 'i32')], attrs);
  expect(results).toEqual([
    { dtype: 'i32', shape: [2], values: [2, 3] },
    { dtype: 'bool', shape: [2], values: [0, 1] },
  ]);
});

test('bfloat16 is float32 within a program, and rounded to nearest even where it says so', () => {
  const attrs = { program: 'a = add(%0, %1); b = bf16(a); c = sub(a, b); d = f32(%0); yield b, c, d' };
  const results = callAll(
    'fused_elementwise',
    [tensor([1, 1], [2], 'bf16'), tensor([2 ** -8, 3 * 2 ** -8], [2])],
    attrs,
  );
  expect(results).toEqual([
    { dtype: 'bf16', shape: [2], values: [1, 1 + 2 ** -6] },
    { dtype: 'f32', shape: [2], values: [2 ** -8, -(2 ** -8)] },
    { dtype: 'f32', shape: [2], values: [1, 1] },
  ]);
});

test('bytes and bools are numbers once a program says so', () => {
  const attrs = { program: 'a = f32(%0); b = f32(%1); c = mul(a, b); yield c' };
  const inputs = [tensor([7, 200], [2], 'u8'), tensor([1, 0], [2], 'bool')];
  expect(call('fused_elementwise', inputs, attrs)).toEqual({ dtype: 'f32', shape: [2], values: [7, 0] });
});

describe('a program is refused that', () => {
  const refused = (program: string): string => refusal('fused_elementwise', [tensor(1), tensor(1)], { program });

  test('does not yield', () => {
    expect(refused('a = neg(%0)')).toBe("the program must end in 'yield name, …', found 'a = neg(%0)'");
    expect(refused('')).toContain('must end in');
  });
  test('yields a number', () => expect(refused('a = neg(%0); yield 1')).toBe('the program yields the number 1'));
  test('is no list of statements', () => {
    expect(refused('neg(%0); yield %0')).toBe("'neg(%0)' is no statement; expected 'name = instr(arg, …)'");
    expect(refused('yield = neg(%0); yield %0')).toContain('is no statement');
  });
  test('uses unknown words', () => {
    expect(refused('a = conv(%0); yield a')).toBe("the program uses 'conv', which is no element-wise op");
    expect(refused('a = constructor(%0); yield a')).toContain("'constructor', which is no element-wise op");
    expect(refused('a = neg(b); yield a')).toBe("'b' in the program is no input (%k), no earlier name and no number");
    expect(refused('a = neg(a); yield a')).toContain("'a' in the program is no input");
  });
  test('gives a name twice', () => {
    expect(refused('a = neg(%0); a = exp(%0); yield a')).toBe("the name 'a' is given twice in the program");
  });
  test('gives a wrong number of arguments', () => {
    expect(refused('a = add(%0); yield a')).toBe("'a = add(%0)': add takes 2 arguments");
    expect(refused('a = neg(); yield a')).toContain("'' in the program");
  });
  test('reads an input that is not there', () => {
    expect(refused('a = neg(%2); yield a')).toBe('the program reads %2, but there are 2 inputs');
    expect(refused('yield %7')).toBe('the program reads %7, but there are 2 inputs');
  });
  test('changes the storage of integers', () => {
    const inputs = [tensor(1, [], 'i32')];
    expect(refusal('fused_elementwise', inputs, { program: 'a = f32(%0); yield a' })).toBe(
      "in the program, 'a = f32': takes f32, u8 or bool, found i32",
    );
    expect(refusal('fused_elementwise', inputs, { program: 'a = bf16(%0); yield a' })).toBe(
      "in the program, 'a = bf16': takes f32, found i32",
    );
  });
  test('mixes dtypes', () => {
    expect(refused('a = less(%0, %1); b = add(a, %0); yield b')).toBe(
      "in the program, 'b = add': the two sides have different dtypes, bool[] and f32[]: cast one of them",
    );
  });
});
