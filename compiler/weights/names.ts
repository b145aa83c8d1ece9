/**
 * Between the names of states and their paths in a weight file: `stage1/0/conv1.weight` is
 * `/weights/stage1/0/conv1/weight`; a slot `conv1.weight.momentum` is `/optimizer/conv1/weight/momentum`.
 */
import { InternalError } from '../diagnostics/errors';

/** `parts` names after the layer's: 1 for a parameter, 2 for a slot. */
export function pathOf(root: string, name: string, parts: number): string {
  const words = name.split('.');
  if (words.length <= parts || words.includes('')) throw new InternalError(`'${name}' does not name a tensor`);
  const layer = words.slice(0, -parts).join('.');
  return [root, layer, ...words.slice(-parts)].join('/');
}

/** Undefined where the path lies too high to be a tensor's. */
export function nameOf(root: string, path: string, parts: number): string | undefined {
  const words = path.slice(root.length + 1).split('/');
  if (words.length <= parts) return undefined;
  return [words.slice(0, -parts).join('/'), ...words.slice(-parts)].join('.');
}

/** Every group above the paths, parents first. */
export function groupsOf(paths: readonly string[]): string[] {
  const groups = new Set<string>();
  for (const path of paths) {
    const words = path.split('/');
    for (let end = 2; end < words.length; end++) groups.add(words.slice(0, end).join('/'));
  }
  const clash = paths.find((path) => groups.has(path));
  if (clash !== undefined) throw new InternalError(`'${clash}' is a tensor and a layer at once`);
  return [...groups];
}
