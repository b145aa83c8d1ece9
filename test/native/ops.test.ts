/** Every kernel against the float64 reference, on the samples of its op: values, inputs left alone, thread counts. */
import { elementCount } from '../../compiler/ir/types';
import type { OpDef, OpSample } from '../../compiler/ops/define';
import { interpret } from '../../compiler/reference/interpret';
import { difference, runNatively, runtimeWith } from '../support/native';
import { named, oneOp } from '../support/one-op';
import { allOps, sampleInputs, sampleTitle } from '../support/samples';

/** The op alone: every output is a result, and so is every input if `keep`, which then must not be overwritten. */
function graphOf(def: OpDef, sample: OpSample, keep: boolean) {
  const { b, inputs, outputs } = oneOp(def, sample);
  outputs.forEach((output, k) => b.result(`y${k}`, output));
  if (keep) inputs.forEach((input, k) => b.result(`same${k}`, input));
  return b.build();
}

beforeAll(() => void runtimeWith(1));

describe.each(allOps())('%s', (_name, def) => {
  test.each(def.samples.map((sample) => [sampleTitle(sample), sample] as const))('%s', async (_title, sample) => {
    const inputs = named(sampleInputs(sample));
    const tolerance = sample.tolerance ?? 1e-5;
    const alone = graphOf(def, sample, false);
    const kept = graphOf(def, sample, true);
    const expected = interpret(kept, inputs).results;
    const found = await runNatively(kept, inputs);
    const differences = Object.entries(expected).map(([name, tensor]) => {
      return [name, difference(found.results[name], tensor, name.startsWith('same') ? 0 : tolerance)];
    });
    expect(differences).toEqual(Object.keys(expected).map((name) => [name, undefined]));
    // In place where the op may, and cut among threads: the same bits.
    const inPlace = await runNatively(alone, inputs, {}, 3);
    for (const { name, value } of alone.results) {
      expect(elementCount(value.type.shape)).toBe(inPlace.results[name]?.length);
      expect(inPlace.results[name]).toEqual(found.results[name]);
    }
  });
});
