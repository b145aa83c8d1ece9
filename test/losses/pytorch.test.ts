/** Losses and their gradients against PyTorch's in float64: pytorch.json, which `bench/parity/losses.py --write` makes. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { LOSSES } from '../../compiler/losses/index';
import { runLoss } from '../support/loss';
import { CASES } from './cases';

interface Expected {
  readonly loss: number;
  readonly gradients: readonly (readonly number[])[];
}

const EXPECTED = JSON.parse(readFileSync(join(__dirname, 'pytorch.json'), 'utf8')) as Record<string, Expected>;

/** Formulas have their own tests. */
const ELSEWHERE = ['expression'];

test('every loss is compared, and every comparison has its numbers', () => {
  const compared = new Set(Object.values(CASES).map(({ type }) => type));
  expect(Object.keys(LOSSES).filter((type) => !compared.has(type))).toEqual(ELSEWHERE);
  expect(Object.keys(EXPECTED)).toEqual(Object.keys(CASES));
});

test.each(Object.entries(CASES))('%s', (name, given) => {
  const { loss, gradients } = runLoss(given);
  const expected = EXPECTED[name]!;
  expect(loss).toBeCloseTo(expected.loss, 9);
  expect(gradients).toHaveLength(expected.gradients.length);
  gradients.forEach((gradient, k) => {
    const wanted = expected.gradients[k]!;
    expect(gradient).toHaveLength(wanted.length);
    gradient.forEach((g, i) => expect(g).toBeCloseTo(wanted[i]!, 9));
  });
});
