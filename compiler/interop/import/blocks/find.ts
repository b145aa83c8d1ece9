/**
 * Finds the structure whose folding makes the model file shortest: a stretch of consecutive layers that occurs at least
 * twice with the same types, wiring and fields, numbers apart. A stretch may take several values from outside and gives
 * one, that of its last layer. Every stretch is numbered as it grows by one layer, so that the search takes time
 * proportional to layers times longest stretch.
 */
import type { Json } from '../../../frontend/spec';
import { fieldsOf, inputsOf, outputOf, splitReference, typeOf, type SequenceNode } from './sequence';

const LONGEST = 64;
const MOST_INPUTS = 3;
/** Lines that a block costs beside its layers. */
const HEADING = 4;
/** A structure that ends where paths come together is what its authors call a unit: it is preferred by this much. */
const MERGING = 1.15;
/** Folding that saves less than this is not worth a name. */
const LEAST_SAVED = 4;

export interface Repeated {
  /** Where it begins, without overlaps, in order. */
  readonly starts: readonly number[];
  readonly length: number;
}

export function findRepeated(nodes: readonly SequenceNode[], kept: ReadonlySet<string>): Repeated | undefined {
  const positions = new Map(nodes.map((node, i) => [outputOf(node), i]));
  const lastUse = lastUses(nodes, positions);
  const groups = new Map<string, { length: number; starts: number[] }>();
  const numbers = new Map<string, number>();
  for (let start = 0; start < nodes.length; start++) {
    const outside: string[] = [];
    let number = -1;
    let reach = -1;
    for (let length = 1; length <= LONGEST && start + length <= nodes.length; length++) {
      const at = start + length - 1;
      const node = nodes[at]!;
      if (kept.has(outputOf(node))) break;
      const wires = inputsOf(node).map((input) => wire(input, start, positions, outside));
      if (outside.length > MOST_INPUTS) break;
      const word = `${number} ${typeOf(node)} ${wires.join(',')} ${maskedFields(node)}`;
      number = numbers.get(word) ?? numbers.size;
      numbers.set(word, number);
      // What all but the last give must stay inside.
      if (length > 1 && reach < start + length) {
        const key = `${number}`;
        const group = groups.get(key) ?? { length, starts: [] };
        if ((group.starts[group.starts.length - 1] ?? -length) + length <= start) group.starts.push(start);
        groups.set(key, group);
      }
      reach = Math.max(reach, lastUse[at]!);
    }
  }
  return best(nodes, groups.values());
}

function best(nodes: readonly SequenceNode[], groups: Iterable<Repeated>): Repeated | undefined {
  let found: Repeated | undefined;
  let most = LEAST_SAVED - 1;
  for (const group of groups) {
    const { starts, length } = group;
    // No number of uses could save more: most groups need not be looked at closely.
    if (starts.length < 2 || MERGING * ((starts.length - 1) * length - HEADING - 1) <= most) continue;
    const merges = inputsOf(nodes[starts[0]! + length - 1]!).length > 1;
    const saved = ((starts.length - 1) * length - HEADING - runs(nodes, group)) * (merges ? MERGING : 1);
    if (saved > most) {
      most = saved;
      found = group;
    }
  }
  return found;
}

/** How many uses are written: places that follow one another with the same numbers are one. */
function runs(nodes: readonly SequenceNode[], { starts, length }: Repeated): number {
  const equal = (a: number, b: number): boolean => {
    for (let i = 0; i < length; i++)
      if (JSON.stringify(fieldsOf(nodes[a + i]!)) !== JSON.stringify(fieldsOf(nodes[b + i]!))) return false;
    return true;
  };
  return starts.filter((start, i) => i === 0 || starts[i - 1]! + length !== start || !equal(starts[i - 1]!, start))
    .length;
}

/** For each node the last position that reads any of its outputs; a reader of a further output counts as outside. */
function lastUses(nodes: readonly SequenceNode[], positions: ReadonlyMap<string, number>): number[] {
  const last = nodes.map(() => -1);
  nodes.forEach((node, at) => {
    for (const input of inputsOf(node)) {
      const from = positions.get(splitReference(input).layer);
      if (from !== undefined) last[from] = at;
    }
  });
  return last;
}

function wire(input: string, start: number, positions: ReadonlyMap<string, number>, outside: string[]): string {
  const { layer, output } = splitReference(input);
  const from = positions.get(layer);
  if (from !== undefined && from >= start) return `${from - start}${output}`;
  let index = outside.indexOf(input);
  if (index < 0) index = outside.push(input) - 1;
  return `x${index}`;
}

/** The fields with numbers left open: those may become parameters. */
function maskedFields(node: SequenceNode): string {
  const mask = (value: Json): Json => (typeof value === 'number' ? '#' : value);
  const fields = Object.entries(fieldsOf(node)).map(([name, value]) => [name, mask(value)] as const);
  return JSON.stringify(fields.sort(([a], [b]) => (a < b ? -1 : 1)));
}
