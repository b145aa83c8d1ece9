/** Data sections of the zoo on made-up files of the kind that they name: models that are copied need only such files. */
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { loadSpec } from '../../compiler/frontend/load';
import { openFeed } from '../../compiler/train/feed';
import { generator } from '../support/samples';
import { MODELS, temporaryFolder } from './training';

const random = generator(11);
const below = (limit: number): number => Math.floor(limit * random());
const lines = (count: number, make: (row: number) => string): string =>
  Array.from({ length: count }, (_, row) => `${make(row)}\n`).join('');

/** A mono WAV file of 16 bits, at 16 kHz. */
function wav(samples: number): Buffer {
  const file = Buffer.alloc(44 + 2 * samples);
  file.write('RIFF', 0, 'latin1');
  file.writeUInt32LE(36 + 2 * samples, 4);
  file.write('WAVEfmt ', 8, 'latin1');
  file.writeUInt32LE(16, 16);
  file.writeUInt16LE(1, 20);
  file.writeUInt16LE(1, 22);
  file.writeUInt32LE(16_000, 24);
  file.writeUInt32LE(32_000, 28);
  file.writeUInt16LE(2, 32);
  file.writeUInt16LE(16, 34);
  file.write('data', 36, 'latin1');
  file.writeUInt32LE(2 * samples, 40);
  for (let i = 0; i < samples; i++) file.writeInt16LE(below(2000) - 1000, 44 + 2 * i);
  return file;
}

const ratings = (items: number): string => lines(60, (row) => `${1 + (row % 20)}\t${below(items)}\t${1 + below(5)}\t0`);
const customers = (): string => {
  const names = 'age,income,balance,visits,purchases,returns,days,rating,region,channel,product,left';
  const row = (): string =>
    [
      ...Array.from({ length: 8 }, () => below(50)),
      ...[`r${below(9)}`, `c${below(3)}`, `p${below(9)}`],
      ['no', 'yes'][below(2)],
    ].join(',');
  return `${names}\n${lines(100, row)}`;
};
const speech = (mode: string): Readonly<Record<string, string | Buffer>> => ({
  [`speech/${mode}.csv`]: `file,transcript\n${mode}1.wav,"It's eleven."\n${mode}2.wav,"Two, or twenty: we don't know!"\n`,
  [`speech/${mode}1.wav`]: wav(9_000),
  [`speech/${mode}2.wav`]: wav(20_000),
});

interface Case {
  readonly model: string;
  readonly files: Readonly<Record<string, string | Buffer>>;
  /** What must hold of the values that the training reads. */
  readonly check: (read: Readonly<Record<string, ArrayLike<number | bigint>>>) => void;
}

const numbers = (values: ArrayLike<number | bigint> | undefined): number[] => Array.from(values ?? [], Number);

const CASES: readonly Case[] = [
  {
    model: 'matrix_factorization',
    files: { 'ml-100k/u1.base': ratings(30), 'ml-100k/u1.test': ratings(40) },
    check: ({ user, item, rating }) => {
      expect(Math.max(...numbers(user))).toBeLessThan(20);
      // 0 is any item that only the test has.
      expect(Math.min(...numbers(item))).toBeGreaterThan(0);
      expect(Math.max(...numbers(rating))).toBeLessThanOrEqual(5);
    },
  },
  {
    model: 'tabular_mlp',
    files: { 'customers.csv': customers() },
    check: ({ categories, label }) => {
      const values = numbers(categories);
      expect(Math.max(...values.filter((_, i) => i % 3 === 1))).toBeLessThanOrEqual(3);
      expect(new Set(numbers(label))).toEqual(new Set([0, 1]));
    },
  },
  {
    model: 'seq2seq_attention',
    files: { 'sentences.tsv': lines(40, (row) => `the dog is ${row % 2 ? 'here' : 'there'}\tder Hund ist da`) },
    check: ({ written, target }) => {
      // What was written so far is the target, one later.
      const [before, after] = [numbers(written).slice(0, 5), numbers(target).slice(0, 5)];
      expect(before.slice(1)).toEqual(after.slice(0, 4));
      expect(before[0]).toBe(after[4]);
      expect(numbers(target).slice(5, 20)).toEqual(Array.from({ length: 15 }, () => 0));
    },
  },
  ...['deep_speech', 'conformer_lite'].map((model) => ({
    model,
    files: { ...speech('train'), ...speech('test') },
    check: ({ samples, text }: Readonly<Record<string, ArrayLike<number | bigint>>>) => {
      if (model === 'deep_speech') expect(new Set(numbers(samples))).toEqual(new Set([9_000, 20_000]));
      expect(Math.max(...numbers(text))).toBeLessThanOrEqual(28);
    },
  })),
];

test.each(CASES)('$model reads files for training and for evaluation', async ({ model, files, check }) => {
  const folder = temporaryFolder();
  copyFileSync(path.join(MODELS, `${model}.yaml`), path.join(folder, `${model}.yaml`));
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    writeFileSync(path.join(folder, name), content);
  }
  const spec = loadSpec(path.join(folder, `${model}.yaml`));
  const inputs = spec.inputs.map(({ name }) => name);
  const options = { allowOutside: false, seed: 1 };
  const train = await openFeed(spec, 'train', inputs, options);
  check(await train.read(0, 0, train.samples, false));
  const evaluation = await openFeed(spec, 'eval', inputs, { ...options, learned: train.dataset.learned });
  const read = await evaluation.read(0, 0, evaluation.samples, false);
  expect(Object.keys(read).sort()).toEqual([...inputs].sort());
  train.close();
  evaluation.close();
});
