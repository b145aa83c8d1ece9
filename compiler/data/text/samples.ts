/**
 * Short texts with or without labels: rows of a table, lines, lines that begin with their label, or a folder with one
 * folder or file for each class.
 */
import { readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { conflictingFields, dataCorrupt, dataMissing } from '../../diagnostics/catalogue';
import { SpecError } from '../../diagnostics/errors';
import type { SectionSpec } from '../../frontend/spec';
import type { OpenContext } from '../define';
import { DataFileError } from '../idx_file';
import { reasonOf, resolveDataPath } from '../paths';
import { TABLE_FORMATS, tableFields } from '../table/fields';
import { readTable } from '../table/read';
import { linesOf, wholeText, type Encoding } from '../table/text_file';

export const TEXT_FORMATS = [...TABLE_FORMATS, 'lines', 'labelled', 'folder'] as const;
type TextFormat = (typeof TEXT_FORMATS)[number];

export interface TextSamples {
  readonly texts: readonly string[];
  readonly labels: readonly string[] | undefined;
  /** `train.csv:17`. */
  place(sample: number): string;
}

interface TextFields {
  readonly file: string;
  readonly format?: TextFormat;
  readonly text?: string | number;
  readonly label?: string | number;
  readonly label_until?: string;
  readonly encoding?: Encoding;
}

const MAX_CHARACTERS = 2 ** 31;

export async function readTexts(section: SectionSpec, context: OpenContext, labelled: boolean): Promise<TextSamples> {
  const fields = section.fields as unknown as TextFields;
  const file = resolveDataPath(section, ['file'], fields.file, context);
  const isFolder = statSync(file).isDirectory();
  const format = fields.format ?? (isFolder ? 'folder' : usualFormat(fields.file));
  refuseIdle(section, format);
  try {
    const read =
      format === 'folder'
        ? await folderTexts(file, fields.encoding ?? 'utf8')
        : format === 'lines' || format === 'labelled'
          ? await lineTexts(file, path.basename(fields.file), format === 'labelled', fields.encoding ?? 'utf8')
          : await tableTexts(section, context, labelled);
    let characters = 0;
    for (const text of read.texts) characters += text.length;
    if (characters > MAX_CHARACTERS) throw new DataFileError('holds more than 2 Gi characters');
    if (read.texts.length === 0) throw new DataFileError('holds no texts');
    if (labelled && !read.labels) {
      const hint = format === 'lines' ? 'where each line begins with its label, say `format: labelled`' : undefined;
      throw new SpecError([dataMissing(section.at(['file']), fields.file, 'there are no labels in it', hint)]);
    }
    const until = fields.label_until;
    const short = (label: string): string => (until === undefined ? label : label.split(until)[0]!);
    return { ...read, labels: labelled ? read.labels?.map(short) : undefined };
  } catch (error) {
    if (!(error instanceof DataFileError)) throw error;
    throw new SpecError([dataCorrupt(section.at(['file']), fields.file, error.message)]);
  }
}

/** By the ending; what has none that is known is one text a line. */
function usualFormat(name: string): TextFormat {
  const ending = path.extname(name).slice(1).toLowerCase();
  return ending === 'ndjson' ? 'jsonl' : (TABLE_FORMATS.find((format) => format === ending) ?? 'lines');
}

function refuseIdle(section: SectionSpec, format: TextFormat): void {
  const isTable = TABLE_FORMATS.some((known) => known === format);
  const tables = ['text', 'label', ...Object.keys(tableFields).filter((name) => name !== 'encoding')];
  const idle = isTable ? [] : [...tables, ...(format === 'lines' ? ['label_until', 'classes'] : [])];
  const [first] = idle.filter((name) => section.fields[name] !== undefined);
  if (first !== undefined)
    throw new SpecError([conflictingFields(section.at([first]), [first], `has no effect with \`format: ${format}\``)]);
}

async function tableTexts(section: SectionSpec, context: OpenContext, labelled: boolean): Promise<TextSamples> {
  const { text = 'text', label = 'label' } = section.fields as unknown as TextFields;
  const table = await readTable(section, context);
  const position = section.fields.header === false || table.names[0] === '0';
  const cellsOf = (ref: string | number, field: string, otherwise: number): string[] => {
    const written = section.fields[field] !== undefined;
    return table.column(!written && position ? otherwise : ref, written ? [field] : ['file']).map((cell, row) => {
      if (typeof cell === 'string') return cell;
      if (typeof cell === 'number' || typeof cell === 'boolean') return String(cell);
      const problem = cell === null ? 'is empty' : 'is not text';
      throw new SpecError([dataCorrupt(section.at(['file']), table.place(row), `\`${ref}\` ${problem}`)]);
    });
  };
  return {
    texts: cellsOf(text, 'text', 0),
    labels: labelled ? cellsOf(label, 'label', 1) : undefined,
    place: (row) => table.place(row),
  };
}

async function lineTexts(file: string, name: string, labelled: boolean, encoding: Encoding): Promise<TextSamples> {
  const texts: string[] = [];
  const labels: string[] = [];
  const lines: number[] = [];
  let number = 0;
  for await (const line of linesOf(file, encoding)) {
    number++;
    if (line.trim() === '') continue;
    const [, label, text] = labelled ? (/^(\S+)\s+(.*)$/.exec(line) ?? []) : ['', '', line];
    if (label === undefined || text === undefined)
      throw new DataFileError(`line ${number} is not a label, white space and a text`);
    texts.push(text);
    labels.push(label);
    lines.push(number);
  }
  return { texts, labels: labelled ? labels : undefined, place: (sample) => `${name}:${lines[sample]!}` };
}

/** `<class>/<any>.txt`, each file a text, or `<class>.txt`, each line a text. */
async function folderTexts(root: string, encoding: Encoding): Promise<TextSamples> {
  const texts: string[] = [];
  const labels: string[] = [];
  const places: string[] = [];
  const entries = readdirSync(root, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  const add = (text: string, label: string, place: string): void => {
    texts.push(text);
    labels.push(label);
    places.push(place);
  };
  for (const entry of entries) {
    if (entry.isDirectory() && !entry.name.startsWith('.')) {
      for (const name of readdirSync(path.join(root, entry.name)).sort()) {
        if (!name.endsWith('.txt')) continue;
        const file = path.join(root, entry.name, name);
        add(
          await wholeText(file, encoding).catch(namedError(`${entry.name}/${name}`)),
          entry.name,
          `${entry.name}/${name}`,
        );
      }
    } else if (entry.isFile() && entry.name.endsWith('.txt')) {
      const inside = await lineTexts(path.join(root, entry.name), entry.name, false, encoding);
      inside.texts.forEach((text, i) => add(text, entry.name.slice(0, -4), inside.place(i)));
    }
  }
  return { texts, labels, place: (sample) => places[sample]! };
}

function namedError(name: string): (error: unknown) => never {
  return (error) => {
    throw error instanceof DataFileError
      ? new DataFileError(`${name}: ${error.message}`)
      : new DataFileError(reasonOf(error));
  };
}
