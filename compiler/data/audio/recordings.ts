/** Which recordings a section takes, and what is said of each: by a table, by their names, or by their folders. */
import path from 'node:path';
import { conflictingFields, dataCorrupt, dataMissing, invalidValue } from '../../diagnostics/catalogue';
import { SpecError } from '../../diagnostics/errors';
import type { Fields, SectionSpec } from '../../frontend/spec';
import type { OpenContext } from '../define';
import { imageFiles, type ImageFile } from '../image_files';
import { DataFileError } from '../idx_file';
import { resolveDataPath } from '../paths';
import { tableFields } from '../table/fields';
import { cellText, matches, readTable } from '../table/read';
import { nameReader, type NameParts } from './names';

const WAV = /\.wav$/i;

export interface Recording {
  readonly file: ImageFile;
  readonly label: string | undefined;
  readonly transcript: string | undefined;
  /** `split.csv:17` or the file's name. */
  readonly place: string;
}

export interface Asked {
  readonly labels: boolean;
  readonly transcripts: boolean;
}

interface ListFields {
  readonly path: string;
  readonly list?: string;
  readonly name?: string;
  readonly file?: string | number;
  readonly label?: string | number;
  readonly transcript?: string | number;
}

export async function findRecordings(section: SectionSpec, context: OpenContext, asked: Asked): Promise<Recording[]> {
  const fields = section.fields as unknown as ListFields;
  refuseIdle(section, fields);
  if (asked.transcripts && fields.transcript === undefined) {
    const hint = 'say with `list` and `transcript` where they are';
    throw new SpecError([dataMissing(section.at(['path']), fields.path, 'there are no transcripts in it', hint)]);
  }
  const root = resolveDataPath(section, ['path'], fields.path, context);
  try {
    const files = await imageFiles(root, WAV);
    if (files.length === 0) throw new DataFileError('holds no WAV files');
    if (fields.list !== undefined) return await listed(section, context, files, asked);
    return fields.name === undefined ? inFolders(files) : named(section, fields.name, files);
  } catch (error) {
    if (!(error instanceof DataFileError)) throw error;
    throw new SpecError([dataCorrupt(section.at(['path']), fields.path, error.message)]);
  }
}

function refuseIdle(section: SectionSpec, fields: ListFields): void {
  const ofList = ['file', 'label', 'transcript', ...Object.keys(tableFields).filter((name) => name !== 'where')];
  const idle = [
    ...(fields.list === undefined ? ofList : ['name']),
    ...(fields.list === undefined && fields.name === undefined ? ['where'] : []),
  ];
  const [first] = idle.filter((name) => section.fields[name] !== undefined);
  if (first === undefined) return;
  const problem =
    fields.list === undefined ? 'has no effect without a `list` of the files' : 'has no effect with a `list`';
  throw new SpecError([conflictingFields(section.at([first]), [first], problem)]);
}

async function listed(
  section: SectionSpec,
  context: OpenContext,
  files: readonly ImageFile[],
  asked: Asked,
): Promise<Recording[]> {
  const { file = 'file', label = 'label', transcript } = section.fields as unknown as ListFields;
  const table = await readTable(section, context, ['list']);
  const at = (field: string): readonly string[] => (section.fields[field] === undefined ? ['list'] : [field]);
  const names = table.column(file, at('file'));
  const labels = asked.labels ? table.column(label, at('label')) : undefined;
  const transcripts =
    asked.transcripts && transcript !== undefined ? table.column(transcript, at('transcript')) : undefined;
  const byName = new Map([
    ...files.map((f) => [path.posix.basename(f.name), f] as const),
    ...files.map((f) => [f.name, f] as const),
  ]);
  return names.map((cell, row) => {
    const name = cellText(cell);
    const found = byName.get(path.posix.normalize(name));
    if (!found) {
      const problem = `there is no recording \`${name}\` in \`${section.fields.path as string}\``;
      throw new SpecError([dataCorrupt(section.at(['list']), table.place(row), problem)]);
    }
    const textOf = (cells: readonly unknown[] | undefined): string | undefined =>
      cells && cellText((cells[row] ?? '') as string);
    return { file: found, label: textOf(labels), transcript: textOf(transcripts), place: table.place(row) };
  });
}

function named(section: SectionSpec, template: string, files: readonly ImageFile[]): Recording[] {
  let read: (name: string) => NameParts | undefined;
  try {
    read = nameReader(template);
  } catch (error) {
    throw new SpecError([invalidValue(section.at(['name']), 'name', (error as Error).message)]);
  }
  const where = (section.fields.where ?? {}) as Fields;
  const keys = template.match(/\{\w+\}/g)?.map((key) => key.slice(1, -1)) ?? [];
  const strange = Object.keys(where).find((key) => !keys.includes(key));
  if (strange !== undefined)
    throw new SpecError([invalidValue(section.at(['where', strange]), 'where', `\`name\` has no part \`${strange}\``)]);
  const found = files.flatMap((file): Recording[] => {
    const parts = read(path.posix.basename(file.name));
    const wanted = parts && Object.entries(where).every(([key, values]) => matches(values, parts[key]!));
    return wanted ? [{ file, label: parts.label, transcript: undefined, place: file.name }] : [];
  });
  if (found.length === 0) throw new DataFileError('holds no recordings with such names');
  return found;
}

function inFolders(files: readonly ImageFile[]): Recording[] {
  return files.map((file) => {
    const folder = path.posix.basename(path.posix.dirname(file.name));
    return { file, label: folder === '.' ? undefined : folder, transcript: undefined, place: file.name };
  });
}
