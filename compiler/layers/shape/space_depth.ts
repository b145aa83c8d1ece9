/** Moves blocks of pixels into channels and back, and shuffles groups of channels. */
import { defineLayer, type LowerContext } from '../define';
import { numberOf, positive, wordOf } from '../fields';
import type { Value } from '../../ir/graph';
import { reshapeTo, transposeTo } from './pieces';

const blockField = positive('The side of the blocks.', { minimum: 2, default: 2 });

const orderField = (description: string) => ({
  description,
  enum: ['depth_column_row', 'column_row_depth'],
  default: 'depth_column_row',
});

function imageOf(context: LowerContext, input: Value): readonly [number, number, number, number] {
  const { shape } = input.type;
  const [n, c, h, w] = shape;
  if (shape.length !== 4 || n === undefined || c === undefined || h === undefined || w === undefined) {
    context.mismatch('shape', 'it works on images of shape [N, C, H, W]');
  }
  return [n, c, h, w];
}

const ORDERS =
  '`depth_column_row` puts the position in the block before the channel (DCR of ONNX, `depth_to_space` of TensorFlow), `column_row_depth` behind it (CRD of ONNX, PixelShuffle and PixelUnshuffle of PyTorch).';

export const spaceToDepth = defineLayer({
  type: 'space_to_depth',
  summary: 'Turns blocks of pixels into channels.',
  details: `[N, C, H, W] becomes [N, C·block², H/block, W/block]. Nothing is lost: \`depth_to_space\` with the same fields undoes it. ${ORDERS}`,
  example: '{name: folded, type: space_to_depth, block: 2}',
  fields: { block: blockField, order: orderField('How channels and positions in the block share the channel axis.') },
  arity: [1, 1],
  lower(context, inputs) {
    const input = inputs[0]!;
    const [n, c, h, w] = imageOf(context, input);
    const block = numberOf(context.fields, 'block');
    if (h % block !== 0 || w % block !== 0) {
      context.mismatch('shape', `${h}×${w} pixels cannot be cut into blocks of ${block}×${block}`);
    }
    const { b } = context;
    const [rows, columns] = [h / block, w / block];
    const cut = reshapeTo(b, input, [n, c, rows, block, columns, block]);
    const perm = wordOf(context.fields, 'order') === 'depth_column_row' ? [0, 3, 5, 1, 2, 4] : [0, 1, 3, 5, 2, 4];
    return reshapeTo(b, transposeTo(b, cut, perm), [n, c * block * block, rows, columns]);
  },
  samples: [
    { inputs: [{ shape: ['N', 3, 4, 6] }], fields: { block: 2 } },
    { inputs: [{ shape: ['N', 2, 3, 6] }], fields: { block: 3, order: 'column_row_depth' } },
  ],
});

export const depthToSpace = defineLayer({
  type: 'depth_to_space',
  summary: 'Turns channels into blocks of pixels.',
  details: `[N, C, H, W] becomes [N, C/block², H·block, W·block]: sub-pixel convolution (Shi et al. 2016) is a \`conv2d\` with this after it. ${ORDERS}`,
  example: '{name: larger, type: depth_to_space, block: 2, order: column_row_depth}',
  fields: { block: blockField, order: orderField('How channels and positions in the block share the channel axis.') },
  arity: [1, 1],
  lower(context, inputs) {
    const input = inputs[0]!;
    const [n, c, h, w] = imageOf(context, input);
    const block = numberOf(context.fields, 'block');
    const depth = c / (block * block);
    if (!Number.isInteger(depth)) {
      context.mismatch('shape', `${c} channels do not divide into blocks of ${block}×${block}`);
    }
    const { b } = context;
    const positionFirst = wordOf(context.fields, 'order') === 'depth_column_row';
    const cut = reshapeTo(b, input, positionFirst ? [n, block, block, depth, h, w] : [n, depth, block, block, h, w]);
    const perm = positionFirst ? [0, 3, 4, 1, 5, 2] : [0, 1, 4, 2, 5, 3];
    return reshapeTo(b, transposeTo(b, cut, perm), [n, depth, h * block, w * block]);
  },
  samples: [
    { inputs: [{ shape: ['N', 8, 3, 5] }], fields: { block: 2, order: 'column_row_depth' } },
    { inputs: [{ shape: ['N', 9, 2, 3] }], fields: { block: 3 } },
  ],
});

export const channelShuffle = defineLayer({
  type: 'channel_shuffle',
  summary: 'Interleaves the channels of several groups.',
  details:
    'Channel g·k + i of `groups` = G groups of k channels becomes channel i·G + g, so that a grouped convolution after it sees every group (ShuffleNet, Zhang et al. 2018). Input [N, C, …]; ChannelShuffle of PyTorch.',
  example: '{name: mixed, type: channel_shuffle, groups: 2}',
  fields: { groups: positive('The number of groups that the channels come in.', { minimum: 2 }) },
  required: ['groups'],
  arity: [1, 1],
  lower(context, inputs) {
    const { b } = context;
    const input = inputs[0]!;
    const { shape } = input.type;
    const groups = numberOf(context.fields, 'groups');
    const [n, c, ...rest] = shape;
    if (n === undefined || c === undefined) return context.mismatch('shape', 'it needs channels on axis 1');
    if (c % groups !== 0) context.fail(['groups'], `${c} channels cannot be cut into ${groups} groups`);
    const cut = reshapeTo(b, input, [n, groups, c / groups, ...rest]);
    return reshapeTo(b, transposeTo(b, cut, [0, 2, 1, ...rest.map((_, i) => i + 3)]), shape);
  },
  samples: [
    { inputs: [{ shape: ['N', 6, 3, 2] }], fields: { groups: 2 } },
    { name: 'vectors', inputs: [{ shape: ['N', 9] }], fields: { groups: 3 } },
  ],
});
