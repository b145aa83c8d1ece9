/** Opens `type: table`: reads the rows, brings columns and inputs together, and learns of the training rows. */
import {
  conflictingFields,
  dataCorrupt,
  dataMismatch,
  invalidValue,
  missingField,
  unknownReference,
} from '../../diagnostics/catalogue';
import { SpecError } from '../../diagnostics/errors';
import type { Fields, InputSpec, Json, SectionSpec } from '../../frontend/spec';
import { elementCount } from '../../ir/types';
import { describeInput, isIntegerInput, sampleShape } from '../bind';
import { groupsOfLabels } from '../classes';
import type { Dataset, DatasetField, OpenContext, TypedArray } from '../define';
import { DataFileError } from '../idx_file';
import { isFields, type Learned } from '../learned';
import { shuffles, writeLabel } from '../pixels';
import { FIELDS_OF_KIND, type ColumnKind } from '../table/column_fields';
import { categoryColumn, CellError, numberColumn, setColumn, vectorColumn, type ColumnWriter } from '../table/columns';
import { cellText, readTable, type Cell, type Table } from '../table/read';
import { openImageColumn, type ImageColumn } from '../table/image_column';
import { openTextColumn, type TextColumn } from '../table/text_column';

/** A column and the input that it goes to. */
export interface Entry {
  readonly name: string;
  readonly fields: Fields;
  readonly kind: ColumnKind;
  readonly input: InputSpec;
  readonly cells: readonly Cell[];
}

const WRITERS = { number: numberColumn, category: categoryColumn, set: setColumn, vector: vectorColumn };

export async function openTable(section: SectionSpec, context: OpenContext): Promise<Dataset> {
  const columns = columnsOf(section, context);
  const table = await readTable(section, context);
  const entries = entriesOf(section, context, columns, table);
  const images: ImageColumn[] = [];
  for (const entry of entries)
    if (entry.kind === 'image') images.push(await openImageColumn(section, context, entry, table));
  return new TableDataset(section, context, table, columns, entries, images).dataset();
}

/** As written; else as the training section wrote them, of which every input holds its own. */
function columnsOf(section: SectionSpec, context: OpenContext): Fields {
  const learned = Object.values(context.learned ?? {}).flatMap(({ columns }) => (isFields(columns) ? [columns] : []));
  const known: Fields = Object.assign({}, ...learned) as Fields;
  const written = section.fields.columns as Fields | undefined;
  for (const [name, column] of Object.entries(written ?? {})) {
    if (known[name] === undefined || JSON.stringify(known[name]) === JSON.stringify(column)) continue;
    throw new SpecError([
      invalidValue(section.at(['columns', name]), 'columns', 'the training data says something else of this column'),
    ]);
  }
  if (written ?? learned.length > 0) return written ?? known;
  throw new SpecError([missingField(section.at([]), 'columns', 'data source `table`')]);
}

function entriesOf(section: SectionSpec, context: OpenContext, columns: Fields, table: Table): Entry[] {
  return Object.entries(columns).flatMap(([name, column]): Entry[] => {
    const fields = column as Fields;
    const {
      kind = 'number',
      to = name,
      column: ref = name,
    } = fields as {
      readonly kind?: ColumnKind;
      readonly to?: string;
      readonly column?: string | number;
    };
    const path = ['columns', name];
    const idle = Object.keys(fields).find(
      (field) => !['kind', 'to', 'column', ...FIELDS_OF_KIND[kind]].includes(field),
    );
    if (idle !== undefined)
      throw new SpecError([
        conflictingFields(section.at([...path, idle]), [idle], `has no effect on a column of kind ${kind}`),
      ]);
    const input = context.inputs.find((candidate) => candidate.name === to);
    if (!input) {
      if (context.mode === 'predict' || context.unread?.includes(to) === true) return [];
      const known = context.inputs.map((candidate) => candidate.name);
      throw new SpecError([unknownReference(section.at(path), to, 'model input', known)]);
    }
    checkChoices(section, path, kind, fields, input);
    const written = section.fields.columns !== undefined;
    const position = section.fields.header === false && /^\d+$/.test(String(ref)) ? Number(ref) : ref;
    return [{ name, fields, kind, input, cells: table.column(position, written ? path : ['file']) }];
  });
}

