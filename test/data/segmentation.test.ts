/** Masks beside images: what their pixels mean, how they are resized and moved, and which belong together. */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import sharp from 'sharp';
import type { Dataset } from '../../compiler/data/define';
import { vocColours } from '../../compiler/data/masks/colours';
import type { Fields, InputSpec, Mode } from '../../compiler/frontend/spec';
import { context, Folder, input, open, problemsOf, rows, section } from './fixtures';

const folder = new Folder();
afterAll(() => folder.remove());

async function png(name: string, width: number, height: number, channels: 1 | 3 | 4, bytes: number[]): Promise<void> {
  mkdirSync(path.dirname(folder.at(name)), { recursive: true });
  const image = sharp(Uint8Array.from(bytes), { raw: { width, height, channels } });
  await (channels === 1 ? image.toColourspace('b-w') : image).png().toFile(folder.at(name));
}

const IMAGE = input('image', 'f32', ['N', 1, 2, 4]);
const MASK = input('mask', 'i32', ['N', 2, 4]);

beforeAll(async () => {
  const pixels = [10, 20, 30, 40, 50, 60, 70, 80];
  await png('images/a.png', 4, 2, 1, pixels);
  await png('images/b.png', 4, 2, 1, [...pixels].reverse());
  await png('masks/a.png', 4, 2, 1, [0, 1, 2, 3, 3, 2, 1, 0]);
  await png('masks/b.png', 2, 1, 1, [1, 2]);
  await png('masks/unused.png', 2, 1, 1, [9, 9]);
});

function pairs(
  fields: Fields = {},
  inputs: readonly InputSpec[] = [IMAGE, MASK],
  mode: Mode = 'train',
): Promise<Dataset> {
  return open(section('segmentation', { images: 'images', masks: 'masks', ...fields }), context(folder, inputs, mode));
}

const masksOf = async (dataset: Dataset, how = { seed: 1, epoch: 0 }): Promise<number[][]> => {
  const { mask } = await rows(
    dataset,
    Array.from({ length: dataset.size }, (_, i) => i),
    how,
  );
  const values = Array.from(mask!, Number);
  return Array.from({ length: dataset.size }, (_, i) => values.slice(8 * i, 8 * i + 8));
};

it('pairs by name and takes the nearest pixel', async () => {
  const dataset = await pairs({ classes: ['a', 'b', 'c', 'd'] });
  expect(dataset.size).toBe(2);
  expect(await masksOf(dataset)).toEqual([
    [0, 1, 2, 3, 3, 2, 1, 0],
    [1, 1, 2, 2, 1, 1, 2, 2],
  ]);
  // Once more, out of the cache.
  expect(await masksOf(await pairs({ classes: ['a', 'b', 'c', 'd'] }))).toEqual(await masksOf(dataset));
  writeFileSync(folder.at('some.txt'), 'b.jpg\n');
  expect((await pairs({ list: 'some.txt' })).size).toBe(1);
});

it('pads with what has no class, and crops around the centre', async () => {
  await png('wide/images/w.png', 4, 1, 1, [1, 2, 3, 4]);
  await png('wide/masks/w.png', 4, 1, 1, [1, 2, 3, 4]);
  const at = { images: 'wide/images', masks: 'wide/masks' };
  const square = [input('image', 'f32', ['N', 1, 4, 4]), input('mask', 'i32', ['N', 4, 4])];
  const padded = await rows(await pairs({ ...at, fit: 'pad', ignore: 9 }, square), [0]);
  expect(Array.from(padded.mask!.subarray(0, 4), Number)).toEqual([9, 9, 9, 9]);
  expect(Array.from(padded.mask!, Number).filter((value) => value !== 9)).toEqual([1, 2, 3, 4]);
  const cropped = await rows(await pairs({ ...at, fit: 'crop' }, square), [0]);
  expect(new Set(Array.from(cropped.mask!, Number))).toEqual(new Set([2, 3]));
});

it('knows the colours of VOC and those of a list, and merges classes', async () => {
  // From the development kit of PASCAL VOC 2012: aeroplane, bicycle, person, television, void.
  const colours = vocColours();
  expect([1, 2, 15, 20, 255].map((i) => colours[i]!.toString(16))).toEqual([
    '800000',
    '8000',
    'c08080',
    '4080',
    'e0e0c0',
  ]);
  await png('voc/masks/v.png', 2, 1, 3, [0, 0, 0, 192, 128, 128]);
  await png('voc/images/v.png', 2, 1, 1, [1, 2]);
  const at = { images: 'voc/images', masks: 'voc/masks' };
  const unique = async (fields: Fields): Promise<number[]> => [
    ...new Set((await masksOf(await pairs({ ...at, ...fields })))[0]),
  ];
  expect(await unique({ meaning: 'voc' })).toEqual([0, 15]);
  expect(await unique({ colours: ['#C08080', '#000000'] })).toEqual([1, 0]);
  expect(await unique({ meaning: 'binary' })).toEqual([0, 1]);
  expect(await unique({ meaning: 'voc', merge: { 15: 1 } })).toEqual([0, 1]);
  const [problem] = await problemsOf(pairs({ ...at, colours: ['#000000'] }));
  expect(problem!.message).toContain('#c08080');
  expect((await problemsOf(pairs(at)))[0]!.message).toContain('say with `colours`');
});

it('moves image and mask alike', async () => {
  const augment = { flip: 'horizontal', crop: { padding: 1 } };
  // Of a mask that is the image, the moved one is the moved image.
  const same = await open(
    section('segmentation', { images: 'images', masks: 'images', ignore: 0, augment, limit: 1 }),
    context(folder, [IMAGE, MASK]),
  );
  const seen = new Set<string>();
  for (let epoch = 0; epoch < 30; epoch++) {
    const { image, mask } = await rows(same, [0], { seed: 3, epoch });
    expect(Array.from(mask!, Number)).toEqual(Array.from(image!, Number));
    seen.add(Array.from(mask!, Number).join());
  }
  expect(seen.size).toBeGreaterThan(8);
  const still = await pairs({ augment }, [IMAGE, MASK], 'eval');
  expect((await masksOf(still))[0]).toEqual([0, 1, 2, 3, 3, 2, 1, 0]);
});

it('says what is missing or has no class', async () => {
  const message = async (fields: Fields, inputs?: readonly InputSpec[]): Promise<string> =>
    (await problemsOf(pairs(fields, inputs)))[0]!.message;
  expect(await message({ classes: ['a', 'b', 'c'] })).toContain('`masks/a.png`: has the number 3; there are 3 classes');
  writeFileSync(folder.at('none.txt'), 'c\n');
  expect(await message({ list: 'none.txt' })).toContain('`images/c`: there is no such image');
  expect(await message({ meaning: 'voc', colours: ['#000000'] })).toContain('say the same');
  expect(await message({}, [IMAGE, input('mask', 'i32', ['N', 3, 4])])).toContain('size of the images');
  writeFileSync(folder.at('masks/a.png'), 'no image');
  expect(await message({})).toContain('`masks/a.png`: not a readable image');
});
