/** Patterns that fit nothing, with the names that may have been meant. */
import * as say from '../diagnostics/catalogue';
import type { Diagnostic } from '../diagnostics/diagnostic';
import type { Locate } from '../frontend/spec';
import { matcherOf, pathOf } from './patterns';
import type { StateInfo } from './states';

/** Names of weights and the folders above them: what a pattern may have meant. */
function candidates(states: readonly StateInfo[]): string[] {
  const names = states.map(pathOf);
  const folders = names.flatMap((name) => {
    const parts = name.split('/');
    return parts.slice(1).map((_, i) => parts.slice(0, i + 1).join('/'));
  });
  return [...new Set([...folders, ...names])];
}

export function checkPatterns(
  patterns: readonly string[],
  at: (i: number) => ReturnType<Locate>,
  states: readonly StateInfo[],
): Diagnostic[] {
  return patterns.flatMap((pattern, i) => {
    const matches = matcherOf([pattern]);
    return states.some((info) => matches(pathOf(info))) ? [] : [say.noMatch(at(i), pattern, candidates(states))];
  });
}

/** The place of one pattern, written alone or in a list under `field`. */
export const patternAt =
  (locate: Locate, field: string, patterns: readonly string[]) =>
  (i: number): ReturnType<Locate> =>
    locate(patterns.length === 1 ? [field] : [field, i]);
