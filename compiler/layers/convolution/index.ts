/** Convolutions of every kind. */
import type { LayerDef } from '../define';
import { conv1d, conv2d, conv3d } from './conv';
import { convTranspose1d, convTranspose2d, convTranspose3d } from './conv_transpose';
import { depthwiseConv1d, depthwiseConv2d } from './depthwise_conv';
import { separableConv1d, separableConv2d } from './separable_conv';

export const CONVOLUTIONS = {
  conv1d,
  conv2d,
  conv3d,
  depthwise_conv1d: depthwiseConv1d,
  depthwise_conv2d: depthwiseConv2d,
  separable_conv1d: separableConv1d,
  separable_conv2d: separableConv2d,
  conv_transpose1d: convTranspose1d,
  conv_transpose2d: convTranspose2d,
  conv_transpose3d: convTranspose3d,
} as const satisfies Readonly<Record<string, LayerDef>>;
