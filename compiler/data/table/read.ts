/**
 * Tables from files: CSV and TSV, JSON lines, JSON (a list of mappings or of lists, or a mapping of such lists) and
 * Parquet, as columns of cells. Every mistake is told with its line. Formats are loaded when they are met.
 */
import path from 'node:path';
import { Readable } from 'node:stream';
import { dataCorrupt, unknownReference, conflictingFields } from '../../diagnostics/catalogue';
import { SpecError } from '../../diagnostics/errors';
import type { Json, SectionSpec } from '../../frontend/spec';
import type { OpenContext } from '../define';
import { DataFileError } from '../idx_file';
import { isFields } from '../learned';
import { resolveDataPath } from '../paths';
import { TABLE_FORMATS, type TableFormat } from './fields';
import { linesOf, textOf, wholeText, type Encoding } from './text_file';

export type Cell = Json;

export interface Table {
  readonly names: readonly string[];
  readonly size: number;
  /** The cells of a column, by its name or position. Throws a SpecError at the field that names it. */
  column(ref: string | number, field: readonly (string | number)[]): readonly Cell[];
  /** `train.csv:17` of a row, for messages. */
  place(row: number): string;
}

interface Row {
  readonly cells: readonly Cell[];
  readonly line: number;
}

/** Rows before their columns are put together; `names` is complete when the last row has come. */
interface Rows {
  readonly names: string[];
  readonly rows: AsyncIterable<Row>;
}

const MAX_CELLS = 200_000_000;

export async function readTable(
  section: SectionSpec,
  context: OpenContext,
  field: readonly string[] = ['file'],
): Promise<Table> {
  const name = fileAt(section, field);
  const file = resolveDataPath(section, field, name, context);
  const refuse = (error: unknown): never => {
    throw error instanceof DataFileError ? new SpecError([dataCorrupt(section.at(field), name, error.message)]) : error;
  };
  try {
    const { names, rows } = await openRows(section, formatOf(section, name), file);
    const columns: Cell[][] = [];
    const lines: number[] = [];
    const keeps = filterOf(section, names);
    let count = 0;
    for await (const { cells, line } of rows) {
      if (!keeps(cells)) continue;
      while (columns.length < Math.max(names.length, cells.length)) columns.push(lines.map(() => null));
      columns.forEach((column, c) => column.push(cells[c] ?? null));
      lines.push(line);
      if ((count += cells.length) > MAX_CELLS) throw new DataFileError('has more than 200 million cells');
    }
    for (const column of Object.keys(section.fields.where ?? {})) {
      if (names.length === 0 ? columns[Number(column)] : names.includes(column)) continue;
      throw new SpecError([unknownReference(section.at(['where', column]), column, `column of \`${name}\``, names)]);
    }
    if (lines.length === 0) throw new DataFileError(section.fields.where ? 'has no such rows' : 'holds no rows');
    const known = names.length > 0 ? names : columns.map((_, c) => String(c));
    return {
      names: known,
      size: lines.length,
      column(ref, at) {
        const index = typeof ref === 'number' ? ref : known.indexOf(ref);
        const found = index < 0 ? undefined : columns[index];
        if (found) return found;
        throw new SpecError([unknownReference(section.at(at), String(ref), `column of \`${name}\``, known)]);
      },
      place: (row) => `${path.basename(name)}:${lines[row]!}`,
    };
  } catch (error) {
    return refuse(error);
  }
}

function fileAt(section: SectionSpec, field: readonly string[]): string {
  return field.reduce<Json>((value, key) => (isFields(value) ? (value[key] ?? '') : ''), section.fields) as string;
}

/** As the user says, else by the ending of the name. */
export function formatOf(section: SectionSpec, name: string): TableFormat {
  const written = section.fields.format;
  const known = TABLE_FORMATS.find((format) => format === written);
  if (known) return known;
  const ending = path.extname(name).slice(1).toLowerCase();
  if (ending === 'ndjson') return 'jsonl';
  return TABLE_FORMATS.find((format) => format === ending) ?? 'csv';
}

async function openRows(section: SectionSpec, format: TableFormat, file: string): Promise<Rows> {
  const {
    delimiter,
    header = true,
    encoding = 'utf8',
  } = section.fields as {
    readonly delimiter?: string;
    readonly header?: boolean;
    readonly encoding?: Encoding;
  };
  const idle = (names: readonly string[]): void => {
    const [first] = names.filter((name) => section.fields[name] !== undefined);
    if (first !== undefined)
      throw new SpecError([conflictingFields(section.at([first]), [first], `has no effect on a ${format} file`)]);
  };
  if (format === 'csv' || format === 'tsv') {
    idle(['member']);
    return await csvRows(file, encoding, delimiter ?? (format === 'tsv' ? '\t' : ','), header);
  }
  idle([
    'delimiter',
    'header',
    ...(format === 'json' ? [] : ['member']),
    ...(format === 'parquet' ? ['encoding'] : []),
  ]);
  if (format === 'parquet') return await parquetRows(file);
  const names: string[] = [];
  if (format === 'jsonl') return { names, rows: jsonLines(file, encoding, names) };
  return { names, rows: jsonRows(parseJson(await wholeText(file, encoding)), section.fields.member, names) };
}

