/** Control flow, state and formulas. */
import type { LayerDef } from '../define';
import { expression } from './expression';

export const CONTROLS = { expression } as const satisfies Readonly<Record<string, LayerDef>>;
