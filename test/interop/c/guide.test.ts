/** The program of the guide is compiled with what the guide's first model becomes as C. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { COMPILERS } from '../../support/c';
import { modelInC } from '../../support/c-model';

const folder = mkdtempSync(path.join(tmpdir(), 'dlc-c-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const fence = (page: string, language: string): string =>
  new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'ms').exec(readFileSync(`docs/guide/${page}`, 'utf8'))![1]!;

test('the program of the guide runs', async () => {
  const [compiler] = COMPILERS;
  if (compiler === undefined) {
    console.log('skipped: there is no C compiler here');
    return;
  }
  const file = path.join(folder, 'model.yaml');
  writeFileSync(file, fence('01-first-model.md', 'yaml'));
  const { program } = await modelInC(file, folder);
  const main = path.join(path.dirname(program.file), 'main.c');
  writeFileSync(main, fence('11-import-and-export.md', 'c'));
  const strict = ['-std=c99', '-Wall', '-Wextra', '-Werror', '-pedantic', '-Wconversion', '-O2'];
  execFileSync(compiler, [...strict, main, `${program.file}.c`, '-o', `${main}.run`, '-lm'], { stdio: 'pipe' });
  expect(execFileSync(`${main}.run`, { encoding: 'utf8' })).toMatch(/^\d\n$/);
});
