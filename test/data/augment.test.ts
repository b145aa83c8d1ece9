/** Random changes of training images: drawn from seed, epoch and sample alone, and absent outside of training. */
import { writeFileSync } from 'node:fs';
import { context, Folder, idxBytes, input, open, ramp, rows, section } from './fixtures';

const folder = new Folder();
afterAll(() => folder.remove());
writeFileSync(folder.at('images'), idxBytes([64, 4, 4], ramp(1024)));
const inputs = [input('image', 'f32', ['N', 1, 4, 4])];
const indices = Array.from({ length: 64 }, (_, i) => i);
const augment = (how: object) => section('idx', { images: 'images', augment: how as never });

it('draws from seed, epoch and sample alone, whatever else is in the batch', async () => {
  const dataset = await open(augment({ flip: 'horizontal', crop: { padding: 1 } }), context(folder, inputs));
  const all = await rows(dataset, indices, { seed: 3, epoch: 5 });
  const one = await rows(dataset, [17], { seed: 3, epoch: 5 });
  expect([...one.image!]).toEqual([...all.image!.subarray(17 * 16, 18 * 16)]);
  const later = await rows(dataset, indices, { seed: 3, epoch: 6 });
  const other = await rows(dataset, indices, { seed: 4, epoch: 5 });
  expect([...later.image!]).not.toEqual([...all.image!]);
  expect([...other.image!]).not.toEqual([...all.image!]);
});

it('mirrors about half of the images and leaves the others as they are', async () => {
  const dataset = await open(augment({ flip: 'horizontal' }), context(folder, inputs));
  const { image } = await rows(dataset, indices);
  let mirrored = 0;
  for (const i of indices) {
    const row = [...image!.subarray(i * 16, i * 16 + 4)].map(Number);
    const plain = [0, 1, 2, 3].map((x) => (i * 16 + x) % 256);
    if (row[0] === plain[0]) expect(row).toEqual(plain);
    else {
      expect(row).toEqual([...plain].reverse());
      mirrored++;
    }
  }
  expect(mirrored).toBeGreaterThan(16);
  expect(mirrored).toBeLessThan(48);
});

it('cuts out of a border of the fill, at every place there is', async () => {
  const dataset = await open(augment({ crop: { padding: 1, fill: 200 } }), context(folder, inputs));
  const { image } = await rows(dataset, indices);
  const places = new Set<string>();
  for (const i of indices) {
    const at = (y: number, x: number): number => Number(image![i * 16 + y * 4 + x]);
    const source = (y: number, x: number): number =>
      y < 0 || y > 3 || x < 0 || x > 3 ? 200 : (i * 16 + y * 4 + x) % 256;
    const fits = [-1, 0, 1].flatMap((dy) =>
      [-1, 0, 1]
        .filter((dx) => indices.slice(0, 16).every((p) => at(p >> 2, p & 3) === source((p >> 2) + dy, (p & 3) + dx)))
        .map((dx) => `${dy},${dx}`),
    );
    expect(fits).toHaveLength(1);
    places.add(fits[0]!);
  }
  expect(places.size).toBe(9);
});

it('changes nothing outside of training', async () => {
  const dataset = await open(augment({ flip: 'horizontal', crop: { padding: 1 } }), context(folder, inputs, 'eval'));
  const { image } = await rows(dataset, indices);
  expect([...image!]).toEqual([...ramp(1024)]);
});
