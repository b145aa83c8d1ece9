/** Random numbers and control of gradients. */
import type { LayerDef } from '../define';

export const RANDOMS = {} as const satisfies Readonly<Record<string, LayerDef>>;
