/** Bundles predict as the model and the weights that they were made of, and no damaged one is taken for a good one. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { checksumOf } from '../../compiler/bundle/checksum';
import { BundleError, decodeBundle, encodeBundle, SECTIONS, type Sections } from '../../compiler/bundle/format';
import type { Diagnostic } from '../../compiler/diagnostics/diagnostic';
import { RuntimeFault, SpecError, UsageError } from '../../compiler/diagnostics/errors';
import { loadSpec, loadSpecText } from '../../compiler/frontend/load';
import type { Json, Spec } from '../../compiler/frontend/spec';
import { makeBundle, openBundle, saveBundle } from '../../compiler/train/bundle';
import { load, type LoadedModel, type ModelTensor } from '../../compiler/train/load';
import { cut, predict } from '../../compiler/train/predict';
import { compileModel } from '../../compiler/train/programs';
import { weightsOf } from '../../compiler/train/states';
import { saveWeights } from '../../compiler/weights/files';
import { ModelFolder } from '../support/cli';
import { runtimeWith } from '../support/native';
import { problemsOf } from '../weights/fixtures';

const folder = new ModelFolder();
const spec = loadSpec(folder.at('model.yaml'));
const weights = folder.at('weights.h5');
const file = folder.at('tiny.dlcb');
let good: Uint8Array;
let sections: Sections;

/** Initial weights of the model, in a file. */
async function writeWeights(model: Spec, to: string): Promise<void> {
  const { plan, blob } = compileModel(model, { init: true, predict: [1] });
  const session = runtimeWith(1).createSession(blob, plan);
  await session.run('init', 1, { rng: BigInt64Array.of(3n, 0n) });
  await saveWeights(to, { ...weightsOf(model, plan, session), learned: { image: { kind: 'nothing' } } });
  session.close();
}

beforeAll(async () => {
  await writeWeights(spec, weights);
  good = await makeBundle(spec, weights, [4, 1]);
  sections = decodeBundle(good);
  await saveBundle(file, good);
});
afterAll(() => folder.remove());

function pictures(count: number, dtype: 'f32' | 'u8' = 'f32'): { image: ModelTensor } {
  const bytes = Uint8Array.from({ length: count * 36 }, (_, i) => (i * 2654435761) >>> 24);
  const data = dtype === 'u8' ? bytes : Float32Array.from(bytes, (byte) => byte / 256);
  return { image: { dtype, shape: [count, 1, 6, 6], data } };
}

async function using<T>(model: Promise<LoadedModel>, act: (model: LoadedModel) => Promise<T>): Promise<T> {
  const opened = await model;
  try {
    return await act(opened);
  } finally {
    opened.close();
  }
}

