/** Models of tables: what they learn of made-up ones, whose best possible figures are known. */
import { generator } from '../support/samples';
import { npyData, trainZoo, type Rows } from './training';

jest.setTimeout(120_000);

const normalOf = (random: () => number): number =>
  Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());

/** Rows made one by one, as columns. */
function columnsOf<Row extends Readonly<Record<string, readonly number[]>>>(
  count: number,
  make: () => Row,
): Record<keyof Row, number[]> {
  const columns: Record<string, number[]> = {};
  for (let i = 0; i < count; i++) {
    for (const [name, values] of Object.entries(make())) (columns[name] ??= []).push(...values);
  }
  return columns as Record<keyof Row, number[]>;
}

const rows = (dtype: Rows['dtype'], shape: readonly number[], values: readonly number[]): Rows => ({
  dtype,
  shape,
  values,
});

test('tabular_mlp combines numbers and categories: 90 % right where either alone gives 75 %', async () => {
  const random = generator(1);
  const signs = Array.from({ length: 20 }, () => (random() < 0.5 ? -1 : 1));
  const data = (['train', 'eval'] as const).map((mode) => {
    const count = mode === 'train' ? 4000 : 1000;
    const { numbers, categories, label } = columnsOf(count, () => {
      const row = Array.from({ length: 8 }, (_, i) => 10 * i + (i + 1) * normalOf(random));
      const values = [20, 12, 50].map((size) => Math.floor(size * random()));
      // The category says which way the number counts.
      return { numbers: row, categories: values, label: [Number((row[2]! - 20) * signs[values[0]!]! > 0)] };
    });
    return npyData(mode, {
      numbers: rows('f32', [count, 8], numbers),
      categories: rows('i32', [count, 3], categories),
      label: rows('i32', [count], label),
    });
  });
  const { figures } = await trainZoo('tabular_mlp', [...data, 'train.epochs=6', 'train.optimizer.lr=0.004']);
  expect(figures['accuracy']).toBeGreaterThan(0.9);
});

test('wide_and_deep remembers pairs on its wide side: an area of 0.95 under the curve, 0.75 without', async () => {
  const random = generator(2);
  const remembered = Array.from({ length: 200 }, () => 2 * normalOf(random));
  const direction = Array.from({ length: 8 }, () => normalOf(random));
  const data = (['train', 'eval'] as const).map((mode) => {
    const count = mode === 'train' ? 6000 : 1500;
    const { numbers, categories, crossed, clicked } = columnsOf(count, () => {
      const row = direction.map(() => normalOf(random));
      const pairs = Array.from({ length: 10 }, (_, i) => 20 * i + Math.floor(20 * random()));
      const score =
        0.5 * pairs.reduce((sum, pair) => sum + remembered[pair]!, 0) +
        2 * Math.tanh(row.reduce((sum, x, i) => sum + x * direction[i]!, 0));
      return {
        numbers: row,
        categories: [0, 1, 2, 3, 4, 5],
        crossed: pairs,
        clicked: [Number(score > 0)],
      };
    });
    return npyData(mode, {
      numbers: rows('f32', [count, 8], numbers),
      categories: rows('i32', [count, 6], categories),
      crossed: rows('i32', [count, 10], crossed),
      clicked: rows('i32', [count], clicked),
    });
  });
  const small = ['layers.deep1.units=64', 'layers.deep2.units=32', 'layers.deep3.units=16', 'train.epochs=6'];
  const groups = 'train.groups=[{names: wide, optimizer: {type: ftrl, lr: 0.3, l1: 0.001}}]';
  const both = await trainZoo('wide_and_deep', [...data, ...small, groups]);
  const deepOnly = await trainZoo('wide_and_deep', [...data, ...small, 'layers.wide.frozen=true', 'train.groups=']);
  expect(both.figures['auc']).toBeGreaterThan(0.95);
  expect(deepOnly.figures['auc']).toBeLessThan(0.75);
});

test('matrix_factorization finds vectors of rank 3: an error of 0.4 where the noise is 0.3', async () => {
  const random = generator(3);
  const vectors = (count: number): number[][] =>
    Array.from({ length: count }, () => Array.from({ length: 3 }, () => 0.7 * normalOf(random)));
  const [users, items] = [vectors(100), vectors(60)];
  const data = (['train', 'eval'] as const).map((mode) => {
    const count = mode === 'train' ? 4000 : 1000;
    const { user, item, rating } = columnsOf(count, () => {
      const [u, i] = [Math.floor(100 * random()), Math.floor(60 * random())];
      const liked = users[u]!.reduce((sum, x, k) => sum + x * items[i]![k]!, 0);
      return { user: [u], item: [i], rating: [3 + liked + 0.3 * normalOf(random)] };
    });
    return npyData(mode, {
      user: rows('i32', [count], user),
      item: rows('i32', [count], item),
      rating: rows('f32', [count], rating),
    });
  });
  const small = [
    'layers.users.units=8',
    'layers.items.units=8',
    'train.batch_size=64',
    'train.epochs=15',
    'train.optimizer.lr=0.01',
  ];
  const { figures } = await trainZoo('matrix_factorization', [...data, ...small, 'train.optimizer.weight_decay=0.1']);
  // The ratings themselves deviate by 0.9.
  expect(figures['rmse']).toBeLessThan(0.4);
});
