/** A key for a schema: 64 bits of FNV-1a over its JSON text. Names the generated validator of exactly this schema. */
export function keyOf(schema: object): string {
  const text = JSON.stringify(schema);
  let high = 0x811c9dc5;
  let low = 0xcbf29ce4;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    high = Math.imul(high ^ code, 0x01000193);
    low = Math.imul(low ^ (code + i), 0x01000193);
  }
  return [high, low].map((word) => (word >>> 0).toString(16).padStart(8, '0')).join('');
}
