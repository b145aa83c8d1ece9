/** Random numbers agree with the published ones and with the layout that kernels share. */
import { keyOf, normals, philox4x32, uniforms } from '../../compiler/random/philox';
import type { Counter, Key } from '../../compiler/random/philox';

/** The known answers for philox4x32, 10 rounds, that come with the Random123 library. */
const KNOWN: readonly { counter: Counter; key: Key; lanes: readonly number[] }[] = [
  {
    counter: [0, 0, 0, 0],
    key: [0, 0],
    lanes: [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8],
  },
  {
    counter: [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
    key: [0xffffffff, 0xffffffff],
    lanes: [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
  },
  {
    counter: [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
    key: [0xa4093822, 0x299f31d0],
    lanes: [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
  },
];

const STREAM = { seed: 7, step: 3, stream: 11 };

describe('philox', () => {
  it.each(KNOWN)('gives the known lanes for the counter $counter', ({ counter, key, lanes }) => {
    expect(philox4x32(counter, key)).toEqual(lanes);
  });

  it('splits a seed into two 32-bit words, also beyond 32 bits and below zero', () => {
    expect(keyOf(5)).toEqual([5, 0]);
    expect(keyOf(2 ** 40 + 3)).toEqual([3, 256]);
    expect(keyOf(-1)).toEqual([0xffffffff, 0xffffffff]);
  });

  it('takes uniform element i from lane i mod 4 of block i div 4', () => {
    const draws = uniforms(6, STREAM);
    const block1 = philox4x32([1, 0, 11, 3], [7, 0]);
    expect(draws[5]).toBe((block1[1] >>> 8) * 2 ** -24);
    expect(draws).toHaveLength(6);
  });

  it('does not change the first draws when more are made', () => {
    expect(uniforms(1000, STREAM).slice(0, 5)).toEqual(uniforms(5, STREAM));
  });

  it('gives other numbers for another seed, step or stream', () => {
    const base = uniforms(4, STREAM);
    for (const change of [{ seed: 8 }, { step: 4 }, { stream: 12 }]) {
      expect(uniforms(4, { ...STREAM, ...change })).not.toEqual(base);
    }
  });

  it('draws uniforms of mean 1/2 and variance 1/12', () => {
    const draws = uniforms(20000, STREAM);
    const mean = draws.reduce((sum, u) => sum + u, 0) / draws.length;
    const variance = draws.reduce((sum, u) => sum + (u - mean) ** 2, 0) / draws.length;
    expect(Math.min(...draws)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...draws)).toBeLessThan(1);
    expect(Math.abs(mean - 0.5)).toBeLessThan(0.01);
    expect(Math.abs(variance - 1 / 12)).toBeLessThan(0.003);
  });

  it('draws normals of mean 0 and variance 1', () => {
    const draws = normals(20000, STREAM);
    const mean = draws.reduce((sum, z) => sum + z, 0) / draws.length;
    const variance = draws.reduce((sum, z) => sum + z * z, 0) / draws.length;
    const inside = draws.filter((z) => Math.abs(z) < 1).length / draws.length;
    expect(Math.abs(mean)).toBeLessThan(0.03);
    expect(Math.abs(variance - 1)).toBeLessThan(0.05);
    expect(Math.abs(inside - 0.6827)).toBeLessThan(0.02);
  });

  it('redraws a truncated normal beyond two standard deviations and leaves the others alone', () => {
    const plain = normals(2000, STREAM);
    const truncated = normals(2000, STREAM, true);
    expect(Math.max(...plain.map(Math.abs))).toBeGreaterThan(2);
    plain.forEach((z, i) => {
      const t = truncated[i] as number;
      expect(Math.abs(t)).toBeLessThanOrEqual(2);
      if (Math.abs(z) <= 2) expect(t).toBe(z);
    });
  });
});
