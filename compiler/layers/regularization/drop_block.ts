/** Dropout of square regions of feature maps. */
import { elementCount } from '../../ir/types';
import { defineLayer } from '../define';
import { flag, flagOf, numberOf, positive } from '../fields';
import { requireFloat } from '../window';
import { alwaysField, draws, keptElements, rateField } from './masks';

export const dropBlock = defineLayer({
  type: 'drop_block',
  summary:
    'Sets square regions of feature maps to 0 in training and scales the rest up; passes everything on elsewhere.',
  details:
    'Input [N, C, H, W]. Upper left corners of blocks are drawn with probability rate · H · W / (block² · (H − block + 1) · (W − block + 1)), so that about the share `rate` is dropped where blocks do not overlap; what is kept is multiplied by (number of elements) / (number of those kept), over the whole batch. Ghiasi et al. 2018; `drop_block2d` of torchvision. As there every channel has blocks of its own; with `shared_channels` all channels of a sample have the same.',
  example: '{name: drop, type: drop_block, rate: 0.1, block: 7}',
  fields: {
    rate: rateField('Share of the elements dropped, about.'),
    block: positive('The side of the regions.', { default: 7 }),
    shared_channels: flag('All channels of a sample have the same regions.', false),
    always: alwaysField,
  },
  arity: [1, 1],
  lower(context, inputs) {
    const { b, fields } = context;
    const input = inputs[0]!;
    requireFloat(context, input);
    const [n, c, h, w] = input.type.shape;
    if (input.type.shape.length !== 4 || n === undefined || c === undefined || h === undefined || w === undefined) {
      return context.mismatch('shape', 'it works on images of shape [N, C, H, W]');
    }
    const [rate, block] = [numberOf(fields, 'rate'), numberOf(fields, 'block')];
    if (block > Math.min(h, w)) context.fail(['block'], `a block of ${block}×${block} does not fit into ${h}×${w}`);
    if (!draws(context) || rate === 0) return input;
    const corners = [n, flagOf(fields, 'shared_channels') ? 1 : c, h - block + 1, w - block + 1];
    const chance = Math.min(1, (rate * h * w) / (block * block * (h - block + 1) * (w - block + 1)));
    const hit = b.op('not', [keptElements(context, corners, chance)]);
    const border = [0, 0, block - 1, block - 1];
    const marks = b.op('pad', [b.op('cast', [hit], { dtype: 'f32' })], {
      low: border,
      high: border,
      interior: [0, 0, 0, 0],
      value: 0,
    });
    const window = { kernel: [block, block], stride: [1, 1], padding_low: [0, 0], padding_high: [0, 0] };
    const kept = b.op('sub', [b.full(1), b.op('max_pool', [marks], window)]);
    const held = b.op('reduce_sum', [kept], { axes: [0, 1, 2, 3], keepdims: false });
    const scale = b.op('div', [b.full(elementCount(kept.type.shape)), b.op('maximum', [held, b.full(1)])]);
    return b.op('mul', [b.op('mul', [input, kept]), scale]);
  },
  samples: [
    { inputs: [{ shape: ['N', 2, 9, 8] }], fields: { rate: 0.1, block: 7 } },
    { inputs: [{ shape: ['N', 3, 5, 5] }], fields: { rate: 0.3, block: 2, shared_channels: true, always: true } },
    { name: 'nothing', inputs: [{ shape: ['N', 1, 7, 7] }], fields: { rate: 0 } },
  ],
});
