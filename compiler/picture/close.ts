/** Clusters below a depth drawn as one box each. */
import {
  boxesOf,
  clusterLine,
  clustersAround,
  redirected,
  type Box,
  type Cluster,
  type Part,
  type Picture,
} from './picture';

/** `levels` of clusters stay open: none with 0. */
export function closed(picture: Picture, levels: number): Picture {
  const around = clustersAround(picture.parts);
  const standsFor = (id: string): string => around.get(id)?.[levels]?.id ?? id;
  const arrows = redirected(picture.arrows, standsFor);
  const shapes = new Map<string, Set<string>>();
  for (const { from, shape, dashed } of arrows) {
    if (shape === '' || dashed === true) continue;
    shapes.set(from, (shapes.get(from) ?? new Set()).add(shape));
  }
  const visit = (part: Part, depth: number): Part => {
    if (part.kind === 'box') return part;
    if (depth >= levels) return boxOf(part, [...(shapes.get(part.id) ?? [])]);
    return { ...part, children: part.children.map((child) => visit(child, depth + 1)) };
  };
  return { ...picture, parts: picture.parts.map((part) => visit(part, 0)), arrows };
}

const SHOWN = 3;

function boxOf(cluster: Cluster, shapes: readonly string[]): Box {
  const { id, label, params, layers } = cluster;
  const output = boxesOf([cluster]).some((box) => box.output === true);
  const line = clusterLine(cluster);
  return {
    kind: 'box',
    id,
    label,
    lines: [line, ...shapes.slice(0, SHOWN), ...(shapes.length > SHOWN ? ['…'] : [])],
    detail: `${id.slice(0, -1)}: ${line}`,
    family: 'block',
    ...(output ? { output } : {}),
    params,
    layers,
  };
}

/** How many levels of clusters there are. */
export function depthOf(parts: readonly Part[]): number {
  return Math.max(0, ...parts.map((part) => (part.kind === 'box' ? 0 : 1 + depthOf(part.children))));
}
