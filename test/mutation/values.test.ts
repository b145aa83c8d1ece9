/**
 * Whether the tests of kernels would notice: the reference of every op in turn answers a little wrong, which is to the
 * comparison what a kernel that is wrong is. If the runtime still agrees on every sample, the samples are too weak.
 */
import type { OpDef, RefTensor } from '../../compiler/ops/define';
import { isFloat } from '../../compiler/ir/types';
import { interpret } from '../../compiler/reference/interpret';
import { difference, runNatively } from '../support/native';
import { named, oneOpGraph } from '../support/one-op';
import { allOps, sampleInputs } from '../support/samples';

/** Half a percent of the largest number, two where it is stored as bfloat16, and one more where numbers are whole. */
function spoiled({ type, data }: RefTensor): RefTensor {
  const largest = data.reduce((most, x) => Math.max(most, Number.isFinite(x) ? Math.abs(x) : 0), 0.01);
  const share = type.dtype === 'bf16' ? 0.02 : 0.005;
  const wrong = (x: number): number => {
    if (type.dtype === 'bool') return 1 - x;
    return isFloat(type.dtype) ? x + share * largest : x + 1;
  };
  return { type, data: data.map(wrong) };
}

async function isNoticed(def: OpDef): Promise<boolean> {
  for (const sample of def.samples) {
    const graph = oneOpGraph(def, sample);
    const inputs = named(sampleInputs(sample));
    const native = await runNatively(graph, inputs);
    for (const [name, tensor] of Object.entries(interpret(graph, inputs).results)) {
      const { tolerance = 1e-5 } = sample;
      const agrees = difference(native.results[name], tensor, tolerance) === undefined;
      const agreesWrongly = difference(native.results[name], spoiled(tensor), tolerance) === undefined;
      if (!agrees || (tensor.data.length > 0 && agreesWrongly)) return false;
    }
  }
  return true;
}

test.each(allOps())(
  'the comparison of %s with its kernel holds, and would notice half a percent',
  async (_name, def) => {
    expect(await isNoticed(def)).toBe(true);
  },
);
