/** Other values for a field, made from its schema, and whether they make a difference. */
import { failures } from '../../compiler/frontend/conform';
import type { Json } from '../../compiler/frontend/spec';
import type { SchemaNode } from '../../compiler/frontend/words';

/** Legal values of a field, others than `now`. */
export function others(schema: SchemaNode, now: Json | undefined, given: readonly Json[] = []): readonly Json[] {
  const all = [...given, ...guesses(schema, now)].filter((value) => failures(schema, value).length === 0);
  const written = new Map(all.map((value) => [JSON.stringify(value), value]));
  written.delete(JSON.stringify(now) ?? '');
  return [...written.values()];
}

function guesses(schema: SchemaNode, now: Json | undefined): readonly Json[] {
  const {
    enum: words = [],
    examples = [],
    items,
    anyOf = [],
  } = schema as { enum?: Json[]; examples?: Json[] } & {
    items?: SchemaNode;
    anyOf?: SchemaNode[];
  };
  const numbers = typeof now === 'number' ? [now + 1, now - 1, now / 2, now * 2] : [];
  const lists = Array.isArray(now)
    ? [[...(now as readonly Json[])].reverse(), now.map((x: Json) => (typeof x === 'number' ? x + 1 : x)), now.slice(1)]
    : [];
  const inItems = items ? guesses(items, undefined).map((value) => [value]) : [];
  const near = [...numbers, ...lists, ...words, ...examples, ...anyOf.flatMap((one) => guesses(one, now)), ...inItems];
  return [...near, true, false, 2, 1, 3, 0.5, 0.25, 0, -1, 0.01, 5, [1, 1], [2, 1], [0, 1], [0.5, 2], 'relu', 'tanh'];
}

export type Outcome = 'heeded' | 'refused' | 'ignored' | 'no value';

/** `before` is what the field's present value comes to; `meaningOf` is undefined for a value that is refused. */
export function outcomeOf(
  before: string | undefined,
  values: readonly Json[],
  meaningOf: (value: Json) => string | undefined,
): Outcome {
  if (before === undefined) throw new Error('what is to be changed is refused as it is');
  let ignored = false;
  for (const value of values) {
    const after = meaningOf(value);
    if (after !== undefined && after !== before) return 'heeded';
    ignored ||= after === before;
  }
  return values.length === 0 ? 'no value' : ignored ? 'ignored' : 'refused';
}
