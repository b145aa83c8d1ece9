/** Tables of the last evaluation in the report: numbers of each class, and confusion matrices shaded by their rows. */
import type { FigureTable } from '../figure-tables';
import { escape, short } from './html';

/** More rows or columns than this are for `dlc eval --json`. */
const MOST_SHOWN = 100;

export function figureTables(tables: readonly FigureTable[]): string {
  return tables.map((table) => `<h3>${escape(table.metric)}</h3>${tableOf(table)}`).join('\n');
}

function tableOf({ corner, columns, rows }: FigureTable): string {
  if (rows.length > MOST_SHOWN || columns.length > MOST_SHOWN) {
    return `<p>${rows.length} rows of ${columns.length} columns: see <code>dlc eval --json</code>.</p>`;
  }
  const isMatrix = corner !== 'class';
  const head = [corner, ...columns].map((name, i) => `<th${i > 0 ? ' class="n"' : ''}>${escape(name)}</th>`).join('');
  const body = rows.map(({ label, cells }) => {
    const total = cells.reduce<number>((sum, cell) => sum + (cell ?? 0), 0);
    const shown = cells.map((cell) => {
      const share = isMatrix && total > 0 ? (cell ?? 0) / total : 0;
      const shade = share > 0 ? ` style="background:rgba(37,99,235,${(0.6 * share).toFixed(3)})"` : '';
      return `<td class="n"${shade}>${cell === null ? '–' : escape(short(cell))}</td>`;
    });
    return `<tr><th>${escape(label)}</th>${shown.join('')}</tr>`;
  });
  return `<table><thead><tr>${head}</tr></thead><tbody>${body.join('\n')}</tbody></table>`;
}
