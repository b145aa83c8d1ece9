/** Columns of tables as inputs: numbers, categories, sets, vectors, texts; what is learned of them and where it holds. */
import { writeFileSync } from 'node:fs';
import { imageDecoder } from '../../compiler/data/image';
import type { Dataset } from '../../compiler/data/define';
import type { Learned } from '../../compiler/data/learned';
import type { Diagnostic } from '../../compiler/diagnostics/diagnostic';
import type { Fields, InputSpec, Mode } from '../../compiler/frontend/spec';
import { context, Folder, input, open, problemsOf, rows, section } from './fixtures';

const folder = new Folder();
afterAll(() => folder.remove());

const X = input('x', 'f32', ['N', 5]);
const Y = input('y', 'f32', ['N']);
const CITY = input('city', 'i32', ['N']);

function table(
  fields: Fields,
  inputs: readonly InputSpec[],
  mode: Mode = 'train',
  learned?: Learned,
): Promise<Dataset> {
  const how = context(folder, inputs, mode);
  return open(section('table', fields), learned ? { ...how, learned } : how);
}

async function all(dataset: Dataset, name: string, width: number): Promise<number[][]> {
  const indices = Array.from({ length: dataset.size }, (_, i) => i);
  const values = Array.from((await rows(dataset, indices))[name]!, Number);
  return indices.map((i) => values.slice(i * width, (i + 1) * width));
}

const write = (name: string, content: string): string => {
  writeFileSync(folder.at(name), content);
  return name;
};

const onePixel = async (value: number): Promise<Uint8Array> =>
  (await imageDecoder()).encodePng(Uint8Array.of(value), { channels: 1, height: 1, width: 1 });

const HOUSES = write('houses.csv', 'rooms,area,city,price\n2,50,Bonn,100\n4,,Ulm,300\n6,110,Bonn,200\n');
const COLUMNS: Fields = {
  rooms: { to: 'x', normalize: 'standard' },
  area: { to: 'x', normalize: 'minmax', missing: 'mean' },
  town: { column: 'city', kind: 'category', to: 'x', unknown: 'class' },
  price: { to: 'y' },
  city: { kind: 'category', unknown: 'class' },
};

it('lays columns side by side, scaled by the training rows', async () => {
  const dataset = await table({ file: HOUSES, columns: COLUMNS }, [X, Y, CITY]);
  // rooms: mean 4, standard deviation sqrt(8/3); area: 50 .. 110, the empty one is 80; then unknown, Bonn, Ulm.
  const z = Math.fround(2 / Math.sqrt(8 / 3));
  expect(await all(dataset, 'x', 5)).toEqual([
    [-z, 0, 0, 1, 0],
    [0, 0.5, 0, 0, 1],
    [z, 1, 0, 1, 0],
  ]);
  expect(await all(dataset, 'y', 1)).toEqual([[100], [300], [200]]);
  expect(await all(dataset, 'city', 1)).toEqual([[1], [2], [1]]);
  expect(dataset.classes).toEqual(['<unknown>', 'Bonn', 'Ulm']);
});

it('treats other rows as it treated those of the training', async () => {
  const { learned } = await table({ file: HOUSES, columns: COLUMNS }, [X, Y, CITY]);
  write('more.jsonl', '{"area": 140, "rooms": 4, "city": "Köln", "price": 1}\n');
  const stored = JSON.parse(JSON.stringify(learned)) as Learned;
  const dataset = await table({ file: 'more.jsonl' }, [X, Y, CITY], 'eval', stored);
  expect(await all(dataset, 'x', 5)).toEqual([[0, 1.5, 1, 0, 0]]);
  expect(await all(dataset, 'city', 1)).toEqual([[0]]);
  const predicted = await table({ file: 'more.jsonl' }, [X], 'predict', stored);
  expect(predicted.fields.map((field) => field.input)).toEqual(['x']);
  const columns = { rooms: { to: 'x', normalize: 'minmax' } };
  expect(await problemsOf(table({ file: 'more.jsonl', columns }, [X], 'eval', stored))).toMatchObject([
    { code: 'invalid-value' },
  ]);
  expect(await problemsOf(table({ file: HOUSES }, [X, Y, CITY]))).toMatchObject([{ code: 'missing-field' }]);
});

it('reads sets, vectors and texts', async () => {
  write('films.tsv', 'tags\tform\tplot\nfun new\t1,2\tA man, a plan\nnew\t3,4\ta canal\n\t5,6\tpanama\n');
  const inputs = [
    input('tags', 'f32', ['N', 2]),
    input('form', 'f32', ['N', 2]),
    input('plot', 'i32', ['N', 4]),
    input('words', 'i32', ['N']),
  ];
  const columns = {
    tags: { kind: 'set' },
    form: { kind: 'vector', separator: ',', normalize: 'minmax' },
    plot: { kind: 'text', lengths: 'words', punctuation: 'drop' },
  };
  const dataset = await table({ file: 'films.tsv', columns }, inputs);
  expect(await all(dataset, 'tags', 2)).toEqual([
    [1, 1],
    [0, 1],
    [0, 0],
  ]);
  expect(await all(dataset, 'form', 2)).toEqual([
    [0, 0],
    [0.5, 0.5],
    [1, 1],
  ]);
  // a 3, then canal, man, panama, plan.
  expect(await all(dataset, 'plot', 4)).toEqual([
    [2, 4, 2, 6],
    [2, 3, 0, 0],
    [5, 0, 0, 0],
  ]);
  expect(await all(dataset, 'words', 1)).toEqual([[4], [2], [1]]);
  const again = await table({ file: 'films.tsv', columns }, inputs, 'eval', dataset.learned);
  expect(await all(again, 'plot', 4)).toEqual(await all(dataset, 'plot', 4));
});

