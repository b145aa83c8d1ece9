/** Matrix products. */
import type { LayerDef } from '../define';
import { dense } from './dense';

export const LINEARS = {
  dense,
} as const satisfies Readonly<Record<string, LayerDef>>;
