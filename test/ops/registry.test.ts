/**
 * What every op in the registry owes, driven by the samples in its own definition: a new op is covered by being
 * listed. Values against known vectors are in the files beside this one.
 */
import { formatType, elementCount, isFloat } from '../../compiler/ir/types';
import { differentiate } from '../../compiler/autodiff/differentiate';
import { interpret } from '../../compiler/reference/interpret';
import { costOf } from '../../compiler/ops/cost';
import type { OpDef, OpSample, RefTensor } from '../../compiler/ops/define';
import { compareDerivatives } from '../support/finite-differences';
import { named, oneOp, oneOpGraph } from '../support/one-op';
import { allOps, generator, sampleInputs, sampleTitle } from '../support/samples';

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

    const wrt = sample.wrt ?? sample.inputs.flatMap((type, k) => (isFloat(type.dtype) ? [k] : []));
    if (def.grad && wrt.length > 0) {
      test('has the gradient that finite differences give', () => {
        const inputs = sampleInputs(sample);
        const { weighted, gradients } = gradientGraphs(def, sample, wrt);
        const scalar = (tensors: readonly RefTensor[]): number =>
          interpret(weighted, named(tensors)).results['f']?.data[0] ?? NaN;
        const results = interpret(gradients, named(inputs)).results;
        const derivatives = compareDerivatives(
          scalar,
          inputs,
          wrt,
          wrt.map((k) => results[`d_x${k}`]?.data),
        );
        const wrong = derivatives.filter(({ expected, found, allowed }) => !(Math.abs(expected - found) <= allowed));
        expect(derivatives.length).toBeGreaterThan(0);
        expect(wrong).toEqual([]);
      });
    }
  });
});

/** f = Σ w · y over all floating-point outputs, and the gradients of f. */
function gradientGraphs(def: OpDef, sample: OpSample, wrt: readonly number[]) {
  const { b, inputs, outputs } = oneOp(def, sample);
  const random = generator(3);
  let f = b.full(0);
  for (const y of outputs.filter((output) => isFloat(output.type.dtype))) {
    const weights = Array.from({ length: elementCount(y.type.shape) }, () => 2 * random() - 1);
    const terms = b.op('mul', [y, b.constant(weights, y.type.shape, y.type.dtype)]);
    const axes = y.type.shape.map((_, axis) => axis);
    const sum = b.op('reduce_sum', [terms], { axes, keepdims: false });
    f = b.op('add', [f, b.op('cast', [sum], { dtype: 'f32' })]);
  }
  b.result('f', f);
  const weighted = b.build();
  const values = wrt.flatMap((k) => inputs[k] ?? []);
  differentiate(b, f, values).forEach((gradient, i) => {
    if (gradient) b.result(`d_x${wrt[i]}`, gradient);
  });
  return { weighted, gradients: b.build() };
}

test('a sample draws the same inputs from the same seed', () => {
  const sample: OpSample = { inputs: [{ dtype: 'f32', shape: [5] }] };
  expect(sampleInputs(sample, 4)).toEqual(sampleInputs(sample, 4));
  expect(sampleInputs(sample, 4)).not.toEqual(sampleInputs(sample, 5));
});
