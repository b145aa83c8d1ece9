/** The reference is the definitions': it has every word, its pages lead to each other, its examples are models. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { commandReference } from '../../cli/reference';
import { checkLoaded } from '../../compiler/check';
import { documentationPages } from '../../compiler/docs/index';
import { CODES } from '../../compiler/diagnostics/codes';
import { DEFINITIONS } from '../../compiler/frontend/definitions';
import { checkSpecText } from '../../compiler/frontend/load';

const ROOT = path.join(__dirname, '../..');
let pages: Readonly<Record<string, string>> = {};
beforeAll(async () => {
  pages = documentationPages(await commandReference());
});

const page = (name: string): string => pages[`docs/reference/${name}.md`] ?? '';

test('the pages are the ones that the definitions give', () => {
  const stale = Object.entries(pages).filter(([file, text]) => readFileSync(path.join(ROOT, file), 'utf8') !== text);
  expect(stale.map(([file]) => file)).toEqual([]);
  const there = readdirSync(path.join(ROOT, 'docs/reference')).map((name) => `docs/reference/${name}`);
  expect(there.filter((file) => pages[file] === undefined)).toEqual([]);
});

test('every word has a chapter, and its line in the index', () => {
  const { layers, losses, metrics, optimizers, schedules, initializers, constraints, sources } = DEFINITIONS;
  const others = { losses, metrics, optimizers, schedules, initializers, constraints, data: sources };
  const ofLayers = Object.keys(pages).filter((file) => file.includes('/layers-'));
  const chapters = (text: string): string[] => [...text.matchAll(/^## `(\w+)`$/gm)].map((match) => match[1]!);
  expect(ofLayers.flatMap((file) => chapters(pages[file]!)).sort()).toEqual(Object.keys(layers).sort());
  for (const [name, words] of Object.entries(others)) {
    expect([name, chapters(page(name))]).toEqual([name, Object.keys(words)]);
    for (const word of Object.keys(words)) expect(page('index')).toContain(`(${name}.md#${word})`);
  }
  for (const code of Object.keys(CODES)) expect(page('diagnostics')).toContain(`| \`${code}\` |`);
});

test('every link leads to a page and a heading', () => {
  const anchors = new Map<string, Set<string>>();
  const headings = (file: string): Set<string> => {
    let found = anchors.get(file);
    if (found === undefined) {
      const text = pages[file] ?? readFileSync(path.join(ROOT, file), 'utf8');
      const titles = [...text.matchAll(/^#+ (.*)$/gm)].map((match) => match[1]!);
      found = new Set(
        titles.map((title) =>
          title
            .toLowerCase()
            .replace(/[^\w -]/g, '')
            .replaceAll(' ', '-'),
        ),
      );
      anchors.set(file, found);
    }
    return found;
  };
  const dead: string[] = [];
  let count = 0;
  for (const [file, text] of Object.entries(pages)) {
    for (const [link, target, anchor] of text.matchAll(/\]\(([\w./-]*)(?:#([\w-]+))?\)/g)) {
      count++;
      const to = target === '' ? file : path.join(path.dirname(file), target!);
      const exists = pages[to] !== undefined || existsSync(path.join(ROOT, to));
      if (!exists || (anchor !== undefined && !headings(to).has(anchor))) dead.push(`${file}: ${link}`);
    }
  }
  expect(dead).toEqual([]);
  expect(count).toBeGreaterThan(1000);
});

test('the examples of layers are models as they stand', () => {
  const found: string[] = [];
  let count = 0;
  for (const [file, text] of Object.entries(pages)) {
    if (!file.includes('/layers-')) continue;
    for (const [, model = ''] of text.matchAll(/^```yaml\n(inputs:\n.*?)^```$/gms)) {
      count++;
      const { diagnostics } = checkSpecText(model, file);
      for (const { severity, message } of diagnostics) if (severity === 'error') found.push(`${file}: ${message}`);
    }
  }
  expect(found).toEqual([]);
  expect(count).toBeGreaterThan(Object.keys(DEFINITIONS.layers).length * 0.9);
});

test('what examples give is computed', () => {
  const gives = (name: string, word: string): string =>
    page(name).split(`\n## \`${word}\`\n`)[1]?.split('\n## ')[0]?.trimEnd().split('\n').at(-1) ?? '';
  expect(gives('schedules', 'constant')).toBe(`| factor |${' 1 |'.repeat(7)}`);
  expect(gives('layers-linear', 'dense')).toMatch(
    /^Gives `\w+` \[N, \d+\]\. Weights and buffers: `\w+\.weight` \[\d+, \d+\]/,
  );
  expect(gives('layers-pooling', 'global_avg_pool2d')).toMatch(/^Gives `\w+` \[N, \d+/);
  const [prediction, target, value] = numbersOf(gives('losses', 'mse'));
  const squares = prediction!.map((x, i) => (x - target![i]!) ** 2);
  expect(value?.[0]).toBeCloseTo(squares.reduce((sum, x) => sum + x, 0) / squares.length, 3);
  const [first] = /1 and whose loss is its square: ([\d.]+)/.exec(gives('optimizers', 'sgd'))?.slice(1) ?? [];
  const { lr, weight_decay: decay } = parse(DEFINITIONS.optimizers['sgd']!.example) as Record<string, number>;
  expect(Number(first)).toBeCloseTo(1 - lr! * (2 + decay!), 4);
});

/** The numbers of ``For `a` [1, 2], `b` [3, 4]: 5.`` */
function numbersOf(line: string): number[][] {
  const lists = [...line.matchAll(/`\w+` (\[[^`]*\])/g)].map((match) => JSON.parse(match[1]!) as unknown[]);
  const value = /: (-?[\d.e-]+)\.$/.exec(line)?.[1];
  return [...lists.map((list) => list.flat(Infinity) as number[]), [Number(value)]];
}

test('the page of the language has models that are valid', () => {
  const text = pages['docs/language.md'] ?? '';
  const [blocks] = [...text.matchAll(/^```yaml\n(blocks:\n.*?)^```$/gms)].map((match) => match[1]!);
  const found = checkLoaded(checkSpecText(`inputs: {x: {shape: [N, 16, 8, 8]}}\n${blocks}`, 'language.yaml'));
  expect(found.map(({ message }) => message)).toEqual([]);
});
