/** Figures of an evaluation on the terminal: one line of them, and a table for those of each class. */
import { isClassFigure, type FigureTable } from '../../compiler/train/figure-tables';
import type { Recomputed } from '../../compiler/passes/again';
import { short } from '../../compiler/train/report/html';
import { formatTable } from './table';

/** More rows than this are for `--json`. */
const MOST_ROWS = 60;
const MOST_COLUMNS = 16;

/** What is computed again to keep to `train.memory`. */
export function recomputedText({ steps, flops, share }: Recomputed): string {
  const more = `${(100 * share).toFixed(1)} % more operations (${formatFlops(flops)})`;
  return `recomputed ${steps} ${steps === 1 ? 'step' : 'steps'} for train.memory: ${more}`;
}

const formatFlops = (flops: number): string =>
  flops >= 1e9 ? `${(flops / 1e9).toFixed(2)} GFLOP` : `${(flops / 1e6).toFixed(2)} MFLOP`;

/** Numbers of a line, without those that tables show. */
export function figuresText(figures: Readonly<Record<string, unknown>>, tables: readonly FigureTable[] = []): string {
  return Object.entries(figures)
    .filter(
      (entry): entry is [string, number] =>
        typeof entry[1] === 'number' && !['step', 'epoch'].includes(entry[0]) && !isClassFigure(entry[0], tables),
    )
    .map(([name, value]) => `${name} ${short(value)}`)
    .join('  ');
}

export function tablesText(tables: readonly FigureTable[]): string {
  return tables.map((table) => `\n${table.metric}\n${tableText(table)}`).join('');
}

function tableText({ corner, columns, rows }: FigureTable): string {
  if (rows.length > MOST_ROWS || columns.length > MOST_COLUMNS) {
    return `${rows.length} rows of ${columns.length} columns: --json has them\n`;
  }
  const lines = rows.map(({ label, cells }) => [
    label,
    ...cells.map((cell) => (cell === null ? '–' : Number.isInteger(cell) ? cell : short(cell))),
  ]);
  return formatTable([corner, ...columns], lines);
}