it('takes rows by their values, columns by position, and other names in other parts', async () => {
  write('bare.csv', '1;train;a\n2;test;b\n3;train;a\n');
  const fields = { file: 'bare.csv', delimiter: ';', header: false };
  const columns = { '0': { to: 'y' }, city: { column: 2, kind: 'category' } };
  const train = await table({ ...fields, columns, where: { '1': 'train' } }, [Y, CITY]);
  expect(await all(train, 'y', 1)).toEqual([[1], [3]]);
  expect(train.classes).toEqual(['a']);
  const eval_ = table({ ...fields, where: { '1': 'test' } }, [Y, CITY], 'eval', train.learned);
  expect((await problemsOf(eval_))[0]!.message).toContain('`bare.csv:2`: `city` "b" is not among the classes');
  expect((await table({ ...fields, columns, limit: 1 }, [Y, CITY])).classes).toEqual(['a']);
});

it('reads lists of images, pairs of them too', async () => {
  for (const [name, value] of Object.entries({ a: 10, b: 200 }))
    writeFileSync(folder.at(`${name}.png`), await onePixel(value));
  write('list.txt', 'a.png b.png 1\nb.png b.png 0\n');
  const inputs = [
    input('left', 'f32', ['N', 1, 1, 1]),
    input('right', 'u8', ['N', 1, 1, 1]),
    input('same', 'i32', ['N']),
  ];
  const columns = {
    left: { column: 0, kind: 'image', scale: 0.5, mean: 1 },
    right: { column: 1, kind: 'image' },
    same: { column: 2, kind: 'number' },
  };
  const dataset = await table({ file: 'list.txt', delimiter: ' ', header: false, columns }, inputs);
  expect(await all(dataset, 'left', 1)).toEqual([[4], [99]]);
  expect(await all(dataset, 'right', 1)).toEqual([[200], [200]]);
  expect(await all(dataset, 'same', 1)).toEqual([[1], [0]]);
  const again = table({ file: 'list.txt', delimiter: ' ', header: false }, inputs, 'eval', dataset.learned);
  expect(await all(await again, 'left', 1)).toEqual([[4], [99]]);
  write('list.txt', 'a.png c.png 1\n');
  const [missing] = await problemsOf(table({ file: 'list.txt', delimiter: ' ', header: false, columns }, inputs));
  expect(missing).toMatchObject({ code: 'data-missing' });
});

it('gives classes the chances that are asked for', async () => {
  write(
    'rare.csv',
    `y,city\n${Array.from({ length: 100 }, (_, i) => `${i},${i < 10 ? 'rare' : 'often'}`).join('\n')}\n`,
  );
  const columns = { y: {}, city: { kind: 'category' } };
  const share = async (sampling: string | Fields): Promise<number> => {
    const dataset = await table({ file: 'rare.csv', columns, sampling }, [Y, CITY]);
    const drawn = Array.from({ length: 40 }, (_, epoch) => Array.from(dataset.order!(7, epoch))).flat();
    expect(drawn).toHaveLength(4000);
    return drawn.filter((sample) => sample < 10).length / drawn.length;
  };
  expect(await share('balanced')).toBeCloseTo(0.5, 1);
  expect(await share({ rare: 3 })).toBeCloseTo(30 / 120, 1);
  expect(await share({ often: 0 })).toBe(1);
  const wrong = table({ file: 'rare.csv', columns, sampling: { rarer: 3 } }, [Y, CITY]);
  expect(await problemsOf(wrong)).toMatchObject([{ code: 'invalid-value' }]);
  const held = await table({ file: 'rare.csv', columns, split: { from: 0.9, stratified: true } }, [Y, CITY]);
  expect((await all(held, 'y', 1)).filter(([y]) => y! < 10)).toHaveLength(1);
});

it('says the row and the column of what it cannot use', async () => {
  const problem = async (content: string, columns: Fields, inputs: readonly InputSpec[]): Promise<Diagnostic> => {
    write('bad.csv', content);
    return (await problemsOf(table({ file: 'bad.csv', columns }, inputs)))[0]!;
  };
  const number = { y: {} };
  expect((await problem('y\n1\ntwo\n', number, [Y])).message).toContain('`bad.csv:3`: `y` two is not a number');
  expect((await problem('y\n1\n?\n', number, [Y])).message).toContain('`bad.csv:3`: `y` is empty');
  expect((await problem('y\n1\n', { z: { to: 'y' } }, [Y])).message).toContain('no column of `bad.csv` `z`');
  expect((await problem('y\n1\n', { y: { to: 'z' } }, [Y])).code).toBe('unknown-reference');
  expect((await problem('y\n1\n', number, [Y, X])).message).toContain('no column goes to the input `x`');
  expect((await problem('x\n1\n', { x: {} }, [X])).message).toContain('make 1 numbers a row (x 1)');
  expect((await problem('city\n1.5\n', { city: {} }, [CITY])).message).toContain('integers');
  expect((await problem('y,y\n1,2\n', number, [Y])).message).toContain('two columns `y`');
  const fields: readonly Fields[] = [
    { separator: ',' },
    { missing: 'unknown' },
    { kind: 'category', missing: 'mean' },
    { kind: 'category', missing: 'unknown' },
    { kind: 'set', unknown: 'token' },
    { kind: 'text' },
  ];
  for (const column of fields)
    expect((await problem('y\n1\n', { y: column }, [Y])).code).toMatch(
      /conflicting-fields|invalid-value|data-mismatch/,
    );
});
