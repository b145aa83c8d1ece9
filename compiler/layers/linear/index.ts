/** Matrix products. */
import type { LayerDef } from '../define';
import { bilinear } from './bilinear';
import { dense } from './dense';
import { einsum } from './einsum';
import { einsumDense } from './einsum_dense';
import { matmul } from './matmul';

export const LINEARS = {
  dense,
  einsum_dense: einsumDense,
  bilinear,
  matmul,
  einsum,
} as const satisfies Readonly<Record<string, LayerDef>>;
