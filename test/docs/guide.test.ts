/** The guide keeps its word: its models are valid, its commands exist, its table of variables is the code's. */
import { Command } from 'commander';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parse, stringify } from 'yaml';
import { VERBS } from '../../cli/verbs';
import { checkFile, checkLoaded } from '../../compiler/check';
import { formatLocation } from '../../compiler/diagnostics/location';
import { renderPretty } from '../../compiler/diagnostics/render/pretty';
import { checkSpecText, loadSpec } from '../../compiler/frontend/load';
import { runTraining } from '../../compiler/train/run';

const ROOT = path.join(__dirname, '../..');
const read = (file: string): string => readFileSync(path.join(ROOT, file), 'utf8');

interface Fence {
  readonly language: string;
  readonly file: string | undefined;
  readonly line: number;
  readonly text: string;
}

function fencesOf(page: string): Fence[] {
  return [...page.matchAll(/^```(\w+)(?: file=(\S+))?\n(.*?)^```$/gms)].map((match) => ({
    language: match[1]!,
    file: match[2],
    line: page.slice(0, match.index).split('\n').length,
    text: match[3]!,
  }));
}

const CHAPTERS = readdirSync(path.join(ROOT, 'docs/guide')).sort();
const first = fencesOf(read(`docs/guide/${CHAPTERS[0]!}`));
const isModel = ({ language, file }: Fence): boolean => language === 'yaml' && file === undefined;
const isWhole = ({ text }: Fence): boolean => text.startsWith('dlc:');

interface Example {
  readonly chapter: string;
  readonly line: number;
  /** What the page shows. */
  readonly shown: string;
  readonly model: string;
  /** Files beside it, by name. */
  readonly files: readonly Fence[];
}

/** A part of a model replaces the same keys of the whole one before it in its chapter, or of the first of the guide. */
function examplesOf(chapter: string): Example[] {
  const fences = fencesOf(read(`docs/guide/${chapter}`));
  const models = fences.filter(isModel);
  const files = fences.filter(({ file }) => file?.endsWith('.yaml') === true && !file.includes('/'));
  return models.map((fence, i) => {
    const base = (models.slice(0, i).findLast(isWhole) ?? first.find(isWhole))!.text;
    const parts = { ...(parse(base) as Record<string, unknown>), ...(parse(fence.text) as Record<string, unknown>) };
    const model = isWhole(fence) ? fence.text : stringify(parts);
    return { chapter, line: fence.line, shown: fence.text, model, files };
  });
}

const EXAMPLES = CHAPTERS.flatMap(examplesOf);
const base = first.find(isWhole)!.text;

/** A folder with the model and what it needs beside it. */
function folderOf({ model, files }: Example): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'dlc-guide-'));
  folders.push(folder);
  for (const { file, text } of files) writeFileSync(path.join(folder, file!), text);
  writeFileSync(path.join(folder, 'model.yaml'), model);
  return folder;
}

const folders: string[] = [];
afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })));

test('there are eleven chapters, in the contents and linked to each other', () => {
  const contents = [...read('docs/guide.md').matchAll(/\]\(guide\/([\w-]+\.md)\)/g)].map((match) => match[1]);
  expect(contents).toEqual(CHAPTERS);
  expect(CHAPTERS).toHaveLength(11);
  CHAPTERS.forEach((chapter, i) => {
    const text = read(`docs/guide/${chapter}`);
    expect(text).toMatch(new RegExp(`^# ${i + 1}\\. `));
    for (const beside of [CHAPTERS[i - 1], CHAPTERS[i + 1]]) if (beside) expect(text).toContain(`](${beside})`);
  });
});

const titled = EXAMPLES.map((example) => [example.chapter, example.line, example] as const);

test.each(titled)('the model of %s at line %i has no problems', (_, __, example) => {
  const found = checkFile(path.join(folderOf(example), 'model.yaml'));
  expect(found.map(({ at, message }) => `${formatLocation(at)}: ${message}`)).toEqual([]);
});

test.each(titled)('the model of %s at line %i learns', async (_, __, example) => {
  const folder = folderOf(example);
  const { train } = parse(example.model) as { train: Record<string, unknown> };
  const length = train['phases'] === undefined ? ['train.epochs=', 'train.steps=2'] : [];
  const synthetic = '{type: synthetic, size: 8, classes: 4}';
  const overrides = ['train.batch_size=4', ...length, `data.train=${synthetic}`, `data.eval=${synthetic}`];
  const spec = loadSpec(path.join(folder, 'model.yaml'), { overrides });
  const lines: Readonly<Record<string, unknown>>[] = [];
  const silent = (): void => undefined;
  await runTraining(
    spec,
    { machine: { threads: 1 }, runRoot: folder, seed: 1, resume: false, allowOutside: true, command: 'test' },
    {
      onStart: silent,
      onWarnings: silent,
      onData: silent,
      onProgress: silent,
      onEvaluation: (line) => lines.push({ ...line }),
      onEvaluationProgress: silent,
      onCheckpoint: silent,
      shouldStop: () => false,
    },
  );
  expect(Number.isFinite(lines.at(-1)?.['loss'])).toBe(true);
});

test('there are models for every source of data, a budget and blocks', () => {
  const types = EXAMPLES.flatMap(({ shown }) => [...shown.matchAll(/type: (idx|image_folder|npy|unit)\b/g)]);
  expect(new Set(types.map((match) => match[1]))).toEqual(new Set(['idx', 'image_folder', 'npy', 'unit']));
  expect(EXAMPLES.some(({ shown }) => shown.startsWith('budgets:'))).toBe(true);
});

