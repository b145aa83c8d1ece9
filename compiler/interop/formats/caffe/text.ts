/**
 * Protobuf's text format, read tolerantly and without a schema: fields in order, each with its place. Comments, `;` and
 * `,` between fields, `{` or `<`, lists in brackets, strings in pieces with every escape, numbers of every base. What is
 * wrong with the text is reported where it stands and ends the reading.
 */
import { importUnreadable } from '../../../diagnostics/catalogue';
import { SpecError } from '../../../diagnostics/errors';
import type { Location } from '../../../diagnostics/location';

/** Messages within messages, and elements in all: far beyond what nets have. */
const MAX_DEPTH = 64;
const MAX_FIELDS = 4_000_000;

export class TextSource {
  private starts: number[] | undefined;

  constructor(
    readonly file: string,
    readonly text: string,
  ) {}

  at(offset: number, length = 1): Location {
    this.starts ??= lineStarts(this.text);
    let low = 0;
    let high = this.starts.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (this.starts[middle]! <= offset) low = middle;
      else high = middle;
    }
    const start = this.starts[low]!;
    const end = this.text.indexOf('\n', start);
    const lineText = this.text.slice(start, end < 0 ? undefined : end).replace(/\r$/, '');
    const column = offset - start + 1;
    return {
      file: this.file,
      line: low + 1,
      column,
      length: Math.max(1, Math.min(length, lineText.length - column + 1)),
      ...(lineText.length <= 500 ? { lineText } : {}),
    };
  }
}

export interface TextScalar {
  /** `string` was quoted; `word` is a number, an identifier, or a minus with either. */
  readonly kind: 'string' | 'word';
  readonly text: string;
  readonly offset: number;
}

export interface TextField {
  readonly name: string;
  readonly offset: number;
  readonly value: TextScalar | TextMessage;
}

export class TextMessage {
  readonly fields: TextField[] = [];

  constructor(
    readonly source: TextSource,
    /** Where it opens. */
    readonly offset: number,
  ) {}
}

export function isMessage(value: TextScalar | TextMessage): value is TextMessage {
  return value instanceof TextMessage;
}

/** The fields of a file. */
export function parseText(file: string, text: string): TextMessage {
  return new Parser(new TextSource(file, text)).file();
}

function lineStarts(text: string): number[] {
  const starts = [0];
  for (let i = text.indexOf('\n'); i >= 0; i = text.indexOf('\n', i + 1)) starts.push(i + 1);
  return starts;
}

