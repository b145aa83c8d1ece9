/** Messages about the shape of the document: fields, their types and ranges. */
import type { Diagnostic } from '../diagnostic';
import type { Location } from '../location';
import { listed, make, quoteValue, suggest } from '../make';
import { nearest } from '../nearest';
import { insteadOf, simplify } from '../names/index';

/** `owner` reads like "layer type `conv2d`" or "`train`". */
export function unknownField(at: Location, name: string, owner: string, known: readonly string[]): Diagnostic {
  const write = insteadOf(simplify(name));
  const instead = write === undefined ? undefined : `write ${write}`;
  const hint = suggest(name, known, 'its fields', instead);
  return make('unknown-field', at, `${owner} has no field \`${name}\``, { hint });
}

/** `what` reads like "layer type", "loss", "optimizer"; `elsewhere` says what the name is where it is no such thing. */
export function unknownType(
  at: Location,
  name: string,
  what: string,
  known: readonly string[],
  elsewhere?: string,
): Diagnostic {
  const hint = suggest(name, known, 'there are', elsewhere);
  return make('unknown-type', at, `there is no ${what} \`${name}\``, { hint });
}

export function missingField(at: Location, name: string, owner: string, hint?: string): Diagnostic {
  return make('missing-field', at, `${owner} needs the field \`${name}\``, { hint });
}

/** `expected` reads like "an integer of at least 1". */
export function wrongType(at: Location, field: string, expected: string, found: unknown, hint?: string): Diagnostic {
  return make('wrong-type', at, `\`${field}\` must be ${expected}; found ${quoteValue(found)}`, { hint });
}

/** A whole item, not a field of one: "a layer must be a mapping". */
export function wrongKind(at: Location, subject: string, expected: string, found: unknown): Diagnostic {
  return make('wrong-type', at, `${subject} must be ${expected}; found ${quoteValue(found)}`);
}

export function outOfRange(at: Location, field: string, expected: string, found: unknown): Diagnostic {
  return make('out-of-range', at, `\`${field}\` must be ${expected}; found ${quoteValue(found)}`);
}

export function unknownValue(at: Location, field: string, found: unknown, choices: readonly unknown[]): Diagnostic {
  const words = choices.filter((choice): choice is string => typeof choice === 'string');
  return notAChoice(at, field, listed(choices.map(String), 24, 'or'), found, words);
}

/** A word where words and other things are possible; `expected` names them all. */
export function notAChoice(
  at: Location,
  field: string,
  expected: string,
  found: unknown,
  words: readonly string[],
): Diagnostic {
  const near = typeof found === 'string' && nearest(found, words) !== undefined;
  const hint = near ? suggest(found, words, 'it may be') : undefined;
  return make('unknown-value', at, `\`${field}\` must be ${expected}; found ${quoteValue(found)}`, { hint });
}

export function wrongLength(at: Location, field: string, expected: string, found: number): Diagnostic {
  return make('wrong-length', at, `\`${field}\` must be ${expected}; found ${found}`);
}

export function invalidValue(at: Location, field: string, problem: string, hint?: string): Diagnostic {
  return make('invalid-value', at, `\`${field}\` ${problem}`, { hint });
}

export function conflictingFields(at: Location, fields: readonly string[], problem: string): Diagnostic {
  return make('conflicting-fields', at, `${listed(fields)} ${problem}`);
}

export function unsupportedVersion(at: Location, found: unknown, known: readonly number[]): Diagnostic {
  const shown = typeof found === 'number' || typeof found === 'string' ? `\`dlc: ${found}\`` : quoteValue(found);
  return make('unsupported-version', at, `${shown} is not a version of the language`, {
    hint: `this dlc reads ${listed(
      known.map((v) => `dlc: ${v}`),
      24,
      'or',
    )}`,
  });
}

export function badOverride(at: Location, path: string, problem: string, hint?: string): Diagnostic {
  return make('bad-override', at, `\`${path}\` ${problem}`, { hint });
}

/** An entry of a list that an override names and that is not there. */
export function noSuchPath(
  at: Location,
  path: string,
  part: string,
  names: readonly string[],
  length: number,
): Diagnostic {
  const hint = suggest(part, names, 'there are') ?? `the list has ${length} entries, numbered from 0`;
  return make('bad-override', at, `\`${path}\` is not there`, { hint });
}
