/**
 * Does a value conform to a field's JSON Schema fragment, and where does it not? Reads the fragment as it stands: of the
 * thousands of fields that the language has, a model uses a few, so that preparing validators for all of them, ahead of
 * time or at start-up, costs more than it can save. Speaks the part of JSON Schema (2020-12) that field definitions use and
 * stops at any other keyword, so that none is written and ignored; a test compares it with a complete implementation.
 */
import { InternalError } from '../diagnostics/errors';
import type { Path } from './node';
import type { Json } from './spec';
import { isSchema, type SchemaNode } from './words';

/** One keyword that a value does not meet. */
export interface Failure {
  readonly keyword: string;
  /** From the field's value to what is wrong. */
  readonly path: Path;
  /** The schema that has the keyword. */
  readonly schema: SchemaNode;
  /** Of `required`, `additionalProperties` and `propertyNames`: the name that is missing, unknown or none. */
  readonly property?: string;
  /** Of `anyOf` and `oneOf`: what each alternative says. */
  readonly branches?: readonly (readonly Failure[])[];
}

type Check = (expected: Json, value: Json, at: Place) => readonly Failure[];

/** Where the check stands, in the value and in the schema. */
interface Place {
  readonly path: Path;
  readonly schema: SchemaNode;
  readonly fail: (more?: Partial<Failure>) => readonly Failure[];
}

const NONE: readonly Failure[] = [];

/** What does not conform; nothing where all is well. A value of a wrong type is reported for that alone. */
export function failures(schema: SchemaNode, value: Json, path: Path = []): readonly Failure[] {
  const types = schema['type'];
  if (types !== undefined && !hasType(types, value)) return [{ keyword: 'type', path, schema }];
  const found: Failure[] = [];
  for (const keyword in schema) {
    const check = CHECKS[keyword];
    if (check === undefined) throw new InternalError(`the keyword '${keyword}' of a field's schema is not understood`);
    if (check === null) continue;
    const fail = (more: Partial<Failure> = {}): readonly Failure[] => [{ keyword, path, schema, ...more }];
    const expected = schema[keyword];
    if (expected !== undefined) found.push(...check(expected, value, { path, schema, fail }));
  }
  return found;
}

function hasType(types: Json, value: Json): boolean {
  if (Array.isArray(types)) return types.some((type: Json) => hasType(type, value));
  if (typeof types !== 'string') return false;
  switch (types) {
    case 'integer':
      return Number.isInteger(value);
    case 'number':
      return Number.isFinite(value);
    case 'array':
      return Array.isArray(value);
    case 'null':
      return value === null;
    case 'object':
      return isSchema(value);
    default:
      return typeof value === types;
  }
}

/** A check of numbers says nothing about other values, and so for texts, lists and mappings. */
function numbers(holds: (value: number, limit: number) => boolean): Check {
  return (limit, value, { fail }) => (typeof value !== 'number' || holds(value, limit as number) ? NONE : fail());
}

function sizes(sizeOf: (value: Json) => number | undefined, holds: (size: number, limit: number) => boolean): Check {
  return (limit, value, { fail }) => {
    const size = sizeOf(value);
    return size === undefined || holds(size, limit as number) ? NONE : fail();
  };
}

const lengthOf = (value: Json): number | undefined =>
  typeof value === 'string' ? Array.from(value).length : undefined;
const itemsOf = (value: Json): number | undefined => (Array.isArray(value) ? value.length : undefined);
const propertiesOf = (value: Json): number | undefined => (isSchema(value) ? Object.keys(value).length : undefined);
const atLeast = (a: number, b: number): boolean => a >= b;
const atMost = (a: number, b: number): boolean => a <= b;

const patterns = new Map<string, RegExp>();

function matches(pattern: string, text: string): boolean {
  let compiled = patterns.get(pattern);
  if (compiled === undefined) {
    compiled = new RegExp(pattern, 'u');
    patterns.set(pattern, compiled);
  }
  return compiled.test(text);
}

