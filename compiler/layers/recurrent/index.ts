/** Recurrent networks. */
import type { LayerDef } from '../define';

export const RECURRENTS = {} as const satisfies Readonly<Record<string, LayerDef>>;
