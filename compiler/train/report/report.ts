/** `report.html`: one self-contained page about a run, with no scripts and nothing loaded from elsewhere. */
import { GRAPH_STYLE } from '../../picture/html';
import type { Plan, PlanProgram } from '../../plan/plan';
import { plannedBytes } from '../../plan/plan';
import { isClassFigure, type FigureTable } from '../figure-tables';
import type { MetricsLine } from '../metrics-log';
import { curve, type Series } from './curve';
import { escape, formatBytes, short, table } from './html';
import { memoryMap } from './memory-map';
import { figureTables } from './tables';

export interface ReportLayer {
  readonly name: string;
  readonly type: string;
  readonly outputs: string;
  readonly params: number;
  readonly flops: number;
}

export interface ReportInput {
  readonly name: string;
  readonly description?: string;
  readonly command: string;
  readonly seconds: number;
  readonly metrics: readonly MetricsLine[];
  /** Of the last evaluation. */
  readonly tables: readonly FigureTable[];
  readonly layers: readonly ReportLayer[];
  /** Drawn: `picture/html.ts`. */
  readonly graph: string;
  readonly plan: Plan;
  readonly program: PlanProgram;
}

const STYLE = `body{font:15px/1.5 system-ui,sans-serif;max-width:72rem;margin:2rem auto;padding:0 1rem;color:#1f2937}
h1{margin-bottom:0}h2{margin-top:2.2rem;border-bottom:1px solid #e5e7eb}code{background:#f3f4f6;padding:.1em .3em;border-radius:3px}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(24rem,1fr));gap:1rem}figure{margin:0}figcaption{font-weight:600}
figure svg{width:100%;font-size:11px}figure svg text{fill:#6b7280}${GRAPH_STYLE}.grid line{stroke:#e5e7eb}table{border-collapse:collapse;width:100%}
th,td{text-align:left;padding:.15rem .6rem;border-bottom:1px solid #f3f4f6}.n{text-align:right;font-variant-numeric:tabular-nums}
@media(prefers-color-scheme:dark){body{background:#111827;color:#e5e7eb}code{background:#1f2937}h2,th,td{border-color:#374151}.grid line{stroke:#374151}}`;

const BOOKKEEPING = new Set(['step', 'epoch', 'split', 'seconds']);

function seriesOf(lines: readonly MetricsLine[], split: MetricsLine['split'], key: string): Series {
  const points = lines.flatMap((line) => {
    const value = line[key];
    return line.split === split && typeof value === 'number' ? [[line.step, value] as const] : [];
  });
  return { name: split, points };
}

export function renderReport(input: ReportInput): string {
  const { metrics, tables, plan, program } = input;
  const keys = [...new Set(metrics.flatMap((line) => Object.keys(line)))].filter(
    (key) => !BOOKKEEPING.has(key) && !isClassFigure(key, tables),
  );
  const charts = keys.map((key) =>
    curve(
      key,
      [seriesOf(metrics, 'train', key), seriesOf(metrics, 'eval', key)].filter((s) => s.points.length > 0),
    ),
  );
  const evals = metrics.filter((line) => line.split === 'eval');
  const evalKeys = keys.filter((key) => evals.some((line) => key in line));
  const params = input.layers.reduce((sum, layer) => sum + layer.params, 0);
  const sections = [
    `<h1>${escape(input.name)}</h1>`,
    input.description ? `<p>${escape(input.description)}</p>` : '',
    `<p><code>${escape(input.command)}</code> · ${short(input.seconds)} s · ${params.toLocaleString('en-US')} parameters · ${formatBytes(plannedBytes(plan, program))} planned</p>`,
    `<h2>Curves</h2><div class="charts">${charts.join('\n')}</div>`,
    evals.length > 0
      ? `<h2>Evaluations</h2>${table(
          ['step', 'epoch', ...evalKeys],
          evals.map((line) => [
            line.step,
            line.epoch,
            ...evalKeys.map((key) => (typeof line[key] === 'number' ? short(line[key]) : '–')),
          ]),
        )}`
      : '',
    tables.length > 0 ? `<h2>Classes</h2>${figureTables(tables)}` : '',
    `<h2>Graph</h2>${input.graph}`,
    `<h2>Layers</h2>${table(
      ['layer', 'type', 'output', 'parameters', 'FLOPs'],
      input.layers.map((l) => [l.name, l.type, l.outputs, l.params, l.flops]),
    )}`,
    `<h2>Memory</h2>${table(
      ['what', 'bytes'],
      [
        ['parameters, buffers and optimizer state', plan.stateBytes],
        ['constants', plan.constants.byteLength],
        ['arena', program.arenaBytes],
        ['peak', plannedBytes(plan, program)],
      ],
    )}${memoryMap(program)}`,
  ];
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escape(input.name)}</title><style>${STYLE}</style></head><body>\n${sections.join('\n')}\n</body></html>\n`;
}
