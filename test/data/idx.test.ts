/** IDX files: what fits which input, and every kind of damage reported at its field. */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import path from 'node:path';
import { COMMAND_LINE } from '../../compiler/diagnostics/location';
import { context, Folder, idxBytes, input, open, problemsOf, ramp, rows, section } from './fixtures';

const folder = new Folder();
afterAll(() => folder.remove());

const image = input('image', 'f32', ['N', 1, 2, 3]);
const label = input('label', 'i32', ['N']);
const both = context(folder, [image, label]);

writeFileSync(folder.at('images'), idxBytes([4, 2, 3], ramp(24)));
writeFileSync(folder.at('images.gz'), gzipSync(idxBytes([4, 2, 3], ramp(24))));
writeFileSync(folder.at('labels'), idxBytes([4], [7, 8, 9, 1]));
const files = { images: 'images', labels: 'labels' };

async function messages(fields: Record<string, string | object>): Promise<string[]> {
  const problems = await problemsOf(open(section('idx', { ...files, ...fields }), both));
  return problems.map(({ code, at, message }) => `${at.line} ${code}: ${message}`);
}

it('reads images and labels, plain or gzipped, into the inputs they fit', async () => {
  for (const images of ['images', 'images.gz']) {
    const dataset = await open(section('idx', { ...files, images, scale: 0.5, mean: 1, std: 2 }), both);
    expect(dataset.size).toBe(4);
    expect(dataset.fields).toEqual([
      { input: 'image', dtype: 'f32', shape: [1, 2, 3] },
      { input: 'label', dtype: 'i32', shape: [] },
    ]);
    const read = await rows(dataset, [2, 0]);
    expect([...read.image!]).toEqual([12, 13, 14, 15, 16, 17, 0, 1, 2, 3, 4, 5].map((byte) => (byte * 0.5 - 1) / 2));
    expect([...read.label!]).toEqual([9, 7]);
  }
});

it('fits images to flat inputs, bytes to byte inputs and labels to 64-bit inputs', async () => {
  const inputs = [input('x', 'u8', ['N', 6]), input('y', 'i64', ['N'])];
  const read = await rows(await open(section('idx', files), context(folder, inputs)), [3]);
  expect([...read.x!]).toEqual([18, 19, 20, 21, 22, 23]);
  expect([...read.y!]).toEqual([1n]);
});

it('serves only what the mode wants: prediction needs no labels', async () => {
  const dataset = await open(section('idx', { images: 'images' }), context(folder, [image], 'predict'));
  expect(dataset.fields.map((field) => field.input)).toEqual(['image']);
});

it('shuffles training data unless told otherwise, and honours limit', async () => {
  expect((await open(section('idx', files), both)).shuffle).toBe(true);
  expect((await open(section('idx', { ...files, shuffle: false }), both)).shuffle).toBe(false);
  expect((await open(section('idx', files), { ...both, mode: 'eval' })).shuffle).toBe(false);
  expect((await open(section('idx', { ...files, limit: 3 }), both)).size).toBe(3);
});

it('lets bind choose between inputs that fit equally well', async () => {
  const inputs = [input('a', 'f32', ['N', 2, 3]), input('b', 'f32', ['N', 2, 3])];
  const chosen = section('idx', { images: 'images', bind: { images: 'b' } });
  const [problem] = await problemsOf(open(chosen, context(folder, inputs)));
  expect(problem!.message).toContain('nothing in the data goes to the input `a`');
  const wrong = section('idx', { images: 'images', bind: { images: 'bb' } });
  const problems = await problemsOf(open(wrong, context(folder, inputs)));
  expect(problems[0]).toMatchObject({ code: 'unknown-reference', hint: 'did you mean `b`?' });
});

