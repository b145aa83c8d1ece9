/** Columns of numbers, categories, sets and vectors as elements of an input, by what was learned of the training rows. */
import { DataFileError } from '../idx_file';
import { sortedClasses } from '../classes';
import { isFields, isNumber, isTexts } from '../learned';
import type { Fields, Json } from '../../frontend/spec';
import { cellText, type Cell } from './read';

/** A cell that cannot be used, by its row. */
export class CellError extends DataFileError {
  constructor(
    readonly row: number,
    problem: string,
  ) {
    super(problem);
  }
}

export interface ColumnWriter {
  /** Elements for each row. */
  readonly width: number;
  /** What is kept with the weights. */
  readonly learned: Fields;
  /** Writes the elements of a row through `put`. */
  write(row: number, put: (offset: number, value: number) => void): void;
}

export interface ColumnInput {
  readonly cells: readonly Cell[];
  readonly fields: Fields;
  /** Whether the input holds integers: a category is then its number, else one of several 0 and 1. */
  readonly integers: boolean;
}

const MISSING = new Set(['', 'NA', 'N/A', 'NaN', 'nan', 'null', '?']);

export function isMissing(cell: Cell): boolean {
  return cell === null || (typeof cell === 'string' && MISSING.has(cell.trim()));
}

/** The number in a cell; NaN where it is empty. */
function numberIn(cell: Cell, row: number): number {
  if (isMissing(cell)) return NaN;
  if (typeof cell === 'number') return cell;
  if (typeof cell === 'boolean') return Number(cell);
  const value = typeof cell === 'string' ? Number(cell) : NaN;
  if (!Number.isFinite(value)) throw new CellError(row, `${cellText(cell).slice(0, 60)} is not a number`);
  return value;
}

interface Scale {
  readonly offset: number;
  readonly factor: number;
  /** What stands for an empty cell, before it is scaled. */
  readonly fill: number;
}

function learnScale(values: Iterable<number>, fields: Fields): Scale {
  let [count, mean, squares, least, most] = [0, 0, 0, Infinity, -Infinity];
  for (const value of values) {
    if (Number.isNaN(value)) continue;
    count++;
    const step = value - mean;
    mean += step / count;
    squares += step * (value - mean);
    [least, most] = [Math.min(least, value), Math.max(most, value)];
  }
  const fill = fields.missing === 'mean' ? mean : 0;
  // A column of one value has nothing to scale by.
  const inverse = (width: number): number => (width > 0 ? 1 / width : 1);
  if (fields.normalize === 'standard')
    return { offset: mean, factor: inverse(Math.sqrt(squares / Math.max(1, count))), fill };
  if (fields.normalize === 'minmax') return { offset: count > 0 ? least : 0, factor: inverse(most - least), fill };
  return { offset: 0, factor: 1, fill };
}

function scaleOf(known: Json | undefined): Scale | undefined {
  if (!isFields(known)) return undefined;
  const { offset, factor, fill } = known;
  return isNumber(offset) && isNumber(factor) && isNumber(fill) ? { offset, factor, fill } : undefined;
}

function pick<T>(values: ArrayLike<T>, rows: Uint32Array): T[] {
  return Array.from(rows, (row) => values[row]!);
}

export function numberColumn({ cells, fields, integers }: ColumnInput, rows: Uint32Array, known?: Json): ColumnWriter {
  const values = Float64Array.from(cells, numberIn);
  if ((fields.missing ?? 'error') === 'error') {
    const empty = values.findIndex(Number.isNaN);
    if (empty >= 0) throw new CellError(empty, 'is empty; say what that means with `missing`');
  }
  const scale = scaleOf(known) ?? learnScale(pick(values, rows), fields);
  const { offset, factor, fill } = scale;
  if (integers) {
    const broken = values.findIndex((value) => !Number.isInteger(Number.isNaN(value) ? fill : value));
    if (broken >= 0) throw new CellError(broken, `${values[broken]!} does not fit an input of integers`);
  }
  return {
    width: 1,
    learned: { ...scale },
    write(row, put) {
      const value = values[row]!;
      put(0, ((Number.isNaN(value) ? fill : value) - offset) * factor);
    },
  };
}

function splitCell(cell: Cell, separator: Json | undefined): readonly Cell[] {
  if (Array.isArray(cell)) return cell as readonly Cell[];
  const text = isMissing(cell) ? '' : cellText(cell).trim();
  if (text === '') return [];
  return typeof separator === 'string' ? text.split(separator).map((part) => part.trim()) : text.split(/\s+/);
}

