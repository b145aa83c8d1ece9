/** Every metric, by its name in a model file. A new one is one file and one line here. */
import type { MetricDef } from '../losses/define';
import { accuracy } from './accuracy';
import { expression } from './expression';
import { topK } from './top_k';

export const METRICS = { accuracy, top_k: topK, expression } as const satisfies Readonly<Record<string, MetricDef>>;
