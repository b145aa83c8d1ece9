/** A schedule by its formula. */
import { evaluate } from '../expression/evaluate';
import { ExpressionError } from '../expression/syntax';
import type { Fields } from '../frontend/spec';
import { wordOf } from '../layers/fields';
import { defineSchedule, type ScheduleContext } from './define';

type Clock = Pick<ScheduleContext, 'step' | 'totalSteps' | 'stepsPerEpoch' | 'warmup'>;

function factorAt(fields: Fields, { step, totalSteps, stepsPerEpoch, warmup }: Clock): number {
  const scope = new Map<string, number>([
    ['step', step],
    ['steps', totalSteps],
    ['epoch', step / Math.max(1, stepsPerEpoch)],
    ['epochs', totalSteps / Math.max(1, stepsPerEpoch)],
    ['warmup', warmup],
    ['pi', Math.PI],
    ['e', Math.E],
  ]);
  const text = wordOf(fields, 'expr');
  const factor = evaluate(text, scope);
  if (typeof factor !== 'number') {
    throw new ExpressionError('a schedule gives a number', { offset: 0, length: text.length });
  }
  if (factor < 0) {
    throw new ExpressionError(`at step ${step} it gives ${factor}`, { offset: 0, length: text.length });
  }
  return factor;
}

export const expression = defineSchedule({
  type: 'expression',
  summary: 'A formula of the step that gives the factor.',
  details:
    'Names: `step` (0 is the first after the warm-up), `steps` (how many there are), `epoch` and `epochs` (with fractions), `warmup` (its steps), `pi`, `e`. Operators and functions as in blocks: `+ - * / // % **`, comparisons, `a if c else b`, `min max floor ceil round abs sqrt exp log log2 sin cos tanh`.',
  example: '{type: expression, expr: "0.5 * (1 + cos(pi * step / steps)) if step < steps else 0"}',
  fields: {
    expr: { description: 'The formula.', type: 'string', minLength: 1, maxLength: 2000 },
  },
  required: ['expr'],
  // Three moments of a training of its own find what can be wrong: names, types, a division by zero at the start.
  problem: (fields) => {
    try {
      for (const step of [0, 500, 999]) factorAt(fields, { step, totalSteps: 1000, stepsPerEpoch: 100, warmup: 0 });
      return undefined;
    } catch (error) {
      if (!(error instanceof ExpressionError)) throw error;
      const why = error.unknown === undefined ? error.message : `nothing is called \`${error.unknown}\``;
      return { path: ['expr'], why, part: error };
    }
  },
  factor: ({ fields, ...clock }) => factorAt(fields, clock),
});
