/** Messages about the training section: patterns over weights, objectives, runs that go on. */
import type { Diagnostic } from '../diagnostic';
import type { Location } from '../location';
import { listed, make } from '../make';
import { nearest } from '../nearest';

/** `known` are the names that patterns are matched with, and the folders above them. */
export function noMatch(at: Location, pattern: string, known: readonly string[]): Diagnostic {
  const near = nearest(pattern.replace(/(\/\*\*)+$/, ''), known);
  return make('no-match', at, `no weight is called \`${pattern}\``, {
    hint: near === undefined ? `there are ${listed(known, 12)}` : `did you mean \`${near}\`?`,
  });
}

/** The patterns fit something, and nothing of the kinds asked for. */
export function noMatchOfKind(at: Location, kinds: readonly string[]): Diagnostic {
  return make('no-match', at, `there is no weight of the kind ${listed(kinds, 4, 'or')} among them`);
}

/** Weights that belong to no objective. */
export function untrained(at: Location, names: readonly string[]): Diagnostic {
  return make('untrained', at, `no objective changes ${listed(names, 6)}`, {
    hint: 'give them to an objective, or say `frozen: true`',
  });
}

/** A metric of evaluations, which there are none of. */
export function neverComputed(at: Location, metric: string): Diagnostic {
  return make('never-computed', at, `\`${metric}\` is computed in evaluation alone, and there is no \`data.eval\``, {
    hint: 'give evaluation data, or leave the metric out',
  });
}

/** `problem` is the whole sentence. */
export function noEffect(at: Location, problem: string, hint?: string): Diagnostic {
  return make('no-effect', at, problem, { hint });
}

/** `what` reads like "the warm-up ends"; `when` and `length` like "50 steps". */
export function neverReached(at: Location, what: string, when: string, length: string, of: string): Diagnostic {
  return make('never-reached', at, `${what} after ${when}, and ${of} ends after ${length}`);
}

/** A run that goes on under other settings than it began with. */
export function resumeChanged(at: Location, field: string, before: string, now: string): Diagnostic {
  return make('resume-changed', at, `the run began with \`${field}\` ${before} and goes on with ${now}`);
}
