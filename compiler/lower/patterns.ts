/**
 * Patterns over the names of weights, `stage1/conv1/weight`: `*` stands for any part of a name between two slashes (or
 * a piece of it), `**` for any parts. A pattern that fits the beginning of a name, up to a slash, fits the name: the
 * name of a layer, or of a block, stands for all weights below.
 */

/** The name that people and files know a weight by; states have a dot before the last part. */
export function pathOf(info: { readonly layer: string; readonly param: string }): string {
  return `${info.layer}/${info.param}`;
}

export type Matcher = (path: string) => boolean;

export function matcherOf(patterns: readonly string[]): Matcher {
  const expressions = patterns.map(expressionOf);
  return (path) => expressions.some((expression) => expression.test(path));
}

function expressionOf(pattern: string): RegExp {
  const parts = pattern.split('/').filter((part) => part !== '');
  const last = parts.length - 1;
  const text = parts.map((part, i) => {
    // `a/**/b` fits `a/b` too: what stands for any parts stands for none as well.
    if (part === '**') return i === last ? '.*' : '(?:[^/]+/)*';
    const piece = part.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replace(/\*+/g, '[^/]*');
    return i === last ? piece : `${piece}/`;
  });
  return new RegExp(`^${text.join('')}(?:/|$)`);
}
