/** ONNX files as they are read: every model of the corpus, every element type, and what is damaged or hostile. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { denseOf, knownOf } from '../../../compiler/interop/formats/onnx/tensor';
import { ELEM } from '../../../compiler/interop/formats/onnx/types';
import { readModel, WireError, type TensorProto } from '../../../compiler/interop/formats/onnx/wire';

const MODELS = path.resolve(__dirname, '../../../../shared/data/interop-onnx/models');

function modelFiles(): string[] {
  try {
    return readdirSync(MODELS, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.onnx'));
  } catch {
    console.log('SKIPPED: ../shared/data/interop-onnx is not there');
    return [];
  }
}

function tensor(fields: Partial<TensorProto>): TensorProto {
  const none = { dims: [], elem: ELEM.float, name: 't', typed: [], doubles: [], bigs: [], strings: [] };
  return { ...none, external: new Map(), isExternal: false, isSegment: false, ...fields };
}

test('whole models: graphs, operator sets, and all of their weights', () => {
  for (const file of modelFiles()) {
    const { graph, irVersion } = readModel(readFileSync(path.join(MODELS, file)));
    expect(irVersion).toBeGreaterThan(0);
    expect(graph?.nodes.length).toBeGreaterThan(0);
    for (const initializer of graph?.initializers ?? []) {
      const { data } = knownOf(initializer);
      expect(data).toHaveLength(initializer.dims.reduce((product, extent) => product * extent, 1));
    }
  }
});

test('a model cut off or changed anywhere is read or refused, never anything else', () => {
  const smallest = modelFiles().find((file) => file.includes('two_layer_keras'));
  if (smallest === undefined) return;
  const bytes = readFileSync(path.join(MODELS, smallest));
  let refused = 0;
  for (let i = 0; i < bytes.length; i++) {
    const changed = Uint8Array.from(bytes);
    changed[i] = (i * 151 + 97) & 0xff;
    for (const damaged of [bytes.subarray(0, i), changed]) {
      try {
        readModel(damaged).graph?.initializers.forEach((initializer) => knownOf(initializer));
      } catch (error) {
        expect(error).toBeInstanceOf(WireError);
        refused++;
      }
    }
  }
  expect(refused).toBeGreaterThan(bytes.length / 2);
});

const RAW: readonly (readonly [keyof typeof ELEM, readonly number[], readonly number[]])[] = [
  ['float', [0, 0, 0xc0, 0x3f], [1.5]],
  ['double', [0, 0, 0, 0, 0, 0, 0xf8, 0x3f], [1.5]],
  ['float16', [0, 0x3e, 1, 0, 0, 0xfc], [1.5, 2 ** -24, -Infinity]],
  ['bfloat16', [0xc0, 0x3f], [1.5]],
  ['float8e4m3fn', [0x38, 0x7f, 0x7e], [1, NaN, 448]],
  ['float8e5m2', [0x3c, 0x7c], [1, Infinity]],
  ['int8', [0xff], [-1]],
  ['uint16', [0xff, 0xff], [65535]],
  ['int16', [0xff, 0xff], [-1]],
  ['int32', [0xfe, 0xff, 0xff, 0xff], [-2]],
  ['uint32', [0xff, 0xff, 0xff, 0xff], [2 ** 32 - 1]],
  ['int64', [0xfd, 255, 255, 255, 255, 255, 255, 255], [-3]],
  ['uint64', [7, 0, 0, 0, 0, 0, 0, 0], [7]],
  ['bool', [0, 1, 7], [0, 1, 1]],
  ['int4', [0x8f, 0x01], [-1, -8, 1]],
  ['uint4', [0x8f, 0x01], [15, 8, 1]],
  ['int2', [0b11100100], [0, 1, -2, -1]],
];

test.each(RAW)('%s in raw bytes', (name, bytes, values) => {
  const read = knownOf(tensor({ dims: [values.length], elem: ELEM[name], raw: Uint8Array.from(bytes) }));
  expect([...read.data]).toEqual(values);
});

test('elements in typed lists: numbers, and the bits of narrow floats', () => {
  expect([...knownOf(tensor({ dims: [2], typed: [1, 2.5] })).data]).toEqual([1, 2.5]);
  expect([...knownOf(tensor({ dims: [1], elem: ELEM.float16, typed: [0x3e00] })).data]).toEqual([1.5]);
  expect([...knownOf(tensor({ dims: [1], elem: ELEM.int64, bigs: [-5n] })).data]).toEqual([-5]);
});

test('a shape that its bytes do not back is refused before anything is allocated', () => {
  const raw = new Uint8Array(8);
  expect(() => knownOf(tensor({ dims: [2 ** 30, 2 ** 30], raw }))).toThrow(/is no shape/);
  expect(() => knownOf(tensor({ dims: [2 ** 40], raw }))).toThrow(/has 8 bytes where its shape needs/);
  expect(() => knownOf(tensor({ dims: [-1], raw }))).toThrow(/is no shape/);
  expect(() => knownOf(tensor({ dims: [3], typed: [1] }))).toThrow(/has 1 elements where its shape needs 3/);
});

test('sparse tensors are written out, by flat and by paired indices', () => {
  const values = tensor({ dims: [2], typed: [7, 9] });
  const flat = tensor({ dims: [2], elem: ELEM.int64, bigs: [1n, 4n] });
  const paired = tensor({ dims: [2, 2], elem: ELEM.int64, bigs: [0n, 1n, 1n, 1n] });
  for (const indices of [flat, paired])
    expect([...denseOf({ values, indices, dims: [2, 3] }).data]).toEqual([0, 7, 0, 0, 9, 0]);
  expect(() => denseOf({ values, indices: flat, dims: [2, 2] })).toThrow(/lies outside/);
});
