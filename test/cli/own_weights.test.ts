/** What a model starts from, or runs with, by its own `weights:`: every command takes it, says the same of it, and is as strict. */
import { readFileSync } from 'node:fs';
import { encodeNpy } from '../../compiler/data/npy';
import { load } from '../../compiler/train/load';
import type { Tensors } from '../../compiler/weights/content';
import { loadWeights, saveWeights } from '../../compiler/weights/files';
import { writeNpz } from '../../compiler/weights/formats/npz';
import { writeSafetensors } from '../../compiler/weights/formats/safetensors';
import { readH5 } from '../../compiler/interop/formats/hdf5';
import { withHdf5 } from '../../compiler/weights/h5_client';
import { ModelFolder, TINY, type Outcome } from '../support/cli';

const folder = new ModelFolder();
const TRAINED = 'run/weights.h5';
const REPORT = ['--weights-report', 'report.json'];
let trained: Tensors;

/** Every verb that reads weights, without what says which. */
const VERBS: Readonly<Record<string, (model: string) => string[]>> = {
  predict: (model) => ['predict', model, '--input', 'image=x.npy', '--out', 'out'],
  eval: (model) => ['eval', model, '--json'],
  export: (model) => ['export', model, '--format', 'npz', '-o', 'exported.npz'],
  compile: (model) => ['compile', model, '-o', 'bundle.dlcb'],
  inspect: (model) => ['inspect', model, '--json'],
  bench: (model) => ['bench', model, '--mode', 'predict', '--seconds', '1', '--batch', '1'],
  train: (model) => ['train', model, 'train.steps=1', '--run-dir', `runs/${Math.random().toString(36).slice(2)}`],
  'lr-find': (model) => ['lr-find', model, '--steps', '12'],
};
/** A file beside the model that says where its weights are. */
const model = (name: string, weights: string, text = TINY): string => {
  folder.write(name, `${text}weights: ${weights}\n`);
  return name;
};
const of = (verb: string, name: string, ...more: string[]): Promise<Outcome> =>
  folder.dlc([...VERBS[verb]!(name), ...more]);

beforeAll(async () => {
  await folder.train('run', 'train.epochs=1');
  const data = Float32Array.from({ length: 2 * 36 }, (_, i) => ((i * 37) % 64) / 64);
  folder.write('x.npy', encodeNpy({ dtype: 'f32', shape: [2, 1, 6, 6], data }));
  ({ tensors: trained } = await loadWeights(folder.at(TRAINED)));
  await writeNpz(folder.at('net.npz'), new Map([...trained].map(([k, v]) => [k.replace('conv.', 'stem.'), v])));
  await writeSafetensors(folder.at('net.safetensors'), trained, {});
  const part = (...layers: string[]): Tensors =>
    new Map([...trained].filter(([name]) => layers.includes(name.split('.')[0]!)));
  await saveWeights(folder.at('body.h5'), { tensors: part('conv', 'norm') });
  await saveWeights(folder.at('head.h5'), { tensors: part('logits') });
  // As a net of Caffe keeps its weights.
  await withHdf5(30_000, async (session) => {
    await session.ask('create', { path: folder.at('net.caffemodel.h5') });
    for (const [name, { shape, data: values }] of trained) {
      const [layer, param] = name.split('.') as [string, string];
      for (const path of ['/data', `/data/${layer}`]) await session.ask('group', { path }).catch(() => undefined);
      const bytes = new Uint8Array((values as Float32Array).slice().buffer);
      await session.ask('dataset', { path: `/data/${layer}/${param}`, type: 'f32', shape, data: bytes });
    }
    await session.ask('close', {});
  });
}, 60_000);
afterAll(() => folder.remove());

it.each(Object.keys(VERBS))(
  'dlc %s takes them where no others are given, and tells what became of each',
  async (verb) => {
    const name = model('own.yaml', '[{file: net.npz, map: {"stem.*": "conv.*"}}]');
    const outcome = await of(verb, name, ...REPORT);
    expect(outcome).toMatchObject({ code: 0 });
    expect(outcome.stderr).toContain('net.npz: 6 loaded, 2 renamed\n');
    const report = JSON.parse(readFileSync(folder.at('report.json'), 'utf8')) as {
      weights: string[];
      tensors: unknown[];
    };
    expect(report.weights).toEqual(['net.npz']);
    expect(report.tensors).toContainEqual({
      file: 'net.npz',
      fate: 'renamed',
      source: 'stem.bias',
      target: 'conv.bias',
    });
    // What is given goes before: the model's own is not even looked for.
    const given = await of(verb, model('lost.yaml', '{file: nowhere.h5}'), '--weights', TRAINED);
    expect(given).toMatchObject({ code: 0 });
  },
);

it.each(Object.keys(VERBS))(
  'dlc %s is strict about them, and says where',
  async (verb) => {
    const cases: readonly (readonly [string, RegExp])[] = [
      ['{file: nowhere.h5}', /bad\.yaml:\d+:17: error.*nowhere\.h5/],
      ['{file: net.npz}', /bad\.yaml:\d+:17: error.*`stem\.\w+`, which the model has not/],
      ['{file: head.h5}', /bad\.yaml:\d+:17: error.*has no weights for `conv\.bias`/],
      ['{file: head.h5, into: nobody/}', /bad\.yaml:\d+:17: error.*no parameter of the model begins with `nobody\/`/],
      ['{file: ../../etc/passwd}', /bad\.yaml:\d+:17: error/],
    ];
    // Who reads it is one and the same: all of it for one command, the rest see that they ask.
    for (const [weights, message] of verb === 'predict' ? cases : cases.slice(0, 2)) {
      const outcome = await of(verb, model('bad.yaml', weights));
      expect(outcome.stderr).toMatch(message);
      expect(outcome.code).toBe(1);
    }
  },
  120_000,
);

