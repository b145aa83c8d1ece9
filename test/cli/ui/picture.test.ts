/** Pictures in the terminal: half blocks in colour where there is colour, characters where there is none. */
import chalk from 'chalk';
import { besides, pictureLines } from '../../../cli/ui/picture';

const picture = { dtype: 'f32', shape: [1, 1, 3, 2], data: Float32Array.of(0, 0, 0, 1, 1, 1) } as const;
const level = chalk.level;
const wanted = process.env['NO_COLOR'];

beforeEach(() => {
  chalk.level = 3;
  delete process.env['NO_COLOR'];
});
afterAll(() => {
  chalk.level = level;
  if (wanted !== undefined) process.env['NO_COLOR'] = wanted;
});

test('takes two rows a line, the last one alone where their number is odd', () => {
  chalk.level = 0;
  expect(pictureLines(picture, 0)).toEqual([' =', '@@']);
});

test('is coloured where the terminal can, unless NO_COLOR is set', () => {
  expect(pictureLines(picture, 0)?.[0]).toContain('\u001b[38;2;0;0;0m');
  process.env['NO_COLOR'] = '1';
  expect(pictureLines(picture, 0)).toEqual([' =', '@@']);
});

test('is for images of at most 64 by 64 pixels with one or three channels', () => {
  expect(pictureLines({ ...picture, shape: [1, 2, 3, 1] }, 0)).toBeUndefined();
  expect(pictureLines({ dtype: 'f32', shape: [1, 1, 1, 65], data: new Float32Array(65) }, 0)).toBeUndefined();
  expect(pictureLines({ dtype: 'f32', shape: [1, 10], data: new Float32Array(10) }, 0)).toBeUndefined();
});

test('stands beside others', () => {
  expect(besides([['ab', 'cd'], ['ef']], ' | ')).toEqual(['ab | ef', 'cd |']);
});
