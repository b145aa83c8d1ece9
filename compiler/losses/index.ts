/** Every loss, by its name in a model file. A new one is one file and one line here. */
import { binaryCrossEntropy } from './binary_cross_entropy';
import { crossEntropy } from './cross_entropy';
import type { LossDef } from './define';
import { mae } from './mae';
import { mse } from './mse';

export const LOSSES = {
  cross_entropy: crossEntropy,
  binary_cross_entropy: binaryCrossEntropy,
  mse,
  mae,
} as const satisfies Readonly<Record<string, LossDef>>;
