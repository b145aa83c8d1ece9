/** SARIF 2.1.0, for code-scanning services. */
import { CODES } from '../codes';
import type { Location } from '../location';
import { endOf, type Report } from './report';

export function renderSarif({ diagnostics }: Report, version = '0.0.0'): string {
  const rules = Object.entries(CODES).map(([id, info]) => ({
    id,
    shortDescription: { text: info.summary },
    defaultConfiguration: { level: info.severity },
  }));
  const index = new Map(rules.map((rule, i) => [rule.id, i]));
  const results = diagnostics.map(({ code, severity, message, hint, at, notes }) => ({
    ruleId: code,
    ...(index.has(code) ? { ruleIndex: index.get(code) } : {}),
    level: severity,
    message: { text: hint === undefined ? message : `${message} (${hint})` },
    locations: [{ physicalLocation: physical(at) }],
    relatedLocations: notes.flatMap((note, id) =>
      note.at === undefined ? [] : [{ id, message: { text: note.message }, physicalLocation: physical(note.at) }],
    ),
  }));
  const log = {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [{ tool: { driver: { name: 'dlc', version, rules } }, columnKind: 'utf16CodeUnits', results }],
  };
  return `${JSON.stringify(log, null, 2)}\n`;
}

function physical(at: Location): object {
  const end = endOf(at);
  return {
    artifactLocation: { uri: at.file.split('\\').join('/').split('/').map(encodeURIComponent).join('/') },
    region: { startLine: at.line, startColumn: at.column, endLine: end.line, endColumn: end.column },
  };
}
