/** A line chart as SVG: step on the x axis, one or more named series. */
import { escape, short } from './html';

export interface Series {
  readonly name: string;
  readonly points: readonly (readonly [step: number, value: number])[];
}

const W = 640;
const H = 240;
const LEFT = 56;
const BOTTOM = 28;
const TOP = 12;
const COLORS = ['#2563eb', '#d97706', '#059669', '#db2777'];
const MAX_POINTS = 600;

/** Means of neighbours, so that a long run stays a small file and its trend can be seen. */
function thin(points: Series['points']): Series['points'] {
  const group = Math.ceil(points.length / MAX_POINTS);
  if (group <= 1) return points;
  const kept: (readonly [number, number])[] = [];
  for (let i = 0; i < points.length; i += group) {
    const part = points.slice(i, i + group);
    kept.push([part.at(-1)![0], part.reduce((sum, p) => sum + p[1], 0) / part.length]);
  }
  return kept;
}

export function curve(title: string, series: readonly Series[]): string {
  const drawn = series.map((s) => ({ name: s.name, points: thin(s.points.filter((p) => Number.isFinite(p[1]))) }));
  const all = drawn.flatMap((s) => s.points);
  if (all.length === 0) return '';
  const steps = all.map((p) => p[0]);
  const values = all.map((p) => p[1]);
  const x0 = Math.min(...steps);
  const x1 = Math.max(...steps, x0 + 1);
  const low = Math.min(...values);
  const high = Math.max(...values);
  const margin = (high - low) * 0.05 || Math.abs(high) * 0.05 || 1;
  const y0 = low - margin;
  const y1 = high + margin;
  const x = (step: number): string => (LEFT + ((step - x0) / (x1 - x0)) * (W - LEFT - 8)).toFixed(1);
  const y = (value: number): string => (H - BOTTOM - ((value - y0) / (y1 - y0)) * (H - BOTTOM - TOP)).toFixed(1);
  const ticks = [0, 1, 2, 3, 4].map((i) => y0 + ((y1 - y0) * i) / 4);
  const grid = ticks.map(
    (v) =>
      `<line x1="${LEFT}" x2="${W - 8}" y1="${y(v)}" y2="${y(v)}"/><text x="${LEFT - 6}" y="${y(v)}" text-anchor="end" dy="4">${short(v)}</text>`,
  );
  const lines = drawn.map((s, i) => {
    const color = COLORS[i % COLORS.length]!;
    const dots =
      s.points.length < 40
        ? s.points.map((p) => `<circle cx="${x(p[0])}" cy="${y(p[1])}" r="2.5" fill="${color}"/>`)
        : [];
    return `<polyline fill="none" stroke="${color}" stroke-width="1.6" points="${s.points.map((p) => `${x(p[0])},${y(p[1])}`).join(' ')}"/>${dots.join('')}`;
  });
  const legend = drawn.map((s, i) => `<tspan fill="${COLORS[i % COLORS.length]!}" dx="12">● ${escape(s.name)}</tspan>`);
  return `<figure><figcaption>${escape(title)}</figcaption><svg viewBox="0 0 ${W} ${H}" role="img" aria-label="${escape(title)}">
<g class="grid">${grid.join('')}<text x="${LEFT}" y="${H - 8}">${x0}</text><text x="${W - 8}" y="${H - 8}" text-anchor="end">step ${x1}</text></g>
${lines.join('\n')}<text x="${W / 2}" y="${H - 8}" text-anchor="middle">${legend.join('')}</text></svg></figure>`;
}