describe('a bundle', () => {
  it.each(['f32', 'u8'] as const)('predicts the same bits as model and weights, from %s', async (dtype) => {
    const four = await using(load(weights, { batch: 4, threads: 1 }), (model) => model.predict(pictures(4, dtype)));
    const found = await using(load(file, { threads: 2 }), (model) => model.predict(pictures(4, dtype)));
    expect(found).toEqual(four);
    const one = await using(load(weights, { threads: 1 }), (model) => model.predict(pictures(1, dtype)));
    expect(await using(load(file), (model) => model.predict(pictures(1, dtype)))).toEqual(one);
  });

  it('takes any number of samples that its batches can make', async () => {
    const { probs } = await using(load(file), (model) => model.predict(pictures(6)));
    expect(probs!.shape).toEqual([6, 3]);
    const two = folder.at('fours.dlcb');
    await saveBundle(two, await makeBundle(spec, weights, [4]));
    await using(load(two), async (model) => {
      await expect(model.predict(pictures(6))).rejects.toThrow(
        new UsageError('6 samples cannot be predicted in batches of 4: 2 are left over'),
      );
    });
    expect(cut(9, [1, 4])).toEqual([4, 4, 1]);
    expect(cut(130, [64, 2])).toEqual([64, 64, 2]);
    expect(() => cut(3, [2])).toThrow('1 is left over');
  });

  it('knows its model', async () => {
    await using(load(file), (model) => {
      expect([model.inputs, model.spec.name, model.spec.resolved]).toEqual([['image'], 'tiny', spec.resolved]);
      return Promise.resolve();
    });
    const { model, learned, session } = await openBundle(file, runtimeWith(1));
    session.close();
    expect([model.name, model.seed, model.needed]).toEqual(['tiny', 0, ['image']]);
    expect(learned).toEqual({ image: { kind: 'nothing' } });
    await expect(load(file, { model: folder.at('model.yaml') })).rejects.toThrow(UsageError);
  });

  it('draws what the model draws', async () => {
    const noisy = loadSpecText(
      'inputs: {x: {shape: [N, 3]}}\nlayers: [{name: noise, type: random_normal, inputs: x}, ' +
        '{name: y, type: dense, units: 2}]\noutputs: [y, noise]\n',
      'noisy.yaml',
    );
    await writeWeights(noisy, folder.at('noisy.h5'));
    await saveBundle(folder.at('noisy.dlcb'), await makeBundle(noisy, folder.at('noisy.h5'), [2]));
    const x: ModelTensor = { dtype: 'f32', shape: [2, 3], data: new Float32Array(6) };
    const drawn = (from: string, seed?: number): Promise<unknown> =>
      using(load(folder.at(from), { batch: 2, ...(seed !== undefined && { seed }) }), (model) => model.predict({ x }));
    const first = await drawn('noisy.dlcb');
    expect(first).toEqual(await drawn('noisy.h5'));
    expect(await drawn('noisy.dlcb', 5)).not.toEqual(first);
  });

  it('says where a failure came from, as the model does', async () => {
    const words = loadSpecText(
      'inputs: {x: {shape: [N, 2], dtype: int32}}\nlayers:\n  - {name: vectors, type: embedding, vocabulary: 5, units: 3}\n',
      'words.yaml',
    );
    await writeWeights(words, folder.at('words.h5'));
    await saveBundle(folder.at('words.dlcb'), await makeBundle(words, folder.at('words.h5'), [1]));
    const x: ModelTensor = { dtype: 'i32', shape: [1, 2], data: Int32Array.of(4, 9) };
    const failing = (from: string): Promise<unknown> =>
      using(load(folder.at(from)), (model) => problemsOf(model.predict({ x })));
    const [found] = (await failing('words.dlcb')) as [Diagnostic];
    const [expected] = (await failing('words.h5')) as [Diagnostic];
    expect(found).toMatchObject({ code: 'data-mismatch', message: expected.message });
    expect(found.message).toContain('9');
    expect([found.at.file, found.at.line]).toEqual(['words.yaml', 3]);
  });
});

