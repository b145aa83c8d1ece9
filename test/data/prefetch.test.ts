import { prefetch } from '../../compiler/data/prefetch';

it('yields everything in order and never makes more than its depth ahead', async () => {
  const made: number[] = [];
  let used = 0;
  for await (const item of prefetch({ first: 2, end: 9 }, 2, (index) => (made.push(index), index))) {
    expect(item).toBe(2 + used);
    used++;
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(made.length).toBeLessThanOrEqual(used + 2);
    expect(made.length).toBe(Math.min(7, used + 2));
  }
  expect(made).toEqual([2, 3, 4, 5, 6, 7, 8]);
});

it('makes the next item while the one before is in use', async () => {
  const log: string[] = [];
  for await (const item of prefetch({ first: 0, end: 3 }, 1, (index) => (log.push(`make ${index}`), index))) {
    log.push(`begin ${item}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
    log.push(`end ${item}`);
  }
  expect(log).toEqual(['make 0', 'begin 0', 'make 1', 'end 0', 'begin 1', 'make 2', 'end 1', 'begin 2', 'end 2']);
});

it('hands a failure to the reader when it comes to that item', async () => {
  const seen: number[] = [];
  const reading = async (): Promise<void> => {
    for await (const item of prefetch({ first: 0, end: 5 }, 3, (index) => {
      if (index === 2) throw new RangeError('bad sample');
      return index;
    })) {
      seen.push(item);
    }
  };
  await expect(reading()).rejects.toThrow('bad sample');
  expect(seen).toEqual([0, 1]);
});
