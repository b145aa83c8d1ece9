/** Operators in settings that the corpus has no vectors of: what is imported gives what ONNX Runtime does. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TypedArray } from '../../../compiler/data/define';
import { encodeModel, type OnnxTensor } from '../../../compiler/interop/formats/onnx/encode';
import type { Known } from '../../../compiler/interop/formats/onnx/tensor';
import { ELEM, type Elem } from '../../../compiler/interop/formats/onnx/types';
import type { DType } from '../../../compiler/ir/types';
import { needsOnnxRuntime, runAllOnnx, type Answer } from '../../support/onnx';
import { generator } from '../../support/samples';
import { differences, importOnnx } from './corpus';
import { COMMON } from './runtime_common';
import { SAMPLED, type Case } from './runtime_cases';

const ELEMS: Readonly<Partial<Record<DType, Elem>>> = {
  f32: ELEM.float,
  i64: ELEM.int64,
  i32: ELEM.int32,
  bool: ELEM.bool,
};

const CASES = [...SAMPLED, ...COMMON];

const folder = mkdtempSync(path.join(tmpdir(), 'dlc-onnx-runtime-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const numbers = CASES.map(({ inputs }, at) =>
  inputs.map((input, i): number[] => {
    const random = generator(100 * at + i);
    const size = (input?.shape ?? []).reduce((total, extent) => total * extent, 1);
    return [...(input?.data ?? Array.from({ length: size }, () => Math.fround(2 * random() - 1)))];
  }),
);

function typed(dtype: DType, data: readonly number[]): TypedArray {
  if (dtype === 'i64') return BigInt64Array.from(data, BigInt);
  if (dtype === 'bool') return Uint8Array.from(data);
  return dtype === 'i32' ? Int32Array.from(data) : Float32Array.from(data);
}

function written({ op, opset, attributes = {}, inputs, shape, dtype = 'f32' }: Case, at: number): string {
  const names = inputs.map((input, i) => (input === undefined ? '' : `x${i}`));
  const ports = inputs.flatMap((input, i) =>
    input === undefined || input.fixed
      ? []
      : [{ name: names[i]!, elem: ELEMS[input.dtype ?? 'f32']!, shape: input.shape }],
  );
  const initializers = inputs.flatMap((input, i): OnnxTensor[] => {
    if (input?.fixed === undefined) return [];
    const { buffer } = typed(input.dtype ?? 'f32', numbers[at]![i]!);
    return [{ name: names[i]!, elem: ELEMS[input.dtype ?? 'f32']!, dims: input.shape, data: new Uint8Array(buffer) }];
  });
  const extents = typeof shape === 'number' ? Array.from({ length: shape }, (_, i) => `extent${i}`) : shape;
  const graph = {
    name: 'one',
    nodes: [{ name: 'node', op, inputs: names, outputs: op === 'TopK' ? ['y', 'places'] : ['y'], attributes }],
    initializers,
    inputs: ports,
    outputs: [{ name: 'y', elem: ELEMS[dtype]!, shape: extents }],
  };
  const model = { irVersion: 9, producer: 'test', producerVersion: '', opset, graph, functions: [], metadata: {} };
  const file = path.join(folder, `${at}.onnx`);
  writeFileSync(file, Buffer.concat(encodeModel(model)));
  return file;
}

const files = CASES.map(written);
let answers: readonly Answer[] = [];

beforeAll(() => {
  if (!needsOnnxRuntime()) return;
  answers = runAllOnnx(
    CASES.map(({ inputs }, at) => ({
      model: files[at]!,
      inputs: inputs.flatMap((input, i) => {
        if (input === undefined || input.fixed) return [];
        const { shape, dtype = 'f32' } = input;
        return [{ name: `x${i}`, dtype, shape, data: typed(dtype, numbers[at]![i]!) }];
      }),
    })),
  );
});

test.each(
  CASES.map(
    ({ op, attributes = {}, shape }, at) => [`${op} ${JSON.stringify(attributes)} [${String(shape)}]`, at] as const,
  ),
)('%s', async (_, at) => {
  const answer = answers[at];
  if (answer === undefined) return;
  if ('error' in answer) throw new Error(answer.error);
  const wanted = answer.outputs.y!;
  const known = (shape: readonly number[], data: ArrayLike<number | bigint>, elem: Elem = ELEM.float): Known => ({
    elem,
    shape,
    data: Float64Array.from(data as ArrayLike<number>, Number),
  });
  const { inputs } = CASES[at]!;
  const sample = {
    inputs: new Map(inputs.map((input, i) => [`x${i}`, known(input?.shape ?? [], numbers[at]![i]!)])),
    outputs: [known(wanted.dims, wanted.data)],
  };
  const tolerance = { relative: 1e-4, absolute: 1e-5 };
  expect(await differences(await importOnnx(files[at]!), sample, tolerance)).toEqual([]);
});
