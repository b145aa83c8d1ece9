/**
 * One folder a diagnostic code: model files with that mistake and the exact text that a user reads. `NAME.yaml` is
 * the model, `NAME.args` its overrides, `NAME.txt` the expected text; UPDATE_GOLDEN=1 writes the texts anew.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { CODES, type Code } from '../../compiler/diagnostics/codes';

import { sortDiagnostics } from '../../compiler/diagnostics/collector';
import { renderPretty } from '../../compiler/diagnostics/render/pretty';
import { checkFile } from '../../compiler/check';

const FOLDER = path.relative(process.cwd(), __dirname);
const UPDATE = process.env['UPDATE_GOLDEN'] === '1';

/** Reported on files other than models, or on files too large to keep; each names the test that has it. */
const ELSEWHERE: Partial<Record<Code, string>> = {
  'unreadable-file': 'test/frontend/load.test.ts',
  'file-too-large': 'test/frontend/parse.test.ts',
  'path-outside': 'test/data/idx.test.ts',
  'data-missing': 'test/data/idx.test.ts',
  'data-corrupt': 'test/data/idx.test.ts',
  'data-mismatch': 'test/data/idx.test.ts',
  'weights-missing': 'test/weights/damage.test.ts',
  'weights-corrupt': 'test/weights/damage.test.ts',
  'weights-mismatch': 'test/weights/files.test.ts',
  'picture-too-large': 'test/picture/pictures.test.ts',
  'import-unreadable': 'test/interop/read.test.ts',
  'import-approximate': 'test/interop/onnx/quantized.test.ts',
  'import-unsupported': 'test/interop/read.test.ts',
  'export-unsupported': 'test/interop/c/refused.test.ts',
  'non-finite': 'test/diagnostics/catalogue.test.ts',
  'test-failed': 'test/cli/test.test.ts',
  'resume-changed': 'test/cli/train_settings.test.ts',
};

const codes = readdirSync(FOLDER, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map((entry) => entry.name)
  .sort();

const cases = codes.flatMap((code) =>
  readdirSync(path.join(FOLDER, code))
    .filter((file) => file.endsWith('.yaml'))
    .map((file) => [code, file.replace(/\.yaml$/, '')] as const),
);

describe('the error folders', () => {
  test.each(cases)('%s/%s reads as expected', (code, name) => {
    const base = path.join(FOLDER, code, name);
    const overrides = existsSync(`${base}.args`) ? readFileSync(`${base}.args`, 'utf8').trim().split('\n') : [];
    const diagnostics = sortDiagnostics(checkFile(`${base}.yaml`, { overrides }));
    const text = renderPretty(diagnostics);
    expect(diagnostics.map((diagnostic) => diagnostic.code)).toContain(code);
    if (UPDATE) writeFileSync(`${base}.txt`, text);
    expect(text).toBe(readFileSync(`${base}.txt`, 'utf8'));
  });

  test('every code has a folder, or a test of its own', () => {
    const missing = Object.keys(CODES).filter((code) => !codes.includes(code) && !(code in ELSEWHERE));
    expect(missing).toEqual([]);
  });

  test.each(Object.entries(ELSEWHERE))('%s is tested in %s', (code, file) => {
    expect(readFileSync(file, 'utf8')).toContain(code);
  });

  test('every folder is named after a code', () => {
    expect(codes.filter((code) => !(code in CODES))).toEqual([]);
  });
});
