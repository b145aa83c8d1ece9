/** Damaged models of every operator are read or refused at the file, in time; `npm run soak -- --only onnx_files` for more. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { generator } from '../../support/samples';
import { hasCorpus } from './corpus';
import { importDamaged } from './damage';
import { allVectors, byFamily, unpack } from './vectors';

const RUNS = 400;

const folder = mkdtempSync(path.join(tmpdir(), 'dlc-onnx-damage-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

test('no damage ends in anything but a model or a located error', async () => {
  if (!hasCorpus()) return;
  const vectors = [...byFamily(allVectors()).values()].map(([vector]) => vector!);
  unpack(vectors, folder);
  const models = vectors.map(({ suite, test: name }) => path.join(folder, suite, name, 'model.onnx'));
  const outcomes = new Set<string>();
  for (let seed = 0; seed < RUNS; seed++)
    outcomes.add(await importDamaged(path.join(folder, 'damaged'), generator(seed), models));
  expect(outcomes).toContain('read');
  expect(outcomes).toContain('import-unreadable');
  expect(outcomes).toContain('import-unsupported');
}, 60_000);
