/** The tables of `dlc compile --explain`: one for each program, a row for each step. */
import type { ExplainedLayer, ExplainedProgram, ExplainedStep } from '../../compiler/plan/explain';
import { formatBytes } from '../../compiler/train/report/html';
import { formatTable, type Cell } from './table';

const MOST_WORDS = 6;

/** `add relu`, or `mul add … (12)`. */
function shortened(words: readonly string[]): string {
  return words.length <= MOST_WORDS
    ? words.join(' ')
    : `${words.slice(0, MOST_WORDS - 1).join(' ')} … (${words.length})`;
}

function row(layer: string, lowered: string, step: ExplainedStep): Cell[] {
  const scratch = step.scratch > 0 ? formatBytes(step.scratch) : '';
  const places = step.places.join(', ');
  return [layer, lowered, step.kernel, shortened(step.with), formatBytes(step.bytes), places, scratch, step.why ?? ''];
}

function rows({ layer, lowered, steps, note }: ExplainedLayer): Cell[][] {
  const ops = shortened(Object.entries(lowered).map(([op, count]) => (count === 1 ? op : `${count} ${op}`)));
  if (note !== undefined) return [[layer, ops, '–', '', '', '', '', note]];
  return steps.map((step, i) => row(i === 0 ? layer : '', i === 0 ? ops : '', step));
}

export function formatExplained(programs: readonly ExplainedProgram[]): string {
  const headings = ['layer', 'lowered to', 'kernel', 'with', 'gives', 'where', 'scratch', 'why'];
  return programs
    .map(({ program, layers }) => `program ${program}\n\n${formatTable(headings, layers.flatMap(rows))}`)
    .join('\n');
}
