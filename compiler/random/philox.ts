/**
 * Philox4x32-10, the counter-based generator of Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (SC 2011),
 * and the draws that dlc makes from it. No state: a draw is a function of (seed, step, stream, element), so every
 * device, thread count and resumed run gets the same numbers. The native twin is runtime-native/src/cpu/random.
 */

export type Counter = readonly [number, number, number, number];
export type Key = readonly [number, number];

const ROUNDS = 10;
/** Round multipliers. */
const M0 = 0xd2511f53;
const M1 = 0xcd9e8d57;
/** Weyl increments of the key: the golden ratio and sqrt(3) - 1. */
const W0 = 0x9e3779b9;
const W1 = 0xbb67ae85;

/** High 32 bits of the 64-bit product of two unsigned 32-bit numbers, by halves: doubles hold only 53 bits. */
function highProduct(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const carry = aLow * bHigh + (middle & 0xffff);
  return (aHigh * bHigh + Math.floor(middle / 0x10000) + Math.floor(carry / 0x10000)) >>> 0;
}

/** Four unsigned 32-bit lanes for a counter of four and a key of two unsigned 32-bit words. */
export function philox4x32(counter: Counter, key: Key): [number, number, number, number] {
  let [c0, c1, c2, c3] = counter;
  let [k0, k1] = key;
  for (let round = 0; round < ROUNDS; round++) {
    const high0 = highProduct(M0, c0);
    const low0 = Math.imul(M0, c0) >>> 0;
    const high1 = highProduct(M1, c2);
    const low1 = Math.imul(M1, c2) >>> 0;
    c0 = (high1 ^ c1 ^ k0) >>> 0;
    c2 = (high0 ^ c3 ^ k1) >>> 0;
    c1 = low1;
    c3 = low0;
    k0 = (k0 + W0) >>> 0;
    k1 = (k1 + W1) >>> 0;
  }
  return [c0, c1, c2, c3];
}

/** The key of a seed: its low and high 32 bits, as a 64-bit integer in two's complement. */
export function keyOf(seed: number): Key {
  const high = Math.floor(seed / 2 ** 32);
  return [(seed - high * 2 ** 32) >>> 0, high >>> 0];
}

/** The 24 upper bits of a lane: every multiple of 2^-24 in [0, 1) has the same chance and is exact in float32. */
const unit = (lane: number): number => (lane >>> 8) * 2 ** -24;

/** What random ops draw from: (seed, step) is the graph's `rng` input, the stream is the op's own. */
export interface Stream {
  readonly seed: number;
  readonly step: number;
  readonly stream: number;
}

/** Uniform draws in [0, 1): element i is lane i mod 4 of block i div 4. */
export function uniforms(count: number, { seed, step, stream }: Stream): Float64Array {
  const key = keyOf(seed);
  const draws = new Float64Array(count);
  for (let i = 0; i < count; i += 4) {
    const lanes = philox4x32([(i / 4) >>> 0, 0, stream >>> 0, step >>> 0], key);
    for (let lane = 0; lane < 4 && i + lane < count; lane++) draws[i + lane] = unit(lanes[lane] as number);
  }
  return draws;
}

/** Standard normal draws by Box and Muller: element i is made of lanes 0 and 1 of block i. */
export function normals(count: number, { seed, step, stream }: Stream, truncated = false): Float64Array {
  const key = keyOf(seed);
  const draws = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    let z: number;
    let attempt = 0;
    do {
      const [first, second] = philox4x32([i >>> 0, attempt, stream >>> 0, step >>> 0], key);
      // u lies in (0, 1], so that its logarithm is finite.
      z = Math.sqrt(-2 * Math.log(unit(first) + 2 ** -24)) * Math.cos(2 * Math.PI * unit(second));
      attempt++;
    } while (truncated && Math.abs(z) > 2);
    draws[i] = z;
  }
  return draws;
}
