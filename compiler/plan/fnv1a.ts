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
  let low = OFFSET_LOW | 0;
  let high = OFFSET_HIGH | 0;
  for (let i = 0; i < bytes.length; i++) {
    low ^= bytes[i] as number;
    // (high·2³² + low) · (2⁴⁰ + 0x1b3) mod 2⁶⁴, the low half in pieces of 16 bits: integers of 32 bits suffice.
    const bottom = (low & 0xffff) * PRIME_LOW;
    const middle = (low >>> 16) * PRIME_LOW + (bottom >>> 16);
    high = (Math.imul(high, PRIME_LOW) + (middle >>> 16) + (low << 8)) | 0;
    low = (middle << 16) | (bottom & 0xffff);
  }
  return { low: low >>> 0, high: high >>> 0 };
}

export function formatHash({ low, high }: Hash64): string {
  return high.toString(16).padStart(8, '0') + low.toString(16).padStart(8, '0');
}
