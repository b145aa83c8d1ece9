/** Layers that join several inputs. */
import type { LayerDef } from '../define';
import { add } from './add';
import { mul } from './mul';
import { sub } from './sub';
import { concat } from './concat';

export const MERGES = {
  add,
  mul,
  sub,
  concat,
} as const satisfies Readonly<Record<string, LayerDef>>;
