/** What may stand behind a number for a factor: `5M`, `2GiB`. */
export const FACTORS: Readonly<Record<string, number>> = {
  B: 1,
  k: 1e3,
  kB: 1e3,
  KiB: 2 ** 10,
  M: 1e6,
  MB: 1e6,
  MiB: 2 ** 20,
  G: 1e9,
  GB: 1e9,
  GiB: 2 ** 30,
  T: 1e12,
  TB: 1e12,
  TiB: 2 ** 40,
};
