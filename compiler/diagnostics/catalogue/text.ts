/** Messages about the text itself, before it is known to be a model. */
import type { Diagnostic } from '../diagnostic';
import type { Location } from '../location';
import { make } from '../make';

export function unreadableFile(at: Location, reason: string): Diagnostic {
  return make('unreadable-file', at, `cannot read \`${at.file}\`: ${reason}`);
}

export function fileTooLarge(at: Location, bytes: number, limit: number): Diagnostic {
  const mebi = (n: number): string => `${(n / 2 ** 20).toFixed(1)} MiB`;
  return make('file-too-large', at, `the file has ${mebi(bytes)}; a model file may have ${mebi(limit)}`, {
    hint: 'weights and data belong into files of their own',
  });
}

export function fileTooLong(at: Location, limit: number): Diagnostic {
  return make('file-too-large', at, `the file has more than ${limit.toLocaleString('en-US')} words and marks`, {
    hint: 'use blocks with `repeat:`; weights and data belong into files of their own',
  });
}

export function notUtf8(at: Location, byteOffset: number, byte: number): Diagnostic {
  const hex = `0x${byte.toString(16).padStart(2, '0')}`;
  return make('not-utf8', at, `the text is not UTF-8: byte ${hex} at offset ${byteOffset}`, {
    hint: 'save the file as UTF-8',
  });
}

export function emptyFile(at: Location): Diagnostic {
  return make('empty-file', at, 'the file is empty; a model needs at least `inputs:` and `layers:`', {
    hint: '`dlc init` writes a model to start from',
  });
}

export function yamlSyntax(at: Location, problem: string, hint?: string): Diagnostic {
  return make('yaml-syntax', at, problem, { hint });
}

export function yamlFeature(at: Location, what: string, hint: string): Diagnostic {
  return make('yaml-feature', at, `${what} are not part of the language`, { hint });
}

export function tooDeep(at: Location, limit: number): Diagnostic {
  return make('too-deep', at, `nested more than ${limit} levels deep`);
}

export function aliasBomb(at: Location, limit: number): Diagnostic {
  return make('alias-bomb', at, `aliases make more than ${limit.toLocaleString('en-US')} values of this file`, {
    hint: 'write the values out, or use a block with `repeat:`',
  });
}

export function aliasOfItself(at: Location, name: string): Diagnostic {
  return make('alias-bomb', at, `the alias \`*${name}\` stands inside of what it repeats`);
}

export function unknownAlias(at: Location, name: string): Diagnostic {
  return make('yaml-syntax', at, `no anchor \`&${name}\` comes before this alias`);
}

export function duplicateKey(at: Location, key: string, first: Location): Diagnostic {
  return make('duplicate-key', at, `\`${key}\` is written twice in one mapping`, {
    notes: [{ message: 'first written here', at: first }],
  });
}

export function inexactInteger(at: Location, digits: string): Diagnostic {
  const shown = digits.length > 40 ? `${digits.slice(0, 40)}…` : digits;
  return make('number-range', at, `the integer ${shown} cannot be held exactly; the limit is ±2^53`);
}

export function notFinite(at: Location, text: string): Diagnostic {
  return make('number-range', at, `\`${text}\` is not a finite number`);
}
