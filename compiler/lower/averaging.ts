/**
 * What follows the optimizer's step: slow weights that the weights return to, and averages of the weights over the
 * steps. When either acts is said by scalar inputs, so that one program serves every step.
 */
import type { LookaheadSpec } from '../frontend/spec';
import type { Value } from '../ir/graph';
import type { Builder } from '../ir/builder';
import { Arithmetic } from '../ops/families/arithmetic';
import type { StateInfo } from './states';

/** f32[] inputs. `keep` and `fresh` are the shares of the old average and of the weights; the others are 0 or 1. */
export const AVERAGE_INPUTS = { keep: 'average.keep', fresh: 'average.fresh' } as const;
export const LOOKAHEAD_INPUTS = { begin: 'lookahead.begin', sync: 'lookahead.sync' } as const;

/** The last part of an average's name. */
export const AVERAGE = 'average';

export interface AfterStep {
  readonly b: Builder;
  readonly input: (name: string) => Value;
  /** A slot of the parameter's, updated. */
  readonly keep: (info: StateInfo, name: string, next: (slot: Value) => Value) => void;
}

/** The parameter's value after its step, where it was `before` the step. */
export function lookahead(
  { b, input, keep }: AfterStep,
  info: StateInfo,
  { alpha }: LookaheadSpec,
  before: Value,
  after: Value,
): Value {
  const m = new Arithmetic(b, info.value.type.dtype);
  const is = (name: string): Value => b.op('greater', [input(name), m.value(0)]);
  const sync = is(LOOKAHEAD_INPUTS.sync);
  let result = after;
  keep(info, 'slow', (slot) => {
    const slow = b.op('where', [is(LOOKAHEAD_INPUTS.begin), before, slot]);
    const next = m.add(slow, m.mul(m.sub(after, slow), alpha));
    result = b.op('where', [sync, next, after]);
    return b.op('where', [sync, next, slow]);
  });
  return result;
}

/** Lets the parameter's value after the step into its average. */
export function average({ b, input, keep }: AfterStep, info: StateInfo, after: Value): void {
  const m = new Arithmetic(b, info.value.type.dtype);
  keep(info, AVERAGE, (slot) =>
    m.add(m.mul(slot, input(AVERAGE_INPUTS.keep)), m.mul(after, input(AVERAGE_INPUTS.fresh))),
  );
}
