/**
 * Checks `assert:` of a model: expressions over the shapes and costs of its layers, in the language of `compiler/expression`.
 * They have to hold at the model's batch size and at the next one, so that `[N, 10]` is no coincidence.
 */
import * as say from '../diagnostics/catalogue';
import type { Diagnostic } from '../diagnostics/diagnostic';
import { nearest } from '../diagnostics/nearest';
import { evaluateTree, type Scope } from '../expression/evaluate';
import { parseExpression } from '../expression/parse';
import { ExpressionError, partsOf, type BinaryOperator, type Expr, type Part } from '../expression/syntax';
import type { AssertSpec, Json, Spec } from '../frontend/spec';
import { checkModel } from './lower';
import { summarize, type ModelSummary } from './summary';

/** Facts by name; computed when one is asked for. */
type Facts = ReadonlyMap<string, () => Json>;

/** `peakMemory` plans the model and is called only where an assertion is about it. */
export function checkAsserts(spec: Spec, batch: number, peakMemory: () => number): readonly Diagnostic[] {
  const { asserts = [] } = spec;
  if (asserts.length === 0) return [];
  const isSymbolic = spec.inputs.some(({ shape }) => typeof shape[0] === 'string');
  const next = isSymbolic && !checkModel(spec, batch + 1).some(({ severity }) => severity === 'error');
  const batches = next ? [batch, batch + 1] : [batch];
  const known = batches.map((size) => ({
    when: isSymbolic ? ` at batch ${size}` : '',
    facts: factsOf(spec, summarize(spec, size), size, peakMemory),
  }));
  return asserts.flatMap((assertion) => {
    for (const { facts, when } of known) {
      const found = check(assertion, facts, when);
      if (found) return [found];
    }
    return [];
  });
}

function factsOf(spec: Spec, summary: ModelSummary, batch: number, peakMemory: () => number): Facts {
  const facts = new Map<string, () => Json>([
    ['params', () => summary.params],
    ['flops', () => summary.flops],
    ['layers', () => summary.layers.length],
    ['peak_memory', peakMemory],
  ]);
  for (const { name, outputs, params, flops } of summary.layers) {
    const shapes = outputs.map((shape) => [...shape]);
    facts.set(`${name}.shape`, () => shapes[0] ?? []);
    facts.set(`${name}.shapes`, () => shapes);
    facts.set(`${name}.params`, () => params);
    facts.set(`${name}.flops`, () => flops);
  }
  for (const { name, shape } of spec.inputs) {
    const extents = shape.map((extent) => (typeof extent === 'string' ? batch : extent));
    facts.set(`${name}.shape`, () => extents);
    if (typeof shape[0] === 'string') facts.set(shape[0], () => batch);
  }
  return facts;
}

function check({ text, at }: AssertSpec, facts: Facts, when: string): Diagnostic | undefined {
  try {
    const expr = parseExpression(text);
    const scope = scopeOf(expr, facts);
    const failed = failing(expr, scope);
    if (!failed) return undefined;
    const { part, sides } = failed;
    return say.assertionFailed(
      at([], part),
      `\`${text.trim()}\` does not hold${when}`,
      sides.flatMap((side, i) => said(side, i, text, scope)),
    );
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    const place = at([], { offset: error.offset, length: error.length });
    if (error.unknown === undefined) return say.badExpression(place, `in \`${text.trim()}\`: ${error.message}`);
    return say.badExpression(place, `\`${error.unknown}\` is nothing of this model`, hintFor(error.unknown, facts));
  }
}

function hintFor(name: string, facts: Facts): string {
  const near = nearest(name, [...facts.keys()]);
  if (near !== undefined) return `did you mean \`${near}\`?`;
  return 'there are `params`, `flops`, `peak_memory`, `layers`, and of a layer `shape`, `shapes`, `params`, `flops`';
}

/** The values of the names that an expression reads. */
function scopeOf(expr: Expr, facts: Facts): Scope {
  const scope = new Map<string, Json>();
  const visit = (one: Expr): void => {
    if (one.kind === 'name') {
      const fact = facts.get(one.name);
      if (!fact) throw new ExpressionError('', one.at, one.name);
      if (!scope.has(one.name)) scope.set(one.name, fact());
    }
    partsOf(one).forEach(visit);
  };
  visit(expr);
  return scope;
}

const COMPARISONS: ReadonlySet<BinaryOperator> = new Set(['==', '!=', '<', '<=', '>', '>=']);

/** The part that is not true, and the sides of it where it compares two. */
function failing(expr: Expr, scope: Scope): { readonly part: Part; readonly sides: readonly Expr[] } | undefined {
  if (expr.kind === 'binary' && expr.operator === 'and') return failing(expr.left, scope) ?? failing(expr.right, scope);
  const value = evaluateTree(expr, scope);
  if (typeof value !== 'boolean') {
    throw new ExpressionError(`an assertion is true or false; this is ${JSON.stringify(value)}`, expr.at);
  }
  if (value) return undefined;
  const compares = expr.kind === 'binary' && COMPARISONS.has(expr.operator);
  return { part: expr.at, sides: compares ? [expr.left, expr.right] : [] };
}

/** "`logits.shape` is [64, 11]"; a number that is written says nothing by its value. */
function said(side: Expr, position: number, text: string, scope: Scope): string[] {
  if (side.kind === 'number' || side.kind === 'text' || side.kind === 'flag') return [];
  const value = evaluateTree(side, scope);
  const shown = typeof value === 'number' ? value.toLocaleString('en-US') : JSON.stringify(value).replaceAll(',', ', ');
  const { offset, length } = side.at;
  const name =
    side.kind === 'name' ? `\`${text.slice(offset, offset + length)}\`` : ['the left', 'the right'][position]!;
  return [`${name} is ${shown}`];
}
