/** What ONNX has one operator for is that operator in an exported model. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { compareOnnx, exportOnnx, needsOnnxRuntime } from '../../support/onnx';

const folder = mkdtempSync(path.join(tmpdir(), 'dlc-onnx-fusions-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const CONV = '{name: c, type: conv2d, filters: 4, kernel: 3}';

test.each([
  ['{name: y, type: leaky_relu}', {}, ['LeakyRelu']],
  ['{name: y, type: prelu}', {}, ['PRelu']],
  ['{name: y, type: elu, alpha: 0.5}', {}, ['Elu']],
  ['{name: y, type: selu}', {}, ['Selu']],
  ['{name: y, type: softplus}', {}, ['Softplus']],
  ['{name: y, type: softsign}', {}, ['Softsign']],
  ['{name: y, type: mish}', {}, ['Mish']],
  ['{name: y, type: hard_swish}', {}, ['HardSwish']],
  ['{name: y, type: hard_sigmoid}', {}, ['HardSigmoid']],
  ['{name: y, type: relu6}', {}, ['Clip']],
  ['{name: y, type: gelu}', {}, ['Mul', 'Mul', 'Erf', 'Add', 'Mul']],
  ['{name: y, type: gelu}', { opset: '20' }, ['Gelu']],
  ['{name: y, type: gelu, approximate: tanh}', { opset: '20' }, ['Gelu']],
  ['{name: y, type: layer_norm}', {}, ['LayerNormalization']],
  ['{name: y, type: softmax}', {}, ['Softmax']],
  ['{name: y, type: global_avg_pool2d}', {}, ['ReduceMean']],
  ['{name: y, type: global_avg_pool2d, keepdims: true}', {}, ['GlobalAveragePool']],
  ['{name: y, type: resize, scale: 2, method: nearest}', {}, ['Resize']],
  ['{name: y, type: resize, scale: 3, method: bilinear}', {}, ['Resize']],
  ['{name: y, type: resize, size: [9, 7], method: bilinear}', {}, ['MatMul', 'MatMul']],
  [`${CONV}\n  - {name: y, type: batch_norm}`, {}, ['Conv']],
  [`${CONV}\n  - {name: y, type: batch_norm, activation: relu}`, {}, ['Conv', 'Relu']],
  ['{name: y, type: dense, units: 5}', {}, ['Reshape', 'Gemm']],
] as const)('%s with %j is %j', async (layer, options, operators) => {
  const file = path.join(folder, 'small.yaml');
  writeFileSync(file, `name: small\ninputs:\n  x: {shape: [N, 3, 6, 5]}\nlayers:\n  - ${layer}\noutputs: [y]\n`);
  const exported = await exportOnnx(file, folder, { options });
  expect(exported.model.graph!.nodes.map(({ op }) => op)).toEqual(operators);
  expect(exported.model.opsets.get('')).toBe(Number('opset' in options ? options.opset : 18));
  if (needsOnnxRuntime()) expect(await compareOnnx(exported, 3)).toBeLessThan(1e-5);
});

describe('recurrent layers', () => {
  const inputs = 'inputs:\n  x: {shape: [N, 7, 5]}\n  lengths: {shape: [N], dtype: int32}\n  h: {shape: [N, 4]}\n';

  test.each([
    ['type: lstm, units: 4', ['LSTM']],
    ['type: lstm, units: 4, bidirectional: true', ['LSTM', 'LSTM']],
    ['type: lstm, units: 4, reverse: true, return: last', ['LSTM']],
    ['type: lstm, units: 4, bias: false, inputs: [x, lengths], extra_inputs: [lengths]', ['LSTM']],
    ['type: gru, units: 4', ['GRU']],
    ['type: gru, units: 4, bias: false', ['GRU']],
    ['type: gru, units: 4, layers: 2, inputs: [x, lengths], extra_inputs: [lengths]', ['GRU', 'GRU']],
    ['type: gru, units: 4, inputs: [x, h], extra_inputs: [h]', ['GRU']],
    ['type: rnn, units: 4', ['RNN']],
    ['type: rnn, units: 4, activation: relu, reverse: true', ['RNN']],
    ['type: gru, units: 4, reset_after: false', ['Scan']],
    ['type: lstm, units: 4, peephole: true', ['Scan']],
    ['type: lstm, units: 4, inputs: [x, lengths], extra_inputs: [lengths], padded_output: previous', ['Scan']],
  ] as const)('{%s} is %j', async (layer, loops) => {
    const file = path.join(folder, 'sequence.yaml');
    writeFileSync(file, `name: sequence\n${inputs}layers:\n  - {name: y, ${withInput(layer)}}\noutputs: [y]\n`);
    const exported = await exportOnnx(file, folder);
    const found = exported.model.graph!.nodes.map(({ op }) => op).filter((op) => /LSTM|GRU|RNN|Scan/.test(op));
    expect(found).toEqual(loops);
    if (needsOnnxRuntime()) expect(await compareOnnx(exported, 3)).toBeLessThan(1e-5);
  });

  function withInput(layer: string): string {
    return layer.includes('inputs:') ? layer : `${layer}, inputs: x`;
  }
});

test('a model that computes with the size of its batch is exported for one', async () => {
  const file = path.join(folder, 'counted.yaml');
  const layer = '{name: y, type: drop_block, rate: 0.3, block: 2, shared_channels: true, always: true}';
  writeFileSync(file, `name: counted\ninputs:\n  x: {shape: [N, 3, 5, 5]}\nlayers:\n  - ${layer}\noutputs: [y]\n`);
  const exported = await exportOnnx(file, folder);
  expect(exported.remarks).toEqual([expect.stringMatching(/^the batch is fixed at 1, .*layer y .*batch/)]);
  expect(exported.model.graph!.inputs[0]!.type.shape).toEqual([1, 3, 5, 5]);
  if (needsOnnxRuntime()) expect(await compareOnnx(exported, 1)).toBeLessThan(1e-5);
});
