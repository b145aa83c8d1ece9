/** What no C file can say: each layer is named where the model file has it, with the code `export-unsupported`. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { SpecError, UsageError } from '../../../compiler/diagnostics/errors';
import { loadSpec } from '../../../compiler/frontend/load';
import { c } from '../../../compiler/interop/export/c';

const folder = mkdtempSync(path.join(tmpdir(), 'dlc-c-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const file = path.join(folder, 'model.yaml');
const out = path.join(folder, 'model.c');

async function thrownBy(layers: string, options: Readonly<Record<string, string>> = {}): Promise<unknown> {
  writeFileSync(file, `dlc: 1\nname: some\ninputs: {x: {shape: [N, 4]}}\nlayers:\n${layers}`);
  return c
    .run({ spec: loadSpec(file), out, options })
    .then(() => undefined)
    .catch((error: unknown) => error);
}

test('every layer that draws random numbers is named at its place', async () => {
  const error = await thrownBy(
    [
      '  - {name: drawn, type: random_normal, shape: [N, 4]}',
      '  - {name: noisy, type: add, inputs: [x, drawn]}',
      '  - {name: other, type: random_uniform, shape: [N, 4]}',
      '  - {name: both, type: add, inputs: [noisy, other]}',
      'outputs: [both]',
      '',
    ].join('\n'),
  );
  expect(error).toBeInstanceOf(SpecError);
  const { diagnostics } = error as SpecError;
  expect(diagnostics.map(({ code, at, message }) => [code, at.line, message])).toEqual([
    ['export-unsupported', 5, 'layer `drawn` draws random numbers, which a C file does not'],
    ['export-unsupported', 7, 'layer `other` draws random numbers, which a C file does not'],
  ]);
  expect(existsSync(out)).toBe(false);
});

const ADD = '  - {name: more, type: expression, inputs: [x], expr: "2 * x"}\noutputs: [more]\n';

test('settings that it does not know are refused', async () => {
  expect(await thrownBy(ADD, { weights: 'none' })).toBeInstanceOf(UsageError);
  expect(await thrownBy('  - {name: fc, type: dense, units: 2}\noutputs: [fc]\n')).toBeInstanceOf(UsageError);
});

test('a model without weights needs none', async () => {
  expect(await thrownBy(ADD)).toBeUndefined();
  expect(readFileSync(out, 'utf8')).toContain('int some_predict(const float *x, float *more)');
});
