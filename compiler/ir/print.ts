/**
 * The IR as text: one statement a line, types at the binding, the user's names, the origin as a trailing comment.
 * `parse.ts` reads the same text back; `parse(print(g))` equals `g`.
 *
 *   graph      = "graph" name "(" [input {"," input}] ")" "{" {state} {node} {update} return "}"
 *   input      = "%"name ":" type
 *   state      = "state" "@"name ":" type role origin
 *   node       = "%"name {"," "%"name} "=" name "(" [value {"," value}] ")" ["{" key ":" attr {"," ...} "}"] ":" type {"," type} origin {region}
 *   region     = "region" name "(" [input {"," input}] ")" "{" {node} return "}"       with names of its own
 *   update     = "update" "@"name "=" value
 *   return     = "return" [result {"," result}]          result = value | name ":" value
 *   origin     = "//" layer place {"via" block place}     place = file ":" line ":" column ["+" length] ["-" endLine ":" endColumn]
 *   value      = "%"name | "@"name
 * A name is written bare where it is made of letters, digits and `_ . / - @`, as a JSON string elsewhere.
 */
import type { Location, Origin } from '../diagnostics/location';
import type { Attrs, AttrValue, Graph, Node, Result, State, Update, Value } from './graph';
import { formatType } from './types';

export const BARE_NAME = /^[\w./][\w./@-]*$/;

/** Tells a state from any other value, for the sigil. */
export type IsState = (value: Value) => boolean;

export function isStateOf(graph: Pick<Graph, 'states'>): IsState {
  const states = new Set(graph.states.map((state) => state.value));
  return (value) => states.has(value);
}

export function printGraph(graph: Graph): string {
  return `${printBlock('graph', graph)}\n`;
}

function printBlock(word: string, graph: Graph): string {
  const isState = isStateOf(graph);
  const inputs = graph.inputs.map((value) => `%${printName(value.name)}: ${formatType(value.type)}`);
  const lines = [
    `${word} ${printName(graph.name)}(${inputs.join(', ')}) {`,
    ...graph.states.map((state) => `  ${printState(state)}`),
    ...graph.nodes.map((node) => `  ${printNode(node, isState)}`),
    ...graph.updates.map((update) => `  ${printUpdate(update, isState)}`),
    `  ${`return ${graph.results.map((result) => printResult(result, isState)).join(', ')}`.trimEnd()}`,
    '}',
  ];
  return lines.join('\n');
}

export function printState(state: State): string {
  const { value, role, origin } = state;
  return `state @${printName(value.name)}: ${formatType(value.type)} ${role}   ${printOrigin(origin)}`;
}

export function printNode(node: Node, isState: IsState): string {
  const outputs = node.outputs.map((output) => `%${printName(output.name)}`).join(', ');
  const inputs = node.inputs.map((input) => printValue(input, isState)).join(', ');
  const attrs = printAttrs(node.attrs);
  const types = node.outputs.map((output) => formatType(output.type)).join(', ');
  const regions = (node.regions ?? []).map((region) => `\n${printBlock('region', region)}`.replaceAll('\n', '\n    '));
  const call = `${outputs} = ${printName(node.op)}(${inputs})${attrs && ` ${attrs}`} : ${types}`;
  return `${call}   ${printOrigin(node.origin)}${regions.join('')}`;
}

export function printUpdate(update: Update, isState: IsState): string {
  return `update @${printName(update.state.name)} = ${printValue(update.value, isState)}`;
}

export function printValue(value: Value, isState: IsState): string {
  return `${isState(value) ? '@' : '%'}${printName(value.name)}`;
}

export function printName(name: string): string {
  return BARE_NAME.test(name) ? name : JSON.stringify(name);
}

/** `{axis: 1, perm: [0,1]}`, or nothing where there are none. */
export function printAttrs(attrs: Attrs): string {
  const entries = Object.entries(attrs);
  if (entries.length === 0) return '';
  return `{${entries.map(([key, value]) => `${printName(key)}: ${printAttr(value)}`).join(', ')}}`;
}

/** One text for each value: -0, infinities and NaN too, which JSON cannot tell apart. */
export function printAttr(value: AttrValue): string {
  if (Array.isArray(value)) return `[${(value as readonly AttrValue[]).map(printAttr).join(',')}]`;
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value !== 'number') return String(value);
  if (Number.isFinite(value)) return Object.is(value, -0) ? '-0' : String(value);
  return Number.isNaN(value) ? 'nan' : value > 0 ? 'inf' : '-inf';
}

function printResult(result: Result, isState: IsState): string {
  const value = printValue(result.value, isState);
  return value === `%${printName(result.name)}` ? value : `${printName(result.name)}: ${value}`;
}

function printOrigin(origin: Origin): string {
  const via = origin.via.map((use) => ` via ${printName(use.block)} ${printPlace(use.at)}`).join('');
  return `// ${printName(origin.layer)} ${printPlace(origin.at)}${via}`;
}

function printPlace(at: Location): string {
  const length = at.length === 1 ? '' : `+${at.length}`;
  const ends = at.endLine !== undefined || at.endColumn !== undefined;
  const end = ends ? `-${at.endLine ?? '?'}:${at.endColumn ?? '?'}` : '';
  return `${printName(at.file)}:${at.line}:${at.column}${length}${end}`;
}
