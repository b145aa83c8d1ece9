/** Placing buffers: apart while alive together, close to the lower bound, the same every time. */
import fc from 'fast-check';
import { placeBuffers, type Arena } from '../../compiler/plan/arena';
import { FreeList } from '../../compiler/plan/free_list';
import type { Buffer } from '../../compiler/plan/liveness';

const buffers: fc.Arbitrary<Buffer[]> = fc.array(
  fc
    .tuple(fc.nat(6), fc.integer({ min: -1, max: 30 }), fc.nat(12))
    .map(([size, first, length]) => ({ bytes: size * 64, first, last: first + length })),
  { maxLength: 60 },
);

/** Counts how often any of them is asked when it is alive: what placing buffers does all the time. */
class Counted implements Buffer {
  static asked = 0;
  readonly #first: number;

  constructor(
    readonly bytes: number,
    first: number,
    readonly last: number,
  ) {
    this.#first = first;
  }

  get first(): number {
    Counted.asked++;
    return this.#first;
  }
}

/** By time: at each step the buffers alive, by offset, none reaching into the next. */
function expectNoOverlap(all: readonly Buffer[], { offsets, bytes }: Arena): void {
  const steps = new Set(all.flatMap(({ first, last }) => [first, last]));
  for (const step of steps) {
    const alive = all.flatMap((b, i) => (b.first <= step && step <= b.last && b.bytes > 0 ? [i] : []));
    alive.sort((a, b) => (offsets[a] as number) - (offsets[b] as number));
    let reached = 0;
    for (const i of alive) {
      expect(offsets[i]).toBeGreaterThanOrEqual(reached);
      reached = (offsets[i] as number) + (all[i] as Buffer).bytes;
    }
    expect(reached).toBeLessThanOrEqual(bytes);
  }
}

describe('placeBuffers', () => {
  it('keeps buffers that are alive together apart, aligned, and close to the lower bound', () => {
    fc.assert(
      fc.property(buffers, (all) => {
        const arena = placeBuffers(all);
        expectNoOverlap(all, arena);
        expect([...arena.offsets].every((offset) => offset % 64 === 0)).toBe(true);
        expect(arena.bytes).toBeGreaterThanOrEqual(arena.lowerBound);
        expect(arena.bytes).toBeLessThanOrEqual(1.5 * arena.lowerBound);
      }),
      { numRuns: 300, seed: 50 },
    );
  });

  it('needs no more than the bytes alive for the nested lifetimes of a training step', () => {
    // Forward: activation i lives from step i to its gradient's, a temporary beside each.
    const layers = 200;
    const size = (i: number): number => 64 * (1 + ((i * 37) % 11));
    const nested = Array.from({ length: layers }, (_, i) => ({ bytes: size(i), first: i, last: 2 * layers - i }));
    const temporary = nested.map(({ first, bytes }) => ({ bytes, first, last: first }));
    const arena = placeBuffers([...nested, ...temporary]);
    expect(arena.bytes).toBe(arena.lowerBound);
  });

  it.each([0, 1, 2, 3])(
    'searches where every plain order leaves holes: within 2 %% of the bytes alive, set %i',
    (k) => {
      const all = Array.from({ length: 200 }, (_, i) => {
        const first = (i * 7919 + k * 31) % 100;
        return { bytes: 64 * (1 + ((i * 104729 + k) % 97)), first, last: first + ((i * 15485863) % 10) };
      });
      const arena = placeBuffers(all);
      expectNoOverlap(all, arena);
      expect(arena.bytes).toBeLessThanOrEqual(1.02 * arena.lowerBound);
      expect(placeBuffers(all, arena.bytes).bytes).toBe(arena.bytes);
      expect(placeBuffers(all, 1.2 * arena.lowerBound).bytes).toBeLessThanOrEqual(1.2 * arena.lowerBound);
    },
  );

  it('gives the same offsets every time', () => {
    fc.assert(
      fc.property(buffers, (all) => expect(placeBuffers(all)).toEqual(placeBuffers(all))),
      { numRuns: 50, seed: 51 },
    );
  });

  it('places a hundred thousand buffers without comparing every two', () => {
    const count = 100_000;
    const many = Array.from({ length: count }, (_, i) => {
      const last = i + 1 + ((i * 104729) % 50) + (i % 1000 === 0 ? 40_000 : 0);
      return new Counted(64 * (1 + ((i * 7919) % 97)), i, last);
    });
    Counted.asked = 0;
    const arena = placeBuffers(many);
    // Sorting and the greedy part, which is bounded, ask some 300 times for each; all pairs would be 100,000 times.
    expect(Counted.asked).toBeLessThan(1000 * count);
    expect(arena.bytes).toBeLessThan(1.3 * arena.lowerBound);
    const sample = many.flatMap(({ bytes, first, last }, i) =>
      first <= 50_000 && last >= 50_000 ? [{ bytes, i }] : [],
    );
    const offsets = Float64Array.from(sample, ({ i }) => arena.offsets[i] as number);
    expectNoOverlap(
      sample.map(({ bytes }) => ({ bytes, first: 0, last: 0 })),
      { ...arena, offsets },
    );
  });

  it('takes no memory for nothing', () => {
    expect(placeBuffers([])).toMatchObject({ bytes: 0, lowerBound: 0 });
    expect(placeBuffers([{ bytes: 0, first: 0, last: 3 }])).toMatchObject({ bytes: 0, lowerBound: 0 });
  });
});

describe('FreeList', () => {
  it('joins neighbouring holes and grows the last one', () => {
    const free = new FreeList();
    const [a, b, c] = [free.take(64), free.take(128), free.take(64)];
    expect([a, b, c, free.top]).toEqual([0, 64, 192, 256]);
    free.release(a, 64);
    free.release(b, 128);
    expect(free.take(192)).toBe(0);
    free.release(c, 64);
    expect(free.take(128)).toBe(192);
    expect(free.top).toBe(320);
  });

  it('takes the tightest hole', () => {
    const free = new FreeList();
    const parts = [256, 64, 128, 64, 320].map((bytes) => free.take(bytes));
    free.release(parts[0] as number, 256);
    free.release(parts[2] as number, 128);
    expect(free.take(128)).toBe(parts[2]);
    expect(free.take(64)).toBe(0);
  });
});
