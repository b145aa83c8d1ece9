/**
 * Names while blocks are being expanded. A name may stand for a layer, for the output of a block, for the last of a
 * repeat, or for whatever takes the place of a layer that a condition left out; and it may be used before it is written.
 * So a reference is kept as it is found, and followed when everything is there.
 */
import type { BlockUse } from '../diagnostics/location';
import type { Range } from './node';

export type Entry =
  /** A model input or a layer: the end of every way. */
  | {
      readonly kind: 'value';
      readonly name: string;
      /** Names of the outputs after the first; `first` is another name for that one. */
      readonly outputs: readonly string[];
      readonly first?: string;
    }
  /** Stands for something else: a block's input, a layer that is not there. */
  | { readonly kind: 'alias'; readonly target: Target }
  /** A use of a block; the first output is what its plain name means. */
  | {
      readonly kind: 'block';
      readonly scope: Scope;
      readonly outputs: readonly { readonly name: string; readonly target: Target }[];
    }
  | { readonly kind: 'repeat'; readonly instances: readonly Entry[]; readonly target: Target }
  /** Its own mistake is reported; whatever refers to it is not to blame. */
  | { readonly kind: 'broken' };

export const BROKEN: Entry = { kind: 'broken' };

/** A reference as written, and where names are looked up for it. */
export interface Reference {
  readonly text: string;
  readonly scope: Scope;
  readonly range: Range;
  readonly via: readonly BlockUse[];
}

export type Target =
  { readonly kind: 'entry'; readonly entry: Entry } | { readonly kind: 'reference'; readonly reference: Reference };

export const toEntry = (entry: Entry): Target => ({ kind: 'entry', entry });
export const toReference = (reference: Reference): Target => ({ kind: 'reference', reference });

export class Scope {
  readonly locals = new Map<string, Entry>();
  /** The entry that a layer without `inputs:` takes. */
  previous: Entry | undefined;
  /** Names that layers of this scope are given explicitly, wherever they stand. */
  readonly reserved = new Set<string>();
  private readonly counters = new Map<string, number>();

  constructor(
    /** `stage1/0/` in front of the names of layers; empty at the top. */
    readonly prefix: string,
  ) {}

  /** A name for a nameless layer: its type and the first free number. */
  freshName(type: string): string {
    for (let n = (this.counters.get(type) ?? 0) + 1; ; n++) {
      const name = `${type}${n}`;
      if (this.locals.has(name) || this.reserved.has(name)) continue;
      this.counters.set(type, n);
      return name;
    }
  }

  /** `conv1`, or a way into a block: `stage1/0/conv1`. */
  find(name: string): Entry | undefined {
    const own = this.locals.get(name);
    if (own !== undefined) return own;
    for (let slash = name.lastIndexOf('/'); slash > 0; slash = name.lastIndexOf('/', slash - 1)) {
      const outer = this.locals.get(name.slice(0, slash));
      if (outer !== undefined) return into(outer, name.slice(slash + 1));
    }
    return undefined;
  }
}

function into(entry: Entry, rest: string): Entry | undefined {
  if (entry.kind === 'broken') return entry;
  if (entry.kind === 'block') return entry.scope.find(rest);
  if (entry.kind !== 'repeat') return undefined;
  const [index = '', ...further] = rest.split('/');
  const instance = /^\d+$/.test(index) ? entry.instances[Number(index)] : undefined;
  return instance === undefined || further.length === 0 ? instance : into(instance, further.join('/'));
}

export type Followed =
  | { readonly kind: 'found'; readonly name: string }
  /** Reported elsewhere. */
  | { readonly kind: 'broken' }
  | { readonly kind: 'unknown'; readonly reference: Reference }
  | {
      readonly kind: 'no-output';
      readonly reference: Reference;
      readonly owner: string;
      readonly output: string;
      readonly known: readonly string[];
    }
  /** Aliases that only lead to each other. */
  | { readonly kind: 'circle'; readonly references: readonly Reference[] };

/** Follows a reference to the layer or model input it stands for. Iterative: a chain of aliases may be long. */
export function follow(start: Target): Followed {
  const passed = new Set<Reference>();
  let target = start;
  for (;;) {
    let entry: Entry;
    let output: string | undefined;
    if (target.kind === 'reference') {
      const { reference } = target;
      if (passed.has(reference)) {
        const way = [...passed];
        return { kind: 'circle', references: way.slice(way.indexOf(reference)) };
      }
      passed.add(reference);
      const found = look(reference);
      if (found === undefined) return { kind: 'unknown', reference };
      ({ entry, output } = found);
    } else entry = target.entry;

    if (entry.kind === 'broken') return entry;
    if (entry.kind === 'alias' || entry.kind === 'repeat') {
      // `stage1.second` of a repeat is that output of its last instance.
      const inner: Entry | undefined =
        entry.kind === 'repeat' ? entry.instances[entry.instances.length - 1] : undefined;
      if (output !== undefined && inner?.kind === 'block') entry = inner;
      else if (output === undefined) {
        target = entry.target;
        continue;
      }
    }
    if (entry.kind === 'block') {
      const wanted: string | undefined = output;
      const chosen: { readonly target: Target } | undefined =
        wanted === undefined ? entry.outputs[0] : entry.outputs.find((one) => one.name === wanted);
      if (chosen !== undefined) {
        target = chosen.target;
        continue;
      }
      if (wanted === undefined) return BROKEN as { kind: 'broken' };
      return missing(
        target,
        wanted,
        entry.outputs.map((one) => one.name),
      );
    }
    if (output === undefined) return entry.kind === 'value' ? { kind: 'found', name: entry.name } : { kind: 'broken' };
    if (entry.kind === 'value' && output === entry.first) return { kind: 'found', name: entry.name };
    const known =
      entry.kind !== 'value' ? [] : entry.first === undefined ? entry.outputs : [entry.first, ...entry.outputs];
    if (entry.kind === 'value' && known.includes(output)) return { kind: 'found', name: `${entry.name}.${output}` };
    return missing(target, output, known);
  }
}

function missing(target: Target, output: string, known: readonly string[]): Followed {
  if (target.kind !== 'reference') return { kind: 'broken' };
  const owner = target.reference.text.slice(0, target.reference.text.lastIndexOf('.'));
  return { kind: 'no-output', reference: target.reference, owner, output, known };
}

function look({ text, scope }: Reference): { entry: Entry; output: string | undefined } | undefined {
  const entry = scope.find(text);
  if (entry !== undefined) return { entry, output: undefined };
  const dot = text.lastIndexOf('.');
  const owner = dot > 0 ? scope.find(text.slice(0, dot)) : undefined;
  return owner === undefined ? undefined : { entry: owner, output: text.slice(dot + 1) };
}

/** `/0` of `stage1/0`: a repeated use shares with the instance of its own number. */
export function indexOfRepeat(local: string): string {
  return /\/\d+$/.exec(local)?.[0] ?? '';
}
