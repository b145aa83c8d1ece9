/** The order of samples: each once in an epoch, from seed and epoch alone, the same in every version. */
import { orderOf } from '../../compiler/data/sampler';

it('visits every sample once in an epoch, in an order of seed and epoch alone', () => {
  const order = orderOf(1000, { seed: 7, epoch: 3, shuffle: true });
  expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: 1000 }, (_, i) => i));
  expect(orderOf(1000, { seed: 7, epoch: 3, shuffle: true })).toEqual(order);
  expect(orderOf(1000, { seed: 7, epoch: 4, shuffle: true })).not.toEqual(order);
  expect(orderOf(1000, { seed: 8, epoch: 3, shuffle: true })).not.toEqual(order);
});

it('keeps the order it had in earlier versions, so that old runs resume', () => {
  expect([...orderOf(10, { seed: 1, epoch: 0, shuffle: true })]).toEqual(FIRST_TEN);
});

it('gives every place the same chance', () => {
  const first = new Array<number>(8).fill(0);
  for (let seed = 0; seed < 4000; seed++) first[orderOf(8, { seed, epoch: 0, shuffle: true })[0]!]!++;
  for (const times of first) expect(Math.abs(times - 500)).toBeLessThan(110);
});

it('goes through the data in order when it does not shuffle', () => {
  expect([...orderOf(5, { seed: 1, epoch: 9, shuffle: false })]).toEqual([0, 1, 2, 3, 4]);
});

/** Written down once: a change here breaks the resuming of runs. */
const FIRST_TEN = [3, 1, 0, 9, 2, 8, 7, 4, 5, 6];
