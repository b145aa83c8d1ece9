/**
 * Picture → part of a page, without scripts: an overview with every block closed, under it each block to be opened, with
 * the blocks inside of it. A click on a closed block opens the drawing of its inside: browsers open what a link leads to.
 */
import { closed } from './close';
import { LayoutError } from './graphviz';
import { isSmall } from './drawable';
import { boxesOf, clusterLine, redirected, type Box, type Cluster, type Picture } from './picture';
import { svgOf } from './svg';
import { xml } from './text';

/** For the page around it. */
export const GRAPH_STYLE = `.graph{overflow:auto;max-height:85vh}.graph svg{display:block;margin:auto}details.block{border-left:2px solid #8b949e55;padding-left:.8rem;margin:.3rem 0}
details.block>summary{cursor:pointer}details.block:target>summary{font-weight:600}`;

/** So many boxes are drawn with everything open. */
const EASY = 40;
/** All drawings of one page together. */
const MOST_BOXES = 4000;

export async function htmlOf(picture: Picture): Promise<string> {
  return await new Page(picture).section(picture, '');
}

class Page {
  private blocks = 0;
  private boxes = 0;

  constructor(private readonly whole: Picture) {}

  /** A drawing, and the inside of each cluster that is closed in it. */
  async section(picture: Picture, prefix: string): Promise<string> {
    const levels = prefix !== '' && boxesOf(picture.parts).length <= EASY ? Infinity : 0;
    const shown = levels === 0 ? closed(picture, 0) : picture;
    this.boxes += boxesOf(shown.parts).length;
    if (!isSmall(shown) || this.boxes > MOST_BOXES)
      return `<p>${boxesOf(shown.parts).length} boxes are too many to be drawn here.</p>`;
    const clusters = levels === 0 ? picture.parts.filter((part) => part.kind === 'cluster') : [];
    const anchors = new Map(clusters.map((cluster) => [cluster.id, `block-${this.blocks++}`]));
    const linkOf = ({ id }: Box): string | undefined => (anchors.has(id) ? `#${anchors.get(id)!}` : undefined);
    const drawing = await drawn(shown, linkOf);
    const inner: string[] = [];
    for (const cluster of clusters) inner.push(await this.block(cluster, anchors.get(cluster.id)!));
    return [drawing, ...inner].join('\n');
  }

  private async block(cluster: Cluster, anchor: string): Promise<string> {
    const inside = await this.section(insideOf(this.whole, cluster), cluster.id);
    const summary = `<b>${xml(cluster.id.slice(0, -1))}</b> ${xml(clusterLine(cluster))}`;
    return `<details class="block" id="${anchor}"><summary>${summary}</summary>\n${inside}\n</details>`;
  }
}

/** A training that is over is not lost for a picture. */
async function drawn(picture: Picture, linkOf: (box: Box) => string | undefined): Promise<string> {
  try {
    return `<div class="graph">${await svgOf(picture, { linkOf })}</div>`;
  } catch (error) {
    if (error instanceof LayoutError) return `<p>${xml(error.message)}.</p>`;
    throw error;
  }
}

/** What a cluster holds, with a box for everything outside that it reads or that reads it. */
function insideOf({ arrows }: Picture, cluster: Cluster): Picture {
  const own = new Set(boxesOf(cluster.children).map(({ id }) => id));
  const stubs = new Map<string, Box>();
  const stub = (id: string, shape: string, side: 'from' | 'to'): string => {
    const key = `${side} ${id}`;
    const lines = [shape, side === 'from' ? 'from outside' : 'outside'].filter((line) => line !== '');
    const box = { kind: 'box', id: key, label: id, lines, detail: key, family: 'input', params: 0, layers: 0 } as const;
    if (!stubs.has(key)) stubs.set(key, box);
    return key;
  };
  const near = arrows.filter(({ from, to }) => own.has(from) || own.has(to));
  const ends = near.map((arrow) => ({
    ...arrow,
    from: own.has(arrow.from) ? arrow.from : stub(arrow.from, arrow.shape, 'from'),
    to: own.has(arrow.to) ? arrow.to : stub(arrow.to, arrow.shape, 'to'),
  }));
  const { id, params } = cluster;
  const parts = [...stubs.values(), ...cluster.children];
  return { name: id.slice(0, -1), params, parts, arrows: redirected(ends, (end) => end) };
}
