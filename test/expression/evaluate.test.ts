/** The arithmetic of `${…}`: values, errors, bounds, and any text whatever. */
import fc from 'fast-check';
import { evaluate } from '../../compiler/expression/evaluate';
import { ExpressionError, MAX_LENGTH } from '../../compiler/expression/syntax';
import type { Json } from '../../compiler/frontend/spec';

const scope = new Map<string, Json>([
  ['n', 7],
  ['half', 0.5],
  ['kind', 'wide'],
  ['deep', true],
  ['sizes', [1, 2]],
]);

describe('expressions', () => {
  test.each<[string, Json]>([
    ['1 + 2 * 3', 7],
    ['(1 + 2) * 3', 9],
    ['10 - 3 - 2', 5],
    ['7 / 2', 3.5],
    ['7 // 2', 3],
    ['-7 // 2', -4],
    ['-7 % 3', 2],
    ['2 * -3', -6],
    ['--2', 2],
    ['n', 7],
    ['$n * half', 3.5],
    ['min(n, 3) + max(1, 2, 9)', 12],
    ['floor(half) + ceil(half)', 1],
    ['n > 3 and n <= 7', true],
    ['not deep or n == 7', true],
    ['not not deep', true],
    ['kind == "wide"', true],
    ["kind != 'wide'", false],
    ['64 if deep else 32', 64],
    ['1 if n < 3 else 2 if n < 8 else 3', 2],
    ['1.5e2', 150],
    ['.5', 0.5],
    ['sizes', [1, 2]],
    ['true', true],
    ['0 * -1', 0],
    ['2 ** 3 ** 2', 512],
    ['-2 ** 2', -4],
    ['2 ** -1', 0.5],
    ['sizes[1] + sizes[-2]', 3],
    ['len(sizes)', 2],
    ['[n, 2 * n]', [7, 14]],
    ['round(2.5) + round(3.5) + abs(-1)', 7],
    ['sqrt(16) + exp(0) + log(1) + log2(8)', 8],
  ])('%s is %j', (text, value) => {
    expect(evaluate(text, scope)).toEqual(value);
  });

  test.each<[string, string, number]>([
    ['', 'expected a value; found the end', 0],
    ['1 +', 'expected a value; found the end', 3],
    ['1 2', 'expected an operator; found `2`', 2],
    ['(1', 'expected `)`; found the end', 2],
    ['min(1', 'expected `)` or `,`; found the end', 5],
    ['floor(1, 2)', '`floor` takes 1 value', 0],
    ['1 if deep', 'expected `else`; found the end', 9],
    ['1 / 0', 'division by zero', 2],
    ['1 % 0', 'division by zero', 2],
    ['kind + 1', "`+` needs numbers; found the text 'wide'", 5],
    ['n and deep', '`and` needs true or false; found the number 7', 2],
    ['n == kind', "`==` compares the number 7 with the text 'wide'", 2],
    ['n = 7', 'expected an operator; found `=`', 2],
    [
      'nope(1)',
      'there is no function `nope`; there are min, max, floor, ceil, round, abs, sqrt, exp, log, log2, sin, cos, tanh, len',
      0,
    ],
    ['flor(1.5)', 'there is no function `flor`; did you mean `floor`?', 0],
    ['floor(1, x=2)', '`floor` has no argument `x`', 0],
    ['sizes[2]', 'there is no element 2 in a list of 2', 6],
    ['n[0]', 'only a list has elements; found the number 7', 1],
    ['sizes[0:1]', 'a list takes one position', 5],
    ['(0 - 8) ** 0.5', 'the result is not a finite number', 8],
    ['1e308 * 10', 'the result is not a finite number', 6],
    ['a;b', '`;` is not part of an expression', 1],
    ['n ^ 2', '`^` is not part of an expression; powers are `x ** 2`', 2],
    ['constructor', '', 0],
    ['__proto__', '', 0],
  ])('%j is refused: %s', (text, message, offset) => {
    expect(() => evaluate(text, scope)).toThrow(ExpressionError);
    expect(() => evaluate(text, scope)).toThrow(expect.objectContaining({ message, offset }) as Error);
  });

  test('only the branch that is taken is computed', () => {
    expect(evaluate('1 if true else 1 / 0', scope)).toBe(1);
    expect(evaluate('false and 1 / 0 == 1', scope)).toBe(false);
  });

  test('a name that is unknown is found in a branch not taken too', () => {
    expect(() => evaluate('1 if true else nope', scope)).toThrow(expect.objectContaining({ unknown: 'nope' }) as Error);
  });

  test('names that were read are noted', () => {
    const used = new Set<string>();
    evaluate('n + half', scope, used);
    expect([...used]).toEqual(['n', 'half']);
  });

  test('length and nesting are bounded', () => {
    expect(() => evaluate('1+'.repeat(MAX_LENGTH), scope)).toThrow(ExpressionError);
    expect(() => evaluate(`${'('.repeat(400)}1${')'.repeat(400)}`, scope)).toThrow('nested more than');
    expect(evaluate(`${'-'.repeat(900)}1`, scope)).toBe(1);
  });

  test('arithmetic on random trees is what their own evaluation gives', () => {
    interface Term {
      readonly text: string;
      readonly value: number;
    }
    const { term } = fc.letrec<{ term: Term; leaf: Term; sum: Term }>((tie) => ({
      term: fc.oneof({ maxDepth: 4 }, tie('leaf'), tie('sum')),
      leaf: fc.integer({ min: 0, max: 99 }).map((value) => ({ text: String(value), value })),
      sum: fc.tuple(tie('term'), fc.constantFrom('+', '-', '*'), tie('term')).map(([a, operator, b]) => ({
        text: `(${a.text} ${operator} ${b.text})`,
        value: operator === '+' ? a.value + b.value : operator === '-' ? a.value - b.value : a.value * b.value,
      })),
    }));
    fc.assert(
      fc.property(term, ({ text, value }) => {
        expect(evaluate(text, scope)).toBe(value === 0 ? 0 : value);
      }),
    );
  });

  test('whatever text comes in, there is a value or an ExpressionError', () => {
    const pieces = fc.constantFrom(
      '1',
      'n',
      '+',
      '(',
      ')',
      ' ',
      'if',
      'else',
      'min(',
      ',',
      '$',
      "'",
      '==',
      'not',
      '.',
      'é',
      '}',
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 20 }), (parts) => {
        try {
          evaluate(parts.join(''), scope);
        } catch (error) {
          expect(error).toBeInstanceOf(ExpressionError);
        }
      }),
      { numRuns: 1000 },
    );
  });
});
