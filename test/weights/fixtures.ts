/** What the tests of weight files share: contents in every dtype, folders, the diagnostics of a refusal. */
import type { WeightContent, WeightTensor } from '../../compiler/weights/files';
import type { Diagnostic } from '../../compiler/diagnostics/diagnostic';
import { SpecError } from '../../compiler/diagnostics/errors';
import type { Fields } from '../../compiler/frontend/spec';
import { typedArray } from '../../compiler/data/typed_array';
import type { DType, Shape } from '../../compiler/ir/types';
import { elementCount } from '../../compiler/ir/types';

export { Folder } from '../data/fixtures';

export function tensor(dtype: DType, shape: Shape, first = 1): WeightTensor {
  const data = typedArray(dtype, elementCount(shape));
  const value = (i: number): number | bigint =>
    dtype === 'i64' ? BigInt(i + first) * -3_000_000_000n : dtype === 'bool' ? i % 2 : i + first;
  for (let i = 0; i < data.length; i++) data[i] = value(i);
  return { dtype, shape, data };
}

export const spec: Fields = { dlc: 1, name: 'größe', layers: [{ name: 'fc', type: 'dense', units: 3 }] };

export const content: WeightContent = {
  tensors: new Map([
    ['stage1/0/conv1.weight', tensor('f32', [4, 1, 3, 3])],
    ['stage1/0/conv1.bias', tensor('f32', [4])],
    ['fc.weight', tensor('f64', [3, 5])],
    ['fc.scale', tensor('f32', [])],
    ['mask.keep', tensor('bool', [7])],
    ['half.weight', tensor('bf16', [2, 2])],
    ['table.counts', tensor('i64', [3])],
    ['table.bytes', tensor('u8', [3])],
    ['table.codes', tensor('i32', [2])],
  ]),
  spec,
};

export const checkpoint: WeightContent = {
  ...content,
  optimizer: new Map([
    ['stage1/0/conv1.weight.momentum', tensor('f32', [4, 1, 3, 3], 100)],
    ['fc.weight.momentum', tensor('f64', [3, 5], 50)],
  ]),
  state: { step: 12, epoch: 1, seed: 3, accumulators: { 'losses/loss/sum': [0.1, 2.5] } },
};

export function expectedOf(given: WeightContent): { name: string; dtype: DType; shape: Shape }[] {
  return [...given.tensors].map(([name, { dtype, shape }]) => ({ name, dtype, shape }));
}

export async function problemsOf(loading: Promise<unknown>): Promise<readonly Diagnostic[]> {
  const error: unknown = await loading.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof SpecError)) throw new TypeError(`expected a SpecError, not ${String(error)}`);
  return error.diagnostics;
}
