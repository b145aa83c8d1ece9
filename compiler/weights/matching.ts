/**
 * Which tensor of a file is which state of the model: by a map that the user gives, by name, or by the names that
 * PyTorch has for the same thing (`bn.running_mean` is `bn.mean`, `features.0.weight` is `features/0.weight`). Every
 * tensor of both sides ends up in the account.
 */
import type { DType, Shape } from '../ir/types';
import { formatType, sameShape } from '../ir/types';
import { nearest } from '../diagnostics/nearest';

/** What becomes of the tensors whose names fit: null leaves them out. `*` stands for any text, the same on both sides. */
export type WeightMap = Readonly<Record<string, MapTarget>>;
export type MapTarget = null | string | { readonly to: string; readonly transpose?: readonly number[] };

export interface Source {
  readonly name: string;
  readonly shape: Shape;
  readonly stored: string;
  readonly dtype?: DType | undefined;
}
export interface Target {
  readonly name: string;
  readonly shape: Shape;
  readonly dtype: DType;
}

export interface Match {
  readonly source: Source;
  readonly target: Target;
  /** The order of the source's axes in the target. */
  readonly transpose?: readonly number[];
}

export type Fate = 'loaded' | 'renamed' | 'transposed' | 'initial' | 'unused';

export interface AccountLine {
  readonly fate: Fate;
  /** In the file; absent for what stays at its initial values. */
  readonly source?: string;
  /** In the model; absent for what is not used. */
  readonly target?: string;
  readonly note?: string;
}

export interface Matching {
  readonly matches: readonly Match[];
  readonly account: readonly AccountLine[];
  /** What does not fit, in words; the loader says whose file it is. */
  readonly problems: readonly { readonly message: string; readonly hint?: string }[];
}

export interface MatchOptions {
  readonly map?: WeightMap;
  /** Lets the file hold more than the model has. */
  readonly more?: boolean;
  /** Lets tensors be of no use, those of another shape too, and states of the model keep their initial values. */
  readonly partial?: boolean;
}

export function matchWeights(
  sources: readonly Source[],
  targets: readonly Target[],
  { map = {}, partial = false, more = partial }: MatchOptions,
): Matching {
  const byName = new Map(targets.map((target) => [target.name, target]));
  const rules = Object.entries(map).map(([pattern, to]) => ({ pattern, to, used: false }));
  const matches = new Map<string, Match>();
  const account: AccountLine[] = [];
  const problems: { message: string; hint?: string }[] = [];
  for (const source of sources) {
    const rule = rules.find(({ pattern }) => starsIn(pattern, source.name) !== undefined);
    if (rule !== undefined) rule.used = true;
    if (rule?.to === null) {
      account.push({ fate: 'unused', source: source.name, note: 'left out by the map' });
      continue;
    }
    const wish = rule === undefined ? undefined : targetOf(rule.to, starsIn(rule.pattern, source.name)!);
    const target = wish === undefined ? byConvention(source.name, byName) : byName.get(wish.to);
    if (target === undefined) {
      const counter = source.name.endsWith('.num_batches_tracked');
      const note = counter ? 'a counter that nothing here reads' : undefined;
      account.push({ fate: 'unused', source: source.name, ...(note === undefined ? {} : { note }) });
      if (wish !== undefined) problems.push(unknownTarget(source.name, wish.to, byName));
      else if (!more && !counter) problems.push(unusedSource(source.name, byName));
      continue;
    }
    const other = matches.get(target.name);
    if (other !== undefined) {
      problems.push({ message: `\`${source.name}\` and \`${other.source.name}\` are both for \`${target.name}\`` });
      continue;
    }
    const problem = misfit(source, target, wish?.transpose);
    if (problem !== undefined && partial && wish === undefined) {
      const note = `${inFile(source)} does not fit ${formatType(target)} of the model`;
      account.push({ fate: 'unused', source: source.name, note });
      continue;
    }
    if (problem !== undefined) problems.push(problem);
    matches.set(target.name, { source, target, ...(wish?.transpose ? { transpose: wish.transpose } : {}) });
    const fate = wish?.transpose ? 'transposed' : source.name === target.name ? 'loaded' : 'renamed';
    const note = converted(source, target);
    account.push({ fate, source: source.name, target: target.name, ...(note === undefined ? {} : { note }) });
  }
  for (const { pattern, used } of rules)
    if (!used) problems.push({ message: `nothing in the file fits \`${pattern}\` of the map` });
  for (const target of targets) {
    if (matches.has(target.name)) continue;
    account.push({ fate: 'initial', target: target.name });
    if (!partial) problems.push(missing(target, sources, matches));
  }
  if (partial && matches.size === 0 && targets.length > 0 && problems.length === 0)
    problems.push({ message: 'nothing in the file fits the model' });
  return { matches: [...matches.values()], account, problems };
}

const inFile = ({ stored, shape }: Source): string => `${stored}[${shape.join(',')}]`;

