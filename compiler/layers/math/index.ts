/** Arithmetic, reductions and searches. */
import type { LayerDef } from '../define';

export const MATHS = {} as const satisfies Readonly<Record<string, LayerDef>>;