it('says at the field what is wrong with a damaged file', async () => {
  const whole = idxBytes([4, 2, 3], ramp(24));
  const zipped = gzipSync(whole);
  const flipped = Buffer.from(gzipSync(idxBytes([4, 2, 3], ramp(24)), { level: 0 }));
  flipped[40]! ^= 0xff;
  const bad: Record<string, readonly [Buffer, string]> = {
    empty: [Buffer.alloc(0), 'the file is empty'],
    head: [whole.subarray(0, 9), 'the header is cut off'],
    short: [whole.subarray(0, 20), 'says 4 images of 2x3 but holds 0'],
    short2: [whole.subarray(0, 30), 'says 4 images of 2x3 but holds 2'],
    long: [Buffer.concat([whole, whole]), 'says 4 images of 2x3 and goes on after them'],
    'cut.gz': [zipped.subarray(0, zipped.length - 9), 'the gzip stream ends early'],
    'flipped.gz': [flipped, 'the gzip stream is damaged'],
    png: [Buffer.from('\x89PNG\r\n\x1a\n1234567890', 'latin1'), 'not an IDX file'],
    floats: [Buffer.from([0, 0, 0x0d, 1, 0, 0, 0, 1, 0, 0, 0, 0]), 'holds 32-bit floats; only unsigned bytes are read'],
    'few.gz': [gzipSync(idxBytes([9, 2, 3], ramp(24))), 'says 9 images of 2x3 but holds 4'],
  };
  for (const [name, [bytes, text]] of Object.entries(bad)) {
    writeFileSync(folder.at(name), bytes);
    const [found] = await messages({ images: name });
    expect(`${name}: ${found}`).toContain(`${name}: 2 data-corrupt: \`${name}\`: ${text}`);
  }
});

it('refuses a header that promises more than the file can hold, before it allocates', async () => {
  writeFileSync(folder.at('liar.gz'), gzipSync(idxBytes([60_000, 10_000, 10_000], [])));
  expect(await messages({ images: 'liar.gz' })).toEqual([
    expect.stringMatching(/says 60,000 images of 10000x10000, more than a file of \d+ bytes can hold/),
  ]);
  writeFileSync(folder.at('bomb.gz'), gzipSync(idxBytes([1, 1, 1], new Uint8Array(1 << 22))));
  expect(await messages({ images: 'bomb.gz' })).toEqual([expect.stringContaining('and goes on after them')]);
});

it('reports the data against the model: shapes, counts, swapped files, all together', async () => {
  writeFileSync(folder.at('big'), idxBytes([4, 3, 3], ramp(36)));
  expect(await messages({ images: 'big' })).toEqual([
    '2 data-mismatch: the images do not fit the input `image`: `big` is u8[4,3,3], `image` is f32[N,1,2,3]',
  ]);
  writeFileSync(folder.at('three'), idxBytes([3], [1, 2, 3]));
  expect(await messages({ labels: 'three' })).toEqual(['3 data-mismatch: there are 4 images and 3 labels']);
  const swapped = await problemsOf(open(section('idx', { images: 'labels', labels: 'images' }), both));
  expect(swapped.map(({ hint }) => hint)).toContain('are images and labels swapped?');
  const missing = await problemsOf(open(section('idx', { images: 'images' }), both));
  expect(missing).toMatchObject([{ code: 'data-mismatch', hint: 'add `labels:`' }]);
  expect(await messages({ images: 'nowhere', labels: 'nor here' })).toEqual([
    '2 data-missing: `nowhere`: there is no such file',
    '3 data-missing: `nor here`: there is no such file',
  ]);
});

it('stays in the folder of the model unless the path came from the command line', async () => {
  mkdirSync(folder.at('inner'), { recursive: true });
  symlinkSync(folder.at('images'), folder.at('inner', 'link'));
  const inner = { ...both, modelDir: folder.at('inner') };
  for (const images of ['../images', 'link', folder.at('images'), '../not there']) {
    const [problem] = await problemsOf(open(section('idx', { images }), { ...inner, inputs: [image] }));
    expect(problem).toMatchObject({ code: 'path-outside', at: { line: 2 } });
  }
  const fields = { images: path.relative(process.cwd(), folder.at('images')), labels: folder.at('labels') };
  expect((await open(section('idx', fields, COMMAND_LINE), inner)).size).toBe(4);
  const allowed = { ...inner, allowOutside: true };
  expect((await open(section('idx', { images: 'link', labels: '../labels' }), allowed)).size).toBe(4);
});

it('wants one number or one for each channel', async () => {
  const problems = await problemsOf(open(section('idx', { ...files, mean: [1, 2] }), both));
  expect(problems).toMatchObject([{ code: 'wrong-length', at: { line: 4 } }]);
});
