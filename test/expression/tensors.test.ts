/** Formulas on tensors against the same formulas on numbers, and any text whatever against the parser. */
import fc from 'fast-check';
import { evaluate } from '../../compiler/expression/evaluate';
import { parseExpression } from '../../compiler/expression/parse';
import { ExpressionError } from '../../compiler/expression/syntax';
import { SpecError } from '../../compiler/diagnostics/errors';
import { runLayer } from '../support/layer';

/** Arithmetic over x and y, with parentheses everywhere: what it means is beyond doubt. */
const formula = fc.letrec<{ tree: string }>((tie) => ({
  tree: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom('x', 'y', '2', '0.5', '-3'),
    fc
      .tuple(tie('tree'), fc.constantFrom('+', '-', '*', '/', '//', '%'), tie('tree'))
      .map(([a, op, b]) => `(${a} ${op} ${b})`),
    fc.tuple(tie('tree'), fc.constantFrom(2, 3, -1)).map(([a, n]) => `(${a} ** ${n})`),
    tie('tree').map((a) => `(-${a})`),
    fc.tuple(fc.constantFrom('abs', 'floor', 'tanh', 'cos', 'exp'), tie('tree')).map(([f, a]) => `${f}(${a})`),
    fc.tuple(fc.constantFrom('min', 'max'), tie('tree'), tie('tree')).map(([f, a, b]) => `${f}(${a}, ${b})`),
    fc
      .tuple(tie('tree'), fc.constantFrom('<', '>='), tie('tree'), tie('tree'), tie('tree'))
      .map(([a, op, b, c, d]) => `(${c} if ${a} ${op} ${b} else ${d})`),
  ),
})).tree;

/** What the formula gives for numbers; undefined where it has no finite value. */
function number(text: string, x: number, y: number): number | undefined {
  try {
    const value = evaluate(
      text,
      new Map([
        ['x', x],
        ['y', y],
      ]),
    );
    return typeof value === 'number' && Math.abs(value) < 1e6 ? value : undefined;
  } catch (error) {
    if (error instanceof ExpressionError) return undefined;
    throw error;
  }
}

test('a formula gives the same on tensors as on numbers', () => {
  let compared = 0;
  fc.assert(
    fc.property(formula, (text) => {
      const rows = [
        [0.7, -1.3],
        [2.25, 0.4],
      ] as const;
      const expected = rows.map(([x, y]) => number(`(${text}) + 0 * (x + y)`, x, y));
      if (expected.includes(undefined) || text.length > 400) return;
      const layers = `  - {name: a, type: select, inputs: x, axis: 1, index: 0}
  - {name: b, type: select, inputs: x, axis: 1, index: 1}
  - {name: y, type: expression, inputs: [a, b], names: [x, y], expr: "(${text}) + 0 * (x + y)"}`;
      // Where a step falls between two numbers, a floor of either is right.
      const { values } = runLayer({ x: rows.flat(), shape: [2, 2], layers });
      compared++;
      values.forEach((value, i) => {
        const wanted = expected[i]!;
        if (/floor|\/\/|%| if /.test(text) && Math.abs(value - wanted) > 1e-6 * Math.max(1, Math.abs(wanted))) return;
        expect(Math.abs(value - wanted)).toBeLessThanOrEqual(1e-6 * Math.max(1, Math.abs(wanted)));
      });
    }),
    { numRuns: 200, seed: 7 },
  );
  expect(compared).toBeGreaterThan(60);
});

const TOKENS = [
  'x',
  'C',
  'N',
  '0',
  '1.5',
  "'a'",
  'true',
  '+',
  '-',
  '**',
  '//',
  '<',
  '==',
  '(',
  ')',
  '[',
  ']',
  ':',
  ',',
  '...',
  '=',
  'axis',
  'if',
  'else',
  'and',
  'not',
  'sum',
  'mean',
  'softmax',
  'dot',
  'one_hot',
  'max',
  'where',
  'clip',
  'std',
  'size',
  'normal',
  '$',
  '{',
  '.',
] as const;

describe('any text', () => {
  test('is parsed or refused, never anything else', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(fc.constantFrom(...TOKENS)).map((words) => words.join(' ')),
        ),
        (text) => {
          try {
            parseExpression(text);
          } catch (error) {
            expect(error).toBeInstanceOf(ExpressionError);
            const { offset, length } = error as ExpressionError;
            expect(offset).toBeGreaterThanOrEqual(0);
            expect(offset).toBeLessThanOrEqual(text.length);
            expect(length).toBeGreaterThanOrEqual(1);
          }
        },
      ),
      { numRuns: 1500, seed: 3 },
    );
  });

  test('is lowered or refused at its place, never an internal error', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...TOKENS.slice(0, -3)), { maxLength: 9 }), (words) => {
        const text = words.join(' ').replaceAll('"', "'");
        if (text === '') return;
        try {
          runLayer({
            x: [1, 2, 3, 4, 5, 6],
            shape: [2, 3],
            layers: `type: expression, expr: "${text}"`,
            mode: 'train',
          });
        } catch (error) {
          if (error instanceof SpecError) return;
          // A formula of integers and truth values has no gradient to ask for.
          expect(String(error)).toMatch(/has a gradient|takes numbers, found bool/);
        }
      }),
      { numRuns: 1000, seed: 5 },
    );
  });

  test.each([
    '('.repeat(500),
    'x' + '+x'.repeat(990),
    '-'.repeat(1990) + 'x',
    'x' + '[0]'.repeat(600),
    '2' + '**2'.repeat(600),
    'not '.repeat(450) + 'x',
  ])('of any depth is within bounds: %#', (text) => {
    try {
      parseExpression(text);
    } catch (error) {
      expect(error).toBeInstanceOf(ExpressionError);
    }
  });
});
