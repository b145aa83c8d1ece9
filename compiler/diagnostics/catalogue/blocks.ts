/** Messages about blocks, their parameters, expressions, repeats and includes. */
import type { Diagnostic } from '../diagnostic';
import type { Location } from '../location';
import { listed, make, quoteValue, suggest } from '../make';

export function unknownParameter(at: Location, name: string, block: string, known: readonly string[]): Diagnostic {
  return make('unknown-parameter', at, `block \`${block}\` has no parameter \`${name}\``, {
    hint: suggest(name, known, 'its parameters'),
  });
}

export function missingParameter(at: Location, name: string, block: string, declared: Location): Diagnostic {
  return make('missing-parameter', at, `block \`${block}\` needs the parameter \`${name}\``, {
    notes: [{ message: `\`${name}\` is declared here without a default`, at: declared }],
  });
}

export function parameterType(
  at: Location,
  name: string,
  block: string,
  expected: string,
  found: unknown,
  declared?: Location,
): Diagnostic {
  return make(
    'parameter-type',
    at,
    `parameter \`${name}\` of block \`${block}\` must be ${expected}; found ${quoteValue(found)}`,
    { notes: declared === undefined ? [] : [{ message: 'declared here', at: declared }] },
  );
}

export function badExpression(at: Location, problem: string, hint?: string): Diagnostic {
  return make('expression', at, problem, { hint });
}

/** `$x` where no parameter x is in reach. */
export function unknownName(
  at: Location,
  name: string,
  known: readonly string[],
  block: string | undefined,
): Diagnostic {
  const where =
    block === undefined ? 'outside of blocks there are no parameters' : `block \`${block}\` has no such parameter`;
  return make('expression', at, `\`$${name}\` names nothing: ${where}`, {
    hint: suggest(name, known, 'its parameters'),
  });
}

export function recursiveBlock(
  at: Location,
  chain: readonly { readonly block: string; readonly at: Location }[],
): Diagnostic {
  const names = chain.map((use) => `\`${use.block}\``).join(' → ');
  return make('recursive-block', at, `a block uses itself: ${names}`, {
    notes: chain.slice(1, -1).map((use) => ({ message: `\`${use.block}\` is used here`, at: use.at })),
  });
}

export function tooManyLayers(at: Location, limit: number): Diagnostic {
  return make('too-many-layers', at, `the model expands to more than ${limit.toLocaleString('en-US')} layers`);
}

export function badInclude(at: Location, path: string, problem: string, hint?: string): Diagnostic {
  return make('include', at, `cannot include \`${path}\`: ${problem}`, { hint });
}

export function unusedBlock(at: Location, block: string): Diagnostic {
  return make('unused-block', at, `nothing uses the block \`${block}\``);
}

export function unusedParameter(at: Location, name: string, block: string): Diagnostic {
  return make('unused-parameter', at, `no layer of block \`${block}\` reads its parameter \`${name}\``);
}

export function elseWithoutWhen(at: Location): Diagnostic {
  return make('conflicting-fields', at, `${listed(['else'])} means nothing without \`when\``);
}
