/** Pictures with boxes: the three ways of annotation, boxes that move with the picture, and what is wrong with a bad set. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { drawView, Draws, look, seen, viewOptions, type Sides } from '../../compiler/data/detection/view';
import { imageDecoder } from '../../compiler/data/image';
import { context, Folder, input, open, problemsOf, rows, section } from './fixtures';

const folder = new Folder();
afterAll(() => folder.remove());
const INPUTS = [
  input('image', 'f32', ['N', 3, 4, 4]),
  input('boxes', 'f32', ['N', 3, 4]),
  input('classes', 'i32', ['N', 3]),
];
const how = context(folder, INPUTS);

function write(name: string, bytes: Uint8Array | string): void {
  mkdirSync(path.dirname(folder.at(name)), { recursive: true });
  writeFileSync(folder.at(name), bytes);
}

function object(name: string, sides: readonly number[], difficult = 0): string {
  const [xmin, ymin, xmax, ymax] = sides;
  return `<object><name>${name}</name><part><name>head</name><bndbox><xmin>1</xmin></bndbox></part>
    <difficult>${difficult}</difficult>
    <bndbox><xmin>${xmin}</xmin><ymin>${ymin}</ymin><xmax>${xmax}</xmax><ymax>${ymax}</ymax></bndbox></object>`;
}

beforeAll(async () => {
  const decoder = await imageDecoder();
  // The left half is dark, the right half bright.
  const pixels = Uint8Array.from({ length: 3 * 8 * 16 }, (_, i) => (i % 16 < 8 ? 10 : 200));
  const png = await decoder.encodePng(pixels, { channels: 3, height: 8, width: 16 });
  for (const name of ['a', 'b', 'c']) write(`voc/JPEGImages/${name}.png`, png);
  const xml = (name: string, objects: string): string =>
    `<annotation><!-- <object></object> --><filename>${name}.png</filename>${objects}</annotation>`;
  write('voc/Annotations/a.xml', xml('a', object('cat &amp; dog', [0, 0, 8, 4]) + object('ant', [8, 4, 16, 8], 1)));
  write('voc/Annotations/b.xml', xml('b', object('ant', [4, 2, 4, 6])));
  write('voc/Annotations/c.xml', xml('c', object('ant', [4, 2, 12, 6])));
  write('voc/ImageSets/Main/some.txt', 'c  1\na -1\n');
  write(
    'coco.json',
    JSON.stringify({
      images: [
        { id: 7, file_name: 'a.png' },
        { id: 9, file_name: 'b.png' },
      ],
      categories: [
        { id: 5, name: 'zebra' },
        { id: 2, name: 'ant' },
      ],
      annotations: [
        { image_id: 7, category_id: 5, bbox: [0, 0, 8, 4], iscrowd: 0 },
        { image_id: 7, category_id: 2, bbox: [8, 4, 8, 4], iscrowd: 1 },
      ],
    }),
  );
  write(
    'table.csv',
    'filename,cell_type,xmin,xmax,ymin,ymax\na.png,ant,0,8,0,4\na.png,"b,ee",8,16,4,8\nc.png,ant,4,12,2,6\n',
  );
});

const FIRST = [0, 0, 0.5, 0.5];
const SECOND = [0.5, 0.5, 1, 1];
const NONE = [0, 0, 0, 0];

it('reads PASCAL VOC: parts of a thing are no things, one without an area is left out', async () => {
  const dataset = await open(section('detection', { path: 'voc', shuffle: false }), how);
  expect([dataset.size, dataset.classes]).toEqual([3, ['background', 'ant', 'cat & dog']]);
  const { boxes, classes, image } = await rows(dataset, [0, 1]);
  expect([...boxes!]).toEqual([...FIRST, ...SECOND, ...NONE, ...NONE, ...NONE, ...NONE]);
  expect([...classes!]).toEqual([2, 1, -1, -1, -1, -1]);
  expect([...image!].slice(0, 4).map((x) => Number(x) > 100)).toEqual([false, false, true, true]);
});

it('reads a split in its order, leaves out what is difficult, and counts from 0 without a background', async () => {
  const fields = { path: 'voc', subset: 'some', difficult: 'skip', background: false };
  const dataset = await open(section('detection', fields), how);
  const { classes } = await rows(dataset, [0, 1]);
  expect([...classes!]).toEqual([0, -1, -1, 1, -1, -1]);
});

it('numbers classes as the training data does, whatever a part of the data holds', async () => {
  const learned = { classes: { kind: 'classes', names: ['background', 'bee', 'ant', 'cat & dog'] } };
  const dataset = await open(section('detection', { path: 'voc', subset: 'some' }), { ...how, learned });
  expect([...(await rows(dataset, [0, 1]))['classes']!]).toEqual([2, -1, -1, 3, 2, -1]);
  expect(dataset.learned).toEqual(learned);
  const other = open(section('detection', { path: 'voc', background: false }), { ...how, learned });
  expect((await problemsOf(other))[0]?.message).toContain('the training data numbers its classes in another way');
});

it('tells which things are difficult', async () => {
  const more = context(folder, [...INPUTS, input('hard', 'bool', ['N', 3])]);
  const dataset = await open(section('detection', { path: 'voc', subset: 'some' }), more);
  expect([...(await rows(dataset, [1]))['hard']!]).toEqual([0, 1, 0]);
});

it('reads COCO: classes in the order of their numbers, pictures without things too', async () => {
  const fields = { path: 'voc/JPEGImages', format: 'coco', annotations: 'coco.json', background: false };
  const dataset = await open(section('detection', fields), how);
  expect([dataset.size, dataset.classes]).toEqual([2, ['ant', 'zebra']]);
  const { boxes, classes } = await rows(dataset, [0, 1]);
  expect([...classes!]).toEqual([1, 0, -1, -1, -1, -1]);
  expect([...boxes!].slice(0, 8)).toEqual([...FIRST, ...SECOND]);
});

it('reads a table by the names of its columns', async () => {
  const fields = { path: 'voc/JPEGImages', format: 'csv', annotations: 'table.csv' };
  const dataset = await open(section('detection', fields), how);
  const { classes } = await rows(dataset, [0, 1]);
  expect([...classes!]).toEqual([1, 2, -1, 1, -1, -1]);
  const wrong = await problemsOf(open(section('detection', { ...fields, columns: { class: 'kind' } }), how));
  expect(wrong[0]?.message).toContain('no column `kind`; there are `filename`');
});

it('pads: boxes lie where the picture does', async () => {
  const dataset = await open(section('detection', { path: 'voc', fit: 'pad' }), how);
  const { boxes, image } = await rows(dataset, [0]);
  expect([...boxes!].slice(0, 8)).toEqual([0, 0.25, 0.5, 0.5, 0.5, 0.5, 1, 0.75]);
  expect([...image!].slice(0, 4)).toEqual([0, 0, 0, 0]);
});

it('says what is wrong with a set', async () => {
  const messages = async (fields: Readonly<Record<string, string>>, inputs = INPUTS): Promise<string[]> =>
    (await problemsOf(open(section('detection', fields), context(folder, inputs)))).map(({ message }) => message);
  expect(await messages({ path: 'voc', subset: 'sum' })).toEqual([
    '`voc`: no subset `sum` (there is no such file); there are `some`',
  ]);
  expect(await messages({ path: 'voc', format: 'coco', subset: 'some' })).toEqual([
    '`format` and `subset` do not go together: `coco` has none',
    'data of format `coco` needs the field `annotations`',
  ]);
  const small = [
    input('image', 'f32', ['N', 3, 4, 4]),
    input('boxes', 'f32', ['N', 1, 4]),
    input('classes', 'i32', ['N', 1]),
  ];
  expect((await messages({ path: 'voc' }, small))[0]).toContain(
    '`JPEGImages/a.png` has 2 things, but there is room for 1',
  );
  const uneven = [INPUTS[0]!, INPUTS[1]!, input('classes', 'i32', ['N', 2])];
  expect((await messages({ path: 'voc' }, uneven))[0]).toContain('room for different numbers');
});

it('mirrors boxes with the picture, and repeats exactly', async () => {
  const fields = section('detection', { path: 'voc', augment: { flip: 'horizontal' } });
  const dataset = await open(fields, how);
  const seenSides = new Set<string>();
  const still = await open(section('detection', { path: 'voc' }), how);
  const plain = [...(await rows(still, [0]))['image']!].slice(0, 4);
  for (let epoch = 0; epoch < 8; epoch++) {
    const first = await rows(dataset, [0], { seed: 3, epoch });
    expect(await rows(dataset, [0], { seed: 3, epoch })).toEqual(first);
    const isMirrored = first['boxes']![0] === 0.5;
    expect([...first['image']!].slice(0, 4)).toEqual(isMirrored ? [...plain].reverse() : plain);
    expect([...first['boxes']!].slice(0, 4)).toEqual(isMirrored ? [0.5, 0, 1, 0.5] : FIRST);
    seenSides.add(String(isMirrored));
  }
  expect(seenSides.size).toBe(2);
});

it('a view shows a thing where its pixels are', () => {
  const view = { left: 0.25, top: -0.5, width: 0.5, height: 2, mirrored: false };
  expect(seen([0.3, 0, 0.6, 0.5], view)).toEqual([expect.closeTo(0.1, 9), 0.25, expect.closeTo(0.7, 9), 0.5]);
  expect(seen([0, 0, 0.4, 0.5], view)).toBeUndefined();
  expect(seen([0.3, 0, 0.6, 0.5], { ...view, mirrored: true })?.[0]).toBeCloseTo(0.3, 9);
  const pixels = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16);
  const into = new Uint8Array(16);
  look(
    pixels,
    0,
    { channels: 1, height: 4, width: 4 },
    { left: 0, top: -1, width: 1, height: 2, mirrored: true },
    99,
    into,
  );
  expect([...into]).toEqual([99, 99, 99, 99, 99, 99, 99, 99, 6, 5, 4, 3, 14, 13, 12, 11]);
});

it('parts that are cut out show enough of some thing', () => {
  const things: readonly Sides[] = [[0.3, 0.2, 0.8, 0.8]];
  const options = viewOptions({ crop: { overlaps: [0.3] } })!;
  const views = Array.from({ length: 60 }, (_, i) => drawView(options, things, new Draws(i, { seed: 1, epoch: 2 })));
  const parts = views.filter(({ width }) => width < 1);
  expect(parts.length).toBeGreaterThan(10);
  for (const { left, top, width, height } of parts) {
    const both =
      Math.max(0, Math.min(0.8, left + width) - Math.max(0.3, left)) *
      Math.max(0, Math.min(0.8, top + height) - Math.max(0.2, top));
    expect(both / (width * height + 0.3 - both)).toBeGreaterThanOrEqual(0.3);
    expect(Math.min(left, top, 1 - left - width, 1 - top - height)).toBeGreaterThanOrEqual(-1e-9);
  }
  const larger = drawView(viewOptions({ expand: { ratio: 3 } })!, things, new Draws(4, { seed: 1, epoch: 1 }));
  expect(larger.left).toBeLessThanOrEqual(0);
});

const CELLS = path.resolve(__dirname, '../../../shared/data/detection-bccd');

it('reads the blood cells as they are', async () => {
  if (!existsSync(CELLS)) {
    process.stdout.write('skipped: the pictures of blood cells are not here\n');
    return;
  }
  const inputs = [input('boxes', 'f32', ['N', 32, 4]), input('classes', 'i32', ['N', 32])];
  const here = { ...context(folder, inputs), allowOutside: true };
  const dataset = await open(section('detection', { path: CELLS }), here);
  expect([dataset.size, dataset.classes]).toEqual([364, ['background', 'Platelets', 'RBC', 'WBC']]);
  const { boxes, classes } = await rows(dataset, [...Array(364).keys()]);
  const count = (label: number): number => [...classes!].filter((found) => Number(found) === label).length;
  // 4,155 red cells, of which two have no area.
  expect([count(1), count(2), count(3)]).toEqual([361, 4153, 372]);
  expect([...boxes!].every((side) => Number(side) >= 0 && Number(side) <= 1)).toBe(true);
});
