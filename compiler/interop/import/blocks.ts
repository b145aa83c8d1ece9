/** Finds repeated structures in a draft and writes them as blocks. */
import type { Draft } from '../draft';
import type { Written } from './write';

export interface Folded {
  readonly written: Written;
  /** The name that a tensor of the draft has in what is written. */
  readonly rename: (name: string) => string;
}

export function foldBlocks(draft: Draft): Folded {
  return { written: { draft, layers: draft.layers, blocks: [] }, rename: (name) => name };
}
