/**
 * Another sampling rate by band-limited interpolation: a sinc under a Hann window, six zero crossings wide, cut off at
 * 0.99 of the lower rate's half. Weights repeat with the ratio of the rates, so each is computed once.
 */

const CROSSINGS = 6;
const ROLLOFF = 0.99;

export function resample(samples: Float32Array, from: number, to: number): Float32Array {
  if (from === to) return samples;
  const divisor = greatestCommonDivisor(from, to);
  const [up, down] = [to / divisor, from / divisor];
  const cutoff = ROLLOFF * Math.min(1, up / down);
  const reach = CROSSINGS / cutoff;
  const taps = Math.ceil(reach) * 2 + 1;
  const filters = new Map<number, Float64Array>();
  const result = new Float32Array(Math.ceil((samples.length * up) / down));
  for (let i = 0; i < result.length; i++) {
    const phase = (i * down) % up;
    let filter = filters.get(phase);
    if (!filter) filters.set(phase, (filter = filterOf(phase / up, cutoff, reach, taps)));
    const first = Math.floor((i * down) / up) - Math.ceil(reach);
    let sum = 0;
    for (let tap = Math.max(0, -first); tap < taps && first + tap < samples.length; tap++) {
      sum += filter[tap]! * samples[first + tap]!;
    }
    result[i] = sum;
  }
  return result;
}

/** The weights of the samples around a point `fraction` after the middle one. */
function filterOf(fraction: number, cutoff: number, reach: number, taps: number): Float64Array {
  const middle = (taps - 1) / 2;
  return Float64Array.from({ length: taps }, (_, tap) => {
    const distance = tap - middle - fraction;
    if (Math.abs(distance) >= reach) return 0;
    const angle = Math.PI * distance * cutoff;
    const window = Math.cos((Math.PI * distance) / (2 * reach)) ** 2;
    return cutoff * window * (angle === 0 ? 1 : Math.sin(angle) / angle);
  });
}

function greatestCommonDivisor(a: number, b: number): number {
  let [x, y] = [a, b];
  while (y > 0) [x, y] = [y, x % y];
  return x;
}
