/** The same readers on the public data sets, where they lie beside the checkout. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { COMMAND_LINE } from '../../compiler/diagnostics/location';
import { context, Folder, input, open, rows, section } from './fixtures';

const shared = path.resolve(__dirname, '../../../shared/data');
const folder = new Folder();
afterAll(() => folder.remove());

function available(name: string): boolean {
  const there = existsSync(path.join(shared, name));
  if (!there) console.log(`SKIPPED: ../shared/data/${name} is not there`);
  return there;
}

it('reads MNIST', async () => {
  if (!available('mnist')) return;
  const files = {
    images: path.join(shared, 'mnist/train-images-idx3-ubyte.gz'),
    labels: path.join(shared, 'mnist/train-labels-idx1-ubyte.gz'),
  };
  const inputs = [input('image', 'f32', ['N', 1, 28, 28]), input('label', 'i32', ['N'])];
  const dataset = await open(section('idx', files, COMMAND_LINE), context(folder, inputs));
  expect(dataset.size).toBe(60_000);
  const { image, label } = await rows(dataset, [0, 1, 59_999]);
  expect([...label!]).toEqual([5, 0, 8]);
  expect([...image!].map(Number).reduce((sum, byte) => sum + byte, 0)).toBeGreaterThan(50_000);
});

it('reads CIFAR-10 from its archive of JPEG files', async () => {
  if (!available('cifar10-jpg')) return;
  const files = { path: path.join(shared, 'cifar10-jpg/cifar10-jpg-test.tar.gz'), limit: 5000 };
  const inputs = [input('image', 'f32', ['N', 3, 32, 32]), input('label', 'i32', ['N'])];
  const dataset = await open(section('image_folder', files, COMMAND_LINE), context(folder, inputs, 'eval'));
  expect(dataset.size).toBe(5000);
  expect(dataset.classes).toHaveLength(10);
  expect(dataset.classes![0]).toBe('airplane');
  const { label } = await rows(dataset, [0, 999, 1000, 4999]);
  expect([...label!]).toEqual([0, 0, 1, 4]);
});

it('reads questions with their classes, and Shakespeare by its characters', async () => {
  if (!available('text-trec') || !available('text-tinyshakespeare')) return;
  const inputs = [input('tokens', 'i32', ['N', 16]), input('label', 'i32', ['N'])];
  const trec = (file: string): Record<string, string> => ({
    ...{ file: path.join(shared, 'text-trec', file), format: 'labelled', label_until: ':', encoding: 'latin1' },
  });
  const train = await open(section('text', trec('TREC.train'), COMMAND_LINE), context(folder, inputs));
  expect([train.size, train.classes]).toEqual([5452, ['ABBR', 'DESC', 'ENTY', 'HUM', 'LOC', 'NUM']]);
  const how = { ...context(folder, inputs, 'eval'), learned: train.learned! };
  expect((await open(section('text', trec('TREC.test'), COMMAND_LINE), how)).size).toBe(500);
  const file = path.join(shared, 'text-tinyshakespeare/input.txt');
  const windows = [input('x', 'i32', ['N', 64]), input('y', 'i32', ['N', 64])];
  const plays = await open(section('text_windows', { file }, COMMAND_LINE), context(folder, windows));
  expect(plays.size).toBe(Math.floor((1_115_394 - 1) / 64));
  expect(plays.learned!.x!.vocabulary).toHaveLength(65);
});

it('reads spoken digits by the official split', async () => {
  if (!available('fsdd')) return;
  const fields = {
    path: path.join(shared, 'fsdd/recordings.tar.gz'),
    list: path.join(shared, 'fsdd/split.csv'),
    ...{ label: 'digit', rate: 8000, where: { split: 'test' } },
  };
  const inputs = [input('wave', 'f32', ['N', 8000]), input('label', 'i32', ['N'])];
  const dataset = await open(section('audio_folder', fields, COMMAND_LINE), context(folder, inputs));
  expect([dataset.size, dataset.classes]).toEqual([300, Array.from({ length: 10 }, (_, i) => String(i))]);
  const { wave, label } = await rows(dataset, [0, 299]);
  expect(Array.from(label!, Number)).toEqual([0, 9]);
  expect(Math.max(...Array.from(wave!, Number))).toBeGreaterThan(0.05);
});

it('reads street scenes and nuclei with their masks', async () => {
  if (!available('segmentation-camvid') || !available('segmentation-nuclei')) return;
  const at = (...parts: string[]): string => path.join(shared, ...parts);
  const scenes = {
    images: at('segmentation-camvid/half/val'),
    masks: at('segmentation-camvid/half/valannot'),
    ignore: 11,
  };
  const classes = 'Sky Building Pole Road Pavement Tree SignSymbol Fence Car Pedestrian Bicyclist'.split(' ');
  const inputs = [input('image', 'f32', ['N', 3, 90, 120]), input('mask', 'i32', ['N', 90, 120])];
  const given = section('segmentation', { ...scenes, classes }, COMMAND_LINE);
  const dataset = await open(given, context(folder, inputs, 'eval'));
  expect(dataset.size).toBe(101);
  const { mask } = await rows(dataset, [0, 50, 100]);
  // Road is the most common class of all.
  const counts = new Map<number, number>();
  for (const value of Array.from(mask!, Number)) counts.set(value, (counts.get(value) ?? 0) + 1);
  expect([...counts].sort(([, a], [, b]) => b - a)[0]![0]).toBe(3);
  const cells = { images: at('segmentation-nuclei/test/images'), masks: at('segmentation-nuclei/test/instances') };
  const nuclei = section('segmentation', { ...cells, meaning: 'binary' }, COMMAND_LINE);
  const small = [input('image', 'f32', ['N', 1, 64, 64]), input('mask', 'f32', ['N', 1, 64, 64])];
  const found = await open(nuclei, context(folder, small, 'eval'));
  expect(found.size).toBe(30);
  expect(new Set(Array.from((await rows(found, [0])).mask!, Number))).toEqual(new Set([0, 1]));
});
