/** Every optimizer, by its name in a model file. A new one is one file and one line here. */
import { adam, adamw } from './adam';
import type { OptimizerDef } from './define';
import { nesterov, sgd } from './sgd';

export const OPTIMIZERS = { sgd, nesterov, adam, adamw } as const satisfies Readonly<Record<string, OptimizerDef>>;
