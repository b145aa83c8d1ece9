/**
 * Typed reading of a text message, which remembers what was read: what nobody has asked for in the end is a field that
 * the importer doesn't know, and is reported by name and place instead of being lost.
 */
import { importUnsupported } from '../../../diagnostics/catalogue';
import type { Collector } from '../../../diagnostics/collector';
import type { Location } from '../../../diagnostics/location';
import { isMessage, TextMessage, type TextField, type TextScalar } from './text';

export class Fields {
  private readonly byName = new Map<string, TextField[]>();
  private readonly asked = new Set<string>();
  private readonly children = new Map<TextMessage, Fields>();

  constructor(
    readonly message: TextMessage,
    private readonly problems: Collector,
  ) {
    for (const field of message.fields) {
      const list = this.byName.get(field.name);
      if (list === undefined) this.byName.set(field.name, [field]);
      else list.push(field);
    }
  }

  get at(): Location {
    return this.message.source.at(this.message.offset);
  }

  /** Where a field stands, or the message where it has no such field. */
  placeOf(name: string): Location {
    const field = this.byName.get(name)?.[0];
    return field === undefined ? this.at : this.place(field);
  }

  has(name: string): boolean {
    return this.byName.has(name);
  }

  /** Fields that are known and mean nothing here. */
  ignore(...names: readonly string[]): void {
    for (const name of names) this.asked.add(name);
  }

  /** This message and all below: what it holds is looked at elsewhere. */
  ignoreAll(): void {
    for (const { name, value } of this.message.fields) {
      this.asked.add(name);
      if (isMessage(value)) this.child(value).ignoreAll();
    }
  }

  number(name: string): number | undefined;
  number(name: string, otherwise: number): number;
  number(name: string, otherwise?: number): number | undefined {
    return this.numbers(name).at(-1) ?? otherwise;
  }

  numbers(name: string): number[] {
    return this.scalars(name).flatMap((scalar) => {
      const value = numberOf(scalar);
      if (value === undefined) this.wrong(name, scalar, 'a number');
      return value === undefined ? [] : [value];
    });
  }

  /** A whole number of at least 0. */
  count(name: string): number | undefined;
  count(name: string, otherwise: number): number;
  count(name: string, otherwise?: number): number | undefined {
    return this.counts(name).at(-1) ?? otherwise;
  }

  counts(name: string): number[] {
    return this.scalars(name).flatMap((scalar) => {
      const value = numberOf(scalar);
      const good = value !== undefined && Number.isSafeInteger(value) && value >= 0;
      if (!good) this.wrong(name, scalar, 'a whole number of at least 0');
      return good ? [value] : [];
    });
  }

  flag(name: string): boolean | undefined;
  flag(name: string, otherwise: boolean): boolean;
  flag(name: string, otherwise?: boolean): boolean | undefined {
    return this.flags(name).at(-1) ?? otherwise;
  }

  flags(name: string): boolean[] {
    return this.scalars(name).flatMap((scalar) => {
      const value = FLAGS[scalar.text];
      if (value === undefined) this.wrong(name, scalar, 'true or false');
      return value === undefined ? [] : [value];
    });
  }

  text(name: string): string | undefined;
  text(name: string, otherwise: string): string;
  text(name: string, otherwise?: string): string | undefined {
    return this.texts(name).at(-1) ?? otherwise;
  }

  texts(name: string): string[] {
    return this.scalars(name).map((scalar) => scalar.text);
  }

  /** A word of a list, whose first one is the default; numbers count in it. */
  word<W extends string>(name: string, words: readonly W[], otherwise: W = words[0]!): W {
    const scalar = this.scalars(name).at(-1);
    if (scalar === undefined) return otherwise;
    const value = words.find((word) => word.toLowerCase() === scalar.text.toLowerCase()) ?? words[Number(scalar.text)];
    if (value === undefined) this.wrong(name, scalar, `one of ${words.join(', ')}`);
    return value ?? otherwise;
  }

  /** The message of that name, an empty one where there is none; several are one. */
  part(name: string): Fields {
    const parts = this.parts(name);
    if (parts.length === 1) return parts[0]!;
    const joined = new TextMessage(this.message.source, parts[0]?.message.offset ?? this.message.offset);
    for (const part of parts) {
      joined.fields.push(...part.message.fields);
      part.ignore(...part.message.fields.map((field) => field.name));
    }
    const fields = new Fields(joined, this.problems);
    this.children.set(joined, fields);
    return fields;
  }

  parts(name: string): Fields[] {
    this.asked.add(name);
    return (this.byName.get(name) ?? []).flatMap((field) => {
      if (isMessage(field.value)) return [this.child(field.value)];
      this.wrong(name, field.value, 'a message in braces');
      return [];
    });
  }

  /** Fields of here and below that nobody has asked for. */
  unasked(): TextField[] {
    const own = this.message.fields.filter((field) => !this.asked.has(field.name));
    return [...own, ...[...this.children.values()].flatMap((child) => child.unasked())];
  }

  place(field: TextField): Location {
    return this.message.source.at(field.offset, field.name.length);
  }

  private child(message: TextMessage): Fields {
    const known = this.children.get(message);
    if (known !== undefined) return known;
    const made = new Fields(message, this.problems);
    this.children.set(message, made);
    return made;
  }

  private scalars(name: string): TextScalar[] {
    this.asked.add(name);
    return (this.byName.get(name) ?? []).flatMap((field) => {
      if (!isMessage(field.value)) return [field.value];
      this.problems.report(importUnsupported(this.place(field), `\`${name}\` is a message here, not a value`));
      return [];
    });
  }

  private wrong(name: string, scalar: TextScalar, wanted: string): void {
    const at = this.message.source.at(scalar.offset, scalar.text.length);
    const shown = JSON.stringify(scalar.text.slice(0, 60));
    this.problems.report(importUnsupported(at, `\`${name}\` is ${shown}, not ${wanted}`));
  }
}

const FLAGS: Readonly<Record<string, boolean>> = {
  true: true,
  True: true,
  t: true,
  '1': true,
  false: false,
  False: false,
  f: false,
  '0': false,
};

function numberOf({ text }: TextScalar): number | undefined {
  const sign = text.startsWith('-') ? -1 : 1;
  const digits = text.replace(/^[-+]/, '');
  if (/^inf(inity)?f?$/i.test(digits)) return undefined;
  if (/^0[xX]/.test(digits)) return sign * Number(digits);
  if (/^0[0-7]+$/.test(digits)) return sign * Number.parseInt(digits, 8);
  const value = Number(digits.replace(/[fF]$/, ''));
  return digits === '' || Number.isNaN(value) ? undefined : sign * value;
}
