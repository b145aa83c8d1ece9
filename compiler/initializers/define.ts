/** An initializer lowers to ops of the `init` program, so that weights are drawn natively from Philox streams. */
import type { Described } from '../frontend/describe';
import type { Fields } from '../frontend/spec';
import type { Builder } from '../ir/builder';
import type { Value } from '../ir/graph';
import type { Shape } from '../ir/types';

export interface InitContext {
  readonly b: Builder;
  readonly fields: Fields;
  readonly shape: Shape;
  readonly fanIn: number;
  readonly fanOut: number;
  /** i64[2]: (seed, step = 0). */
  readonly rng: Value;
  /** Philox stream of this parameter. */
  readonly stream: number;
  /** Another stream of the parameter, for what is drawn beside. */
  readonly further: (purpose: string) => number;
  /** Reports that the parameter is none for this initializer, and gives it up. The sentence goes on after the initializer's name. */
  readonly fail: (problem: string) => never;
}

export interface InitializerDef extends Described {
  lower(context: InitContext): Value;
}

export function defineInitializer(def: InitializerDef): InitializerDef {
  return def;
}
