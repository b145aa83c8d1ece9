/** The renderers by the names that `--format` takes. */
import { renderGithub } from './github';
import { renderJson } from './json';
import { renderJunit } from './junit';
import { renderCounts, renderPretty } from './pretty';
import type { Report } from './report';
import { renderSarif } from './sarif';

export const FORMATS = ['pretty', 'json', 'sarif', 'junit', 'github'] as const;
export type Format = (typeof FORMATS)[number];

export interface RenderOptions {
  readonly color?: boolean;
  /** dlc's version, for formats that name the tool. */
  readonly version?: string;
}

export function render(format: Format, report: Report, options: RenderOptions = {}): string {
  switch (format) {
    case 'pretty': {
      const text = renderPretty(report.diagnostics, { color: options.color ?? false, limit: 100 });
      return text === '' ? '' : `${text}\n${renderCounts(report.diagnostics)}\n`;
    }
    case 'json':
      return renderJson(report);
    case 'sarif':
      return renderSarif(report, options.version);
    case 'junit':
      return renderJunit(report);
    case 'github':
      return renderGithub(report);
  }
}
