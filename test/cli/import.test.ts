/** `dlc import` from the command line: the files that it writes, what it says of them, and what works with them at once. */
import { readdirSync, readFileSync } from 'node:fs';
import { encodeNpy } from '../../compiler/data/npy';
import { ModelFolder, type Outcome } from '../support/cli';

const folder = new ModelFolder();
afterAll(() => folder.remove());

const dense = (name: string, units: number, more: object = {}): object => ({
  class_name: 'Dense',
  config: { name, units, ...more },
});
const tower = { name: 'tower', layers: [dense('wide', 4, { batch_input_shape: [null, 3] }), dense('narrow', 2)] };
const node = (class_name: string, name: string, config: object, ...calls: string[][]): object => ({
  class_name,
  name,
  config: { name, ...config },
  inbound_nodes: calls.map((from) =>
    from.map((source) => [source.split('@')[0], Number(source.split('@')[1] ?? 0), 0, {}]),
  ),
});
const input = (name: string): object => node('InputLayer', name, { batch_input_shape: [null, 3] });
const TWINS = {
  class_name: 'Model',
  config: {
    name: 'twins',
    layers: [
      input('left'),
      input('right'),
      { ...(node('Sequential', 'tower', {}, ['left'], ['right']) as Record<string, unknown>), config: tower },
      node('Subtract', 'difference', {}, ['tower@0', 'tower@1']),
    ],
    input_layers: [
      ['left', 0, 0],
      ['right', 0, 0],
    ],
    output_layers: [['difference', 0, 0]],
  },
};
const WEIGHTS: Readonly<Record<string, readonly number[]>> = {
  'tower/wide/kernel': [3, 4],
  'tower/wide/bias': [4],
  'tower/narrow/kernel': [4, 2],
  'tower/narrow/bias': [2],
};

beforeAll(() => {
  const counts = Object.values(WEIGHTS).map((shape) => shape.reduce((a, b) => a * b, 1));
  const values = Float32Array.from({ length: counts.reduce((a, b) => a + b, 0) }, (_, i) => Math.sin(i));
  folder.write('source/w.bin', new Uint8Array(values.buffer));
  const weights = Object.entries(WEIGHTS).map(([name, shape]) => ({ name, shape, dtype: 'float32' }));
  const manifest = [{ paths: ['w.bin'], weights }];
  folder.write('source/model.json', JSON.stringify({ modelTopology: TWINS, weightsManifest: manifest }));
  const row = (scale: number): Uint8Array =>
    encodeNpy({ dtype: 'f32', shape: [2, 3], data: Float32Array.from([1, 2, 3, 4, 5, 6], (v) => v * scale) });
  folder.write('l.npy', row(1));
  folder.write('r.npy', row(0.5));
});

const run = (out: string, ...more: string[]): Promise<Outcome> =>
  folder.dlc(['import', 'source/model.json', '-o', out, ...more]);
const INPUTS = ['--input', 'left=l.npy', '--input', 'right=r.npy'];

it('a model inside of the model is a file beside it, and all of it predicts as it lies there', async () => {
  const made = await run('net/twins.yaml', '--report', 'report.json');
  expect(made).toMatchObject({ code: 0, stderr: '' });
  expect(made.stdout).toContain('net/twins.yaml, net/twins_tower.yaml, net/twins.h5 (4 tensors)');
  expect(readdirSync(folder.at('net')).sort()).toEqual(['twins.h5', 'twins.yaml', 'twins_tower.yaml']);
  const report = JSON.parse(readFileSync(folder.at('report.json'), 'utf8')) as { models: string[] };
  expect(report.models).toEqual(['net/twins_tower.yaml']);
  // The model names its weights.
  const predicted = await folder.dlc(['predict', 'net/twins.yaml', ...INPUTS, '--out', 'nested']);
  expect(predicted).toMatchObject({ code: 0, stderr: '' });
  expect(await folder.dlc(['predict', 'net/twins.h5', ...INPUTS, '--out', 'alone'])).toMatchObject({ code: 0 });
  expect(folder.read('alone', 'difference.npy')).toEqual(folder.read('nested', 'difference.npy'));

  expect(await run('flat.yaml', '--no-models', '--weights-out', 'weights/flat.h5')).toMatchObject({ code: 0 });
  expect(readFileSync(folder.at('flat.yaml'), 'utf8')).toContain('weights: {file: weights/flat.h5}');
  expect(await folder.dlc(['predict', 'flat.yaml', ...INPUTS, '--out', 'flat'])).toMatchObject({ code: 0 });
  expect(folder.read('flat', 'difference.npy')).toEqual(folder.read('nested', 'difference.npy'));
});

it('nothing is replaced that nobody said to replace, and a path that leads outside is not written into the model', async () => {
  folder.write('kept/twins_tower.yaml', 'mine');
  const refused = await run('kept/twins.yaml');
  expect(refused).toMatchObject({ code: 2 });
  expect(refused.stderr).toMatch(/twins_tower\.yaml exists already/);
  expect(readdirSync(folder.at('kept'))).toEqual(['twins_tower.yaml']);
  expect(await run('kept/twins.yaml', '--force', '--weights-out', 'elsewhere.h5')).toMatchObject({ code: 0 });
  expect(readFileSync(folder.at('kept/twins.yaml'), 'utf8')).not.toContain('weights:');
  const without = await folder.dlc(['predict', 'kept/twins.yaml', ...INPUTS, '--out', 'out']);
  expect(without.stderr).toContain('needs weights');
  expect(
    await folder.dlc(['predict', 'kept/twins.yaml', '--weights', 'elsewhere.h5', ...INPUTS, '--out', 'out']),
  ).toMatchObject({
    code: 0,
  });
});
