/** The autoencoder and the siamese towers learn digits: what is learned is looked at from outside of their losses. */
import { drawDigits } from '../../compiler/data/digits/builtin';
import { trainZoo } from './training';

jest.setTimeout(120_000);

const COUNT = 200;
const DIGITS = drawDigits('test');
const SHORT = ['data.eval.limit=200', 'data.train.limit=5000', 'train.checkpoint.every=600 steps'];

/** Pixels from 0 to 1. */
const pixels = Float32Array.from(DIGITS.images.subarray(0, COUNT * 784), (pixel) => pixel / 255);

test('autoencoder keeps four fifths of the variance of digits in 32 numbers', async () => {
  const learned = await trainZoo('autoencoder', [...SHORT, 'train.steps=600']);
  const mean = Array.from({ length: 784 }, (_, k) => {
    let sum = 0;
    for (let i = 0; i < COUNT; i++) sum += pixels[i * 784 + k]!;
    return sum / COUNT;
  });
  const variance = pixels.reduce((sum, x, i) => sum + (x - mean[i % 784]!) ** 2, 0) / pixels.length;
  expect(learned.figures['error']).toBeLessThan(0.2 * variance);
});

test('siamese puts seven of ten digits next to one of their own class', async () => {
  const learned = await trainZoo('siamese', [...SHORT, 'train.steps=500']);
  const model = await learned.open(COUNT);
  const { 'left/place': place } = await model.predict({
    image: { dtype: 'f32', shape: [COUNT, 1, 28, 28], data: pixels },
  });
  const places = place!.data as Float32Array;
  const nearest = (i: number): number => {
    const distance = (j: number): number =>
      (places[2 * i]! - places[2 * j]!) ** 2 + (places[2 * i + 1]! - places[2 * j + 1]!) ** 2;
    const others = Array.from({ length: COUNT }, (_, j) => j).filter((j) => j !== i);
    return others.reduce((best, j) => (distance(j) < distance(best) ? j : best));
  };
  const right = Array.from({ length: COUNT }, (_, i) => DIGITS.labels[i] === DIGITS.labels[nearest(i)]);
  expect(right.filter(Boolean).length / COUNT).toBeGreaterThan(0.7);
});
