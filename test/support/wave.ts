/** Numbers between −1 and 1 that PyTorch can be given as well: ((i · 37 + seed · 13) mod 101) / 50 − 1. */
export function wave(count: number, seed = 0): number[] {
  return Array.from({ length: count }, (_, i) => ((i * 37 + seed * 13) % 101) / 50 - 1);
}
