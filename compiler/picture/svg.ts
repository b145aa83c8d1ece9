/** Picture → SVG that stands alone: no scripts, no styles, nothing loaded; on transparent paper, for light and dark pages. */
import { coloursOf, INK, LINE_COLOUR, NOTE_COLOUR, SHADE, SOFT_INK } from './colours';
import { SIZE } from './dot';
import { layOut, type Area, type Layout, type Point, type Route } from './layout';
import {
  arrowLabels,
  clusterLine,
  count,
  linesOf,
  type Arrow,
  type Box,
  type Cluster,
  type Part,
  type Picture,
} from './picture';
import { xml } from './text';

export interface SvgOptions {
  /** What a click on a box leads to. */
  readonly linkOf?: (box: Box) => string | undefined;
}

const MARGIN = 8;
const HEAD = { length: 7, width: 2.8 };
const FAMILY = 'Helvetica, Arial, sans-serif';

export async function svgOf(picture: Picture, options: SvgOptions = {}): Promise<string> {
  const layout = await layOut(picture);
  const labels = arrowLabels(picture);
  const [width, height] = [layout.width + 2 * MARGIN, layout.height + 2 * MARGIN].map(Math.ceil) as [number, number];
  const title = `${picture.name}, ${count(picture.params)} parameters`;
  const body = [
    ...frames(picture.parts, layout),
    ...picture.arrows.map((arrow, i) => route(routeOf(layout, arrow, i), arrow.dashed === true, labels[i])),
    ...boxes(picture.parts, layout, options),
  ];
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${xml(title)}" font-family="${FAMILY}" font-size="${SIZE.line}">
<title>${xml(title)}</title>
<g transform="translate(${MARGIN} ${MARGIN})">
<text x="${round(layout.width / 2)}" y="14" font-size="${SIZE.title}" text-anchor="middle" fill="${NOTE_COLOUR}"><tspan font-weight="bold">${xml(picture.name)}</tspan> <tspan font-size="${SIZE.line}">${count(picture.params)} parameters</tspan></text>
${body.join('\n')}
</g>
</svg>
`;
}

/** Outer frames first: the inner ones lie on them. */
function frames(parts: readonly Part[], layout: Layout): string[] {
  return parts.flatMap((part) => (part.kind === 'box' ? [] : [frame(part, layout), ...frames(part.children, layout)]));
}

function frame(cluster: Cluster, { clusters }: Layout): string {
  const area = clusters.get(cluster.id);
  if (area === undefined) return '';
  const name = `<tspan font-size="${SIZE.name}" font-weight="bold">${xml(cluster.label)}</tspan>`;
  return `<g>${rectangle(area, 8, `fill="${SHADE.colour}" fill-opacity="${SHADE.opacity}" stroke="${LINE_COLOUR}" stroke-opacity="0.6"`)}<text x="${round(area.x + 10)}" y="${round(area.y + 17)}" fill="${NOTE_COLOUR}">${name} ${xml(clusterLine(cluster))}</text></g>`;
}

function boxes(parts: readonly Part[], layout: Layout, options: SvgOptions): string[] {
  return parts.flatMap((part) =>
    part.kind === 'box' ? [drawn(part, layout, options)] : boxes(part.children, layout, options),
  );
}

function drawn(box: Box, layout: Layout, { linkOf }: SvgOptions): string {
  const area = layout.boxes.get(box.id);
  if (area === undefined) return '';
  const { fill, line } = coloursOf(box.family);
  const edge = `stroke="${line}"${box.output === true ? ' stroke-width="2.5"' : ''}${box.dashed === true ? ' stroke-dasharray="4 3"' : ''}`;
  const shape = rectangle(area, box.family === 'input' ? area.height / 2 : 5, `fill="${fill}" ${edge}`);
  const x = round(area.x + area.width / 2);
  const said = linesOf(box);
  const gap = SIZE.line * 1.25;
  const top = area.y + (area.height - SIZE.name - gap * said.length) / 2 + SIZE.name * 0.85;
  const name = `<text x="${x}" y="${round(top)}" font-size="${SIZE.name}" font-weight="bold" text-anchor="middle" fill="${INK}">${xml(box.label)}</text>`;
  const lines = said.map(
    (text, i) =>
      `<text x="${x}" y="${round(top + gap * (i + 1))}" text-anchor="middle" fill="${SOFT_INK}">${xml(text)}</text>`,
  );
  const all = `<title>${xml(box.detail)}</title>${shape}${name}${lines.join('')}`;
  const link = linkOf?.(box);
  return link === undefined ? `<g>${all}</g>` : `<a href="${xml(link)}">${all}</a>`;
}

function rectangle({ x, y, width, height }: Area, radius: number, look: string): string {
  return `<rect x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${round(height)}" rx="${round(radius)}" ${look}/>`;
}

function route({ points, tip, label }: Route, dashed: boolean, text: string | undefined): string {
  const [start, ...rest] = points;
  const end = points.at(-1);
  if (start === undefined || end === undefined) return '';
  const curve = `M${at(start)}C${rest.map(at).join(' ')}`;
  const look = `fill="none" stroke="${LINE_COLOUR}"${dashed ? ' stroke-dasharray="4 3"' : ''}`;
  const head = tip === undefined ? '' : `<path d="${headOf(end, tip)}" fill="${LINE_COLOUR}"/>`;
  const said =
    label === undefined || text === undefined
      ? ''
      : `<text x="${round(label.x)}" y="${round(label.y + SIZE.line * 0.35)}" text-anchor="middle" fill="${NOTE_COLOUR}">${xml(text)}</text>`;
  return `<g><path d="${curve}" ${look}/>${head}${said}</g>`;
}

/** Where the search for a way around the boxes failed: straight from one to the other. */
function routeOf({ boxes, routes }: Layout, { from, to }: Arrow, index: number): Route {
  const [a, b] = [boxes.get(from), boxes.get(to)];
  const found = routes[index]!;
  if (found.points.length > 0 || a === undefined || b === undefined) return found;
  const start = { x: a.x + a.width / 2, y: a.y + a.height };
  const tip = { x: b.x + b.width / 2, y: b.y };
  const middle = { x: (start.x + tip.x) / 2, y: (start.y + tip.y) / 2 };
  return { points: [start, start, tip, tip], tip, label: found.label ?? middle };
}

function headOf(from: Point, tip: Point): string {
  const length = Math.hypot(tip.x - from.x, tip.y - from.y) || 1;
  const [dx, dy] = [(tip.x - from.x) / length, (tip.y - from.y) / length];
  const back = { x: tip.x - dx * HEAD.length, y: tip.y - dy * HEAD.length };
  const left = { x: back.x - dy * HEAD.width, y: back.y + dx * HEAD.width };
  const right = { x: back.x + dy * HEAD.width, y: back.y - dx * HEAD.width };
  return `M${at(tip)}L${at(left)}L${at(right)}Z`;
}

const round = (value: number): string => String(Math.round(value * 100) / 100);
const at = ({ x, y }: Point): string => `${round(x)},${round(y)}`;
