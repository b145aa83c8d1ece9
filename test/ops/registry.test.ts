/**
 * What every op in the registry owes, driven by the samples in its own definition: a new op is covered by being
 * listed. Values against known vectors are in the files beside this one.
 */
import { formatType, elementCount, isFloat } from '../../compiler/ir/types';
import { interpret } from '../../compiler/reference/interpret';
import { costOf } from '../../compiler/ops/cost';
import type { OpDef, OpSample, RefTensor } from '../../compiler/ops/define';
import { gradientMistakes, wrtOf } from '../support/gradient';
import { named, oneOp, oneOpGraph } from '../support/one-op';
import { allOps, sampleInputs, sampleTitle } from '../support/samples';

function evaluate(def: OpDef, sample: OpSample, inputs: readonly RefTensor[]): readonly Float64Array[] {
  const attrs = sample.attrs ?? {};
  if (sample.build) return Object.values(interpret(oneOpGraph(def, sample), named(inputs)).results).map((y) => y.data);
  const types = def.infer(
    inputs.map((input) => input.type),
    attrs,
  );
  return def.evaluate(inputs, attrs, types);
}

describe.each(allOps())('%s', (name, def) => {
  test('is listed under its own name and documented', () => {
    expect(def.name).toBe(name);
    expect(def.doc.length).toBeGreaterThan(8);
    expect(def.doc).toMatch(/\.$/);
  });

  test('has samples', () => {
    expect(def.samples.length).toBeGreaterThan(0);
  });

  test('differs by name only where the title of a sample says so', () => {
    const titles = def.samples.map(sampleTitle);
    expect(titles).toEqual([...new Set(titles)]);
  });

  describe.each(def.samples.map((sample) => [sampleTitle(sample), sample] as const))('%s', (_title, sample) => {
    test('infers the types that it evaluates to', () => {
      const inputs = sampleInputs(sample);
      const { b, outputs } = oneOp(def, sample);
      const types = outputs.map(({ type }) => type);
      const results = evaluate(def, sample, inputs);
      expect(results.map((data) => data.length)).toEqual(types.map((type) => elementCount(type.shape)));
      for (const node of b.nodes) expect(costOf(node).flops).toBeGreaterThanOrEqual(0);
      for (const [k, type] of types.entries()) {
        const data = results[k] ?? new Float64Array();
        const stray = data.find((value) => (isFloat(type.dtype) ? Number.isNaN(value) : !Number.isInteger(value)));
        expect([formatType(type), stray]).toEqual([formatType(type), undefined]);
      }
    });

    test('leaves its inputs as they were and gives the same twice', () => {
      const inputs = sampleInputs(sample);
      const copies = inputs.map(({ data }) => data.slice());
      const first = evaluate(def, sample, inputs);
      expect(evaluate(def, sample, inputs)).toEqual(first);
      expect(inputs.map(({ data }) => data)).toEqual(copies);
      for (const result of first) expect(inputs.some(({ data }) => data === result)).toBe(false);
    });

    if (def.grad && wrtOf(sample).length > 0) {
      test('has the gradient that finite differences give', () => {
        const { compared, wrong } = gradientMistakes(def, sample);
        expect(compared).toBeGreaterThan(0);
        expect(wrong).toEqual([]);
      });
    }
  });
});

test('a sample draws the same inputs from the same seed', () => {
  const sample: OpSample = { inputs: [{ dtype: 'f32', shape: [5] }] };
  expect(sampleInputs(sample, 4)).toEqual(sampleInputs(sample, 4));
  expect(sampleInputs(sample, 4)).not.toEqual(sampleInputs(sample, 5));
});
