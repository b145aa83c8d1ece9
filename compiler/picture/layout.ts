/** Where Graphviz places the boxes, frames and arrows of a picture. */
import { dotOf } from './dot';
import { graphviz } from './graphviz';
import type { Picture } from './picture';

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** `x`, `y`: the upper left corner. */
export interface Area extends Point {
  readonly width: number;
  readonly height: number;
}

export interface Route {
  /** The start, then three points for each piece of a Bézier curve. */
  readonly points: readonly Point[];
  /** Where the arrow head ends. */
  readonly tip?: Point;
  /** The middle of what is written on it. */
  readonly label?: Point;
}

export interface Layout {
  readonly width: number;
  readonly height: number;
  readonly boxes: ReadonlyMap<string, Area>;
  readonly clusters: ReadonlyMap<string, Area>;
  /** In the order of the picture's arrows. */
  readonly routes: readonly Route[];
}

/** What Graphviz says of a graph in its format json0. */
interface Described {
  readonly bb: string;
  readonly objects?: readonly {
    readonly name: string;
    readonly bb?: string;
    readonly pos?: string;
    readonly width?: string;
    readonly height?: string;
  }[];
  readonly edges?: readonly { readonly id: string; readonly pos?: string; readonly lp?: string }[];
}

export async function layOut(picture: Picture): Promise<Layout> {
  const boxes: string[] = [];
  const clusters: string[] = [];
  const text = dotOf(picture, {
    box: ({ id }) => `b${boxes.push(id) - 1}`,
    cluster: ({ id }) => `cluster${clusters.push(id) - 1}`,
    arrow: (index) => `a${index}`,
  });
  return layoutOf(JSON.parse(await graphviz(text)) as Described, boxes, clusters, picture.arrows.length);
}

/** Graphviz counts in points and gives widths and heights in inches. */
const POINTS = 72;

function layoutOf(
  described: Described,
  boxIds: readonly string[],
  clusterIds: readonly string[],
  arrows: number,
): Layout {
  const boxes = new Map<string, Area>();
  const clusters = new Map<string, Area>();
  for (const { name, bb, pos, width, height } of described.objects ?? []) {
    if (name.startsWith('cluster')) clusters.set(clusterIds[Number(name.slice(7))]!, areaOf(bb!));
    else if (name.startsWith('b')) {
      const middle = point(pos!);
      const [w, h] = [Number(width) * POINTS, Number(height) * POINTS];
      boxes.set(boxIds[Number(name.slice(1))]!, { x: middle.x - w / 2, y: middle.y - h / 2, width: w, height: h });
    }
  }
  const routes = new Array<Route>(arrows).fill({ points: [] });
  for (const { id, pos, lp } of described.edges ?? []) {
    const parts = (pos ?? '').split(' ').filter((part) => part !== '');
    const tip = parts.find((part) => part.startsWith('e,'));
    routes[Number(id.slice(1))] = {
      points: parts.filter((part) => !/^[es],/.test(part)).map(point),
      ...(tip === undefined ? {} : { tip: point(tip.slice(2)) }),
      ...(lp === undefined ? {} : { label: point(lp) }),
    };
  }
  const whole = areaOf(described.bb);
  return { width: whole.width, height: whole.height, boxes, clusters, routes };
}

function point(text: string): Point {
  const [x, y] = text.split(',').map(Number);
  return { x: x!, y: y! };
}

/** Two opposite corners, whichever way y grows. */
function areaOf(text: string): Area {
  const [x0, y0, x1, y1] = text.split(',').map(Number) as [number, number, number, number];
  return { x: Math.min(x0, x1), y: Math.min(y0, y1), width: Math.abs(x1 - x0), height: Math.abs(y1 - y0) };
}
