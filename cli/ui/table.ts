/** Plain text tables: columns as wide as their widest cell, numbers to the right. */

export type Cell = string | number;

export function formatTable(headings: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const text = (cell: Cell): string => (typeof cell === 'number' ? cell.toLocaleString('en-US') : cell);
  const widths = headings.map((heading, i) =>
    Math.max(heading.length, ...rows.map((row) => text(row[i] ?? '').length)),
  );
  const right = headings.map((_, i) => rows.length > 0 && rows.every((row) => typeof row[i] === 'number'));
  const line = (cells: readonly Cell[]): string =>
    cells
      .map((cell, i) => (right[i] ? text(cell).padStart(widths[i]!) : text(cell).padEnd(widths[i]!)))
      .join('  ')
      .trimEnd();
  const rule = widths.map((width) => '─'.repeat(width)).join('  ');
  return [line(headings), rule, ...rows.map(line), ''].join('\n');
}
