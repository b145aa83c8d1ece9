/** Finds an op's definition by name. The list itself is `index.ts`. */
import { InternalError } from '../diagnostics/errors';
import type { OpDef } from './define';
import { OPS } from './index';

export function opNamed(name: string): OpDef {
  const def = (OPS as Readonly<Record<string, OpDef>>)[name];
  if (!def) throw new InternalError(`no op is called '${name}'`);
  return def;
}
