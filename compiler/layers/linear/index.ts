/** Matrix products. */
import type { LayerDef } from '../define';
import { bilinear } from './bilinear';
import { dense } from './dense';
import { einsum } from './einsum';
import { einsumDense } from './einsum_dense';
import { locallyConnected1d, locallyConnected2d } from './locally_connected';
import { matmul } from './matmul';

export const LINEARS = {
  dense,
  einsum_dense: einsumDense,
  bilinear,
  matmul,
  locally_connected1d: locallyConnected1d,
  locally_connected2d: locallyConnected2d,
  einsum,
} as const satisfies Readonly<Record<string, LayerDef>>;
