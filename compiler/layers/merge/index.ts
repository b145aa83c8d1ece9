/** Layers that join several inputs. */
import type { LayerDef } from '../define';
import { add } from './add';
import { average } from './average';
import { concat } from './concat';
import { cosineSimilarity } from './cosine_similarity';
import { div } from './div';
import { dot } from './dot';
import { maximum, minimum } from './extremes';
import { mul } from './mul';
import { sub } from './sub';

export const MERGES = {
  add,
  mul,
  sub,
  div,
  average,
  maximum,
  minimum,
  concat,
  dot,
  cosine_similarity: cosineSimilarity,
} as const satisfies Readonly<Record<string, LayerDef>>;