/** Choices of one field that go with some kinds only. */
function checkChoices(section: SectionSpec, path: string[], kind: ColumnKind, fields: Fields, input: InputSpec): void {
  const refuse = (field: string, problem: string): never => {
    throw new SpecError([invalidValue(section.at([...path, field]), field, problem)]);
  };
  const { missing, unknown, normalize } = fields;
  if (kind === 'number' && missing === 'unknown') refuse('missing', 'only a category can be unknown');
  if (kind === 'category' && (missing === 'zero' || missing === 'mean'))
    refuse('missing', 'a category has no such value');
  if (kind === 'category' && missing === 'unknown' && (unknown ?? 'error') === 'error')
    refuse('missing', 'say with `unknown` what an unknown category is: `class` or `drop`');
  if (kind === 'text' ? unknown === 'class' : unknown === 'token') refuse('unknown', `makes no sense for a ${kind}`);
  if (kind === 'category' && unknown === 'drop' && isIntegerInput(input))
    refuse('unknown', 'an input of integers needs a number for it: `class`');
  if (normalize !== undefined && normalize !== 'none' && isIntegerInput(input))
    refuse('normalize', `the input \`${input.name}\` holds integers`);
}

class TableDataset {
  #writers: ReadonlyMap<string, readonly ColumnWriter[]> | undefined;
  readonly #texts: ReadonlyMap<string, TextColumn>;
  readonly #fields: readonly DatasetField[];

  constructor(
    private readonly section: SectionSpec,
    private readonly context: OpenContext,
    private readonly table: Table,
    private readonly columns: Fields,
    private readonly entries: readonly Entry[],
    private readonly images: readonly ImageColumn[],
  ) {
    const texts = entries.filter(({ kind }) => kind === 'text');
    this.#texts = new Map(texts.map((entry) => [entry.input.name, openTextColumn(section, context, entry, table)]));
    this.#fields = this.#checkedFields();
    if (
      entries.every(({ input, kind }) => kind === 'text' || kind === 'image' || isFields(context.learned?.[input.name]))
    ) {
      this.#makeWriters(new Uint32Array(0));
    }
  }

