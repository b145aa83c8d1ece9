/** Philox stream numbers: a 32-bit FNV-1a hash of what the numbers are drawn for, so that they survive edits elsewhere. */
export function streamOf(owner: string, purpose: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(`${owner}\0${purpose}`)) {
    hash = Math.imul(hash ^ byte, 0x01000193);
  }
  return hash >>> 0;
}
