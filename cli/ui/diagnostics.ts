/** Shows diagnostics on stderr, coloured on a terminal. */
import type { Diagnostic } from '../../compiler/diagnostics/diagnostic';
import { renderCounts, renderPretty } from '../../compiler/diagnostics/render/pretty';

/** More than this on a screen helps nobody; `dlc validate --format json` has them all. */
const SHOWN = 50;

export function printDiagnostics(diagnostics: readonly Diagnostic[]): void {
  const color = process.stderr.isTTY && !process.env['NO_COLOR'];
  process.stderr.write(renderPretty(diagnostics, { color, limit: SHOWN }));
  const counts = renderCounts(diagnostics);
  if (counts !== '') process.stderr.write(`\n${counts}\n`);
}