const NAME = /[A-Za-z_][A-Za-z0-9_]*/y;
const WORD = /[-+]?[ \t]*(?:[A-Za-z_][A-Za-z0-9_]*|(?:0[xX][0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)[fF]?)/y;
const SPACE = /(?:[\s\uFEFF]|#[^\n]*)+/y;
const CLOSING: Readonly<Record<string, string>> = { '{': '}', '<': '>' };

class Parser {
  private position = 0;
  private count = 0;
  private readonly text: string;

  constructor(private readonly source: TextSource) {
    this.text = source.text;
  }

  file(): TextMessage {
    const message = new TextMessage(this.source, 0);
    this.fields(message, undefined, 0);
    return message;
  }

  private fail(offset: number, problem: string): never {
    throw new SpecError([importUnreadable(this.source.at(offset), problem)]);
  }

  private space(): void {
    SPACE.lastIndex = this.position;
    if (SPACE.test(this.text)) this.position = SPACE.lastIndex;
  }

  /** The next character that means something, `''` at the end. */
  private next(): string {
    this.space();
    return this.text[this.position] ?? '';
  }

  private fields(into: TextMessage, closing: string | undefined, depth: number): void {
    if (depth > MAX_DEPTH) this.fail(into.offset, `messages are more than ${MAX_DEPTH} deep`);
    for (;;) {
      const char = this.next();
      if (char === '') {
        if (closing === undefined) return;
        this.fail(into.offset, `the message that begins here has no \`${closing}\` before the end of the file`);
      }
      if (char === closing) {
        this.position++;
        return;
      }
      if (char === ';' || char === ',') this.position++;
      else this.field(into, depth);
    }
  }

  private field(into: TextMessage, depth: number): void {
    const offset = this.position;
    const name = this.fieldName();
    const colon = this.next() === ':';
    if (colon) this.position++;
    const char = this.next();
    if (char === '[') {
      this.list(into, name, offset, depth);
      return;
    }
    if (!colon && CLOSING[char] === undefined) this.fail(this.position, `\`:\` or \`{\` is expected after \`${name}\``);
    this.add(into, name, offset, depth);
  }

  private fieldName(): string {
    if (this.text[this.position] === '[') {
      const end = this.text.indexOf(']', this.position);
      if (end < 0 || end - this.position > 500) this.fail(this.position, 'the name of an extension has no `]`');
      const name = this.text.slice(this.position + 1, end).trim();
      this.position = end + 1;
      return name;
    }
    NAME.lastIndex = this.position;
    const match = NAME.exec(this.text);
    if (match === null) {
      const char = String.fromCodePoint(this.text.codePointAt(this.position)!);
      this.fail(this.position, `a field's name is expected here, not ${JSON.stringify(char)}`);
    }
    this.position = NAME.lastIndex;
    return match[0];
  }

  private list(into: TextMessage, name: string, offset: number, depth: number): void {
    const open = this.position++;
    for (;;) {
      const char = this.next();
      if (char === '') this.fail(open, 'the list that begins here has no `]` before the end of the file');
      if (char === ']') {
        this.position++;
        return;
      }
      if (char === ',') this.position++;
      else this.add(into, name, offset, depth);
    }
  }

  /** Reads a value and adds the field. */
  private add(into: TextMessage, name: string, offset: number, depth: number): void {
    if (++this.count > MAX_FIELDS) this.fail(offset, `the file has more than ${MAX_FIELDS} fields`);
    const char = this.text[this.position] ?? '';
    const closing = CLOSING[char];
    if (closing !== undefined) {
      const value = new TextMessage(this.source, offset);
      this.position++;
      into.fields.push({ name, offset, value });
      this.fields(value, closing, depth + 1);
      return;
    }
    into.fields.push({ name, offset, value: this.scalar(name) });
  }

  private scalar(name: string): TextScalar {
    const offset = this.position;
    const quote = this.text[offset];
    if (quote === '"' || quote === "'") {
      let text = this.quoted();
      for (let char = this.next(); char === '"' || char === "'"; char = this.next()) text += this.quoted();
      return { kind: 'string', text, offset };
    }
    WORD.lastIndex = offset;
    const match = WORD.exec(this.text);
    if (match === null) this.fail(offset, `\`${name}\` has no value here`);
    this.position = WORD.lastIndex;
    return { kind: 'word', text: match[0].replace(/[ \t]/g, ''), offset };
  }

  private quoted(): string {
    const start = this.position;
    const quote = this.text[this.position++]!;
    let text = '';
    for (;;) {
      const char = this.text[this.position];
      if (char === undefined || char === '\n') this.fail(start, 'the text that begins here has no closing quote');
      this.position++;
      if (char === quote) return text;
      text += char === '\\' ? this.escape(start) : char;
    }
  }

  private escape(start: number): string {
    const rest = this.text.slice(this.position, this.position + 9);
    const number = /^(?:([0-7]{1,3})|[xX]([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8}))/.exec(rest);
    if (number !== null) {
      this.position += number[0].length;
      const [, octal, ...hex] = number;
      const code =
        octal === undefined
          ? Number.parseInt(
              hex.find((h) => h !== undefined)!,
              16,
            )
          : Number.parseInt(octal, 8);
      if (code > 0x10ffff) this.fail(start, 'the text has an escape beyond the last character');
      return String.fromCodePoint(code);
    }
    const char = rest[0];
    if (char === undefined) this.fail(start, 'the text that begins here has no closing quote');
    this.position++;
    return ESCAPES[char] ?? char;
  }
}

const ESCAPES: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};
