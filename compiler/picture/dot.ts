/**
 * Picture → DOT, Graphviz's language. The same text is what `layout.ts` has laid out, with short names in place of the
 * model's.
 */
import { coloursOf, INK, LINE_COLOUR, NOTE_COLOUR, SHADE, SOFT_INK } from './colours';
import { arrowLabels, clusterLine, count, linesOf, type Box, type Cluster, type Part, type Picture } from './picture';
import { sayable, xml } from './text';

/** How things are called in the text; without it as in the model. */
export interface Names {
  box(box: Box): string;
  cluster(cluster: Cluster): string;
  arrow(index: number): string;
}

export const FONT = 'Helvetica';
export const SIZE = { name: 12, line: 10, title: 14 };
/** Room for letters that are wider than Helvetica's: boxes that are drawn elsewhere are laid out for larger ones. */
const WIDER = 1.12;

/** Larger pictures are laid out with less patience: a second or two instead of half a minute. */
const PATIENT = 300;

export function dotOf(picture: Picture, names?: Names): string {
  const labels = arrowLabels(picture);
  const scale = names ? WIDER : 1;
  const small = (text: string): string =>
    `<font point-size="${SIZE.line * scale}" color="${SOFT_INK}">${xml(text)}</font>`;
  const ids = new Map<string, string>();
  const lines: string[] = [];
  const put = (depth: number, text: string): void => void lines.push('  '.repeat(depth) + text);

  const part = (item: Part, depth: number): void => {
    if (item.kind === 'box') {
      const id = names?.box(item) ?? item.id;
      ids.set(item.id, id);
      put(depth, `${quoted(id)} [${attributes(boxAttributes(item, small))}]`);
      return;
    }
    const { label } = item;
    put(depth, `subgraph ${quoted(names?.cluster(item) ?? `cluster ${item.id}`)} {`);
    put(depth + 1, `label=<<b>${xml(label)}</b> ${small(clusterLine(item))}>`);
    for (const child of item.children) part(child, depth + 1);
    put(depth, '}');
  };

  put(0, `digraph ${quoted(names ? 'picture' : picture.name)} {`);
  const patience = labels.length > PATIENT ? { nslimit: '1', nslimit1: '1', mclimit: '0.3' } : {};
  const title = `<b>${xml(picture.name)}</b> ${small(`${count(picture.params)} parameters`)}`;
  const graph = {
    ...{ rankdir: 'TB', ranksep: '0.3', nodesep: '0.3', bgcolor: 'transparent' },
    ...{ labelloc: 't', fontname: FONT, fontsize: String(SIZE.title * scale), fontcolor: NOTE_COLOUR },
    ...patience,
  };
  put(1, `graph [${attributes(graph)}, label=<${title}>]`);
  put(
    1,
    `node [${attributes({ shape: 'box', style: 'rounded,filled', fontname: FONT, fontsize: String(SIZE.name * scale), fontcolor: INK, margin: '0.12,0.07', height: '0.3' })}]`,
  );
  put(
    1,
    `edge [${attributes({ fontname: FONT, fontsize: String(SIZE.line * scale), fontcolor: NOTE_COLOUR, color: LINE_COLOUR, arrowsize: '0.6' })}]`,
  );
  const shade = `${SHADE.colour}${Math.round(SHADE.opacity * 255)
    .toString(16)
    .padStart(2, '0')}`;
  const frame = {
    style: 'rounded,filled',
    color: LINE_COLOUR,
    fillcolor: shade,
    labeljust: 'l',
    fontsize: String(SIZE.name * scale),
    margin: '10',
  };
  // What is said of the graph holds in the clusters inside.
  const inside = Object.entries(frame).map(([name, value]) => `${name}=${quoted(value)}`);
  put(1, inside.join('; '));
  for (const item of picture.parts) part(item, 1);
  picture.arrows.forEach((arrow, i) => {
    const label = labels[i];
    const said = {
      ...(names ? { id: names.arrow(i) } : {}),
      ...(arrow.dashed === true ? { style: 'dashed' } : {}),
      ...(arrow.back === true ? { constraint: 'false' } : {}),
    };
    const all = [attributes(said), label === undefined ? '' : `label=<${xml(label)}>`].filter((text) => text !== '');
    const list = all.length === 0 ? '' : ` [${all.join(', ')}]`;
    put(1, `${quoted(ids.get(arrow.from)!)} -> ${quoted(ids.get(arrow.to)!)}${list}`);
  });
  put(0, '}');
  return `${lines.join('\n')}\n`;
}

function boxAttributes(box: Box, small: (text: string) => string): Record<string, string> {
  const { fill, line } = coloursOf(box.family);
  const lines = [`<b>${xml(box.label)}</b>`, ...linesOf(box).map(small)];
  return {
    label: `<${lines.join('<br/>')}>`,
    fillcolor: fill,
    color: line,
    ...(box.dashed === true ? { style: 'rounded,filled,dashed' } : {}),
    ...(box.output === true ? { penwidth: '2.5' } : {}),
  };
}

function attributes(list: Readonly<Record<string, string>>): string {
  return Object.entries(list)
    .map(([name, value]) => `${name}=${name === 'label' ? value : quoted(value)}`)
    .join(', ');
}

/** In DOT's quotes only a quote needs a backslash; before one, and at the end, a backslash of the text does too. */
function quoted(text: string): string {
  return `"${sayable(text)
    .replace(/\\/g, '\\\\')
    .replace(/"/g, '\\"')
    .replace(/[\r\n]/g, ' ')}"`;
}
