/** Attention and positions. */
import type { LayerDef } from '../define';

export const ATTENTIONS = {} as const satisfies Readonly<Record<string, LayerDef>>;
