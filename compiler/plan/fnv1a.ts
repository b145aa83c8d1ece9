/** FNV-1a, 64 bits, in two halves of 32: the checksum of plan blobs. Not for anything that must resist intent. */
const OFFSET_LOW = 0x84222325;
const OFFSET_HIGH = 0xcbf29ce4;
/** The prime is 2^40 + 0x1b3. */
const PRIME_LOW = 0x1b3;

export interface Hash64 {
  readonly low: number;
  readonly high: number;
}

export function fnv1a64(bytes: Uint8Array): Hash64 {
  let low = OFFSET_LOW;
  let high = OFFSET_HIGH;
  for (let i = 0; i < bytes.length; i++) {
    low = (low ^ (bytes[i] as number)) >>> 0;
    // (high·2³² + low) · (2⁴⁰ + 0x1b3) mod 2⁶⁴; every product stays below 2⁵³.
    const product = low * PRIME_LOW;
    high = (high * PRIME_LOW + Math.floor(product / 0x100000000) + low * 256) % 0x100000000;
    low = product >>> 0;
  }
  return { low, high };
}

export function formatHash({ low, high }: Hash64): string {
  return high.toString(16).padStart(8, '0') + low.toString(16).padStart(8, '0');
}