test('a budget below what the model needs fails', () => {
  const tight = base + 'budgets: {params: 1k}\n';
  expect(checkLoaded(checkSpecText(tight, 'guide.yaml')).map(({ code }) => code)).toEqual(['budget-exceeded']);
});

/** Every `dlc` command of a page, without comments and what the shell would do with it. */
function commandsOf(file: string): string[] {
  const lines = fencesOf(read(file))
    .filter(({ language, file: name }) => language === 'sh' || name !== undefined)
    .flatMap(({ text }) => text.split('\n'));
  return lines.flatMap((line) => /(?:^|run: )npx dlc (.*?)\s*(?:#|$)/.exec(line)?.[1] ?? []);
}

const WITH_COMMANDS = [1, 4, 5].map((n) => `docs/guide/${CHAPTERS[n - 1]!}`);

test.each(['README.md', ...WITH_COMMANDS, 'CHANGELOG.md'])('the commands in %s are accepted', async (file) => {
  const commands = commandsOf(file);
  expect(commands.length).toBeGreaterThan(0);
  for (const command of commands) {
    const [name = '', ...words] = command.split(/\s+/);
    const entry = VERBS[name];
    if (!entry) throw new TypeError(`${file}: no verb '${name}'`);
    const verb = new Command(name).exitOverride().configureOutput({ writeErr: () => undefined });
    (await entry.load()).configure(verb);
    let ran = false;
    verb.action(() => {
      ran = true;
    });
    await verb.parseAsync(words, { from: 'user' });
    expect([command, ran]).toEqual([command, true]);
  }
});

test("the README's model is valid", () => {
  const [model] = fencesOf(read('README.md')).filter(({ language }) => language === 'yaml');
  expect(checkLoaded(checkSpecText(model!.text, 'readme.yaml'))).toEqual([]);
  expect(model!.text.trimEnd().split('\n').length).toBeLessThanOrEqual(24);
});

test('the changelog shows what dlc says', () => {
  const fences = fencesOf(read('CHANGELOG.md'));
  const model = fences.find(({ language }) => language === 'yaml')!.text;
  const said = fences.find(({ language }) => language === 'text')!.text;
  // The renderer reads the lines that it shows from the file.
  const folder = mkdtempSync(path.join(tmpdir(), 'dlc-'));
  const file = path.join(folder, 'model.yaml');
  writeFileSync(file, model);
  const shown = renderPretty(checkFile(file), { color: false }).replaceAll(file, 'model.yaml');
  rmSync(folder, { recursive: true });
  expect(shown.trim()).toBe(said.trim());
});

test('the README has every verb', () => {
  const table = read('README.md').split('## Verbs')[1]!.split('\n## ')[0]!;
  const named = new Set([...table.matchAll(/`dlc ([\w-]+)/g)].map((match) => match[1]));
  expect([...named].sort()).toEqual(Object.keys(VERBS).sort());
});

test('links between the pages lead somewhere', () => {
  const pages = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', ...list('docs', /\.md$/)];
  const links = pages.flatMap((page) =>
    [...read(page).matchAll(/\]\(([\w./-]+\.\w+)(?:#[\w-]+)?\)/g)].map((match) =>
      path.join(path.dirname(page), match[1]!),
    ),
  );
  expect(links.length).toBeGreaterThan(0);
  for (const link of links) expect(() => read(link)).not.toThrow();
});

test('the table of environment variables is what the code reads', () => {
  const table = read('docs/guide.md').split('## Environment variables')[1]!;
  const documented = [...table.matchAll(/^\| `(\w+)`/gm)].map((match) => match[1]);
  const sources = ['compiler', 'cli', 'scripts', 'runtime-native', 'test', 'bench'].flatMap((folder) =>
    list(folder, /\.(ts|mjs|cpp|h|c|py)$/),
  );
  const found = new Set<string>();
  const set = new Set<string>();
  const READ =
    /\benv(?:\.([A-Z_]+)|\['([A-Z_]+)'\])(\s*=[^=])?|getenv\("([A-Z_]+)"|environ(?:\.get\(|\[)["']([A-Z_]+)/g;
  for (const file of sources) {
    for (const [, a, b, assigned, c, d] of read(file).matchAll(READ)) {
      const name = a ?? b ?? c ?? d;
      if (name !== undefined) (assigned === undefined ? found : set).add(name);
    }
  }
  expect([...set].filter((name) => !documented.includes(name))).toEqual([]);
  expect([...found].sort()).toEqual([...documented].sort());
  expect(documented.length).toBeLessThanOrEqual(11);
});

test('every dependency has its reason', () => {
  const { dependencies, devDependencies } = JSON.parse(read('package.json')) as Record<string, Record<string, string>>;
  const names = Object.keys({ ...dependencies, ...devDependencies }).filter((name) => !name.startsWith('@types/'));
  const reasons = read('docs/dependencies.md');
  expect(
    names.filter((name) => !new RegExp(`^\\|[^|]*(?<![\\w/-])${name}(?![\\w-])[^|]*\\|`, 'm').test(reasons)),
  ).toEqual([]);
});

/** Files below a folder, as paths from the root. */
function list(folder: string, pattern: RegExp): string[] {
  return readdirSync(path.join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => pattern.test(name))
    .map((name) => path.join(folder, name));
}
