/** Every op of the compiler, by name. A new op is one file and one line here. */
import type { OpDef } from './define';

export const OPS: Readonly<Record<string, OpDef>> = {};
