/** When something is due: counted in steps and epochs exactly, in minutes as the clock goes. */
import { isDue, nextDue } from '../../compiler/train/batching';

const PER_EPOCH = 6;

test('steps and epochs are due at their multiples, whatever the clock says', () => {
  const due = (count: number, unit: 'steps' | 'epochs'): number[] =>
    Array.from({ length: 13 }, (_, step) => step).filter((step) => isDue({ count, unit }, step, PER_EPOCH, 1e9));
  expect(due(5, 'steps')).toEqual([5, 10]);
  expect(due(1, 'epochs')).toEqual([6, 12]);
  expect(due(0.5, 'epochs')).toEqual([3, 6, 9, 12]);
});

test('minutes are due when they have passed, at any step, and cut no run of steps short', () => {
  const every = { count: 2, unit: 'minutes' } as const;
  expect(isDue(every, 7, PER_EPOCH, 1.9)).toBe(false);
  expect(isDue(every, 7, PER_EPOCH, 2)).toBe(true);
  expect(nextDue(every, 7, PER_EPOCH)).toBeUndefined();
});
