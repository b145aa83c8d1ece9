/** Windows of a text: what lies in them, what is next, streams that go on from batch to batch. */
import { writeFileSync } from 'node:fs';
import type { Dataset } from '../../compiler/data/define';
import type { Learned } from '../../compiler/data/learned';
import type { Fields, Mode } from '../../compiler/frontend/spec';
import { context, Folder, input, open, problemsOf, rows, section } from './fixtures';

const folder = new Folder();
afterAll(() => folder.remove());

const INPUTS = [input('x', 'i32', ['N', 3]), input('y', 'i64', ['N', 3])];

function windows(fields: Fields, mode: Mode = 'train', learned?: Learned, inputs = INPUTS): Promise<Dataset> {
  const how = context(folder, inputs, mode);
  return open(section('text_windows', { file: 'abc.txt', ...fields }), learned ? { ...how, learned } : how);
}

async function all(dataset: Dataset, name: string, width: number): Promise<number[][]> {
  const indices = Array.from({ length: dataset.size }, (_, i) => i);
  const values = Array.from((await rows(dataset, indices))[name]!, Number);
  return indices.map((i) => values.slice(i * width, (i + 1) * width));
}

writeFileSync(folder.at('abc.txt'), 'abcdefghijkl\n');

it('cuts windows and gives every token its successor', async () => {
  const dataset = await windows({});
  // The line's end is the first character of all.
  expect(await all(dataset, 'x', 3)).toEqual([
    [1, 2, 3],
    [4, 5, 6],
    [7, 8, 9],
    [10, 11, 12],
  ]);
  expect((await all(dataset, 'y', 3)).at(-1)).toEqual([11, 12, 0]);
  expect((await windows({ stride: 1 })).size).toBe(10);
  expect((await windows({ stride: 2, limit: 2 })).size).toBe(2);
});

it('gives one next token where the input holds one', async () => {
  const dataset = await windows({}, 'train', undefined, [INPUTS[0]!, input('y', 'i32', ['N'])]);
  expect(await all(dataset, 'y', 1)).toEqual([[4], [7], [10], [0]]);
});

it('lets rows go on from batch to batch', async () => {
  const inputs = [input('x', 'i32', ['N', 2]), input('y', 'i32', ['N', 2]), input('go', 'f32', ['N', 2])];
  const dataset = await windows({ streams: 2, bind: { continues: 'go' } }, 'train', undefined, inputs);
  expect(dataset.shuffle).toBe(false);
  expect(await all(dataset, 'x', 2)).toEqual([
    [1, 2],
    [7, 8],
    [3, 4],
    [9, 10],
    [5, 6],
    [11, 12],
  ]);
  expect((await all(dataset, 'go', 2)).slice(0, 3)).toEqual([
    [0, 1],
    [0, 1],
    [1, 1],
  ]);
});

it('learns of its part of the text', async () => {
  const train = await windows({ part: { to: 0.7 } });
  expect(train.learned!.x!.vocabulary).toEqual('a b c d e f g h i'.split(' '));
  const [problem] = await problemsOf(windows({ part: { from: 0.5 } }, 'eval', train.learned));
  expect(problem!.message).toContain('"j" is not in the vocabulary');
  const lenient = await windows({ part: { to: 0.7 }, unknown: 'drop' });
  const held = await windows({ part: { from: 0.4 } }, 'eval', lenient.learned);
  expect(await all(held, 'x', 3)).toEqual([[5, 6, 7]]);
  expect((await problemsOf(windows({}, 'eval')))[0]!.message).toContain('the vocabulary comes from the training data');
});

it('takes byte pairs, bytes and words', async () => {
  writeFileSync(folder.at('abc.txt'), 'to be or not to be, to be or not to be: ü');
  const pairs = await windows({ tokenizer: 'bpe', vocabulary: { size: 262 } });
  expect(pairs.learned!.x!.merges).toHaveLength(6);
  const bytes = await windows({ tokenizer: 'byte', stride: 1 });
  expect((await all(bytes, 'y', 3)).at(-1)).toEqual([32, 0xc3, 0xbc]);
  const words = await windows({ tokenizer: 'word', stride: 1 });
  expect((await all(words, 'x', 3))[0]).toEqual([1, 0, 3]);
});

it('refuses what it cannot do', async () => {
  const code = async (fields: Fields): Promise<string> => (await problemsOf(windows(fields)))[0]!.code;
  expect(await code({ streams: 2, shuffle: true })).toBe('conflicting-fields');
  expect(await code({ part: { from: 0.5, to: 0.5 } })).toBe('invalid-value');
  expect(await code({ part: { to: 0.05 } })).toBe('data-corrupt');
  expect(await code({ streams: 30 })).toBe('data-corrupt');
  expect(await code({ file: 'none.txt' })).toBe('data-missing');
  const inputs = [input('x', 'f32', ['N', 3])];
  expect((await problemsOf(windows({}, 'train', undefined, inputs)))[0]!.code).toBe('data-mismatch');
});