describe('what is no bundle', () => {
  const problemIn = async (name: string): Promise<string> => {
    const [problem, ...more] = await problemsOf(load(folder.at(name)));
    expect(more).toEqual([]);
    return `${problem!.code}: ${problem!.message.replace(/^`[^`]*`: /, '')}`;
  };
  const written = (bytes: Uint8Array): Promise<string> => {
    writeFileSync(folder.at('bad.dlcb'), bytes);
    return problemIn('bad.dlcb');
  };

  it('is said to be so', async () => {
    expect(await problemIn('none.dlcb')).toBe('weights-missing: there is no such file');
    mkdirSync(folder.at('folder.dlcb'));
    expect(await problemIn('folder.dlcb')).toBe('weights-corrupt: not a regular file');
    expect(await written(new Uint8Array())).toBe('weights-corrupt: not a bundle');
    expect(await written(Buffer.from('neither this'.repeat(50)))).toBe('weights-corrupt: not a bundle');
    const other = good.slice();
    other[4] = 9;
    expect(await written(other)).toMatch(/^weights-corrupt: a bundle of version 9; .*: compile it again$/);
    const states = good.slice();
    states[good.length - 64 - decodeBundle(good).model.length - 40]! ^= 1;
    expect(await written(states)).toMatch(/^weights-corrupt: the (states are|model is) not what was saved/);
    expect(await written(good.subarray(0, good.length - 64))).toBe('weights-corrupt: the file ends early');
    expect(await written(Buffer.concat([good, new Uint8Array(64)]))).toBe(
      'weights-corrupt: there are bytes after the end',
    );
  });

  it('is found out wherever the file ends', () => {
    for (let size = 0; size < good.length; size += size < 300 ? 1 : 61) {
      expect(() => decodeBundle(good.slice(0, size))).toThrow(BundleError);
    }
  });

  it('is found out whichever bit is wrong', () => {
    const bad = good.slice();
    for (let at = 0; at < good.length; at += at < 300 ? 1 : 7) {
      bad[at]! ^= 1 << (at % 8);
      expect(() => decodeBundle(bad)).toThrow(BundleError);
      bad[at] = good[at]!;
    }
  });

  /** Whole by its checksums, and still not what dlc wrote. */
  it.each<[string, Partial<Sections>]>([
    ['no JSON', { interface: Buffer.from('{') }],
    ['a list', { interface: Buffer.from('[]') }],
    ['no plan', { plan: new Uint8Array() }],
    ['no states', { states: new Uint8Array() }],
    ['more states', { states: new Uint8Array(1 << 16) }],
  ])('is found out by what it holds: %s', async (_, instead) => {
    expect(await written(encodeBundle({ ...sections, ...instead }))).toMatch(/^weights-corrupt: /);
  });

  it.each<[string, Json]>([
    ['name', 5],
    ['seed', 0.5],
    ['inputs', {}],
    ['inputs', [{ name: 'image', dtype: 'f32', shape: ['N', 1, 6, 7] }]],
    ['inputs', [{ name: 'image', dtype: 'f16', shape: ['N', 1, 6, 6] }]],
    ['inputs', [{ name: 'image', dtype: 'f32', shape: [-1] }]],
    ['inputs', [null]],
    ['needed', ['picture']],
    ['needed', []],
    ['normalize', { std: null }],
    ['learned', []],
  ])('is found out by its interface: %s', async (field, value) => {
    const told = JSON.parse(Buffer.from(sections.interface).toString()) as Record<string, Json>;
    const bytes = Buffer.from(JSON.stringify({ ...told, [field]: value }));
    expect(await written(encodeBundle({ ...sections, interface: bytes }))).toMatch(/^weights-corrupt: /);
  });

  it('never ends in anything but a message or a prediction, where its parts were changed on purpose', async () => {
    for (const name of SECTIONS) {
      for (let i = 0; i < 40; i++) {
        const part = sections[name].slice();
        part[(i * 104729) % part.length]! ^= 1 << (i % 8);
        writeFileSync(folder.at('bad.dlcb'), encodeBundle({ ...sections, [name]: part }));
        try {
          const { model, session } = await openBundle(folder.at('bad.dlcb'), runtimeWith(1));
          const { image } = pictures(1);
          await predict(model, session, { image: image }).finally(() => session.close());
        } catch (error) {
          const known = [SpecError, RuntimeFault, UsageError].some((kind) => error instanceof kind);
          if (!known) throw error;
        }
      }
    }
  });
});

test('the checksum is that of the documentation, in memory of any alignment', () => {
  const bytes = Uint8Array.from({ length: 64 }, (_, i) => i * 7);
  const found = checksumOf(bytes);
  const shifted = new Uint8Array(65);
  shifted.set(bytes, 1);
  expect(checksumOf(shifted.subarray(1))).toEqual(found);
  expect(found).toEqual({ low: 2231165221, high: 1783380932 });
});