export function vectorColumn({ cells, fields }: ColumnInput, rows: Uint32Array, known?: Json): ColumnWriter {
  const width = splitCell(cells[rows[0] ?? 0] ?? null, fields.separator).length;
  const values = new Float64Array(cells.length * width);
  for (const [row, cell] of cells.entries()) {
    const parts = splitCell(cell, fields.separator);
    if (parts.length !== width) throw new CellError(row, `holds ${parts.length} numbers, the first row ${width}`);
    parts.forEach((part, i) => {
      const value = numberIn(part, row);
      if (Number.isNaN(value)) throw new CellError(row, 'a number of the vector is empty');
      values[row * width + i] = value;
    });
  }
  const stored = isFields(known) && Array.isArray(known.scales) ? (known.scales as readonly Json[]).map(scaleOf) : [];
  const scales = Array.from({ length: width }, (_, i): Scale => {
    return (
      stored[i] ??
      learnScale(
        Array.from(rows, (row) => values[row * width + i]!),
        fields,
      )
    );
  });
  return {
    width,
    learned: { scales: scales.map((scale) => ({ ...scale })) },
    write(row, put) {
      scales.forEach(({ offset, factor }, i) => put(i, (values[row * width + i]! - offset) * factor));
    },
  };
}

/** Rows that are read for sure: those that are learned of, or all. Another part of the file may hold other names. */
function checkedRows(rows: Uint32Array, cells: readonly Cell[]): Iterable<number> {
  return rows.length > 0 ? rows : cells.keys();
}

/** Names and their numbers; −1 for what is nothing. */
class Names {
  readonly names: readonly string[];
  readonly #numbers: ReadonlyMap<string, number>;

  constructor(
    private readonly fields: Fields,
    seen: Iterable<string>,
    known: Json | undefined,
  ) {
    const stored = isFields(known) ? known.names : undefined;
    this.names = isTexts(stored) ? stored : learnNames(fields, seen);
    this.#numbers = new Map(this.names.map((name, i) => [name, i]));
  }

  find(name: string | undefined): number | undefined {
    return name === undefined ? undefined : this.#numbers.get(name);
  }

  numberOf(name: string | undefined, row: number): number {
    const number = this.find(name);
    if (number !== undefined) return number;
    if (this.fields.unknown === 'class') return 0;
    if (this.fields.unknown === 'drop') return -1;
    throw new CellError(row, name === undefined ? 'is empty' : `${JSON.stringify(name)} is not among the classes`);
  }
}

export const UNKNOWN_CLASS = '<unknown>';

function learnNames(fields: Fields, seen: Iterable<string>): readonly string[] {
  const before = fields.unknown === 'class' ? [UNKNOWN_CLASS] : [];
  if (isTexts(fields.classes)) return [...before, ...fields.classes];
  const counts = new Map<string, number>();
  for (const name of seen) counts.set(name, (counts.get(name) ?? 0) + 1);
  const least = isNumber(fields.min_count) ? fields.min_count : 1;
  const kept = [...counts].filter(([name, count]) => count >= least && name !== UNKNOWN_CLASS).map(([name]) => name);
  return [...before, ...sortedClasses(kept)];
}

export function categoryColumn(
  { cells, fields, integers }: ColumnInput,
  rows: Uint32Array,
  known?: Json,
): ColumnWriter {
  const texts = cells.map((cell, row) => {
    if (!isMissing(cell)) return cellText(cell).trim();
    if (fields.missing === 'unknown') return undefined;
    throw new CellError(row, 'is empty; say what that means with `missing`');
  });
  const seen = pick(texts, rows).filter((text) => text !== undefined);
  const names = new Names(fields, seen, known);
  const numbers = Int32Array.from(texts, (text) => names.find(text) ?? -1);
  for (const row of checkedRows(rows, cells)) numbers[row] = names.numberOf(texts[row], row);
  return {
    width: integers ? 1 : names.names.length,
    learned: { names: names.names },
    write(row, put) {
      const number = numbers[row]!;
      if (integers) put(0, number);
      else names.names.forEach((_, i) => put(i, i === number ? 1 : 0));
    },
  };
}

export function setColumn({ cells, fields }: ColumnInput, rows: Uint32Array, known?: Json): ColumnWriter {
  const sets = cells.map((cell) => splitCell(cell, fields.separator).map(cellText));
  const names = new Names(fields, pick(sets, rows).flat(), known);
  const members = sets.map((set) => new Set(set.map((name) => names.find(name) ?? -1)));
  for (const row of checkedRows(rows, cells))
    members[row] = new Set(sets[row]!.map((name) => names.numberOf(name, row)));
  return {
    width: names.names.length,
    learned: { names: names.names },
    write(row, put) {
      names.names.forEach((_, i) => put(i, members[row]!.has(i) ? 1 : 0));
    },
  };
}
