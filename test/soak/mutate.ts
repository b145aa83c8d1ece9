/** Damage of every kind that files come to: to their bytes, and to the structure of documents. */

export type Random = () => number;

export const below = (random: Random, end: number): number => Math.floor(random() * end);
export const pick = <T>(random: Random, from: readonly T[]): T => from[below(random, from.length)]!;

const NUMBERS = [0, 1, 2, 4, 7, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff];

/** One to some changes: bits, bytes, whole numbers, runs cut out, doubled, swapped or overwritten; the end cut off. */
export function mutateBytes(good: Uint8Array, random: Random): Buffer {
  let bytes = Buffer.from(good);
  for (let changes = 1 + below(random, random() < 0.7 ? 2 : 12); changes > 0; changes--) {
    const at = below(random, Math.max(1, bytes.length));
    const run = bytes.subarray(at, at + 1 + below(random, 64));
    switch (below(random, 9)) {
      case 0:
        bytes = bytes.subarray(0, at);
        break;
      case 1:
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + run.length)]);
        break;
      case 2:
        bytes = Buffer.concat([bytes.subarray(0, at), run, bytes.subarray(at)]);
        break;
      case 3:
        Buffer.from(run).copy(bytes, below(random, Math.max(1, bytes.length)));
        break;
      case 4:
        run.fill(pick(random, [0, 0xff, 0x20]));
        break;
      case 5:
      case 6: {
        const place = at & ~3;
        if (place + 4 <= bytes.length) bytes.writeUInt32LE(pick(random, NUMBERS), place);
        break;
      }
      case 7:
        if (at < bytes.length) bytes[at] = below(random, 256);
        break;
      default:
        if (at < bytes.length) bytes[at]! ^= 1 << below(random, 8);
    }
  }
  return bytes;
}

/** A field of a protobuf message: a message within is taken apart, wherever bytes read as one. */
interface WireField {
  readonly key: bigint;
  value: bigint | Uint8Array | WireField[];
}

const VARINTS = [
  0n,
  1n,
  2n,
  3n,
  5n,
  7n,
  8n,
  13n,
  64n,
  127n,
  1000n,
  2n ** 20n,
  2n ** 31n,
  2n ** 40n,
  2n ** 62n,
  2n ** 64n - 1n,
];

/** The fields of a message; undefined where the bytes are none. */
function fieldsOf(bytes: Uint8Array, depth = 0): WireField[] | undefined {
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = bytes[at++] ?? 0;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    return value;
  };
  const fields: WireField[] = [];
  while (at < bytes.length) {
    const key = varint();
    const fixed = { 1: 8, 5: 4 }[Number(key & 7n)];
    if (key >> 3n < 1n || key >> 3n > 64n) return undefined;
    if ((key & 7n) === 0n) fields.push({ key, value: varint() });
    else if (fixed !== undefined || (key & 7n) === 2n) {
      const size = fixed ?? Number(varint());
      const value = bytes.subarray(at, at + size);
      at += size;
      const inside = fixed === undefined && value.length > 1 && depth < 12 ? fieldsOf(value, depth + 1) : undefined;
      fields.push({ key, value: inside ?? value });
    } else return undefined;
  }
  return at === bytes.length ? fields : undefined;
}

function bytesOf(fields: readonly WireField[]): Buffer {
  const varint = (value: bigint): Buffer => {
    const bytes: number[] = [];
    let rest = value;
    for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
    return Buffer.from([...bytes, Number(rest)]);
  };
  const pieces = fields.flatMap(({ key, value }) => {
    if (typeof value === 'bigint') return [varint(key), varint(value)];
    const bytes = Array.isArray(value) ? bytesOf(value) : value;
    return (key & 7n) === 2n ? [varint(key), varint(BigInt(bytes.length)), bytes] : [varint(key), bytes];
  });
  return Buffer.concat(pieces);
}

