/** Models of texts and other sequences of numbers: questions sorted by kind, sequences turned round, patterns gone on. */
import { generator } from '../support/samples';
import { npyData, publicData, trainZoo } from './training';

jest.setTimeout(120_000);

const integers = (shape: readonly number[], values: readonly number[]) => ({ dtype: 'i32', shape, values }) as const;
const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

test.each([
  ['text_cnn', 0.82, ['layers.vectors.units=50', 'train.optimizer={type: adam, lr: 0.002}']],
  ['text_lstm', 0.8, []],
  ['text_gru', 0.8, []],
  ['text_transformer', 0.75, []],
])('%s sorts more than %d of the questions of TREC rightly', async (name, share, overrides) => {
  const folder = publicData('text-trec');
  if (folder === undefined) return;
  const files = [`data.train.file=${folder}/TREC.train`, `data.eval.file=${folder}/TREC.test`];
  const { figures } = await trainZoo(name, [...files, ...overrides, 'train.epochs=3']);
  expect(figures['accuracy']).toBeGreaterThan(share);
});

test('seq2seq_attention turns sequences round, 98 % of the words rightly', async () => {
  const random = generator(4);
  const [length, symbols, start] = [7, 9, 10];
  const data = (['train', 'eval'] as const).map((mode) => {
    const count = mode === 'train' ? 3000 : 300;
    const source: number[] = [];
    const written: number[] = [];
    const target: number[] = [];
    for (let i = 0; i < count; i++) {
      const size = 3 + Math.floor((length - 2) * random());
      const row = range(size).map(() => 1 + Math.floor(symbols * random()));
      const back = row.toReversed();
      source.push(...range(length).map((k) => row[k] ?? 0));
      written.push(...range(length).map((k) => (k === 0 ? start : (back[k - 1] ?? 0))));
      target.push(...range(length).map((k) => back[k] ?? 0));
    }
    const shape = [count, length];
    return npyData(mode, {
      source: integers(shape, source),
      written: integers(shape, written),
      target: integers(shape, target),
    });
  });
  const units = 48;
  const small = [
    ...['source', 'written', 'target'].map((input) => `inputs.${input}.shape=[N,${length}]`),
    ...['read', 'words'].flatMap((layer) => [`layers.${layer}.vocabulary=11`, `layers.${layer}.units=16`]),
    ...['memory', 'keys', 'state'].map((layer) => `layers.${layer}.units=${units}`),
    `layers.writer.body={type: writer, units: ${units}}`,
    'layers.logits.units=11',
  ];
  const { figures } = await trainZoo('seq2seq_attention', [
    ...data,
    ...small,
    'train.epochs=9',
    'train.optimizer.lr=0.005',
  ]);
  expect(figures['accuracy']).toBeGreaterThan(0.98);
});

test('gpt_small goes on with a pattern by looking back: 75 % where chance gives 8 %', async () => {
  const random = generator(5);
  const [length, symbols] = [24, 12];
  const data = (['train', 'eval'] as const).map((mode) => {
    const count = mode === 'train' ? 2000 : 200;
    const tokens: number[] = [];
    const next: number[] = [];
    for (let i = 0; i < count; i++) {
      const pattern = range(4 + Math.floor(4 * random())).map(() => Math.floor(symbols * random()));
      const row = range(length + 1).map((k) => pattern[k % pattern.length]!);
      tokens.push(...row.slice(0, length));
      // Only where the pattern has been seen once.
      next.push(...row.slice(1).map((token, k) => (k >= 8 ? token : -1)));
    }
    return npyData(mode, { tokens: integers([count, length], tokens), next: integers([count, length], next) });
  });
  const small = [
    ...['tokens', 'next'].map((input) => `inputs.${input}.shape=[N,${length}]`),
    `layers.vocabulary.shape=[${symbols},48]`,
    ...['units=48', 'heads=4', 'depth=2', 'repeat=2'].map((setting) => `layers.decoder.${setting}`),
    ...['train.batch_size=32', 'train.accumulate=1', 'train.evaluate.batch_size=32', 'train.steps=', 'train.epochs=12'],
    ...['train.optimizer.lr=0.003', 'train.schedule.warmup.steps=50'],
  ];
  const { figures } = await trainZoo('gpt_small', [...data, ...small]);
  expect(figures['accuracy']).toBeGreaterThan(0.75);
});

