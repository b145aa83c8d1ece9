/** Control flow, state and formulas. */
import type { LayerDef } from '../define';

export const CONTROLS = {} as const satisfies Readonly<Record<string, LayerDef>>;
