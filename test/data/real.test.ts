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
