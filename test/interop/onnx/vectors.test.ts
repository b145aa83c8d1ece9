/** One test vector of every operator that is imported; `npm run soak -- --only onnx_vectors` goes through all. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { hasCorpus } from './corpus';
import { refusalOf } from './refusals';
import { allVectors, byFamily, outcomeOf, unpack } from './vectors';

const folder = mkdtempSync(path.join(tmpdir(), 'dlc-onnx-vectors-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const imported = (hasCorpus() ? allVectors() : []).filter(({ test }) => refusalOf(test) === undefined);
const first = [...byFamily(imported).values()].map(([vector]) => vector!);

beforeAll(() => {
  unpack(first, folder);
});

test('there is a vector of every operator, or none of the corpus', () => {
  expect(first.length === 0 || first.length > 150).toBe(true);
});

for (const { suite, test: name, family } of first)
  test(`${family}: ${name}`, async () => {
    expect(await outcomeOf(path.join(folder, suite, name))).toEqual({ equal: true });
  });
