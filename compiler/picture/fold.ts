/**
 * Instances of a repeat that follow one another and are alike become one with its number: the same layers, fields, shapes
 * and connections, each fed by the one before it (or by what feeds all of them), and nobody else reads those before the
 * last.
 */
import { boxesOf, redirected, type Arrow, type Part, type Picture } from './picture';

interface Unit {
  readonly part: Part;
  readonly prefix: string;
  readonly ids: readonly string[];
  readonly own: ReadonlySet<string>;
}

interface Links {
  readonly into: ReadonlyMap<string, readonly Arrow[]>;
  readonly outOf: ReadonlyMap<string, readonly Arrow[]>;
}

export function folded(picture: Picture): Picture {
  const links = linksOf(picture.arrows);
  const boxes = new Map(boxesOf(picture.parts).map((box) => [box.id, box]));
  const instead = new Map<string, string>();
  /** What feeds the units that are not drawn: the number of the repeat tells of it. */
  const needless = new Set<Arrow>();

  const textOf = (id: string): string => {
    const { label, lines, family } = boxes.get(id)!;
    return JSON.stringify([label, lines, family]);
  };

  const visit = (parts: readonly Part[]): readonly Part[] => {
    const units = parts.map(unitOf);
    const kept: Part[] = [];
    for (let i = 0; i < units.length;) {
      const run = runFrom(units, i);
      for (const other of units.slice(i + 1, i + run)) {
        other.ids.forEach((id, k) => instead.set(id, units[i]!.ids[k]!));
        for (const arrow of other.ids.flatMap((id) => links.into.get(id) ?? []))
          if (!other.own.has(arrow.from)) needless.add(arrow);
      }
      const last = units[i + run - 1]!;
      kept.push(times(inner(run === 1 ? units[i]!.part : asLast(units[i]!, last)), run, last));
      i += run;
    }
    return kept;
  };

  const inner = (part: Part): Part => {
    if (part.kind === 'box') return part;
    const children = visit(part.children);
    const only = children.length === 1 && part.children.length > 1 ? children[0] : undefined;
    // A repeat of nothing else: one frame for both.
    if (only?.kind !== 'cluster') return { ...part, children };
    const type = part.type ?? only.type;
    return { ...part, ...(type === undefined ? {} : { type }), times: only.times, children: only.children };
  };

  /** How many units from the i-th on are one. */
  const runFrom = (units: readonly Unit[], i: number): number => {
    const first = units[i]!;
    if (!/^\d+$/.test(first.part.label)) return 1;
    let pattern: string | undefined;
    let run = 1;
    for (; i + run < units.length; run++) {
      const [before, unit] = [units[i + run - 1]!, units[i + run]!];
      if (Number(unit.part.label) !== Number(first.part.label) + run || unit.ids.length !== first.ids.length) break;
      const chain = chainOf(before, unit);
      if (chain === undefined || (pattern !== undefined && chain !== pattern) || !readBy(before, unit)) break;
      pattern = chain;
    }
    return run;
  };

  /** How a unit hangs on the one before it, undefined where the two are not alike. */
  const chainOf = (before: Unit, unit: Unit): string | undefined => {
    const chain: string[] = [];
    for (const [k, id] of unit.ids.entries()) {
      const old = before.ids[k]!;
      if (id.slice(unit.prefix.length) !== old.slice(before.prefix.length)) return undefined;
      // A unit that is one box has its own number for a name.
      if (unit.part.kind === 'cluster' ? textOf(id) !== textOf(old) : !alike(id, old)) return undefined;
      const [arrows, olds] = [links.into.get(id) ?? [], links.into.get(old) ?? []];
      if (arrows.length !== olds.length) return undefined;
      for (const [j, arrow] of arrows.entries()) {
        const other = olds[j]!;
        if (arrow.shape !== other.shape || arrow.output !== other.output) return undefined;
        const inside = unit.own.has(arrow.from);
        if (inside !== before.own.has(other.from)) return undefined;
        if (inside) {
          if (arrow.from.slice(unit.prefix.length) !== other.from.slice(before.prefix.length)) return undefined;
        } else if (before.own.has(arrow.from)) {
          chain.push(`${k}.${j}: ${arrow.from.slice(before.prefix.length)}`);
        } else if (arrow.from !== other.from) return undefined;
      }
    }
    return chain.join('\0');
  };

  const alike = (a: string, b: string): boolean => {
    const [one, other] = [boxes.get(a)!, boxes.get(b)!];
    return JSON.stringify([one.lines, one.family]) === JSON.stringify([other.lines, other.family]);
  };

  const readBy = (unit: Unit, next: Unit): boolean =>
    unit.ids.every(
      (id) =>
        boxes.get(id)!.output !== true &&
        (links.outOf.get(id) ?? []).every(({ to }) => unit.own.has(to) || next.own.has(to)),
    );

  /** The last one's outputs are the model's. */
  const asLast = (first: Unit, last: Unit): Part => {
    const outputs = new Set(first.ids.filter((_, k) => boxes.get(last.ids[k]!)!.output === true));
    const marked = (part: Part): Part => {
      if (part.kind === 'cluster') return { ...part, children: part.children.map(marked) };
      return outputs.has(part.id) ? { ...part, output: true } : part;
    };
    return outputs.size === 0 ? first.part : marked(first.part);
  };

  const parts = visit(picture.parts);
  const last = (id: string): string => {
    let at = id;
    for (let next = instead.get(at); next !== undefined; next = instead.get(at)) at = next;
    return at;
  };
  const shown = picture.arrows.filter((arrow) => !needless.has(arrow));
  return { ...picture, parts, arrows: redirected(shown, last) };
}

function unitOf(part: Part): Unit {
  const ids = boxesOf([part]).map(({ id }) => id);
  return { part, prefix: part.id, ids, own: new Set(ids) };
}

function times(part: Part, run: number, last: Unit): Part {
  if (run === 1) return part;
  const label = `${part.label}…${last.part.label}`;
  if (part.kind === 'box') {
    const one = { ...part, label: part.id.slice(part.id.lastIndexOf('/') + 1) };
    return {
      ...{ kind: 'cluster', id: `${part.id}/`, label, times: run, children: [one] },
      ...{ params: part.params * run, layers: part.layers * run },
    };
  }
  return { ...part, label, times: part.times * run, params: part.params * run, layers: part.layers * run };
}

function linksOf(arrows: readonly Arrow[]): Links {
  const into = new Map<string, Arrow[]>();
  const outOf = new Map<string, Arrow[]>();
  const add = (map: Map<string, Arrow[]>, id: string, arrow: Arrow): void => {
    const there = map.get(id);
    if (there === undefined) map.set(id, [arrow]);
    else there.push(arrow);
  };
  for (const arrow of arrows) {
    add(into, arrow.to, arrow);
    add(outOf, arrow.from, arrow);
  }
  return { into, outOf };
}
