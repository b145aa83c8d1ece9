/** Pictures of models: their text as DOT, drawings that are whole, the same bytes each time, and words that stay words. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import sharp from 'sharp';
import { checkSpecText, loadSpec } from '../../compiler/frontend/load';
import type { Spec } from '../../compiler/frontend/spec';
import { pictureOf } from '../../compiler/picture/build';
import { closed } from '../../compiler/picture/close';
import { dotOf } from '../../compiler/picture/dot';
import { drawable } from '../../compiler/picture/drawable';
import { folded } from '../../compiler/picture/fold';
import { htmlOf } from '../../compiler/picture/html';
import { boxesOf, type Picture } from '../../compiler/picture/picture';
import { svgOf } from '../../compiler/picture/svg';
import { MODELS } from '../models/training';

const GOLDEN = path.join(__dirname, '../golden/pictures');
const blocks = (): Spec => loadSpec(path.join(GOLDEN, 'blocks.yaml'));

function specOf(layers: readonly string[], blockText = ''): Spec {
  const text = `dlc: 1\nname: deep\ninputs: {x: {shape: [N, 8]}}\n${blockText}layers:\n${layers.map((line) => `  - ${line}\n`).join('')}`;
  const { spec, diagnostics } = checkSpecText(text, 'deep.yaml');
  expect(diagnostics).toEqual([]);
  return spec!;
}

/** The drawing as an XML parser that takes nothing ill-formed sees it. */
const sizeOf = async (svg: string): Promise<number> => {
  const { format, width, height } = await sharp(Buffer.from(svg)).metadata();
  expect(format).toBe('svg');
  return width * height;
};

const idsOf = ({ parts }: Picture): string[] => boxesOf(parts).map(({ id }) => id);

it.each([
  ['blocks', undefined],
  ['closed', 0],
])('%s.dot is what it was', (name, levels) => {
  const text = dotOf(drawable(blocks(), levels));
  const file = path.join(GOLDEN, `${name}.dot`);
  if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(file, text);
  expect(text).toBe(readFileSync(file, 'utf8'));
});

it('the picture in the guide is the one that is drawn', async () => {
  const svg = await svgOf(drawable(loadSpec(path.join(MODELS, 'lenet.yaml'))));
  const file = path.join(__dirname, '../../docs/pictures/lenet.svg');
  if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(file, svg);
  expect(svg).toBe(readFileSync(file, 'utf8'));
});

