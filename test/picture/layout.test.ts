/** Graphviz under pictures of every shape: each arrow is drawn, nothing is printed, and what takes too long is given up. */
import sharp from 'sharp';
import { graphviz, LayoutError } from '../../compiler/picture/graphviz';
import type { Arrow, Box, Part, Picture } from '../../compiler/picture/picture';
import { svgOf } from '../../compiler/picture/svg';
import { generator } from '../support/samples';

const boxOf = (id: string): Box => {
  const lines = ['conv2d · filters 3', '[N, 3, 4, 5]'];
  return { kind: 'box', id, label: id, lines, detail: id, family: 'linear', params: 1, layers: 1 };
};

/** Boxes in clusters within clusters, arrows from near and far, some of them back. */
function made(seed: number, count: number): Picture {
  const random = generator(seed);
  const below = (limit: number): number => Math.floor(random() * limit);
  const ids = Array.from({ length: count }, (_, i) => `b${i}`);
  const group = (from: number, to: number, depth: number): Part[] => {
    if (depth > 3 || to - from < 3) return ids.slice(from, to).map(boxOf);
    const parts: Part[] = [];
    for (let i = from; i < to;) {
      const end = Math.min(to, i + 1 + below(12));
      const children = group(i, end, depth + 1);
      const id = `c${i}-${depth}/`;
      if (random() < 0.4) parts.push(...children);
      else parts.push({ kind: 'cluster', id, label: 'c', times: 1, params: 1, layers: 1, children });
      i = end;
    }
    return parts;
  };
  const arrows = ids.flatMap((to, i) =>
    Array.from({ length: i === 0 ? 0 : 1 + below(4) }, (_, k): Arrow => {
      const from = ids[k === 0 ? i - 1 : below(i)]!;
      return random() < 0.1
        ? { from: to, to: from, shape: '', dashed: true, back: true }
        : { from, to, shape: '[N, 4]', ...(random() < 0.1 ? { output: 'state' } : {}) };
    }),
  );
  return { name: 'made', params: 3, parts: group(0, count, 0), arrows };
}

it('pictures of any shape are drawn whole', async () => {
  for (let seed = 1; seed <= 40; seed++) {
    const picture = made(seed, 2 + ((seed * 7) % 50));
    const svg = await svgOf(picture);
    expect((await sharp(Buffer.from(svg)).metadata()).format).toBe('svg');
    expect(svg.match(/<path d="M[^"]+" fill="none"/g) ?? []).toHaveLength(picture.arrows.length);
  }
}, 60_000);

it('a layout that takes too long, or is none, is given up, and the next one is made', async () => {
  const arrows = Array.from({ length: 900 }, (_, i) => `${i % 37} -> ${i % 101}`);
  await expect(graphviz(`digraph { ${arrows.join(' ')} }`, 5)).rejects.toThrow(LayoutError);
  await expect(graphviz('digraph {')).rejects.toThrow('Graphviz cannot lay the picture out: syntax error');
  expect(JSON.parse(await graphviz('digraph { a -> b }'))).toMatchObject({ objects: [{}, {}] });
});
