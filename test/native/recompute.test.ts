/** Training under `train.memory`: it keeps to the budget, and the bytes of all states after five steps are the same. */
import path from 'node:path';
import { checkFile } from '../../compiler/check';
import { loadSpec, loadSpecText } from '../../compiler/frontend/load';
import type { Spec } from '../../compiler/frontend/spec';
import type { PortType, TensorData, Tensors } from '../../compiler/native/runtime';
import { allocateTensor } from '../../compiler/native/tensors';
import { plannedBytes } from '../../compiler/plan/plan';
import { uniforms } from '../../compiler/random/philox';
import { compileModel, programName, type Executable } from '../../compiler/train/programs';
import { runtimeWith } from '../support/native';

const STEPS = 5;
const file = (name: string): string => path.resolve(__dirname, '../..', name);

const TRANSFORMER = `
inputs: {tokens: {shape: [N, 32], dtype: int32}, next: {shape: [N, 32], dtype: int32}}
blocks:
  layer:
    layers:
      - {name: norm1, type: layer_norm, inputs: x}
      - {name: attention, type: multi_head_attention, heads: 2, causal: true, dropout: 0.1}
      - {name: drop1, type: dropout, rate: 0.1}
      - {name: add1, type: add, inputs: [x, drop1]}
      - {name: norm2, type: layer_norm}
      - {name: fc1, type: dense, units: 128, axis: -1, activation: gelu}
      - {name: fc2, type: dense, units: 32, axis: -1}
      - {name: add2, type: add, inputs: [add1, fc2]}
layers:
  - {name: words, type: embedding, inputs: tokens, vocabulary: 64, units: 32}
  - {name: placed, type: learned_positions, max_length: 32}
  - {name: layer, type: layer, repeat: 4}
  - {name: logits, type: dense, units: 64, axis: -1}
losses: [{type: cross_entropy, inputs: [logits, next], axis: -1}]
train: {batch_size: 4, steps: 5, optimizer: {type: adamw, lr: 0.001}, clip: {global_norm: 1}}
`;

const RECURRENT = `
inputs: {x: {shape: [N, 12, 8]}, label: {shape: [N], dtype: int32}}
layers:
  - {name: first, type: lstm, units: 16, inputs: x}
  - {name: second, type: lstm, units: 16}
  - {name: third, type: lstm, units: 16, return: last}
  - {name: logits, type: dense, units: 4}
losses: [{type: cross_entropy, inputs: [logits, label]}]
train: {batch_size: 16, steps: 5, optimizer: {type: sgd, lr: 0.1, momentum: 0.9}}
`;

/** Images of 32x32 pixels. */
const SMALLER = ['inputs.image.shape=[N, 3, 32, 32]', 'inputs.mask.shape=[N, 32, 32]'];

/** What five steps are fed: scalars of the optimizer small and above zero, labels 0 or 1. */
function fed(port: PortType): TensorData {
  const data = allocateTensor(port, STEPS);
  const draws = uniforms(data.length, { seed: 3, step: 0, stream: port.name.length });
  draws.forEach((draw, i) => {
    if (data instanceof BigInt64Array) data[i] = port.name === 'rng' && i % 2 === 1 ? BigInt(1 + (i >> 1)) : 0n;
    else data[i] = port.dtype === 'f32' ? (port.shape.length === 0 ? 0.01 + 0.01 * draw : draw) : Number(draw < 0.5);
  });
  return data;
}

async function trained({ blob, plan }: Executable, program: string): Promise<ReadonlyMap<string, Uint8Array>> {
  const session = runtimeWith(2).createSession(blob, plan);
  try {
    await session.run('init', 1, { rng: BigInt64Array.of(1n, 0n) });
    const { inputs: ports } = session.program(program);
    const inputs: Tensors = Object.fromEntries(ports.map((port) => [port.name, fed(port)]));
    expect(await session.run(program, STEPS, inputs, {})).toMatchObject({ ok: true });
    return new Map(
      plan.states.map(({ name }) => {
        const { buffer, byteOffset, byteLength } = session.readState(name);
        return [name, new Uint8Array(buffer, byteOffset, byteLength).slice()];
      }),
    );
  } finally {
    session.close();
  }
}

const NARROW = ['train.precision=bfloat16'];

const withMemory = (spec: Spec, memory: number): Spec => ({ ...spec, train: { ...spec.train!, memory } });

test.each<[string, () => Spec, number, number]>([
  ['lenet', () => loadSpec(file('models/lenet.yaml')), 16, 0.8],
  ['resnet20', () => loadSpec(file('models/resnet20.yaml')), 16, 0.4],
  ['resnet20 in bfloat16', () => loadSpec(file('models/resnet20.yaml'), { overrides: NARROW }), 4, 0.5],
  ['a transformer in bfloat16', () => loadSpecText(TRANSFORMER, 'transformer.yaml', { overrides: NARROW }), 4, 0.5],
  ['recurrent layers in bfloat16', () => loadSpecText(RECURRENT, 'recurrent.yaml', { overrides: NARROW }), 16, 0.9],
  ['a U-Net', () => loadSpec(file('bench/models/unet.yaml'), { overrides: SMALLER }), 4, 0.6],
  ['a transformer with dropout', () => loadSpecText(TRANSFORMER, 'transformer.yaml'), 4, 0.45],
  ['recurrent layers', () => loadSpecText(RECURRENT, 'recurrent.yaml'), 16, 0.9],
  [
    'batches in parts',
    () => loadSpecText(TRANSFORMER.replace('steps: 5', 'steps: 5, accumulate: 2'), 'parts.yaml'),
    4,
    0.6,
  ],
])(
  '%s: the same bytes in less memory',
  async (_name, open, batch, share) => {
    const written = open();
    const spec = { ...written, train: { ...written.train!, batchSize: batch } };
    const program = programName('train', batch);
    const compile = (model: Spec): Executable => compileModel(model, { init: true, train: [batch] });
    const arenaOf = ({ plan }: Executable): number => plan.programs.find(({ name }) => name === program)!.arenaBytes;
    const plain = compile(spec);
    expect(plain.recomputed[program]).toMatchObject({ steps: 0 });
    const arena = arenaOf(plain);
    const whole = plannedBytes(
      plain.plan,
      plain.plan.programs.find(({ name }) => name === program)!,
    );
    const memory = whole - Math.floor((1 - share) * arena);
    const fitted = compile(withMemory(spec, memory));
    expect(fitted.recomputed[program]!.steps).toBeGreaterThan(0);
    expect(
      plannedBytes(
        fitted.plan,
        fitted.plan.programs.find(({ name }) => name === program)!,
      ),
    ).toBeLessThanOrEqual(memory);
    const expected = await trained(plain, program);
    const found = await trained(fitted, program);
    const different = [...expected].filter(([name, bytes]) => Buffer.compare(bytes, found.get(name)!) !== 0);
    expect(different.map(([name]) => name)).toEqual([]);
  },
  180_000,
);

test('a budget that nothing can keep to is an error at `train.memory`, with what is needed', () => {
  const [found, ...more] = checkFile(file('models/lenet.yaml'), { overrides: ['train.memory=1MiB'] });
  expect(more).toEqual([]);
  expect(found).toMatchObject({ code: 'budget-exceeded', severity: 'error' });
  expect(found?.message).toMatch(
    /^a training step needs 8\.0 MiB even with all computed again that helps; `memory` is 1\.0 MiB$/,
  );
  expect(checkFile(file('models/lenet.yaml'), { overrides: ['train.memory=8MiB'] })).toEqual([]);
});
