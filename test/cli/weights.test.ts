/** `--weights` of any format, `--map` and `--partial`: what is renamed, what is left out, and what is said of it. */
import { readFileSync } from 'node:fs';
import { encodeNpy } from '../../compiler/data/npy';
import type { Tensors } from '../../compiler/weights/content';
import { loadWeights } from '../../compiler/weights/files';
import { writeNpz } from '../../compiler/weights/formats/npz';
import { ModelFolder, TINY, type Outcome } from '../support/cli';

const folder = new ModelFolder();
const OWN = 'run/weights.h5';
const INPUT = ['--input', 'image=x.npy'];

const predict = (weights: string, out: string, ...more: string[]): Promise<Outcome> =>
  folder.dlc(['predict', 'model.yaml', '--weights', weights, ...INPUT, '--out', out, ...more]);
const same = (out: string): void => expect(folder.read(out, 'probs.npy')).toEqual(folder.read('own', 'probs.npy'));

beforeAll(async () => {
  await folder.train('run', 'train.epochs=1');
  const data = Float32Array.from({ length: 5 * 36 }, (_, i) => ((i * 37) % 64) / 64);
  folder.write('x.npy', encodeNpy({ dtype: 'f32', shape: [5, 1, 6, 6], data }));
  const own = await predict(OWN, 'own');
  expect(own).toMatchObject({ code: 0, stderr: '' });
  const { tensors } = await loadWeights(folder.at(OWN));
  const renamed: Tensors = new Map([...tensors].map(([name, tensor]) => [name.replace('conv.', 'net.stem.'), tensor]));
  await writeNpz(folder.at('net.npz'), new Map([...renamed, ['junk', tensors.get('conv.bias')!]]));
});
afterAll(() => folder.remove());

const MAP = 'net.stem.*: conv.*\njunk: null\n';

it('a map in a file renames, and a line and a report say what became of every tensor', async () => {
  folder.write('map.yaml', MAP);
  const mapped = await predict('net.npz', 'mapped', '--map', 'map.yaml', '--weights-report', 'report.json');
  expect(mapped).toMatchObject({ code: 0 });
  expect(mapped.stderr).toBe('net.npz: 6 loaded, 2 renamed, 1 unused\n  junk is not used: left out by the map\n');
  same('mapped');
  const report = JSON.parse(readFileSync(folder.at('report.json'), 'utf8')) as { tensors: unknown[] };
  expect(report.tensors).toHaveLength(9);
  expect(report.tensors).toContainEqual({
    file: 'net.npz',
    fate: 'renamed',
    source: 'net.stem.bias',
    target: 'conv.bias',
  });
  folder.write('map.json', JSON.stringify({ 'net.stem.*': 'conv.*', junk: null }));
  for (const verb of [
    ['eval', 'model.yaml'],
    ['compile', 'model.yaml', '-o', 'm.dlcb'],
  ])
    expect(await folder.dlc([...verb, '--weights', 'net.npz', '--map', 'map.json'])).toMatchObject({ code: 0 });
});

it("the model's own map is for files of other programs alone", async () => {
  folder.write('mapping.yaml', `${TINY}weights: {map: {"net.stem.*": "conv.*", junk: null}}\n`);
  for (const [weights, out] of [
    ['net.npz', 'foreign'],
    [OWN, 'ours'],
  ] as const) {
    const args = ['predict', 'mapping.yaml', '--weights', weights, ...INPUT, '--out', out];
    expect(await folder.dlc(args)).toMatchObject({ code: 0 });
    same(out);
  }
  const expanded = await folder.dlc(['expand', 'mapping.yaml']);
  expect(expanded.stdout).toContain('net.stem.*');
});

it('a new head is trained on what others trained: `--partial`, or `partial: true` in the model', async () => {
  const start = ['layers.logits.units=5', 'layers.conv.frozen=true', 'train.epochs=1'];
  const strict = await folder.dlc(['train', 'model.yaml', ...start, '--weights', OWN, '--run-dir', 'strict']);
  expect(strict).toMatchObject({ code: 1 });
  const said = /weights\.h5: 6 loaded, 2 left at initial values, 2 unused\n.*logits\.\w+ is not used: .* does not fit/s;
  const loose = await folder.dlc([
    'train',
    'model.yaml',
    ...start,
    '--weights',
    OWN,
    '--partial',
    '--run-dir',
    'loose',
  ]);
  expect(loose).toMatchObject({ code: 0 });
  expect(loose.stderr).toMatch(said);
  folder.write('tuned.yaml', `${TINY}weights: [{file: ${OWN}, partial: true}]\n`);
  const tuned = await folder.dlc(['train', 'tuned.yaml', ...start, '--run-dir', 'tuned']);
  expect(tuned).toMatchObject({ code: 0 });
  expect(tuned.stderr).toMatch(said);
  const [old, fresh] = await Promise.all([OWN, 'tuned/weights.h5'].map((file) => loadWeights(folder.at(file))));
  expect(fresh!.tensors.get('conv.weight')).toEqual(old!.tensors.get('conv.weight'));
  expect(fresh!.tensors.get('logits.bias')!.shape).toEqual([5]);
});

it.each([
  [2, ['--map', 'map.yaml'], '--map is for weights'],
  [1, ['--weights', OWN, '--map', 'none.yaml'], 'none.yaml:1:1'],
  [1, ['--weights', OWN, '--map', 'wrong.yaml'], 'wrong.yaml:1:6: error'],
  [1, ['--weights', 'net.npz', '--map', 'other.yaml'], 'nothing in the file fits `nobody` of the map'],
])('what cannot be meant ends with %i: %j', async (code, args, message) => {
  folder.write('wrong.yaml', 'a.b: [1, 2]\n');
  folder.write('other.yaml', `${MAP}nobody: conv.bias\n`);
  const outcome = await folder.dlc(['eval', 'model.yaml', ...args]);
  expect(outcome.stderr).toContain(message);
  expect(outcome.code).toBe(code);
});