test('bert_small fills in 85 % of what is hidden in rows that count up or down, and tells 85 % of the second rows by where they begin', async () => {
  const random = generator(6);
  const half = 6;
  const length = 1 + 2 * half;
  const [CLASS, HIDDEN] = [10, 11];
  const data = (['train', 'eval'] as const).map((mode) => {
    const count = mode === 'train' ? 3000 : 300;
    const columns = { tokens: [], segments: [], mask: [], hidden_tokens: [], follows: [] } as Record<string, number[]>;
    for (let i = 0; i < count; i++) {
      const [from, by, high] = [Math.floor(10 * random()), random() < 0.5 ? 1 : 9, Math.floor(2 * random())];
      const ways = [by, random() < 0.5 ? 1 : 9];
      const starts = [from, 5 * high + Math.floor(5 * random())];
      const row = range(2 * half).map(
        (k) => (starts[Math.floor(k / half)]! + ways[Math.floor(k / half)]! * (k % half)) % 10,
      );
      const hides = row.map(() => random() < 0.2);
      // A token in front belongs to no row: what is told of both is read there.
      columns['tokens']!.push(CLASS, ...row.map((token, k) => (hides[k] ? HIDDEN : token)));
      columns['segments']!.push(0, ...row.map((_, k) => Math.floor(k / half)));
      columns['mask']!.push(...range(length).map(() => 1));
      columns['hidden_tokens']!.push(-1, ...row.map((token, k) => (hides[k] ? token : -1)));
      columns['follows']!.push(high);
    }
    const shape = [count, length];
    return npyData(mode, {
      tokens: integers(shape, columns['tokens']!),
      segments: integers(shape, columns['segments']!),
      mask: { dtype: 'bool', shape, values: columns['mask']! },
      hidden_tokens: integers(shape, columns['hidden_tokens']!),
      follows: integers([count], columns['follows']!),
    });
  });
  const units = 32;
  const small = [
    ...['tokens', 'segments', 'mask', 'hidden_tokens'].map((input) => `inputs.${input}.shape=[N,${length}]`),
    `layers.vocabulary.shape=[12,${units}]`,
    ...['layer1', 'layer2', 'layer3', 'sequence'].flatMap((name) => [
      `layers.${name}.units=${units}`,
      `layers.${name}.heads=4`,
    ]),
    ...['sentence', 'pooled', 'guess'].map((name) => `layers.${name}.units=${units}`),
    'layers.word_bias.shape=[1,1,12]',
    ...['train.batch_size=32', 'train.accumulate=1', 'train.evaluate.batch_size=32', 'train.steps=', 'train.epochs=12'],
    ...['train.optimizer.lr=0.003', 'train.schedule.warmup.steps=100'],
  ];
  const { figures } = await trainZoo('bert_small', [...data, ...small]);
  expect(figures['words_accuracy']).toBeGreaterThan(0.85);
  expect(figures['follows_accuracy']).toBeGreaterThan(0.85);
});

test('vit_small reads 85 % of the digits in patches of 7 pixels', async () => {
  const digits = (split: string, limit: number): string =>
    `{type: idx, images: "builtin:digits/${split}-images", labels: "builtin:digits/${split}-labels", scale: 0.00390625, limit: ${limit}}`;
  const { figures } = await trainZoo('vit_small', [
    // Digits are neither coloured nor mixed, and an average over so many steps would still be what it began as.
    ...['layers.view={name: view, type: identity, inputs: image}', 'layers.mix={name: mix, type: identity}'],
    ...['losses=[{type: cross_entropy, inputs: [logits, label]}]', 'train.ema='],
    ...['inputs.image.shape=[N,1,28,28]', `data.train=${digits('train', 4000)}`, `data.eval=${digits('test', 500)}`],
    ...['layers.patches.filters=48', 'layers.patches.kernel=7', 'layers.patches.stride=7', 'layers.logits.units=10'],
    ...['units=48', 'heads=4', 'repeat=3'].map((setting) => `layers.encoder.${setting}`),
    ...['train.batch_size=32', 'train.accumulate=1', 'train.epochs=5', 'train.schedule.warmup.epochs=1'],
    'train.optimizer.lr=0.003',
  ]);
  expect(figures['accuracy']).toBeGreaterThan(0.85);
});
