/** What is collected for one C file: helpers, tables, and functions, of which those that read the same are one. */
import { HELPERS, type HelperName } from './helpers';
import { C_TYPE } from './store';
import { floatLiteral, Names } from './text';

const LINE = 100;

/** A list in lines that every compiler takes. */
export function wrapped(items: readonly string[], indent = '  '): string[] {
  const lines: string[] = [];
  let line = indent;
  items.forEach((item, i) => {
    const text = i === items.length - 1 ? item : `${item},`;
    if (line.length + text.length + 1 > LINE && line !== indent) {
      lines.push(line.trimEnd());
      line = indent;
    }
    line += `${text} `;
  });
  if (line !== indent) lines.push(line.trimEnd());
  return lines;
}

export interface Parameter {
  /** With what stands between it and the name. */
  readonly type: string;
  readonly name: string;
  /** What a call gives; asked for only where the body reads the parameter. */
  readonly argument: () => string;
}

export class Unit {
  /** Every identifier of the file. */
  readonly names = new Names();
  readonly #helpers = new Map<HelperName, string>();
  readonly #tables = new Map<string, { readonly name: string; readonly text: readonly string[] }>();
  readonly #functions = new Map<string, { readonly name: string; readonly text: string }>();

  constructor(readonly prefix: string) {}

  helper(name: HelperName): string {
    const full = `${this.prefix}_${name}`;
    if (this.#helpers.has(name)) return full;
    this.names.fresh(full);
    // Those that it calls come first.
    const text = HELPERS[name].replace(/\$(\w+)/g, (_, inner: string) =>
      inner === name ? full : this.helper(inner as HelperName),
    );
    this.#helpers.set(name, text);
    return full;
  }

  table(dtype: 'f32' | 'i32', values: readonly number[]): string {
    const items = values.map((value) => (dtype === 'f32' ? floatLiteral(value) : String(value)));
    const key = `${dtype} ${items.join()}`;
    const known = this.#tables.get(key);
    if (known) return known.name;
    const name = this.names.fresh(`${this.prefix}_table`);
    const text = [`static const ${C_TYPE[dtype]} ${name}[${items.length}] = {`, ...wrapped(items), '};'];
    this.#tables.set(key, { name, text });
    return name;
  }

  /** The name of the function with this body; `parameters` are pruned to those that it reads. */
  function(op: string, returns: 'void' | 'int', parameters: readonly Parameter[], body: readonly string[]): string {
    const list = parameters.map(({ type, name }) => `${type}${name}`);
    const key = `${returns}(${list.join()})${body.join('\n')}`;
    const known = this.#functions.get(key);
    if (known) return known.name;
    const name = this.names.fresh(`${this.prefix}_${op}`);
    const head = `static ${returns} ${name}(`;
    const [first = 'void', ...rest] = list;
    let line = head + first;
    const lines: string[] = [];
    for (const each of rest) {
      if (line.length + each.length + 3 > LINE) {
        lines.push(`${line},`);
        line = ' '.repeat(head.length) + each;
      } else {
        line += `, ${each}`;
      }
    }
    const text = [...lines, `${line})`, '{', ...body, '}'].join('\n');
    this.#functions.set(key, { name, text });
    return name;
  }

  /** Helpers, tables and functions, each behind what it uses. */
  text(): string {
    const tables = [...this.#tables.values()].map(({ text }) => text.join('\n'));
    const functions = [...this.#functions.values()].map(({ text }) => text);
    return [...[...this.#helpers.values()].map((text) => text.trim()), ...tables, ...functions].join('\n\n');
  }
}