function converted(source: Source, target: Target): string | undefined {
  const same = source.stored.toLowerCase() === target.dtype;
  return same ? undefined : `${source.stored} became ${target.dtype}`;
}

/** What the stars of `layer.*.weight` stand for in a name, each as short as can be; undefined where it does not fit. */
function starsIn(pattern: string, name: string): string[] | undefined {
  const [first = '', ...parts] = pattern.split('*');
  const last = parts.pop();
  if (last === undefined) return name === first ? [] : undefined;
  if (!name.startsWith(first) || !name.endsWith(last)) return undefined;
  const stars: string[] = [];
  let from = first.length;
  // The first place of a part leaves the most for the others: there is no need to try a later one.
  for (const part of parts) {
    const at = name.indexOf(part, from);
    if (at < 0) return undefined;
    stars.push(name.slice(from, at));
    from = at + part.length;
  }
  const end = name.length - last.length;
  return from > end ? undefined : [...stars, name.slice(from, end)];
}

function targetOf(
  to: Exclude<MapTarget, null>,
  stars: readonly string[],
): { to: string; transpose?: readonly number[] } {
  const written = typeof to === 'string' ? to : to.to;
  let next = 0;
  const filled = written.replace(/\*/g, () => stars[next++] ?? '*');
  return { to: filled, ...(typeof to === 'string' || to.transpose === undefined ? {} : { transpose: to.transpose }) };
}

/** PyTorch's names of what normalizations keep. */
const PARAMETERS: Readonly<Record<string, string>> = {
  running_mean: 'mean',
  running_var: 'variance',
  weight: 'gamma',
  bias: 'beta',
};

function byConvention(name: string, targets: ReadonlyMap<string, Target>): Target | undefined {
  // In folders of arrays the parameter is a file of its own: `conv1/weight`.
  const dot = name.includes('.') ? name.lastIndexOf('.') : name.lastIndexOf('/');
  const layer = dot < 0 ? '' : name.slice(0, dot);
  const param = name.slice(dot + 1);
  const params = [param, ...(Object.hasOwn(PARAMETERS, param) ? [PARAMETERS[param]!] : [])];
  for (const written of [layer, layer.replaceAll('.', '/')])
    for (const word of params) {
      const found = targets.get(`${written}.${word}`);
      if (found !== undefined) return found;
    }
  return undefined;
}

function misfit(
  source: Source,
  target: Target,
  transpose: readonly number[] | undefined,
): { message: string; hint?: string } | undefined {
  const isOrder = transpose && [...transpose].sort((a, b) => a - b).every((axis, i) => axis === i);
  if (transpose !== undefined && (!isOrder || transpose.length !== source.shape.length))
    return {
      message: `\`transpose: [${transpose.join(', ')}]\` is no order of the axes of \`${source.name}\`, ${inFile(source)}`,
    };
  const shape = transpose ? transpose.map((axis) => source.shape[axis]!) : source.shape;
  if (source.dtype === undefined)
    return { message: `\`${source.name}\` is ${inFile(source)}: elements that nothing here holds` };
  if (!convertible(source.dtype, target.dtype) || !sameShape(shape, target.shape)) {
    const turned = shape.length === 2 && sameShape([...shape].reverse(), target.shape);
    const hint = turned
      ? `map it with its axes exchanged: \`${source.name}: {to: ${target.name}, transpose: [1, 0]}\``
      : undefined;
    const message = `\`${source.name}\` is ${inFile(source)} in the file, and \`${target.name}\` ${formatType(target)} in the model`;
    return { message, ...(hint === undefined ? {} : { hint }) };
  }
  return undefined;
}

function convertible(from: DType, to: DType): boolean {
  return from === to || (from === 'f64' && to === 'f32') || (from === 'f32' && to === 'f64');
}

function unknownTarget(
  source: string,
  wish: string,
  targets: ReadonlyMap<string, Target>,
): { message: string; hint?: string } {
  const near = nearest(wish, targets.keys());
  return {
    message: `the map gives \`${source}\` to \`${wish}\`, which the model has not`,
    ...(near === undefined ? {} : { hint: `did you mean \`${near}\`?` }),
  };
}

function unusedSource(source: string, targets: ReadonlyMap<string, Target>): { message: string; hint?: string } {
  const near = nearest(source, targets.keys());
  const hint = near === undefined ? `map it: \`${source}: LAYER.PARAM\`, or to null` : `did you mean \`${near}\`?`;
  return { message: `the file holds \`${source}\`, which the model has not`, hint };
}

function missing(
  target: Target,
  sources: readonly Source[],
  matches: ReadonlyMap<string, Match>,
): { message: string; hint?: string } {
  const used = new Set([...matches.values()].map(({ source }) => source.name));
  const near = nearest(
    target.name,
    sources.map(({ name }) => name).filter((name) => !used.has(name)),
  );
  return {
    message: `the file has nothing for \`${target.name}\`, ${formatType(target)} in the model`,
    ...(near === undefined
      ? {}
      : { hint: `it has \`${near}\`, which the model has not: map it with \`${near}: ${target.name}\`` }),
  };
}