it('a drawing is well-formed, holds every box, loads and runs nothing, and is the same each time', async () => {
  const picture = drawable(blocks());
  const svg = await svgOf(picture);
  expect(await sizeOf(svg)).toBeGreaterThan(0);
  for (const { label, lines } of boxesOf(picture.parts))
    for (const text of [label, ...lines]) expect(svg).toContain(`>${text}</text>`);
  expect(svg.match(/<rect /g)).toHaveLength(boxesOf(picture.parts).length + 3);
  expect(svg).not.toMatch(/<script|<style|<image|url\(|href/);
  expect(await svgOf(drawable(blocks()))).toBe(svg);
});

it('repeats that follow one another become one with its number; what is fed from elsewhere or read elsewhere does not', () => {
  const unit =
    'blocks:\n  unit:\n    inputs: [a]\n    layers:\n      - {name: fc, type: dense, inputs: a, units: 8}\n      - {name: sum, type: add, inputs: [fc, a]}\n';
  const chain = folded(pictureOf(specOf(['{name: body, type: unit, repeat: 5}'], unit)));
  expect(idsOf(chain)).toEqual(['x', 'body/0/fc', 'body/0/sum']);
  expect(chain.parts[1]).toMatchObject({ label: 'body', type: 'unit', times: 5, layers: 10, params: 5 * 72 });
  expect(chain.arrows.map(({ from, to }) => `${from} ${to}`)).toEqual([
    'x body/0/fc',
    'body/0/fc body/0/sum',
    'x body/0/sum',
  ]);
  const read = ['{name: body, type: unit, repeat: 5}', '{name: other, type: add, inputs: [body/1, body/4]}'];
  expect(idsOf(folded(pictureOf(specOf(read, unit))))).toHaveLength(1 + 2 * 2 + 1);
  const one = folded(
    pictureOf(specOf(['{name: fc, type: dense, units: 8, repeat: 4}', '{name: end, type: dense, units: 2}'])),
  );
  expect(idsOf(one)).toEqual(['x', 'fc/0', 'end']);
  expect(one.arrows.map(({ from, to }) => `${from} ${to}`)).toEqual(['x fc/0', 'fc/0 end']);
});

it('ten thousand layers are drawn in seconds where they repeat, and refused with the way out where they do not', async () => {
  const start = Date.now();
  const deep = drawable(specOf(['{name: fc, type: dense, units: 8, repeat: 5000}', '{name: end, type: relu}']));
  expect(await sizeOf(await svgOf(deep))).toBeGreaterThan(0);
  expect(Date.now() - start).toBeLessThan(20_000);
  const many = Array.from({ length: 1500 }, (_, i) => `{name: l${i}, type: relu}`);
  const refusal = (spec: Spec, levels?: number): unknown => {
    try {
      return drawable(spec, levels);
    } catch (error) {
      return (error as { diagnostics: unknown[] }).diagnostics[0];
    }
  };
  expect(refusal(specOf(many))).toMatchObject({
    code: 'picture-too-large',
    at: { file: 'deep.yaml', line: 5 },
    hint: expect.stringContaining('into blocks: `--collapse`') as string,
  });
  // Alike but for their widths, so that nothing folds.
  const wide = Array.from({ length: 1500 }, (_, i) => `{name: part/l${i}, type: dense, units: ${1 + (i % 7)}}`);
  expect(refusal(specOf(wide))).toMatchObject({ hint: expect.stringContaining('`--collapse 0` draws') as string });
  expect(idsOf(drawable(specOf(wide), 0))).toEqual(['x', 'part/']);
});

it('the page has each block to be opened, linked from the overview, and no scripts', async () => {
  const page = await htmlOf(folded(pictureOf(blocks())));
  const ids = [...page.matchAll(/<details class="block" id="([^"]+)"><summary><b>([^<]+)/g)].map((match) =>
    match.slice(1),
  );
  expect(ids).toEqual([
    ['block-0', 'body'],
    ['block-1', 'again'],
    ['block-2', 'loop'],
  ]);
  for (const [id] of ids) expect(page).toContain(`<a href="#${id!}">`);
  expect(page.match(/<svg /g)).toHaveLength(4);
  expect(page).not.toMatch(/<script|<style|<image|src=|href="[^#]/);
  for (const [svg] of page.matchAll(/<svg .*?<\/svg>/gs)) expect(await sizeOf(svg)).toBeGreaterThan(0);
});

it('words of a model file stay words', async () => {
  const nasty = `"]; evil -> x <script>&\\ \u0001\ud800'`;
  const box = {
    kind: 'box',
    id: nasty,
    label: nasty,
    lines: [nasty],
    detail: nasty,
    family: nasty,
    params: 1,
    layers: 1,
  } as const;
  const inner = { ...box, id: `${nasty}2` };
  const cluster = {
    kind: 'cluster',
    id: nasty,
    label: nasty,
    type: nasty,
    times: 2,
    params: 1,
    layers: 1,
    children: [inner],
  } as const;
  const arrows = [{ from: box.id, to: inner.id, shape: nasty, output: nasty }];
  const picture: Picture = { name: nasty, params: 1, parts: [box, cluster], arrows };
  const svg = await svgOf(picture);
  expect(await sizeOf(svg)).toBeGreaterThan(0);
  expect(svg).not.toContain('<script');
  expect(await htmlOf(picture)).not.toContain('<script');
  const text = dotOf(picture);
  // Graphviz reads three boxes of it, not what the words ask for.
  const { instance } = await import('@viz-js/viz');
  const read = JSON.parse((await instance()).renderString(text, { format: 'json0' })) as {
    objects: unknown[];
    edges: unknown[];
  };
  expect([read.objects, read.edges].map((list) => list.length)).toEqual([3, 1]);
});

const ZOO = readdirSync(MODELS).filter((file) => file.endsWith('.yaml'));

it.each(ZOO)('%s is drawn, whole and closed', async (file) => {
  const spec = loadSpec(path.join(MODELS, file));
  const picture = drawable(spec);
  expect(await sizeOf(await svgOf(closed(picture, 0)))).toBeGreaterThan(0);
  const svg = await svgOf(picture);
  expect(svg.match(/<title>/g)).toHaveLength(boxesOf(picture.parts).length + 1);
  // Nothing is lost by folding: layers and parameters are those of the model.
  const whole = pictureOf(spec);
  for (const sumOf of ['params', 'layers'] as const) {
    const sum = (parts: Picture['parts']): number => parts.reduce((total, part) => total + part[sumOf], 0);
    expect(sum(picture.parts)).toBe(sum(whole.parts));
  }
});
