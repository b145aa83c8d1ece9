/** Every optimizer, by its name in a model file. A new one is one file and one line here. */
import { adadelta } from './adadelta';
import { adafactor } from './adafactor';
import { adagrad } from './adagrad';
import { adam, adamw } from './adam';
import { adamax } from './adamax';
import { asgd } from './asgd';
import type { OptimizerDef } from './define';
import { ftrl } from './ftrl';
import { lion } from './lion';
import { muon } from './muon';
import { nadam } from './nadam';
import { radam } from './radam';
import { rmsprop } from './rmsprop';
import { rprop } from './rprop';
import { nesterov, sgd } from './sgd';
import { lamb, lars } from './trust';

export const OPTIMIZERS = {
  sgd,
  nesterov,
  adagrad,
  rmsprop,
  adadelta,
  adam,
  adamw,
  adamax,
  nadam,
  radam,
  lion,
  lamb,
  lars,
  adafactor,
  ftrl,
  muon,
  asgd,
  rprop,
} as const satisfies Readonly<Record<string, OptimizerDef>>;