function same(a: Json, b: Json): boolean {
  return a === b || (typeof a === 'object' && typeof b === 'object' && JSON.stringify(a) === JSON.stringify(b));
}

/** Those that hold, of alternatives, and what the others say. */
function alternatives(options: Json, value: Json, path: Path): readonly (readonly Failure[])[] {
  return (options as readonly SchemaNode[]).map((option) => failures(option, value, path));
}

/** By keyword; null where there is nothing to check. */
const CHECKS: Readonly<Record<string, Check | null>> = {
  description: null,
  default: null,
  examples: null,
  type: null,
  minimum: numbers(atLeast),
  maximum: numbers(atMost),
  exclusiveMinimum: numbers((value, limit) => value > limit),
  exclusiveMaximum: numbers((value, limit) => value < limit),
  multipleOf: numbers((value, unit) => Number.isInteger(value / unit)),
  minLength: sizes(lengthOf, atLeast),
  maxLength: sizes(lengthOf, atMost),
  minItems: sizes(itemsOf, atLeast),
  maxItems: sizes(itemsOf, atMost),
  minProperties: sizes(propertiesOf, atLeast),
  maxProperties: sizes(propertiesOf, atMost),
  pattern: (pattern, value, { fail }) =>
    typeof value !== 'string' || matches(pattern as string, value) ? NONE : fail(),
  uniqueItems: (unique, value, { fail }) => {
    const texts = unique === true && Array.isArray(value) ? value.map((item: Json) => JSON.stringify(item)) : [];
    return new Set(texts).size === texts.length ? NONE : fail();
  },
  const: (expected, value, { fail }) => (same(expected, value) ? NONE : fail()),
  enum: (choices, value, { fail }) =>
    (choices as readonly Json[]).some((choice) => same(choice, value)) ? NONE : fail(),
  required: (names, value, { fail }) =>
    isSchema(value)
      ? (names as readonly string[])
          .filter((name) => !Object.hasOwn(value, name))
          .flatMap((property) => fail({ property }))
      : NONE,
  properties: (shapes, value, { path }) =>
    isSchema(value)
      ? Object.entries(shapes as Readonly<Record<string, SchemaNode>>).flatMap(([name, shape]) =>
          Object.hasOwn(value, name) ? failures(shape, value[name]!, [...path, name]) : NONE,
        )
      : NONE,
  additionalProperties: (rest, value, { path, schema, fail }) => {
    const known = schema['properties'] ?? {};
    if (!isSchema(value)) return NONE;
    return Object.entries(value)
      .filter(([name]) => !Object.hasOwn(known as object, name))
      .flatMap(([property, one]) => {
        if (isSchema(rest)) return failures(rest, one, [...path, property]);
        return rest === false ? fail({ property }) : NONE;
      });
  },
  propertyNames: (shape, value, { fail }) =>
    isSchema(value)
      ? Object.keys(value)
          .filter((name) => failures(shape as SchemaNode, name).length > 0)
          .flatMap((property) => fail({ property }))
      : NONE,
  items: (shape, value, { path }) =>
    Array.isArray(value)
      ? value.flatMap((item: Json, index) => failures(shape as SchemaNode, item, [...path, index]))
      : NONE,
  not: (shape, value, { fail }) => (failures(shape as SchemaNode, value).length > 0 ? NONE : fail()),
  allOf: (options, value, { path }) => alternatives(options, value, path).flat(),
  anyOf: (options, value, { path, fail }) => {
    const branches: (readonly Failure[])[] = [];
    for (const option of options as readonly SchemaNode[]) {
      const branch = failures(option, value, path);
      if (branch.length === 0) return NONE;
      branches.push(branch);
    }
    return fail({ branches });
  },
  oneOf: (options, value, { path, fail }) => {
    const branches = alternatives(options, value, path);
    return branches.filter((branch) => branch.length === 0).length === 1 ? NONE : fail({ branches });
  },
};
