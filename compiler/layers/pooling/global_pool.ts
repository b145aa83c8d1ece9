/** Poolings over whole sequences, images and volumes. */
import type { Sample } from '../../frontend/describe';
import type { LayerDef } from '../define';
import { defineLayer } from '../define';
import { flag, flagOf } from '../fields';
import type { Rank } from '../window';
import { requireSpatial, SPATIAL } from '../window';
import { sampleOn } from './pooling';

/** What the two of one rank have in common. */
function common(rank: Rank, separated: boolean) {
  const { layout, axes } = SPATIAL[rank];
  const ones = Array<number>(rank).fill(1).join(', ');
  const samples: readonly Sample[] = [sampleOn(rank, {}, separated), sampleOn(rank, { keepdims: true }, separated)];
  return {
    details: `Input ${layout}, output [N, C], or [N, C, ${ones}] with \`keepdims\` (as PyTorch's adaptive pooling to 1 and Caffe's \`global_pooling\` give it; Keras leaves the axes out too).`,
    fields: { keepdims: flag(`Keeps ${axes.replace(/[[\]]/g, '')} with an extent of 1.`, false) },
    arity: [1, 1] as const,
    samples,
  };
}

function defineGlobalAvg(rank: Rank): LayerDef {
  const type = `global_avg_pool${rank}d`;
  return defineLayer({
    ...common(rank, false),
    type,
    summary: `The mean of each channel over the whole ${SPATIAL[rank].noun}.`,
    example: `{name: pool, type: ${type}}`,
    lower(context, inputs) {
      const { b } = context;
      const { size } = requireSpatial(context, inputs[0]!, rank);
      const axes = size.map((_, axis) => axis + 2);
      const sum = b.op('reduce_sum', inputs, { axes, keepdims: flagOf(context.fields, 'keepdims') });
      return b.op('mul', [sum, b.full(1 / size.reduce((product, extent) => product * extent, 1))]);
    },
  });
}

/** One window as large as the input, so that the gradient goes to one place. */
function defineGlobalMax(rank: Rank): LayerDef {
  const type = `global_max_pool${rank}d`;
  return defineLayer({
    ...common(rank, true),
    type,
    summary: `The maximum of each channel over the whole ${SPATIAL[rank].noun}.`,
    example: `{name: pool, type: ${type}}`,
    lower(context, inputs) {
      const { b } = context;
      const { batch, channels, size } = requireSpatial(context, inputs[0]!, rank);
      const none = size.map(() => 0);
      const attrs = { kernel: size, stride: size, padding_low: none, padding_high: none };
      const pooled = b.ops('max_pool', inputs, attrs)[0]!;
      return flagOf(context.fields, 'keepdims') ? pooled : b.op('reshape', [pooled], { shape: [batch, channels] });
    },
  });
}

export const globalAvgPool1d = defineGlobalAvg(1);
export const globalAvgPool2d = defineGlobalAvg(2);
export const globalAvgPool3d = defineGlobalAvg(3);
export const globalMaxPool1d = defineGlobalMax(1);
export const globalMaxPool2d = defineGlobalMax(2);
export const globalMaxPool3d = defineGlobalMax(3);