it('several files each fill their part; what no file has is told by commands that cannot draw it', async () => {
  const both = model('both.yaml', '[{file: body.h5, partial: true}, {file: head.h5, partial: true}]');
  expect(await of('predict', both)).toMatchObject({ code: 0 });
  const own = folder.read('out', 'probs.npy');
  expect(await of('predict', 'model.yaml', '--weights', TRAINED)).toMatchObject({ code: 0 });
  expect(folder.read('out', 'probs.npy')).toEqual(own);
  const body = model('body.yaml', '[{file: body.h5, partial: true}]');
  for (const verb of ['predict', 'eval', 'export', 'compile']) {
    const outcome = await of(verb, body);
    expect(outcome).toMatchObject({ code: 1 });
    expect(outcome.stderr).toMatch(/body\.yaml:\d+:\d+: error.*has nothing for `logits\.\w+`, f32/);
  }
  for (const verb of ['train', 'bench', 'inspect']) expect(await of(verb, body)).toMatchObject({ code: 0 });
  // Given in part, they go over the model's own.
  const tuned = await of('train', body, '--weights', 'head.h5', '--partial');
  expect(tuned).toMatchObject({ code: 0 });
  expect(tuned.stderr).toMatch(/body\.h5: .*\n[^]*head\.h5: 2 loaded/);
});

it('exports take them by relative paths', async () => {
  const own = model('out.yaml', '{file: net.safetensors}');
  for (const [format, file, made] of [
    ['keras', 'k.json', 'k.weights.h5'],
    ['caffe', 'net.prototxt', 'net.caffemodel'],
    ['safetensors', 'again.safetensors', 'again.safetensors'],
  ] as const) {
    const outcome = await folder.dlc(['export', own, '--format', format, '-o', file]);
    expect(outcome).toMatchObject({ code: 0 });
    expect(outcome.stdout).toContain(made);
    expect(folder.read(made).length).toBeGreaterThan(0);
  }
});

it('an application that loads a model file gets the weights that it names', async () => {
  model('app.yaml', '{file: net.safetensors}');
  const loaded = await load(folder.at('app.yaml'), { threads: 1 });
  const image = { dtype: 'f32', shape: [1, 1, 6, 6], data: new Float32Array(36) } as const;
  const { probs } = await loaded.predict({ image });
  expect(probs!.data.length).toBe(3);
  loaded.close();
  await expect(load(folder.at('model.yaml'), { threads: 1 })).rejects.toThrow(/needs weights/);
});

const IDENTITY = 'data/*/*: "*.*"\n';

it.each(['predict', 'train'])(
  'dlc %s takes every format, a file of another program by a map',
  async (verb) => {
    folder.write('caffe.yaml', IDENTITY);
    folder.write('stem.json', '{"stem.*": "conv.*"}');
    for (const [file, map] of [
      [TRAINED],
      ['net.safetensors'],
      ['net.npz', 'stem.json'],
      ['net.caffemodel.h5', 'caffe.yaml'],
    ] as const) {
      const mapped = map === undefined ? [] : ['--map', map];
      expect(await of(verb, 'model.yaml', '--weights', file, ...mapped)).toMatchObject({ code: 0 });
    }
    const unnamed = await of(verb, 'model.yaml', '--weights', 'net.caffemodel.h5');
    expect(unnamed.stderr).toMatch(/of another program[^]*`dlc import FILES.*--map FILE/);
    folder.write('net.keras', 'anything');
    const whole = await of(verb, 'model.yaml', '--weights', 'net.keras');
    expect(whole.stderr).toContain('this is a model of Keras');
    expect([unnamed.code, whole.code]).toEqual([1, 1]);
  },
  120_000,
);

it('dlc diff tells what becomes of the weights of the first in the second', async () => {
  folder.write('wider.yaml', TINY.replace('units: 3', 'units: 5'));
  const outcome = await folder.dlc(['diff', 'model.yaml', 'wider.yaml', '--weights', TRAINED]);
  expect(outcome).toMatchObject({ code: 0 });
  expect(outcome.stderr).toContain('weights.h5: 6 loaded, 2 left at initial values, 2 unused');
});

it('the datasets of another program are read as they are', async () => {
  const read = await loadWeights(
    { file: folder.at('net.caffemodel.h5'), map: { 'data/*/*': '*.*' } },
    { expected: [...trained].map(([name, { dtype, shape }]) => ({ name, dtype, shape })) },
  );
  for (const [name, tensor] of trained) expect(read.tensors.get(name)).toEqual(tensor);
  const names = await readH5(folder.at('net.caffemodel.h5'), 'x', 1e6, ({ listing }) =>
    Promise.resolve(listing.datasets.length),
  );
  expect(names).toBe(trained.size);
});
