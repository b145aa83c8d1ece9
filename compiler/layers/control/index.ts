/** Control flow, state and formulas. */
import type { LayerDef } from '../define';
import { buffer } from './buffer';
import { cond } from './cond';
import { expression } from './expression';
import { scan } from './scan';
import { timeDistributed } from './time_distributed';
import { whileLayer } from './while';

export const CONTROLS = {
  expression,
  scan,
  cond,
  while: whileLayer,
  time_distributed: timeDistributed,
  buffer,
} as const satisfies Readonly<Record<string, LayerDef>>;
