/** Texts as numbers: tokens, vocabularies, lengths, labels, and that what training learned holds everywhere. */
import { mkdirSync, writeFileSync } from 'node:fs';
import fc from 'fast-check';
import type { Dataset } from '../../compiler/data/define';
import type { Learned } from '../../compiler/data/learned';
import { BytePairs, learnMerges } from '../../compiler/data/text/bpe';
import { encodingOf, TextCodec } from '../../compiler/data/text/encoding';
import { encodeTexts } from '../../compiler/data/text/given';
import type { Fields, Mode } from '../../compiler/frontend/spec';
import { context, Folder, input, open, problemsOf, rows, section } from './fixtures';

const folder = new Folder();
afterAll(() => folder.remove());

const TOKENS = input('tokens', 'i32', ['N', 6]);
const LABEL = input('label', 'i32', ['N']);

function text(fields: Fields, mode: Mode = 'train', learned?: Learned, inputs = [TOKENS, LABEL]): Promise<Dataset> {
  const how = context(folder, inputs, mode);
  return open(section('text', fields), learned ? { ...how, learned } : how);
}

async function table(dataset: Dataset, name: string, width: number): Promise<number[][]> {
  const all = Array.from({ length: dataset.size }, (_, i) => i);
  const values = Array.from((await rows(dataset, all))[name]!, Number);
  return all.map((i) => values.slice(i * width, (i + 1) * width));
}

const write = (name: string, content: string | Buffer): string => {
  writeFileSync(folder.at(name), content);
  return name;
};

const POETRY = write(
  'poetry.tsv',
  'text\tlabel\nThe cat, the DOG.\tpets\nThe sun\tsky\n\nthe cat isn’t the moon or so\tsky\n',
);

it('numbers words by how often the training texts have them, after padding and unknown', async () => {
  const dataset = await text({ file: POETRY });
  // the 4, cat 2, then by name: "," "." dog isn’t moon or so sun.
  expect(dataset.learned!.tokens!.vocabulary).toEqual([
    'the',
    'cat',
    ',',
    '.',
    'dog',
    'isn’t',
    'moon',
    'or',
    'so',
    'sun',
  ]);
  expect(await table(dataset, 'tokens', 6)).toEqual([
    [2, 3, 4, 2, 6, 5],
    [2, 11, 0, 0, 0, 0],
    [2, 3, 7, 2, 8, 9],
  ]);
  expect(dataset.classes).toEqual(['pets', 'sky']);
  expect(await table(dataset, 'label', 1)).toEqual([[0], [1], [1]]);
});

it('pads and cuts on the side that is asked for, with start and end', async () => {
  const dataset = await text({
    file: POETRY,
    start: true,
    end: true,
    pad: 'start',
    truncate: 'start',
    punctuation: 'drop',
  });
  const { specials, vocabulary } = dataset.learned!.tokens!;
  expect(specials).toEqual(['<pad>', '<unk>', '<start>', '<end>']);
  expect(vocabulary).toEqual(['the', 'cat', 'dog', 'isn’t', 'moon', 'or', 'so', 'sun']);
  expect(await table(dataset, 'tokens', 6)).toEqual([
    [2, 4, 5, 4, 6, 3],
    [0, 0, 2, 4, 11, 3],
    [2, 4, 8, 9, 10, 3],
  ]);
});

it('tells lengths and masks of what is left of the texts', async () => {
  const inputs = [TOKENS, input('n', 'i64', ['N']), input('mask', 'f32', ['N', 6])];
  const fields = { file: POETRY, bind: { lengths: 'n', mask: 'mask' } };
  const dataset = await text(fields, 'train', undefined, inputs);
  expect(await table(dataset, 'n', 1)).toEqual([[6], [2], [6]]);
  expect((await table(dataset, 'mask', 6))[1]).toEqual([1, 1, 0, 0, 0, 0]);
  const given = encodeTexts(['the sun the'], 'tokens', inputs, dataset.learned!, () => {
    throw new Error('refused');
  });
  expect(Object.fromEntries(Object.entries(given).map(([name, { data }]) => [name, Array.from(data, Number)]))).toEqual(
    {
      tokens: [2, 11, 2, 0, 0, 0],
      n: [3],
      mask: [1, 1, 1, 0, 0, 0],
    },
  );
});

