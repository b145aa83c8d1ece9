/** Every figure against a formula of its own (bench/parity/metrics.py has them), whatever the size of the batches. */
import { METRICS } from '../../compiler/metrics/index';
import type { Fields } from '../../compiler/frontend/spec';
import { evaluateMetric, type DataTensor } from '../support/metric';
import reference from './reference.json';

interface Reference {
  readonly tensors: readonly DataTensor[];
  readonly cases: readonly {
    readonly name: string;
    readonly type: string;
    readonly fields: Fields;
    /** Numbers of tensors. */
    readonly inputs: readonly number[];
    readonly expected: number;
  }[];
}

/** Formulas have their own tests. */
const ELSEWHERE = ['expression'];

const { tensors, cases } = reference as unknown as Reference;
const given = cases.map((one) => ({ ...one, inputs: one.inputs.map((i) => tensors[i]!) }));
const titled = given.map((one) => [`${one.type} ${one.name} ${JSON.stringify(one.fields)}`, one] as const);

test.each(titled)('%s', (_title, one) => {
  const samples = one.inputs[0]!.shape[0]!;
  for (const batch of [samples, 1, 3, samples - 1]) {
    expect(Math.abs(evaluateMetric(one, batch).figures['m']! - one.expected)).toBeLessThan(
      1e-9 * Math.max(1, Math.abs(one.expected)),
    );
  }
});

test('every metric is among them', () => {
  const known = new Set([...given.map(({ type }) => type), ...ELSEWHERE]);
  expect(Object.keys(METRICS).filter((type) => !known.has(type))).toEqual([]);
});
