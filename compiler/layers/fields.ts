/**
 * Reading validated fields with their types, and the few field schemas that many definitions share.
 * A field of another type than its schema allows cannot get here, so a mismatch is our own fault.
 */
import { InternalError } from '../diagnostics/errors';
import type { FieldSchema } from '../frontend/describe';
import type { Fields, Json } from '../frontend/spec';

function wrong(name: string, expected: string, found: Json | undefined): InternalError {
  return new InternalError(`field '${name}' should be ${expected} after validation, but is ${JSON.stringify(found)}`);
}

export function numberOf(fields: Fields, name: string): number {
  const value = fields[name];
  if (typeof value !== 'number') throw wrong(name, 'a number', value);
  return value;
}

export function flagOf(fields: Fields, name: string): boolean {
  const value = fields[name];
  if (typeof value !== 'boolean') throw wrong(name, 'true or false', value);
  return value;
}

export function wordOf(fields: Fields, name: string): string {
  const value = fields[name];
  if (typeof value !== 'string') throw wrong(name, 'a word', value);
  return value;
}

export function numbersOf(fields: Fields, name: string): readonly number[] {
  const value = fields[name];
  if (!isNumbers(value)) throw wrong(name, 'a list of numbers', value);
  return value;
}

/** One number for both spatial axes, or `[height, width]`. */
export function pairOf(fields: Fields, name: string): readonly [number, number] {
  const value = fields[name];
  if (typeof value === 'number') return [value, value];
  if (isNumbers(value) && value.length === 2) return [value[0] ?? 0, value[1] ?? 0];
  throw wrong(name, 'a number or [height, width]', value);
}

export function isNumbers(value: Json | undefined): value is readonly number[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'number');
}

export const positive = (description: string, rest: Readonly<Record<string, Json>> = {}): FieldSchema => ({
  description,
  type: 'integer',
  minimum: 1,
  ...rest,
});

export const flag = (description: string, byDefault: boolean): FieldSchema => ({
  description,
  type: 'boolean',
  default: byDefault,
});

export const axisField = (description: string, byDefault: number): FieldSchema => ({
  description: `${description} Negative numbers count from the last axis.`,
  type: 'integer',
  default: byDefault,
});

/** One axis or a list of them; `axesOf` of axis.ts reads it. */
export const axesField = (description: string, rest: Readonly<Record<string, Json>> = {}): FieldSchema => ({
  description: `${description} One axis or a list; negative numbers count from the last axis.`,
  anyOf: [{ type: 'integer' }, { type: 'array', items: { type: 'integer' }, minItems: 1 }],
  ...rest,
});

/** A positive integer or `[height, width]`. */
export const pair = (description: string, rest: Readonly<Record<string, Json>> = {}): FieldSchema => ({
  description: `${description} One number, or \`[height, width]\`.`,
  anyOf: [
    { type: 'integer', minimum: 1 },
    { type: 'array', items: { type: 'integer', minimum: 1 }, minItems: 2, maxItems: 2 },
  ],
  ...rest,
});
