/** The cuts of a run into native calls: every step once, and nothing that has to happen between steps inside one. */
import fc from 'fast-check';
import {
  batchSizes,
  chunkAt,
  isDue,
  nextDue,
  scheduleOf,
  type Chunk,
  type Schedule,
} from '../../compiler/train/batching';
import type { Interval } from '../../compiler/frontend/spec';

const schedules = fc
  .record({
    samples: fc.integer({ min: 1, max: 90 }),
    batchSize: fc.integer({ min: 1, max: 30 }),
    steps: fc.option(fc.integer({ min: 0, max: 60 }), { nil: undefined }),
    epochs: fc.integer({ min: 1, max: 5 }),
  })
  .map(({ samples, batchSize, ...limits }) => scheduleOf(samples, batchSize, limits));

const intervals: fc.Arbitrary<Interval | undefined> = fc.option(
  fc.oneof(
    fc.record({ count: fc.integer({ min: 1, max: 12 }), unit: fc.constant('steps' as const) }),
    fc.record({ count: fc.integer({ min: 1, max: 3 }), unit: fc.constant('epochs' as const) }),
    fc.record({ count: fc.double({ min: 0.1, max: 2, noNaN: true }), unit: fc.constant('epochs' as const) }),
    fc.record({ count: fc.integer({ min: 1, max: 9 }), unit: fc.constant('minutes' as const) }),
  ),
  { nil: undefined },
);

/** The chunks from step `from` on, as the trainer asks for them. */
function chunksOf(schedule: Schedule, from: number, limit: number, every: readonly (Interval | undefined)[]): Chunk[] {
  const chunks: Chunk[] = [];
  for (let step = from; step < schedule.totalSteps;) {
    const stops = every.map((interval) => nextDue(interval, step, schedule.stepsPerEpoch));
    const chunk = chunkAt(schedule, step, limit, stops);
    chunks.push(chunk);
    if (chunk.steps < 1) break;
    step += chunk.steps;
  }
  return chunks;
}

const limits = fc.integer({ min: 1, max: 40 });

test('chunks tile the run: every step once, in order', () => {
  fc.assert(
    fc.property(schedules, limits, intervals, intervals, fc.nat(50), (schedule, limit, a, b, skip) => {
      const from = Math.min(skip, schedule.totalSteps);
      let step = from;
      for (const chunk of chunksOf(schedule, from, limit, [a, b])) {
        expect(chunk.first).toBe(step);
        expect(chunk.steps).toBeGreaterThanOrEqual(1);
        expect(chunk.steps).toBeLessThanOrEqual(limit);
        step += chunk.steps;
      }
      expect(step).toBe(schedule.totalSteps);
    }),
  );
});

test('a chunk stays in its epoch and has one batch size', () => {
  fc.assert(
    fc.property(schedules, limits, intervals, (schedule, limit, every) => {
      const { samples, batchSize, stepsPerEpoch } = schedule;
      for (const { first, steps, batch, epoch, position } of chunksOf(schedule, 0, limit, [every])) {
        expect(epoch).toBe(Math.floor(first / stepsPerEpoch));
        expect(Math.floor((first + steps - 1) / stepsPerEpoch)).toBe(epoch);
        expect(position).toBe((first % stepsPerEpoch) * batchSize);
        expect(position + batch * steps).toBeLessThanOrEqual(samples);
        expect(batchSizes(samples, batchSize)).toContain(batch);
      }
    }),
  );
});

test('what is due falls between chunks, wherever the run was resumed', () => {
  fc.assert(
    fc.property(schedules, limits, intervals, intervals, fc.nat(50), (schedule, limit, a, b, skip) => {
      const from = Math.min(skip, schedule.totalSteps);
      const ends = new Set(chunksOf(schedule, from, limit, [a, b]).map(({ first, steps }) => first + steps));
      for (let step = from + 1; step <= schedule.totalSteps; step++) {
        const due = [a, b].some((interval) => isDue(interval, step, schedule.stepsPerEpoch, 0));
        if (due) expect([step, ends.has(step)]).toEqual([step, true]);
      }
    }),
  );
});

test('the next due step is the first that is due', () => {
  fc.assert(
    fc.property(intervals, fc.nat(40), fc.integer({ min: 1, max: 12 }), (interval, step, stepsPerEpoch) => {
      const next = nextDue(interval, step, stepsPerEpoch);
      const timed = interval === undefined || interval.unit === 'minutes';
      expect(next === undefined).toBe(timed);
      for (let s = step + 1; s <= step + 40; s++) {
        if (next === undefined || s < next) expect(isDue(interval, s, stepsPerEpoch, 0)).toBe(false);
        if (s === next) expect(isDue(interval, s, stepsPerEpoch, 0)).toBe(true);
      }
    }),
  );
});

test('one pass over the samples meets the batch sizes that are compiled, and no others', () => {
  fc.assert(
    fc.property(schedules, (schedule) => {
      const { samples, batchSize, stepsPerEpoch } = schedule;
      const whole = { ...schedule, totalSteps: stepsPerEpoch };
      const met = new Set(chunksOf(whole, 0, 1, []).map(({ batch }) => batch));
      expect([...met].sort()).toEqual([...batchSizes(samples, batchSize)].sort());
      const read = chunksOf(whole, 0, 7, []).reduce((sum, { batch, steps }) => sum + batch * steps, 0);
      expect(read).toBe(samples);
    }),
  );
});
