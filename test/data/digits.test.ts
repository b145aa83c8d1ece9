/** The built-in digits: the same bytes everywhere, cached, and varied enough to be worth learning. */
import { createHash } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';
import { drawDigits } from '../../compiler/data/digits/builtin';
import { drawDigit } from '../../compiler/data/digits/draw';
import { Dice, turn } from '../../compiler/data/digits/random';
import { context, Folder, input, open, problemsOf, rows, section } from './fixtures';

const folder = new Folder();
afterAll(() => folder.remove());
const inputs = [input('image', 'u8', ['N', 1, 28, 28]), input('label', 'i32', ['N'])];
const builtin = (split: string) =>
  section('idx', { images: `builtin:digits/${split}-images`, labels: `builtin:digits/${split}-labels` });

it('draws the same bytes on every machine', () => {
  const { images, labels } = drawDigits('test');
  expect(createHash('sha256').update(images).update(labels).digest('hex')).toBe(
    'eabc480c670e0ffe45bfdb300b10ddf2f3f2089f7c4e931d57ed88827b893ad2',
  );
});

it('draws all ten digits about equally often', () => {
  const times = new Array<number>(10).fill(0);
  for (const label of drawDigits('test').labels) times[label]!++;
  expect(Math.min(...times)).toBeGreaterThan(150);
});

it('opens as a data set, from the cache the second time', async () => {
  const how = context(folder, inputs);
  const drawn = await open(builtin('test'), how);
  expect(drawn.size).toBe(2000);
  expect(existsSync(folder.at('cache/digits-1/test-images.idx'))).toBe(true);
  const sample = await rows(drawn, [0, 1999]);
  expect(await rows(await open(builtin('test'), how), [0, 1999])).toEqual(sample);
});

it('draws again where the cached file is damaged', async () => {
  const how = context(folder, inputs);
  const sample = await rows(await open(builtin('test'), how), [5]);
  writeFileSync(folder.at('cache/digits-1/test-images.idx'), 'damaged');
  expect(await rows(await open(builtin('test'), how), [5])).toEqual(sample);
});

it('is varied enough that the nearest neighbour is often, not always, of the same digit', () => {
  const known = Array.from({ length: 1200 }, (_, i) => drawDigit(1, i));
  const right = Array.from({ length: 60 }, (_, i) => drawDigit(2, i)).filter(({ label, pixels }) => {
    let [best, guess] = [Infinity, -1];
    for (const other of known) {
      let distance = 0;
      for (let p = 0; p < 784 && distance < best; p++) distance += (pixels[p]! - other.pixels[p]!) ** 2;
      if (distance < best) [best, guess] = [distance, other.label];
    }
    return guess === label;
  });
  expect(right.length).toBeGreaterThan(40);
  expect(right.length).toBeLessThan(60);
});

it('names the built-in data there are', async () => {
  const wrong = section('idx', { images: 'builtin:digits/train-image' });
  const problems = await problemsOf(open(wrong, context(folder, [inputs[0]!])));
  expect(problems).toMatchObject([{ code: 'unknown-reference', hint: 'did you mean `builtin:digits/train-images`?' }]);
});

it('rolls dice evenly and turns by its own sine', () => {
  const dice = new Dice(1, 2);
  const draws = Array.from({ length: 20_000 }, () => dice.normal(1));
  const mean = draws.reduce((sum, x) => sum + x, 0) / draws.length;
  const variance = draws.reduce((sum, x) => sum + (x - mean) ** 2, 0) / draws.length;
  expect(Math.abs(mean)).toBeLessThan(0.03);
  expect(Math.abs(variance - 1)).toBeLessThan(0.05);
  for (const angle of [-0.7, 0, 0.3, 0.78]) {
    const [sin, cos] = turn(angle);
    expect(Math.abs(sin - Math.sin(angle)) + Math.abs(cos - Math.cos(angle))).toBeLessThan(1e-6);
  }
});
