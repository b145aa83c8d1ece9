/** Clusters by the parts of the names between slashes, which are the blocks and repeats that a layer came from. */
import type { BlockUse } from '../diagnostics/location';
import type { Box, Cluster, Part } from './picture';

export interface Placed {
  /** Names of the clusters around the box, outermost first. */
  readonly path: readonly string[];
  readonly via: readonly BlockUse[];
  /** What the innermost of these clusters is. */
  readonly type?: string;
  readonly box: Box;
}

interface Open {
  readonly id: string;
  readonly label: string;
  type?: string;
  /** The uses of blocks that everything inside has in common. */
  via: readonly BlockUse[] | undefined;
  readonly parts: (Box | Open)[];
  readonly inner: Map<string, Open>;
}

const opened = (id: string, label: string): Open => ({ id, label, via: undefined, parts: [], inner: new Map() });

export function treeOf(placed: readonly Placed[]): readonly Part[] {
  const root = opened('', '');
  for (const { path, via, type, box } of placed) {
    let at = root;
    for (const label of path) {
      let next = at.inner.get(label);
      if (next === undefined) {
        next = opened(`${at.id}${label}/`, label);
        at.inner.set(label, next);
        at.parts.push(next);
      }
      next.via = next.via === undefined ? via : common(next.via, via);
      at = next;
    }
    if (type !== undefined) at.type = type;
    at.parts.push(box);
  }
  return root.parts.map((part) => closed(part, 0));
}

function common(a: readonly BlockUse[], b: readonly BlockUse[]): readonly BlockUse[] {
  const end = a.findIndex(
    (use, i) => use.block !== b[i]?.block || use.at.line !== b[i].at.line || use.at.column !== b[i].at.column,
  );
  return end < 0 ? a : a.slice(0, end);
}

/** `known`: uses of blocks that clusters around this one have told already. */
function closed(part: Box | Open, known: number): Part {
  if ('kind' in part) return part;
  const via = part.via ?? [];
  const type = part.type ?? (via.length > known ? via.at(-1)!.block : undefined);
  const children = part.parts.map((inner) => closed(inner, Math.max(known, via.length)));
  const sum = (of: 'params' | 'layers'): number => children.reduce((total, child) => total + child[of], 0);
  const cluster: Cluster = {
    kind: 'cluster',
    id: part.id,
    label: part.label,
    ...(type === undefined ? {} : { type }),
    times: 1,
    params: sum('params'),
    layers: sum('layers'),
    children,
  };
  return cluster;
}
