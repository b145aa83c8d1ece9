/** The curve of a learning-rate range test as a picture that stands alone: SVG, with the suggested rates marked. */
import type { RangePoint, Suggestions } from '../lr-suggest';
import { escape, short } from './html';

const W = 720;
const H = 360;
const LEFT = 64;
const RIGHT = 16;
const TOP = 36;
const BOTTOM = 40;
const COLORS = { valley: '#d97706', steep: '#059669', minimum: '#db2777' } as const;

export function ratesChart(title: string, points: readonly RangePoint[], suggestions: Suggestions | undefined): string {
  const logs = points.map(({ lr }) => Math.log10(lr));
  const values = points.map(({ smoothed }) => smoothed);
  const [x0, x1, low, high] = [Math.min(...logs), Math.max(...logs), Math.min(...values), Math.max(...values)];
  const x = (log: number): string => (LEFT + ((log - x0) / (x1 - x0 || 1)) * (W - LEFT - RIGHT)).toFixed(1);
  const y = (value: number): string => (TOP + ((high - value) / (high - low || 1)) * (H - TOP - BOTTOM)).toFixed(1);
  const decades = Array.from({ length: Math.floor(x1) - Math.ceil(x0) + 1 }, (_, i) => Math.ceil(x0) + i);
  const columns = decades.map(
    (decade) =>
      `<line x1="${x(decade)}" x2="${x(decade)}" y1="${TOP}" y2="${H - BOTTOM}" stroke="#8884"/><text x="${x(decade)}" y="${H - BOTTOM + 18}" text-anchor="middle">1e${decade}</text>`,
  );
  const levels = [0, 1, 2, 3, 4].map((i) => low + ((high - low) * i) / 4);
  const rows = levels.map(
    (value) =>
      `<line x1="${LEFT}" x2="${W - RIGHT}" y1="${y(value)}" y2="${y(value)}" stroke="#8884"/><text x="${LEFT - 6}" y="${y(value)}" text-anchor="end" dy="4">${short(value)}</text>`,
  );
  const line = points.map(({ smoothed }, i) => `${x(logs[i]!)},${y(smoothed)}`).join(' ');
  const marks = Object.entries(suggestions ?? {}).map(([name, lr]: [string, number], i) => {
    const color = COLORS[name as keyof Suggestions];
    const at = x(Math.min(x1, Math.max(x0, Math.log10(lr))));
    const label = `<text x="${LEFT + i * 180}" y="${H - 6}" fill="${color}">● ${name} ${short(lr)}</text>`;
    return `<line x1="${at}" x2="${at}" y1="${TOP}" y2="${H - BOTTOM}" stroke="${color}" stroke-dasharray="4 3"/>${label}`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${W} ${H}" width="${W}" height="${H}" font-family="sans-serif" font-size="12" fill="#666" role="img" aria-label="${escape(title)}">
<rect width="${W}" height="${H}" fill="#fff"/><text x="${LEFT}" y="20" font-size="14">${escape(title)}</text>
${columns.join('')}
${rows.join('')}
<polyline fill="none" stroke="#2563eb" stroke-width="1.8" points="${line}"/>
${marks.join('\n')}
</svg>
`;
}

/** The same in a page. */
export function ratesPage(title: string, chart: string): string {
  return `<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>${escape(title)}</title>\n<body>${chart}</body></html>\n`;
}
