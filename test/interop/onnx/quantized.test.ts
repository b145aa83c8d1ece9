/** Integers of few bits: casts wrap around. Quantized operators: alone they give the same integers; one behind the other they are computed in float32. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { OnnxNode, OnnxTensor } from '../../../compiler/interop/formats/onnx/encode';
import { ELEM } from '../../../compiler/interop/formats/onnx/types';
import { needsOnnxRuntime, runOnnx, writeGraph } from '../../support/onnx';
import { generator } from '../../support/samples';
import { differences, importOnnx } from './corpus';
import { testSingles, type Given, type Single } from './single';

const bytes = (count: number, seed: number): number[] => {
  const draw = generator(seed);
  return Array.from({ length: count }, () => Math.floor(draw() * 256));
};

const size = (shape: readonly number[]): number => shape.reduce((product, extent) => product * extent, 1);
const u8 = (...shape: readonly number[]): Given => ({ shape, dtype: 'u8', values: bytes(size(shape), 5) });
const open = (given: Given): Given => ({ ...given, open: true });
const scale = (...values: readonly number[]): Given => ({ shape: values.length === 1 ? [] : [values.length], values });
const zero = (...values: readonly number[]): Given => ({ ...scale(...values), dtype: 'u8' });
const small = (shape: readonly number[]): Given => ({
  shape,
  dtype: 'u8',
  elem: 'int8',
  values: bytes(size(shape), 9).map((byte) => (byte < 128 ? byte : byte - 256)),
});
const integers = { rank: 4, dtype: 'u8' } as const;

/** To fewer bits and back again. */
const narrowed = (to: number): Single => ({
  op: 'Cast',
  takes: 1,
  inputs: [
    { shape: [], made: true },
    { shape: [7], dtype: 'i32', values: [-1, 65_535, 65_536, 70_000, -70_000, 3, 2 ** 30], open: true },
  ],
  before: [{ name: 'narrow', op: 'Cast', inputs: ['x1'], outputs: ['x0'], attributes: { to } }],
  attributes: { to: ELEM.int32 },
  outputs: [{ rank: 1, dtype: 'i32' }],
});