it('evaluates by what training learned, and refuses to be told otherwise', async () => {
  const { learned } = await text({ file: POETRY, vocabulary: { size: 5 } });
  write('eval.csv', 'text,label\n"a sun, a CAT",sky\n');
  const dataset = await text({ file: 'eval.csv' }, 'eval', learned);
  // The five: padding, unknown, the, cat, ",".
  expect(await table(dataset, 'tokens', 6)).toEqual([[1, 1, 4, 1, 3, 0]]);
  expect(await table(dataset, 'label', 1)).toEqual([[1]]);
  const [problem] = await problemsOf(text({ file: 'eval.csv', tokenizer: 'character' }, 'eval', learned));
  expect(problem).toMatchObject({ code: 'invalid-value', at: { line: 3 } });
  expect(await problemsOf(text({ file: 'eval.csv', classes: ['sky'] }, 'eval', learned))).toHaveLength(1);
  expect((await problemsOf(text({ file: 'eval.csv' }, 'eval')))[0]!.message).toContain(
    'the vocabulary and the classes',
  );
  write('other.csv', 'text,label\nx,sky\ny,sku\n');
  const [unknown] = await problemsOf(text({ file: 'other.csv' }, 'eval', learned));
  expect(unknown).toMatchObject({ code: 'data-corrupt', hint: 'did you mean `sky`?' });
  expect(unknown!.message).toContain('`other.csv:3`');
});

it('learns of the part that it trains on, not of what is held out', async () => {
  write('split.csv', `text,label\n${Array.from({ length: 40 }, (_, i) => `w${i},${i % 2 ? 'b' : 'a'}`).join('\n')}\n`);
  const part = { to: 0.5, stratified: true, seed: 3 };
  const train = await text({ file: 'split.csv', split: part });
  const held = await text({ file: 'split.csv', split: { ...part, from: 0.5, to: 1 } }, 'eval', train.learned);
  expect([train.size, held.size]).toEqual([20, 20]);
  expect(train.learned!.tokens!.vocabulary).toHaveLength(20);
  expect((await table(held, 'tokens', 6)).every(([first]) => first === 1)).toBe(true);
  expect((await table(train, 'label', 1)).filter(([label]) => label === 0)).toHaveLength(10);
});

it('reads lines with labels, folders, JSON and JSON lines', async () => {
  write('lines.txt', Buffer.from('DESC:manner How \xe9 ?\r\n\nHUM:ind Who ?\n', 'latin1'));
  const lines = await text({ file: 'lines.txt', format: 'labelled', label_until: ':', encoding: 'latin1' });
  expect(lines.classes).toEqual(['DESC', 'HUM']);
  expect(lines.learned!.tokens!.vocabulary).toEqual(['?', 'how', 'who', 'é']);
  mkdirSync(folder.at('books', 'neg'), { recursive: true });
  write('books/neg/1.txt', 'bad\nbook');
  write('books/pos.txt', 'good\nfine\n');
  const books = await text({ file: 'books' });
  expect([books.size, books.classes]).toEqual([3, ['neg', 'pos']]);
  write('all.json', JSON.stringify({ train: [['hi', 'greet']], more: [['bye', 'part']], test: [] }));
  const json = await text({ file: 'all.json', member: ['train', 'more'] });
  expect(json.classes).toEqual(['greet', 'part']);
  write('rows.jsonl', '{"text": "a", "label": 10}\n{"label": 9, "text": "b"}\n');
  expect((await text({ file: 'rows.jsonl' })).classes).toEqual(['9', '10']);
});

