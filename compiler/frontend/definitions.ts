/** Every word that can stand after `type:`, by the section it belongs to. The frontend knows no word but these. */
import { CONSTRAINTS } from '../constraints/index';
import { SOURCES } from '../data/index';
import { INITIALIZERS } from '../initializers/index';
import { ACTIVATIONS } from '../layers/activations/index';
import type { LayerDef } from '../layers/define';
import { LAYERS } from '../layers/index';
import type { LossDef } from '../losses/define';
import { LOSSES } from '../losses/index';
import type { MetricDef } from '../metrics/define';
import { METRICS } from '../metrics/index';
import { OPTIMIZERS } from '../optimizers/index';
import { SCHEDULES } from '../schedules/index';
import type { Described } from './describe';

export type Words<T extends Described = Described> = Readonly<Record<string, T>>;

export interface Definitions {
  readonly layers: Words<LayerDef>;
  /** The layers that the common field `activation` may name. */
  readonly activations: Words<LayerDef>;
  readonly losses: Words<LossDef>;
  readonly metrics: Words<MetricDef>;
  readonly optimizers: Words;
  readonly schedules: Words;
  readonly initializers: Words;
  readonly constraints: Words;
  readonly sources: Words;
}

export const DEFINITIONS: Definitions = {
  layers: LAYERS,
  activations: ACTIVATIONS,
  losses: LOSSES,
  metrics: METRICS,
  optimizers: OPTIMIZERS,
  schedules: SCHEDULES,
  initializers: INITIALIZERS,
  constraints: CONSTRAINTS,
  sources: SOURCES,
};

/** Own words only: `constructor` is no layer type. */
export function wordOf<T extends Described>(words: Words<T>, name: string): T | undefined {
  return Object.hasOwn(words, name) ? words[name] : undefined;
}
