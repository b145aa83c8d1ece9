/** Images in folders and archives: decoding, classes, the cache, and what is wrong with a bad one. */
import { mkdirSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { create } from 'tar';
import { imageDecoder, readImageInput } from '../../compiler/data/image';
import { context, Folder, input, open, problemsOf, rows, section } from './fixtures';

const folder = new Folder();
afterAll(() => folder.remove());
const inputs = [input('image', 'f32', ['N', 3, 2, 2]), input('label', 'i32', ['N'])];
const how = context(folder, inputs);

/** A picture of one colour. */
async function png(colour: readonly number[], side = 2): Promise<Uint8Array> {
  const pixels = Uint8Array.from({ length: colour.length * side * side }, (_, i) => colour[Math.floor(i / side ** 2)]!);
  return (await imageDecoder()).encodePng(pixels, { channels: colour.length, height: side, width: side });
}

beforeAll(async () => {
  const files = {
    'train/cat/0.png': await png([10, 20, 30]),
    'train/cat/1.PNG': await png([40, 50, 60]),
    'train/ant/9.png': await png([70, 80, 90], 8),
    'train/ant/.hidden.png': Buffer.from('x'),
    'train/ant/notes.txt': Buffer.from('not an image'),
    'test/dog/0.png': await png([1, 2, 3]),
  };
  for (const [name, bytes] of Object.entries(files)) {
    mkdirSync(path.dirname(folder.at('set', name)), { recursive: true });
    writeFileSync(folder.at('set', name), bytes);
  }
  await create({ cwd: folder.path, file: folder.at('set.tar.gz'), gzip: true }, ['set']);
  await create({ cwd: folder.at('set'), file: folder.at('train.tar') }, ['train']);
});

it('reads the same from a folder, a tar file and a gzipped one', async () => {
  for (const fields of [
    { path: 'set', folder: 'train' },
    { path: 'train.tar' },
    { path: 'set.tar.gz', folder: 'set/train' },
  ]) {
    const dataset = await open(section('image_folder', { ...fields, scale: 0.5 }), how);
    expect(dataset.classes).toEqual(['ant', 'cat']);
    expect(dataset.size).toBe(3);
    const { image, label } = await rows(dataset, [0, 1, 2]);
    expect([...label!]).toEqual([0, 1, 1]);
    expect([...image!].filter((_, i) => i % 4 === 0)).toEqual([35, 40, 45, 5, 10, 15, 20, 25, 30]);
  }
});

it('keeps decoded images in the cache until a file changes', async () => {
  const fields = section('image_folder', { path: 'set', folder: 'train', fit: 'crop' });
  const decoded: number[] = [];
  const counting = { ...how, onProgress: ({ done }: { readonly done: number }) => decoded.push(done) };
  rmSync(folder.at('cache'), { recursive: true, force: true });
  const first = await rows(await open(fields, counting), [0, 1, 2]);
  expect(decoded).toEqual([1, 2, 3]);
  expect(await rows(await open(fields, counting), [0, 1, 2])).toEqual(first);
  expect(decoded).toHaveLength(3);
  const [file] = readdirSync(folder.at('cache', 'images'));
  const bytes = readFileSync(folder.at('cache', 'images', file!));
  bytes[bytes.length - 1]! ^= 1;
  writeFileSync(folder.at('cache', 'images', file!), bytes);
  expect(await rows(await open(fields, counting), [0, 1, 2])).toEqual(first);
  expect(decoded).toHaveLength(6);
  utimesSync(folder.at('set/train/cat/0.png'), 1, 1);
  await open(fields, counting);
  expect(decoded).toHaveLength(9);
});

it('works without a cache that can be written', async () => {
  writeFileSync(folder.at('file'), '');
  const dataset = await open(section('image_folder', { path: 'train.tar' }), { ...how, cacheDir: folder.at('file') });
  expect(dataset.size).toBe(3);
});

it('numbers classes as `classes` says, absent ones included', async () => {
  const fields = { path: 'train.tar', classes: ['cat', 'bee', 'ant'] };
  const { label } = await rows(await open(section('image_folder', fields), how), [0, 1, 2]);
  expect([...label!]).toEqual([2, 0, 0]);
  const [problem] = await problemsOf(open(section('image_folder', { path: 'train.tar', classes: ['cat'] }), how));
  expect(problem!.message).toBe('`train.tar`: a folder is not among `classes:`: `ant`');
});

it('takes a layout of another depth for the mistake it is', async () => {
  const text = async (fields: Record<string, string>): Promise<string> =>
    (await problemsOf(open(section('image_folder', fields), how)))[0]!.message;
  expect(await text({ path: 'set' })).toBe(
    '`set`: `test/dog/0.png` does not lie as <class>/<file> (nor do 3 more); choose a folder with `folder:`',
  );
  expect(await text({ path: 'set', folder: 'trian' })).toContain('did you mean `train`?');
  mkdirSync(folder.at('void'), { recursive: true });
  expect(await text({ path: 'void' })).toContain('holds no JPEG, PNG or WebP files');
  expect(await text({ path: 'gone.tar' })).toContain('there is no such file');
});

it('names the images it can not decode, at the path in the model file', async () => {
  mkdirSync(folder.at('bad/a'), { recursive: true });
  writeFileSync(folder.at('bad/a/text.jpg'), 'no image at all');
  const whole = await png([1, 2, 3], 64);
  writeFileSync(folder.at('bad/a/cut.png'), whole.subarray(0, whole.length / 2));
  const problems = await problemsOf(open(section('image_folder', { path: 'bad' }), how));
  expect(problems.map(({ message }) => message).sort()).toEqual([
    expect.stringContaining('`bad/a/cut.png`: not a readable image'),
    expect.stringContaining('`bad/a/text.jpg`: not a readable image'),
  ]);
  expect(problems.every(({ at, code }) => at.line === 2 && code === 'data-corrupt')).toBe(true);
});

it('says how an archive is damaged', async () => {
  const gz = readFileSync(folder.at('set.tar.gz'));
  const tar = readFileSync(folder.at('train.tar'));
  const text = async (bytes: Uint8Array): Promise<string> => {
    writeFileSync(folder.at('x.tar'), bytes);
    return (await problemsOf(open(section('image_folder', { path: 'x.tar' }), how)))[0]!.message;
  };
  expect(await text(gz.subarray(0, gz.length - 20))).toMatch(/the gzip stream ends early|the archive ends early/);
  const body = tar.indexOf('IDAT');
  expect(await text(tar.subarray(0, body))).toContain('the archive ends early');
  expect(await text(tar.subarray(0, Math.ceil(body / 512) * 512))).toContain('the archive ends early');
  expect(await text(Buffer.from('just some text'.repeat(100)))).toContain('neither a folder nor a tar file');
});

it('wants an input of the shape of an image', async () => {
  const flat = context(folder, [input('x', 'f32', ['N', 2, 5, 7])]);
  expect(await problemsOf(open(section('image_folder', { path: 'set' }), flat))).toMatchObject([
    { code: 'data-mismatch', hint: 'an image input is [N, C, H, W] with 1, 3 or 4 channels' },
  ]);
});

it('makes an image file into a normalized input for prediction', async () => {
  writeFileSync(folder.at('one.png'), await png([10, 20, 30], 4));
  const at = { file: 'command', line: 1, column: 1, length: 1 };
  const rgb = await readImageInput(
    folder.at('one.png'),
    inputs[0]!,
    section('image_folder', { path: 'x', scale: 0.1, mean: 1 }),
    at,
  );
  expect(rgb.shape).toEqual([1, 3, 2, 2]);
  expect([...rgb.data].map((value) => Math.round(Number(value) * 1e6) / 1e6)).toEqual([
    0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2,
  ]);
  const grey = await readImageInput(folder.at('one.png'), input('g', 'u8', ['N', 1, 3, 3]), undefined, at);
  expect(new Set<unknown>([...grey.data])).toEqual(new Set([19]));
  const missing = await problemsOf(readImageInput(folder.at('nope.png'), inputs[0]!, undefined, at));
  expect(missing).toMatchObject([{ code: 'data-corrupt', at }]);
});

it('numbers the classes as the training data did', async () => {
  const train = await open(section('image_folder', { path: 'set', folder: 'train' }), how);
  const fields = { path: 'set', folder: 'test' };
  const learned = { label: { kind: 'classes', names: ['ant', 'dog'] } };
  const dataset = await open(section('image_folder', fields), { ...how, mode: 'eval', learned });
  expect([...(await rows(dataset, [0])).label!]).toEqual([1]);
  const [problem] = await problemsOf(
    open(section('image_folder', fields), { ...how, mode: 'eval', learned: train.learned! }),
  );
  expect(problem!.message).toContain('not among `classes:`');
});
