/** Audio front ends. */
import type { LayerDef } from '../define';

export const AUDIOS = {} as const satisfies Readonly<Record<string, LayerDef>>;
