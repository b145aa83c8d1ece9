/** The architecture page describes what is there: its folders, its passes, its ops, its run folder. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { OPS } from '../../compiler/ops/index';
import { PIPELINE } from '../../compiler/pipeline';

const ROOT = path.join(__dirname, '../..');
const page = readFileSync(path.join(ROOT, 'docs/architecture.md'), 'utf8');

/** What stands in backticks in the first column of the section's tables. */
function firstColumn(heading: string): string[] {
  const section = page.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? '';
  return section
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .flatMap((line) => [...line.split('|')[1]!.matchAll(/`([^`]+)`/g)].map((match) => match[1]!));
}

test('every folder of the compiler has its line', () => {
  const table = page.split('\n## ')[0]!;
  const folders = readdirSync(path.join(ROOT, 'compiler'), { withFileTypes: true }).filter((entry) =>
    entry.isDirectory(),
  );
  for (const { name } of folders) expect(table).toMatch(new RegExp(`^\\|[^|]*\`(compiler/)?${name}/\``, 'm'));
  const named = [...table.matchAll(/^\|([^|]*)\|/gm)].flatMap(([, cell]) => [...cell!.matchAll(/`([\w./-]+\/)`/g)]);
  const exists = (name: string): boolean => {
    const parent = name.includes('/', 1) && name.split('/').length > 2 ? path.dirname(name) : '.';
    const inside = (folder: string): string[] => readdirSync(path.join(ROOT, folder));
    return inside(parent).includes(path.basename(name)) || inside('compiler').includes(path.basename(name));
  };
  expect(named.map((match) => match[1]!).filter((name) => !exists(name))).toEqual([]);
});

test('every pass has its line, in its own words', () => {
  for (const { name, doc } of PIPELINE) expect(page).toContain(`| \`${name}\` | ${doc} |\n`);
  const passes = firstColumn('From graph to plan').filter((name) => !name.endsWith('.ts'));
  expect(passes).toEqual([...new Set(PIPELINE.map(({ name }) => name))]);
});

test('every op has its line', () => {
  const section = page.split('\n## Ops\n')[1]!.split('\n## ')[0]!;
  const words = new Set(
    section
      .split('\n')
      .filter((line) => line.startsWith('| '))
      .flatMap((line) => line.match(/[a-z]\w+/g) ?? []),
  );
  expect(Object.keys(OPS).filter((name) => !words.has(name))).toEqual([]);
});

test('every file of a run folder has its line', () => {
  const source = readFileSync(path.join(ROOT, 'compiler/train/run-folder.ts'), 'utf8');
  const files = [...source.matchAll(/: at\('([^']+)'\)/g)].map((match) => match[1]!);
  expect(files.length).toBeGreaterThan(4);
  const documented = firstColumn('The run folder').join(' ');
  expect(files.filter((name) => !documented.includes(name))).toEqual([]);
});
