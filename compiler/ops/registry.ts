/** Finds an op's definition by name. The list itself is `index.ts`. */
import { InternalError } from '../diagnostics/errors';
import type { OpDef } from './define';
import { OPS } from './index';

/** Undefined for a word that is no op: IR text may hold anything. */
export function findOp(name: string): OpDef | undefined {
  return Object.hasOwn(OPS, name) ? (OPS as Readonly<Record<string, OpDef>>)[name] : undefined;
}

export function opNamed(name: string): OpDef {
  const def = findOp(name);
  if (!def) throw new InternalError(`no op is called '${name}'`);
  return def;
}
