/**
 * JSON as other frameworks write it: Python's `NaN` and `Infinity` are taken too, a text that holds JSON as a JSON
 * string (`json.dump(model.to_json())`) is unwrapped, and nesting is bounded before anything recurses over it.
 */
import type { Json } from '../../frontend/spec';

const MAX_DEPTH = 200;
const MAX_WRAPPED = 3;

/** The value, or a sentence about what is wrong with the text. */
export function parseJson(text: string): { readonly value: Json } | { readonly problem: string } {
  let current = text;
  for (let level = 0; level < MAX_WRAPPED; level++) {
    if (deeperThan(current, MAX_DEPTH)) return { problem: `JSON nested deeper than ${MAX_DEPTH} levels` };
    let value: Json;
    try {
      value = JSON.parse(plainNumbers(current)) as Json;
    } catch (error) {
      return { problem: `not JSON (${(error as Error).message.slice(0, 120)})` };
    }
    if (typeof value !== 'string') return { value };
    current = value;
  }
  return { problem: 'a text within a text, and no JSON value' };
}

/** Python's numbers that JSON has not: infinities become numbers too great for a double, NaN becomes null. */
function plainNumbers(text: string): string {
  if (!/NaN|Infinity/.test(text)) return text;
  return text.replace(/"(?:[^"\\]|\\.)*"|-?\bInfinity\b|\bNaN\b/g, (word) =>
    word.startsWith('"') ? word : word === 'NaN' ? 'null' : word.startsWith('-') ? '-1e999' : '1e999',
  );
}

function deeperThan(text: string, limit: number): boolean {
  let depth = 0;
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (quoted) {
      if (code === 0x5c) i++;
      else if (code === 0x22) quoted = false;
    } else if (code === 0x22) quoted = true;
    else if (code === 0x5b || code === 0x7b) {
      if (++depth > limit) return true;
    } else if (code === 0x5d || code === 0x7d) depth--;
  }
  return false;
}

export function isObject(value: Json | undefined): value is { readonly [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}
