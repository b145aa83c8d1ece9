/** Tables of what metrics say of each class, as the terminal, `--json` and report.html show them. */
import type { MetricResult } from '../metrics/define';

export interface FigureTable {
  /** The metric. */
  readonly metric: string;
  /** What rows and columns are. */
  readonly corner: string;
  readonly columns: readonly string[];
  /** A cell without a figure is null. */
  readonly rows: readonly { readonly label: string; readonly cells: readonly (number | null)[] }[];
}

export interface Tables {
  /** Of each class that has one, `<metric>/<class>`. */
  readonly figures: readonly (readonly [string, number])[];
  readonly tables: readonly FigureTable[];
}

/** Names of data that have another number of classes than the model do not fit. */
function labelsFor(count: number, names: readonly string[] | undefined): readonly string[] {
  return names?.length === count ? names : Array.from({ length: count }, (_, i) => String(i));
}

const cellOf = (value: number | undefined): number | null =>
  value === undefined || !Number.isFinite(value) ? null : value;

export function tablesOf(metric: string, result: MetricResult, names: readonly string[] | undefined): Tables {
  const { classes, confusion } = result;
  const tables: FigureTable[] = [];
  const figures: (readonly [string, number])[] = [];
  const columns = Object.keys(classes ?? {});
  if (classes && columns.length > 0) {
    const [first = ''] = columns;
    const labels = labelsFor(classes[first]?.length ?? 0, names);
    const rows = labels.map((label, i) => ({ label, cells: columns.map((column) => cellOf(classes[column]?.[i])) }));
    for (const { label, cells } of rows)
      if (typeof cells[0] === 'number') figures.push([`${metric}/${label}`, cells[0]]);
    tables.push({ metric, corner: 'class', columns, rows });
  }
  if (confusion) {
    const labels = labelsFor(confusion.length, names);
    const rows = labels.map((label, i) => ({ label, cells: labels.map((_, j) => cellOf(confusion[i]?.[j])) }));
    tables.push({ metric, corner: 'true \\ decided', columns: labels, rows });
  }
  return { figures, tables };
}

/** As JSON: by metric, then by row, then by column. */
export function tablesJson(
  tables: readonly FigureTable[],
): Record<string, Record<string, Record<string, number | null>>> {
  return Object.fromEntries(
    tables.map(({ metric, columns, rows }) => [
      metric,
      Object.fromEntries(
        rows.map(({ label, cells }) => [
          label,
          Object.fromEntries(columns.map((column, i) => [column, cells[i] ?? null])),
        ]),
      ),
    ]),
  );
}

/** Whether a figure is that of a class, which tables show and lines leave out. */
export function isClassFigure(name: string, tables: readonly FigureTable[]): boolean {
  return tables.some(
    ({ metric, corner, rows }) => corner === 'class' && rows.some(({ label }) => name === `${metric}/${label}`),
  );
}
