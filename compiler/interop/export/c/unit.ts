/** What is collected for one C file: helpers, tables, and functions, of which those that read the same are one. */
import { HELPERS, type HelperName } from './helpers';
import { C_TYPE } from './store';
import { floatLiteral, Names, plainText } from './text';

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

/** What a function is for. */
export interface StepOf {
  readonly layer: string;
  readonly op: string;
  /** The op, and the types that it takes and gives. */
  readonly about: string;
}

interface StepFunction {
  readonly token: string;
  readonly returns: string;
  readonly parameters: readonly string[];
  readonly body: readonly string[];
  readonly steps: StepOf[];
}

export class Unit {
  /** Every identifier of the file. */
  readonly names = new Names();
  readonly #helpers = new Map<HelperName, string>();
  readonly #tables = new Map<string, { readonly name: string; readonly text: readonly string[] }>();
  readonly #functions = new Map<string, StepFunction>();
  #names: readonly string[] | undefined;

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
    // An array of C has an element.
    const items = (values.length === 0 ? [0] : values).map((value) =>
      dtype === 'f32' ? floatLiteral(value) : String(value),
    );
    const key = `${dtype} ${items.join()}`;
    const known = this.#tables.get(key);
    if (known) return known.name;
    const name = this.names.fresh(`${this.prefix}_table`);
    const text = [`static const ${C_TYPE[dtype]} ${name}[${items.length}] = {`, ...wrapped(items), '};'];
    this.#tables.set(key, { name, text });
    return name;
  }

  /** What stands for the name of the function with this body until all steps are known: `named` puts names in. */
  function(returns: 'void' | 'int', parameters: readonly Parameter[], body: readonly string[], step: StepOf): string {
    const list = parameters.map(({ type, name }) => `${type}${name}`);
    const key = `${returns}(${list.join()})${body.join('\n')}`;
    const known = this.#functions.get(key) ?? {
      token: `@${this.#functions.size}@`,
      returns,
      parameters: list,
      body,
      steps: [],
    };
    known.steps.push(step);
    this.#functions.set(key, known);
    return known.token;
  }

  /** Text with the functions' names: that of the layer, or of the op where several layers share one. */
  named(text: string): string {
    this.#names ??= this.#nameFunctions();
    const names = this.#names;
    return text.replace(/@(\d+)@/g, (_, number: string) => names[Number(number)]!);
  }

  #nameFunctions(): readonly string[] {
    const own = [...this.#functions.values()].map(({ steps }) => [...new Set(steps.map(({ layer }) => layer))]);
    const counts = new Map<string, number>();
    for (const [only, ...others] of own)
      if (only !== undefined && others.length === 0) counts.set(only, (counts.get(only) ?? 0) + 1);
    return [...this.#functions.values()].map(({ steps }, i) => {
      const [only = '', ...others] = own[i]!;
      const { op } = steps[0]!;
      const name = others.length > 0 ? op : (counts.get(only) ?? 0) > 1 ? `${only}_${op}` : only;
      return this.names.fresh(`${this.prefix}_${name.replace(/\W/g, '_')}`);
    });
  }

  /** Helpers, tables and functions, each behind what it uses. */
  text(): string {
    const tables = [...this.#tables.values()].map(({ text }) => text.join('\n'));
    const functions = [...this.#functions.values()].map((each) => this.#text(each));
    return [...[...this.#helpers.values()].map((text) => text.trim()), ...tables, ...functions].join('\n\n');
  }

  #text({ token, returns, parameters, body, steps }: StepFunction): string {
    const layers = [...new Set(steps.map(({ layer }) => layer))];
    const some = layers.slice(0, 3).join(', ');
    const others = layers.length > 3 ? ` and ${layers.length - 3} more` : '';
    const comment = `/* ${plainText(`${some}${others}: ${steps[0]!.about}`)} */`;
    const head = `static ${returns} ${this.named(token)}(`;
    const [first = 'void', ...rest] = parameters;
    let line = head + first;
    const lines: string[] = [];
    for (const each of rest) {
      if (line.length + each.length + 3 > LINE) {
        lines.push(`${line},`);
        line = `    ${each}`;
      } else {
        line += `, ${each}`;
      }
    }
    return [comment, ...lines, `${line})`, '{', ...body, '}'].join('\n');
  }
}