interface CsvRecord {
  readonly record: readonly string[];
  readonly info: { readonly lines: number };
}

async function csvRows(file: string, encoding: Encoding, delimiter: string, header: boolean): Promise<Rows> {
  const { parse } = await import('csv-parse');
  const parser = parse({
    ...{ delimiter, bom: true, info: true, relax_column_count: true, skip_empty_lines: true },
    max_record_size: 2 ** 24,
  });
  const source = Readable.from(textOf(file, encoding));
  source.on('error', (error) => parser.destroy(error)).pipe(parser);
  const records = parser[Symbol.asyncIterator]() as AsyncIterator<CsvRecord, undefined>;
  const next = async (): Promise<{ readonly cells: readonly string[]; readonly line: number } | undefined> => {
    try {
      const { value } = await records.next();
      return value && { cells: value.record, line: value.info.lines };
    } catch (error) {
      if (error instanceof DataFileError) throw error;
      throw new DataFileError(`not CSV: ${(error as Error).message.split('\n')[0]!}`);
    }
  };
  const first = await next();
  if (!first) throw new DataFileError('the file is empty');
  const names = header ? first.cells.map((name) => name.trim()) : [];
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw new DataFileError(`has two columns \`${twice}\``);
  const width = first.cells.length;
  async function* rows(): AsyncGenerator<Row> {
    if (!header) yield first!;
    for (let row = await next(); row; row = await next()) {
      if (row.cells.length !== width)
        throw new DataFileError(`line ${row.line} has ${row.cells.length} cells, the first one ${width}`);
      yield row;
    }
  }
  return { names, rows: rows() };
}

function parseJson(text: string, line?: number): Json {
  try {
    return JSON.parse(text) as Json;
  } catch (error) {
    throw new DataFileError(`${line === undefined ? '' : `line ${line} is `}not JSON (${(error as Error).message})`);
  }
}

/** The cells of a mapping, under names that grow with every new one; those of a list by position. */
function cellsOf(value: Json, names: string[], where: string): readonly Cell[] {
  if (Array.isArray(value)) return value as readonly Cell[];
  if (!isFields(value)) throw new DataFileError(`${where} is neither a mapping nor a list`);
  const cells: Cell[] = names.map(() => null);
  for (const [name, cell] of Object.entries(value)) {
    let index = names.indexOf(name);
    if (index < 0) index = names.push(name) - 1;
    if (index > 4096) throw new DataFileError('has more than 4,096 different names');
    cells[index] = cell;
  }
  return cells;
}

async function* jsonLines(file: string, encoding: Encoding, names: string[]): AsyncGenerator<Row> {
  let line = 0;
  for await (const text of linesOf(file, encoding)) {
    line++;
    if (text.trim() !== '') yield { cells: cellsOf(parseJson(text, line), names, `line ${line}`), line };
  }
}

async function* jsonRows(document: Json, member: Json | undefined, names: string[]): AsyncGenerator<Row> {
  let row = 0;
  const members = member === undefined ? undefined : Array.isArray(member) ? (member as string[]) : [member as string];
  if (members && !isFields(document)) throw new DataFileError('holds no mapping to take a member of');
  const lists = members?.map((name) => (document as Record<string, Json>)[name]) ?? [document];
  for (const [i, list] of lists.entries()) {
    if (!Array.isArray(list)) {
      const hint = isFields(document)
        ? `; say with \`member\` which of ${Object.keys(document).slice(0, 6).join(', ')}`
        : '';
      throw new DataFileError(`${members ? `\`${members[i]!}\`` : 'it'} is not a list of rows${hint}`);
    }
    await Promise.resolve();
    for (const item of list as readonly Json[]) {
      row++;
      yield { cells: cellsOf(item, names, `row ${row}`), line: row };
    }
  }
}

async function parquetRows(file: string): Promise<Rows> {
  const { openParquet } = await import('./parquet');
  const { names, rows } = await openParquet(file);
  async function* numbered(): AsyncGenerator<Row> {
    let line = 0;
    for await (const cells of rows) yield { cells, line: ++line };
  }
  return { names: [...names], rows: numbered() };
}

/** A cell as text, as CSV has all of them. */
export function cellText(cell: Cell): string {
  return typeof cell === 'string' ? cell : JSON.stringify(cell);
}

/** Rows with the values that `where` asks for. Cells of CSV are texts: 3 and "3" are alike. */
function filterOf(section: SectionSpec, names: readonly string[]): (cells: readonly Cell[]) => boolean {
  const { where } = section.fields;
  if (!isFields(where)) return () => true;
  return (cells) =>
    Object.entries(where).every(([name, values]) => {
      const index = names.length > 0 ? names.indexOf(name) : Number(name);
      return matches(values, cells[index] ?? null);
    });
}

/** Whether a cell is the value, or one of the values, that `where` gives. */
export function matches(values: Json, cell: Cell): boolean {
  const texts = (Array.isArray(values) ? (values as readonly Json[]) : [values]).map(cellText);
  return texts.includes(cellText(cell));
}
