/** Differences between two plain values, path by path. The order of keys is none, and `3` is `[3, 3]`. */
import type { Fields, Json } from '../frontend/spec';

export interface Change {
  /** `train.optimizer.lr`; empty for the value itself. */
  readonly field: string;
  /** Absent where there was nothing. */
  readonly was?: Json;
  readonly is?: Json;
}

export function isMapping(value: Json | undefined): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}

/** A text that two values share exactly when they mean the same. */
export function canonical(value: Json): string {
  if (isList(value)) {
    const items = value.map(canonical);
    // An extent for each axis, all of them alike: what a bare number says too.
    if (typeof value[0] === 'number' && items.every((item) => item === items[0])) return items[0]!;
    return `[${items.join()}]`;
  }
  if (!isMapping(value)) return JSON.stringify(value);
  const entries = Object.keys(value).sort();
  return `{${entries.map((key) => `${JSON.stringify(key)}:${canonical(value[key]!)}`).join()}}`;
}

export function changesOf(was: Json | undefined, is: Json | undefined, field = ''): Change[] {
  if (was === undefined && is === undefined) return [];
  if (was === undefined || is === undefined) {
    return [{ field, ...(was === undefined ? {} : { was }), ...(is === undefined ? {} : { is }) }];
  }
  if (canonical(was) === canonical(is)) return [];
  if (!isMapping(was) || !isMapping(is)) return [{ field, was, is }];
  const keys = [...new Set([...Object.keys(was), ...Object.keys(is)])];
  return keys.flatMap((key) => changesOf(was[key], is[key], field === '' ? key : `${field}.${key}`));
}
