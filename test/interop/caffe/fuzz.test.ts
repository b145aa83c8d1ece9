/** Damaged nets and weights end with a located error, in time. `npm run soak -- --only caffe` goes on with it. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { SpecError } from '../../../compiler/diagnostics/errors';
import { generator } from '../../support/samples';
import { imported, temporaryFolder } from './corpus';
import { importDamaged, NET, weightsOfNet } from './damage';

const folder = temporaryFolder();

function written(name: string, content: string | Uint8Array): string {
  const file = path.join(folder, name);
  writeFileSync(file, content);
  return file;
}

test('what the damage is done to is read', async () => {
  const { tensors, text } = await imported([written('good.prototxt', NET), written('good.caffemodel', weightsOfNet())]);
  expect(tensors.size).toBe(10);
  expect(text).toContain('epsilon: 0.001');
});

test('damaged files end with a SpecError within two seconds', async () => {
  const net = written('net.prototxt', NET);
  const counts: Record<string, number> = {};
  for (let seed = 1; seed <= 250; seed++) {
    const start = performance.now();
    const word = await importDamaged(folder, generator(seed), [net]);
    expect(performance.now() - start).toBeLessThan(2000);
    counts[word] = (counts[word] ?? 0) + 1;
  }
  expect(counts['import-unreadable']).toBeGreaterThan(20);
  expect(counts['import-unsupported']).toBeGreaterThan(15);
});

const varint = (value: bigint): number[] => {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>= 7n) {
    if (rest < 128n) return [...bytes, Number(rest)];
    bytes.push(Number(rest & 127n) | 128);
  }
};

test.each<[string, readonly number[]]>([
  ['a layer that says it has 2^60 bytes', [0xa2, 0x06, ...varint(2n ** 60n)]],
  ['a length of ten bytes of ones', [0xa2, 0x06, ...Array<number>(10).fill(0xff)]],
  [
    'a blob of 2^60 numbers with one',
    [0xa2, 0x06, 21, 0x3a, 19, 0x2a, 4, 0, 0, 0, 0, 0x3a, 11, 0x0a, 9, ...varint(2n ** 60n)],
  ],
  ['groups in groups', Array<number>(5000).fill(0x0b)],
  ['a field without a number', [0x00, 0x00, 0x00]],
])('%s is unreadable', async (_, bytes) => {
  const files = [written('good.prototxt', NET), written('bad.caffemodel', Uint8Array.from(bytes))];
  const error: unknown = await imported(files).catch((thrown: unknown) => thrown);
  if (!(error instanceof SpecError)) throw error;
  expect(error.diagnostics[0]!.code).toBe('import-unreadable');
});

test('messages that are too deep, and texts without an end, are located', async () => {
  for (const [text, line] of [
    [`layer { `.repeat(100_000), 1],
    ['name: "x"\nlayer { name: "a" type: "ReLU"\n', 2],
    ['name: "x"\nlayer { name: "a', 2],
    ['name: [1, 2', 1],
  ] as const) {
    const error: unknown = await imported([written('bad.prototxt', text)]).catch((thrown: unknown) => thrown);
    if (!(error instanceof SpecError)) throw error;
    expect(error.diagnostics[0]).toMatchObject({ code: 'import-unreadable', at: { line } });
  }
});
