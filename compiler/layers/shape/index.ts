/** Layers that move, cut and repeat elements. */
import type { LayerDef } from '../define';
import { flatten } from './flatten';
import { reshape } from './reshape';
import { pad } from './pad';
import { identity } from './identity';

export const SHAPES = {
  flatten,
  reshape,
  pad,
  identity,
} as const satisfies Readonly<Record<string, LayerDef>>;
