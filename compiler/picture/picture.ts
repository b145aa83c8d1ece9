/**
 * What a picture of a model shows, whoever draws it: boxes, the clusters that hold them, arrows. Plain data, made of the
 * Spec (`build.ts`), made smaller (`fold.ts`, `close.ts`), written as DOT (`dot.ts`), SVG (`svg.ts`) or HTML (`html.ts`).
 */

export interface Box {
  readonly kind: 'box';
  /** Unique in the picture. */
  readonly id: string;
  /** The name inside of its cluster. */
  readonly label: string;
  /** Under the name, a line each. */
  readonly lines: readonly string[];
  /** Everything about it, for those who ask. */
  readonly detail: string;
  /** What gives the colour: a family of layers, `input`, `loss` or `block`. */
  readonly family: string;
  /** It does not exist in every mode. */
  readonly dashed?: boolean;
  /** What it makes is an output of the model. */
  readonly output?: boolean;
  /** Parameters of its own. */
  readonly params: number;
  /** Layers that it stands for. */
  readonly layers: number;
}

export interface Cluster {
  readonly kind: 'cluster';
  readonly id: string;
  readonly label: string;
  /** The block or layer type that it is an instance of. */
  readonly type?: string;
  /** How many of its kind stand in a row, of which one is drawn. */
  readonly times: number;
  /** Of all that it stands for, those that are not drawn included. */
  readonly params: number;
  readonly layers: number;
  readonly children: readonly Part[];
}

export type Part = Box | Cluster;

export interface Arrow {
  readonly from: string;
  readonly to: string;
  /** The further output of its source that it carries. */
  readonly output?: string;
  /** What it carries: `[N, 64, 56, 56]`. */
  readonly shape: string;
  /** It is not the flow of data through the model: where a layer does not exist, from step to step, into a body. */
  readonly dashed?: boolean;
  /** From step to step: it may lead back up. */
  readonly back?: boolean;
}

export interface Picture {
  readonly name: string;
  readonly params: number;
  readonly parts: readonly Part[];
  readonly arrows: readonly Arrow[];
}

/** Everything under the name. */
export const linesOf = ({ lines, output }: Box): readonly string[] => [
  ...lines,
  ...(output === true ? ['output'] : []),
];

export function boxesOf(parts: readonly Part[]): readonly Box[] {
  return parts.flatMap((part) => (part.kind === 'box' ? [part] : boxesOf(part.children)));
}

/** The clusters around each box, outermost first. */
export function clustersAround(
  parts: readonly Part[],
  around: readonly Cluster[] = [],
): Map<string, readonly Cluster[]> {
  const found = new Map<string, readonly Cluster[]>();
  const visit = (inner: readonly Part[], above: readonly Cluster[]): void => {
    for (const part of inner) {
      if (part.kind === 'box') found.set(part.id, above);
      else visit(part.children, [...above, part]);
    }
  };
  visit(parts, around);
  return found;
}

/**
 * The arrows between what stands for their ends (undefined: not drawn): one for all between the same two boxes that
 * carry the same, and none from a box to itself.
 */
export function redirected(arrows: readonly Arrow[], standsFor: (id: string) => string | undefined): readonly Arrow[] {
  const kept = new Map<string, Arrow>();
  for (const arrow of arrows) {
    const [from, to] = [standsFor(arrow.from), standsFor(arrow.to)];
    if (from === undefined || to === undefined || from === to) continue;
    const key = [from, to, arrow.output ?? '', arrow.shape, arrow.dashed ?? false].join('\0');
    if (!kept.has(key)) kept.set(key, { ...arrow, from, to });
  }
  return [...kept.values()];
}

/** What is written on each arrow: further outputs by name; shapes where an arrow crosses the border of a cluster. */
export function arrowLabels({ parts, arrows }: Pick<Picture, 'parts' | 'arrows'>): readonly (string | undefined)[] {
  const around = clustersAround(parts);
  return arrows.map(({ from, to, output, shape, dashed }) => {
    if (output !== undefined) return `${output} ${shape}`.trimEnd();
    if (dashed === true || around.get(from)?.at(-1) === around.get(to)?.at(-1)) return undefined;
    return shape === '' ? undefined : shape;
  });
}

/** `unit ×3 · 15 layers · 13,920 parameters`. */
export function clusterLine({
  type,
  times,
  layers,
  params,
}: Pick<Cluster, 'type' | 'times' | 'layers' | 'params'>): string {
  const what = [type, times > 1 ? `×${times}` : undefined].filter((word) => word !== undefined).join(' ');
  const counts = [`${count(layers)} layer${layers === 1 ? '' : 's'}`, ...(params > 0 ? [parameters(params)] : [])];
  return [...(what === '' ? [] : [what]), ...counts].join(' · ');
}

export const count = (value: number): string => value.toLocaleString('en-US');
export const parameters = (params: number): string => `${count(params)} parameter${params === 1 ? '' : 's'}`;