  dataset(): Dataset {
    const { section, context, table } = this;
    const label = this.entries.find(({ kind, input }) => kind === 'category' && input.shape.length === 1);
    const learned = (): Learned => this.#learned();
    const complete = this.#writers !== undefined && [...this.#texts.values()].every((text) => text.isKnown);
    const groups = (): Int32Array | undefined =>
      this.#numbersOf(label) ?? (label && groupsOfLabels(label.cells.map(cellText)));
    return {
      size: table.size,
      fields: this.#fields,
      shuffle: shuffles(section.fields, context.mode),
      get groups() {
        return groups();
      },
      get classes() {
        const found = label && learned()[label.input.name]?.names;
        return Array.isArray(found) ? (found as readonly string[]) : undefined;
      },
      get learned() {
        return learned();
      },
      ...(complete
        ? {}
        : {
            learns: 'what the columns are encoded by',
            learn: (chosen: Uint32Array) => {
              for (const text of this.#texts.values()) text.learn(chosen);
              if (!this.#writers) this.#makeWriters(chosen);
            },
          }),
      read: (indices, how, into) => {
        for (const image of this.images) {
          const rows = into[image.input];
          if (rows) image.read(indices, how, rows);
        }
        for (const [input, writers] of this.#writers!) this.#writeRows(writers, indices, into[input]);
        for (const text of this.#texts.values()) text.read(indices, into);
      },
      close: () => undefined,
    };
  }

  #writeRows(writers: readonly ColumnWriter[], indices: ArrayLike<number>, into: TypedArray | undefined): void {
    if (!into) return;
    const width = writers.reduce((sum, writer) => sum + writer.width, 0);
    for (let row = 0; row < indices.length; row++) {
      let at = row * width;
      for (const writer of writers) {
        writer.write(indices[row]!, (offset, value) => writeLabel(into, at + offset, value));
        at += writer.width;
      }
    }
  }

  #checkedFields(): DatasetField[] {
    const { section, context, entries } = this;
    const companions = [...this.#texts.values()].flatMap((text) => text.companions);
    return context.inputs.flatMap((input): DatasetField[] => {
      const mine = entries.filter((entry) => entry.input === input);
      const problems = [] as SpecError['diagnostics'][number][];
      if (mine.length === 0 && !companions.includes(input.name)) {
        const sides = [{ name: input.name, type: describeInput(input), at: input.origin.at }];
        const hint = `say \`to: ${input.name}\` at a column`;
        problems.push(
          dataMismatch(section.at(['columns']), `no column goes to the input \`${input.name}\``, sides, hint),
        );
      }
      if (mine.length > 1 && mine.some(({ kind }) => kind === 'text' || kind === 'image')) {
        const sides = [{ name: input.name, type: describeInput(input), at: input.origin.at }];
        problems.push(
          dataMismatch(section.at(['columns', mine[1]!.name]), 'a text or an image needs an input of its own', sides),
        );
      }
      const shape = sampleShape(section, input, problems);
      if (problems.length > 0) throw new SpecError(problems);
      return shape ? [{ input: input.name, dtype: input.dtype, shape }] : [];
    });
  }

  #makeWriters(chosen: Uint32Array): void {
    const writers = new Map<string, ColumnWriter[]>();
    for (const entry of this.entries) {
      if (entry.kind === 'text' || entry.kind === 'image') continue;
      const list = writers.get(entry.input.name) ?? [];
      writers.set(entry.input.name, [...list, this.#writer(entry, WRITERS[entry.kind], chosen)]);
    }
    for (const [name, list] of writers) this.#checkWidth(name, list);
    this.#writers = writers;
  }

  #writer(entry: Entry, make: (typeof WRITERS)['number'], chosen: Uint32Array): ColumnWriter {
    const stored = this.context.learned?.[entry.input.name]?.[`column ${entry.name}`];
    try {
      return make({ ...entry, integers: isIntegerInput(entry.input) }, chosen, stored);
    } catch (error) {
      if (!(error instanceof DataFileError)) throw error;
      const place = error instanceof CellError ? this.table.place(error.row) : (this.section.fields.file as string);
      throw new SpecError([dataCorrupt(this.section.at(['file']), place, `\`${entry.name}\` ${error.message}`)]);
    }
  }

  #checkWidth(name: string, writers: readonly ColumnWriter[]): void {
    const field = this.#fields.find(({ input }) => input === name)!;
    const width = writers.reduce((sum, writer) => sum + writer.width, 0);
    if (width === elementCount(field.shape)) return;
    const mine = this.entries.filter(({ input }) => input.name === name);
    const { input } = mine[0]!;
    const parts = mine.map((entry, i) => `${entry.name} ${writers[i]!.width}`).join(', ');
    throw new SpecError([
      dataMismatch(
        this.section.at(['columns']),
        `the columns of the input \`${name}\` make ${width} numbers a row (${parts})`,
        [{ name, type: describeInput(input), at: input.origin.at }],
      ),
    ]);
  }

  /** The numbers of the labels where they are known by now. */
  #numbersOf(label: Entry | undefined): Int32Array | undefined {
    const writer = label && this.#writers?.get(label.input.name)?.[0];
    if (!label || !writer || !isIntegerInput(label.input)) return undefined;
    const numbers = new Int32Array(this.table.size);
    for (let row = 0; row < numbers.length; row++) writer.write(row, (_, value) => (numbers[row] = value));
    return numbers;
  }

  #learned(): Learned {
    const entries: [string, Fields][] = [];
    for (const [input, writers] of this.#writers ?? []) {
      const mine = this.entries.filter((entry) => entry.input.name === input);
      const [only] = mine;
      const names: Json | undefined =
        mine.length === 1 && only!.kind !== 'number' && only!.kind !== 'vector' ? writers[0]!.learned.names : undefined;
      entries.push([
        input,
        {
          kind: names === undefined ? 'columns' : 'classes',
          ...(names === undefined ? {} : { names }),
          columns: Object.fromEntries(mine.map((entry) => [entry.name, this.columns[entry.name]!])),
          ...Object.fromEntries(mine.map((entry, i) => [`column ${entry.name}`, writers[i]!.learned])),
        },
      ]);
    }
    for (const { name, kind, input } of this.entries)
      if (kind === 'image') entries.push([input.name, { kind: 'columns', columns: { [name]: this.columns[name]! } }]);
    for (const text of this.#texts.values()) entries.push(...text.learned());
    return Object.fromEntries(entries);
  }
}
