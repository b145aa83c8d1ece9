/** Markdown of the reference: tables of fields, links between its pages, one word with everything that it has. */
import { DEFINITIONS } from '../frontend/definitions';
import type { Described, FieldSchema } from '../frontend/describe';
import type { ObjectShape } from '../frontend/language';
import { typed } from '../frontend/shapes';
import { inWords } from '../frontend/words';

/** Where a page stands: the words that have a chapter somewhere, and how to get there. */
export interface Links {
  /** The page and anchor of a word, for a page of the reference. */
  readonly of: (word: string) => string | undefined;
  /** From the folder of this page to `docs/reference/`. */
  readonly prefix: string;
}

export function section(title: string, text: string, shape: ObjectShape, links: Links, level = 2): string {
  const head = `${'#'.repeat(level)} ${title}`;
  return [head, ...(text === '' ? [] : [text]), table(shape.fields, shape.required ?? [], links)].join('\n\n');
}

/** A chapter of a page: `more` are fields that the word has beside its own, `worked` what its example gives. */
export function chapter(def: Described, more: ObjectShape['fields'], worked: string, links: Links): string {
  const fields = { ...def.fields, ...more };
  const linked = (text: string): string => withLinks(text, [def.type, ...Object.keys(fields)], links);
  return [
    `## \`${def.type}\``,
    linked(def.summary),
    ...(def.details === undefined ? [] : [linked(def.details)]),
    ...(Object.keys(fields).length === 0 ? [] : [table(fields, def.required ?? [], links)]),
    ...(worked === '' ? [`\`\`\`yaml\n${def.example}\n\`\`\``] : [worked]),
  ].join('\n\n');
}

/** Words in backticks that have a chapter lead there, unless they mean a field here. */
function withLinks(text: string, own: readonly string[], links: Links): string {
  return text.replace(/`([a-z][a-z0-9_]*)`/g, (code, word: string) => {
    const target = own.includes(word) ? undefined : links.of(word);
    return target === undefined ? code : `[${code}](${target})`;
  });
}

export function table(
  fields: Readonly<Record<string, FieldSchema>>,
  required: readonly string[],
  links: Links,
): string {
  const rows = Object.entries(fields).map(([name, field]) => {
    const byDefault = required.includes(name)
      ? 'required'
      : field.default === undefined
        ? ''
        : `\`${JSON.stringify(field.default)}\``;
    return `| \`${name}\` | ${valueOf(name, field, links)} | ${cell(byDefault)} | ${cell(field.description)} |`;
  });
  return ['| field | value | default | meaning |', '|---|---|---|---|', ...rows].join('\n');
}

/** What may stand there; the many words of a kind are named by their page. */
function valueOf(name: string, field: FieldSchema, { prefix }: Links): string {
  const { activations, initializers, constraints } = DEFINITIONS;
  if (field['anyOf'] === typed(activations).anyOf) return `an [activation](${prefix}layers-activations.md)`;
  if (field['anyOf'] === typed(initializers).anyOf) return `an [initializer](${prefix}initializers.md)`;
  if (field['anyOf'] === typed(constraints).anyOf) return `a [constraint](${prefix}constraints.md)`;
  if (name === 'parameters' && field['properties'] !== undefined) {
    return `a mapping to [settings](${prefix}../language.md#settings-of-parameters)`;
  }
  const values = inWords(field);
  return cell(values === 'a value' ? 'anything' : values);
}

export function cell(text: string): string {
  return text.replaceAll('|', '\\|').replace(/\s*\n\s*/g, ' ');
}

/** The links at the head of a page. */
export function contents(words: readonly Described[]): string {
  return words.map(({ type }) => `[\`${type}\`](#${anchorOf(type)})`).join(' · ');
}

/** As GitHub makes them of `## \`word\`` headings. */
export function anchorOf(word: string): string {
  return word.toLowerCase();
}
