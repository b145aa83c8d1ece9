/** Layers that move, cut and repeat elements. */
import type { LayerDef } from '../define';
import { batchReindex } from './batch_reindex';
import { broadcastToLayer } from './broadcast_to';
import { centerCrop, crop1d, crop2d, crop3d, cropLike } from './crop';
import { expandDims } from './expand_dims';
import { flatten } from './flatten';
import { flip } from './flip';
import { identity } from './identity';
import { pad } from './pad';
import { permute } from './permute';
import { repeatElements } from './repeat_elements';
import { repeatVector } from './repeat_vector';
import { reshape } from './reshape';
import { resize, upsample1d, upsample2d, upsample3d } from './resize';
import { roll } from './roll';
import { select } from './select';
import { slice } from './slice';
import { channelShuffle, depthToSpace, spaceToDepth } from './space_depth';
import { split } from './split';
import { squeeze } from './squeeze';
import { stack, unstack } from './stack';
import { tile } from './tile';
import { unfold } from './unfold';

export const SHAPES = {
  flatten,
  reshape,
  permute,
  squeeze,
  expand_dims: expandDims,
  split,
  slice,
  select,
  stack,
  unstack,
  pad,
  resize,
  upsample1d,
  upsample2d,
  upsample3d,
  crop1d,
  crop2d,
  crop3d,
  crop_like: cropLike,
  center_crop: centerCrop,
  tile,
  repeat_elements: repeatElements,
  repeat_vector: repeatVector,
  broadcast_to: broadcastToLayer,
  flip,
  roll,
  space_to_depth: spaceToDepth,
  depth_to_space: depthToSpace,
  channel_shuffle: channelShuffle,
  unfold,
  batch_reindex: batchReindex,
  identity,
} as const satisfies Readonly<Record<string, LayerDef>>;
