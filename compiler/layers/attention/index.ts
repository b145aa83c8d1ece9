/** Attention and positions. */
import type { LayerDef } from '../define';
import { additiveAttention, attention } from './attention';
import { alibiBias, relativePositionBias } from './bias';
import { sequenceMask } from './mask';
import { multiHeadAttention } from './multi_head_attention';
import { classToken, learnedPositions, rotaryPositions, sinusoidalPositions } from './positions';

export const ATTENTIONS = {
  multi_head_attention: multiHeadAttention,
  attention,
  additive_attention: additiveAttention,
  sinusoidal_positions: sinusoidalPositions,
  learned_positions: learnedPositions,
  rotary_positions: rotaryPositions,
  relative_position_bias: relativePositionBias,
  alibi_bias: alibiBias,
  class_token: classToken,
  sequence_mask: sequenceMask,
} as const satisfies Readonly<Record<string, LayerDef>>;
