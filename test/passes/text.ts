/** Pass tests are text before, text after. Origins say nothing there, so they are added before parsing and left out after printing. */
import type { Graph } from '../../compiler/ir/graph';
import { parseGraph } from '../../compiler/ir/parse';
import { printGraph } from '../../compiler/ir/print';
import { verifyGraph, verifyInterface } from '../../compiler/ir/verify';
import { DEFAULT_FACTS, type Facts, type Pass } from '../../compiler/passes/define';

const ORIGIN = '   // layer model.yaml:1:1';

export function graphOf(text: string): Graph {
  const lines = text
    .trim()
    .split('\n')
    .map((line) => line.trim())
    .map((line) => (/^(%.* = |state )/.test(line) ? line + ORIGIN : line));
  const graph = parseGraph(lines.join('\n'));
  verifyGraph(graph, 'the test');
  return graph;
}

export function textOf(graph: Graph): string {
  return printGraph(graph)
    .split('\n')
    .map((line) => line.replace(/ {3}\/\/ .*/, '').trim())
    .join('\n')
    .trim();
}

/** What the pass makes of the text, verified. */
export function after(pass: Pass, text: string, facts: Partial<Facts> = {}): string {
  const before = graphOf(text);
  const graph = pass.run(before, { ...DEFAULT_FACTS, ...facts });
  verifyGraph(graph, pass.name);
  verifyInterface(before, graph, pass.name);
  return textOf(graph);
}

/** The text as `textOf` writes it, for comparing. */
export function tidy(text: string): string {
  return textOf(graphOf(text));
}