it('says the line of what cannot be read', async () => {
  const message = async (name: string, content: string | Buffer, fields: Fields = {}): Promise<string> => {
    write(name, content);
    return (await problemsOf(text({ file: name, ...fields })))[0]!.message;
  };
  expect(await message('a.csv', 'text,label\nx,y\nz\n')).toContain('line 3 has 1 cells, the first one 2');
  expect(await message('b.csv', 'text,label\n"x,y\n')).toContain('not CSV');
  expect(await message('c.jsonl', '{"text": "a", "label": "b"}\n{"text"\n')).toContain('line 2 is not JSON');
  expect(await message('d.csv', Buffer.from('text,label\n\xff,y\n', 'latin1'))).toContain('say `encoding: latin1`');
  expect(await message('e.csv', 'text,label\n')).toContain('holds no rows');
  expect(await message('f.csv', 'texts,label\nx,y\n')).toContain('no column of `f.csv` `text`');
  expect(await message('g.csv', 'text,label\nx,\n', { unknown: 'error', vocabulary: { tokens: ['y'] } })).toContain(
    'g.csv:2',
  );
  expect(await message('h.txt', 'one\n', { format: 'labelled' })).toContain('line 1');
  expect(await message('i.txt', 'one\n')).toContain('there are no labels in it');
});

it('refuses fields without an effect', async () => {
  const names = async (fields: Fields): Promise<string[]> =>
    (await problemsOf(text({ file: POETRY, ...fields }))).map(({ code }) => code);
  expect(await names({ tokenizer: 'byte', vocabulary: { size: 9 } })).toEqual(['conflicting-fields']);
  expect(await names({ tokenizer: 'bpe', unknown: 'drop' })).toEqual(['conflicting-fields']);
  expect(await names({ tokenizer: 'bpe', vocabulary: { size: 100 } })).toEqual(['invalid-value']);
  expect(await names({ tokenizer: 'character', punctuation: 'drop' })).toEqual(['conflicting-fields']);
  expect(await names({ vocabulary: { tokens: ['a'], size: 4 } })).toEqual(['invalid-value']);
  expect(await names({ member: 'x' })).toEqual(['conflicting-fields']);
  expect(await names({ sampling: 'balanced', shuffle: false })).toEqual(['conflicting-fields']);
});

it('learns byte pairs: the most frequent first, of equals the lowest', () => {
  // "low" x5, "lower" x2: l o 7, o w 7, w e 2, e r 2. Ties go to the lower symbols: (l, o), then (lo, w), then (e, r).
  const merges = learnMerges(['low', 'low', 'low', 'low', 'low', 'lower', 'lower'], 9, 2);
  expect(merges).toEqual([
    [108, 111],
    [256, 119],
    [101, 114],
    [257, 258],
  ]);
  const pairs = new BytePairs(merges);
  expect(pairs.encode('lowlow lower')).toEqual([257, 257, 32, 259]);
});

it('gives every text back that is encoded in bytes, byte pairs or characters', () => {
  const merges = learnMerges(['the cat and the hat', 'that cat'], 20, 1);
  const of = (tokenizer: string, vocabulary: readonly string[]): TextCodec =>
    new TextCodec(
      encodingOf({
        ...{ kind: 'text', tokenizer, lowercase: false, punctuation: 'separate', unknown: 'error', pad: 'end' },
        ...{ truncate: 'end', specials: ['<pad>'], vocabulary, asked: {} },
        merges: tokenizer === 'bpe' ? merges : [],
      })!,
    );
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (sample) => {
      expect(of('bpe', []).decode(of('bpe', []).encode(sample))).toBe(sample);
      expect(of('byte', []).decode(of('byte', []).encode(sample))).toBe(sample);
      const composed = sample.normalize('NFC');
      const codec = of('character', [...new Set(composed)]);
      expect(codec.decode(codec.encode(sample))).toBe(composed);
    }),
    { numRuns: 50 },
  );
});

it('takes no encoding that it has not written', () => {
  const good = { ...{ kind: 'text', tokenizer: 'bpe', lowercase: false, punctuation: 'drop', unknown: 'drop' } };
  const rest = { pad: 'end', truncate: 'start', specials: [], vocabulary: [], asked: {} };
  expect(encodingOf({ ...good, ...rest, merges: [[1, 2]] })).toBeDefined();
  for (const merges of [
    [[1]],
    [[1, 256]],
    [[-1, 2]],
    'no',
    [
      [1, 2],
      [300, 1],
    ],
  ])
    expect(encodingOf({ ...good, ...rest, merges })).toBeUndefined();
  expect(encodingOf({ ...good, ...rest, merges: [], pad: 'middle' })).toBeUndefined();
  expect(encodingOf({ ...good, ...rest, merges: [], vocabulary: [1] })).toBeUndefined();
});