test.each([
  [ELEM.int64, 'its integers are divided in float32: exact up to 2^24'],
  [ELEM.int8, undefined],
])('the account says where integers are divided less exactly (type %i)', async (elem, reason) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'dlc-onnx-div-'));
  try {
    const file = path.join(folder, 'div.onnx');
    writeGraph(file, {
      opset: 18,
      functions: [],
      graph: {
        name: 'div',
        nodes: [{ name: 'div', op: 'Div', inputs: ['a', 'b'], outputs: ['y'], attributes: {} }],
        initializers: [],
        inputs: ['a', 'b'].map((name) => ({ name, elem, shape: [2, 3] })),
        outputs: [{ name: 'y', elem, shape: [2, 3] }],
      },
    });
    const { entries } = await importOnnx(file);
    const layers = entries.filter(({ kind }) => kind === 'layer');
    expect(layers.map((entry) => entry.reason?.split('; ').at(-1))).toEqual([reason]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

testSingles([
  ['integers wrap around in 8 bits', narrowed(ELEM.int8)],
  ['integers wrap around in 16 bits without a sign', narrowed(ELEM.uint16)],
  [
    'QuantizeLinear',
    {
      op: 'QuantizeLinear',
      inputs: [open({ shape: [2, 9] }), scale(0.01), zero(120)],
      outputs: [{ rank: 2, dtype: 'u8' }],
    },
  ],
  [
    'QuantizeLinear along an axis',
    {
      op: 'QuantizeLinear',
      inputs: [open({ shape: [2, 3, 4] }), scale(0.01, 0.02, 0.004), zero(3, 128, 200)],
      attributes: { axis: -2 },
      outputs: [{ rank: 3, dtype: 'u8' }],
    },
  ],
  [
    'DequantizeLinear in blocks',
    {
      op: 'DequantizeLinear',
      opset: 21,
      inputs: [open(u8(4, 6)), { shape: [2, 6] }, { shape: [2, 6], dtype: 'u8', values: [1, 200, 30] }],
      attributes: { axis: 0, block_size: 2 },
      outputs: [{ rank: 2 }],
    },
  ],
  [
    'DynamicQuantizeLinear',
    {
      op: 'DynamicQuantizeLinear',
      inputs: [open({ shape: [3, 5] })],
      outputs: [{ rank: 2, dtype: 'u8' }, { rank: 0 }, { rank: 0, dtype: 'u8' }],
    },
  ],
  [
    'QLinearConv with scales of its filters and biases',
    {
      op: 'QLinearConv',
      inputs: [
        open(u8(1, 2, 5, 5)),
        scale(0.02),
        zero(128),
        small([3, 2, 3, 3]),
        scale(0.01, 0.02, 0.03),
        { ...small([3]), values: [0] },
        scale(0.0937),
        zero(100),
        { shape: [3], dtype: 'i32', values: [100, -300, 7] },
      ],
      attributes: { pads: [1, 1, 1, 1] },
      outputs: [integers],
    },
    ({ text }) => {
      expect(text).toMatch(/type: conv2d, filters: 3/);
    },
  ],
  [
    'QLinearMatMul',
    {
      op: 'QLinearMatMul',
      inputs: [open(u8(2, 3, 4)), scale(0.01), zero(100), u8(4, 5), scale(0.02), zero(90), scale(0.05), zero(128)],
      outputs: [{ rank: 3, dtype: 'u8' }],
    },
    ({ text }) => {
      expect(text).toMatch(/type: dense, units: 5/);
    },
  ],
  [
    'MatMulInteger',
    {
      op: 'MatMulInteger',
      inputs: [open(u8(3, 4)), open(u8(4, 2)), zero(7), zero(200)],
      outputs: [{ rank: 2, dtype: 'i32' }],
    },
  ],
  [
    'ConvInteger',
    {
      op: 'ConvInteger',
      inputs: [open(u8(1, 1, 4, 4)), u8(2, 1, 2, 2), zero(17), zero(3)],
      attributes: { pads: [1, 0, 1, 0] },
      outputs: [{ rank: 4, dtype: 'i32' }],
    },
  ],
]);

describe('a model of quantized operators', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'dlc-onnx-quantized-'));
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });
  const node = (op: string, inputs: string, output: string, attributes: OnnxNode['attributes'] = {}): OnnxNode => ({
    name: output,
    op,
    inputs: inputs.split(' '),
    outputs: [output],
    attributes,
  });
  const tensor = (name: string, elem: number, dims: readonly number[], data: Uint8Array): OnnxTensor => ({
    name,
    elem,
    dims,
    data,
  });
  const real = (name: string, values: readonly number[], dims: readonly number[] = []): OnnxTensor =>
    tensor(name, ELEM.float, dims, new Uint8Array(Float32Array.from(values).buffer));

  test('is computed in float32, held within the range of its integers, with a warning', async () => {
    const file = path.join(folder, 'model.onnx');
    writeGraph(file, {
      opset: 18,
      functions: [],
      graph: {
        name: 'quantized',
        nodes: [
          node('QuantizeLinear', 'x xs xz', 'xq'),
          node('DequantizeLinear', 'xq xs xz', 'xd'),
          node('DequantizeLinear', 'w ws wz', 'wd', { axis: 0 }),
          node('Conv', 'xd wd', 'c'),
          node('QuantizeLinear', 'c cs cz', 'cq'),
          node('MaxPool', 'cq', 'p', { kernel_shape: [2, 2], strides: [2, 2] }),
          node('DequantizeLinear', 'p cs cz', 'y'),
        ],
        initializers: [
          real('xs', [0.01]),
          tensor('xz', ELEM.uint8, [], Uint8Array.of(110)),
          tensor('w', ELEM.int8, [2, 1, 3, 3], Uint8Array.from(bytes(18, 3))),
          real('ws', [0.01, 0.02], [2]),
          tensor('wz', ELEM.int8, [2], Uint8Array.of(0, 0)),
          real('cs', [0.02]),
          // What is below zero is cut off.
          tensor('cz', ELEM.uint8, [], Uint8Array.of(0)),
        ],
        inputs: [{ name: 'x', elem: ELEM.float, shape: [1, 1, 8, 8] }],
        outputs: [{ name: 'y', elem: ELEM.float, shape: [1, 2, 3, 3] }],
      },
    });
    const imported = await importOnnx(file);
    expect(imported.warnings.map(({ code, message }) => `${code}: ${message}`)).toEqual([
      expect.stringMatching(/^import-approximate: integers between quantized operators/),
    ]);
    expect(imported.text).toMatch(/^# Integers between quantized/m);
    expect(imported.text).not.toMatch(/round\(/);
    expect(imported.text).toMatch(/type: clip, min: 0, max: 5.1/);
    const draw = generator(1);
    const data = Float32Array.from({ length: 64 }, () => draw() * 2 - 1);
    if (!needsOnnxRuntime()) return;
    const y = runOnnx(file, [{ name: 'x', dtype: 'f32', shape: [1, 1, 8, 8], data }])['y']!;
    const sample = {
      inputs: new Map([['x', { elem: ELEM.float, shape: [1, 1, 8, 8], data }]]),
      outputs: [{ elem: ELEM.float, shape: [...y.dims], data: Float64Array.from(y.data as Float32Array) }],
    };
    // The steps of the input and of the output that the original rounds to.
    expect(await differences(imported, sample, { relative: 0, absolute: 0.06 })).toEqual([]);
  });
});