/** A protobuf message with fields removed, doubled, exchanged or given other values, all lengths right again. */
export function mutateMessage(good: Uint8Array, random: Random): Buffer {
  const message = fieldsOf(good);
  if (message === undefined) return mutateBytes(good, random);
  const lists: WireField[][] = [];
  const visit = (fields: WireField[]): void => {
    lists.push(fields);
    for (const { value } of fields) if (Array.isArray(value)) visit(value);
  };
  for (let changes = 1 + below(random, random() < 0.7 ? 2 : 8); changes > 0; changes--) {
    lists.length = 0;
    visit(message);
    const list = pick(random, lists);
    if (list.length === 0) continue;
    const at = below(random, list.length);
    const field = list[at]!;
    const others = pick(random, lists).filter(({ key }) => (key & 7n) === (field.key & 7n));
    const kind = below(random, 6);
    if (kind === 0) list.splice(at, 1);
    else if (kind === 1) list.splice(at, 0, structuredClone(field));
    else if (kind === 2 && others.length > 0) field.value = structuredClone(pick(random, others).value);
    else if (typeof field.value === 'bigint') field.value = pick(random, VARINTS);
    else if (!Array.isArray(field.value)) field.value = mutateBytes(field.value, random);
  }
  return bytesOf(message);
}

export const VALUES: readonly unknown[] = [
  0,
  1,
  -1,
  2,
  3,
  7,
  0.5,
  -0.5,
  1e-30,
  1e300,
  2 ** 31,
  2 ** 53,
  1000,
  65536,
  true,
  false,
  null,
  '',
  'N',
  'M',
  'same',
  'valid',
  'x',
  '$x',
  '${1/0}',
  '${',
  '${2*3}',
  '3 steps',
  '1 epochs',
  'relu',
  'input',
  '../x',
  'ä',
  [],
  {},
  [0],
  [1, 1],
  [3, 3, 3],
  ['N'],
  ['N', 0],
  ['N', -1, 4],
  ['N', 1, 1],
  ['N', 3, 1e9, 1e9],
  { type: 'relu' },
  { type: 'nothing' },
];

type Place = readonly [parent: Record<string, unknown> | unknown[], key: string];

function placesOf(value: unknown, found: Place[] = []): Place[] {
  if (typeof value !== 'object' || value === null) return found;
  for (const key of Object.keys(value)) {
    found.push([value as Record<string, unknown>, key]);
    placesOf((value as Record<string, unknown>)[key], found);
  }
  return found;
}

/** A document with some values replaced, taken from elsewhere in it, removed, doubled, renamed or swapped. */
export function mutateDocument(good: unknown, random: Random): unknown {
  const document = structuredClone(good);
  for (let changes = 1 + below(random, random() < 0.7 ? 2 : 8); changes > 0; changes--) {
    const places = placesOf(document);
    if (places.length === 0) return document;
    const [parent, key] = pick(random, places);
    const [other, otherKey] = pick(random, places);
    const object = parent as Record<string, unknown>;
    const taken = structuredClone((other as Record<string, unknown>)[otherKey]);
    switch (below(random, 7)) {
      case 0:
        if (Array.isArray(parent)) parent.splice(Number(key), 1);
        else Reflect.deleteProperty(parent, key);
        break;
      case 1:
      case 2:
        object[key] = structuredClone(pick(random, VALUES));
        break;
      case 3:
        object[key] = taken;
        break;
      case 4:
        if (Array.isArray(parent)) parent.splice(Number(key), 0, taken);
        else object[Array.isArray(other) ? pick(random, ['when', 'repeat', 'inputs', 'name']) : otherKey] = taken;
        break;
      case 5:
        if (typeof object[key] === 'number') object[key] *= pick(random, [-1, 0, 2, 10, 1000, 0.5]);
        else if (typeof object[key] === 'string') object[key] += pick(random, ['', 'x', '/', '.', '1', ' ']);
        break;
      default:
        (other as Record<string, unknown>)[otherKey] = structuredClone(object[key]);
        object[key] = taken;
    }
  }
  return document;
}
