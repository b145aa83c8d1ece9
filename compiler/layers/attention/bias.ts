/** Biases on attention scores that depend on the distance of query and key: float32 masks for attention layers. */
import { defineLayer } from '../define';
import { isNumbers, numberOf, pair, positive } from '../fields';
import { takeAlong } from '../shape/pieces';
import { tableOf } from '../table';

export const relativePositionBias = defineLayer({
  type: 'relative_position_bias',
  summary: 'A learned number for each head and each offset between two places of a window.',
  details:
    'Output [1, heads, T, T] with T = height · width, to be given to an attention layer as a float32 mask. Weight: `table` [heads, (2 · height − 1)(2 · width − 1)], truncated normal with 0.02: the bias of query (y, x) and key (v, u) is that of offset (y − v + height − 1, x − u + width − 1) in reading order, as in Swin (Liu et al. 2021), whose table is the transposed one. A window of `[1, T]` serves sequences. Without inputs.',
  example: '{name: places, type: relative_position_bias, heads: 3, window: 7}',
  fields: { heads: positive('Number of heads.'), window: pair('Extents of the window.') },
  required: ['heads', 'window'],
  arity: [0, 0],
  parameters: ['table'],
  lower(context) {
    const { b, fields } = context;
    const { window } = fields;
    const [height = 1, width = 1] = isNumbers(window) ? window : [Number(window), Number(window)];
    const heads = numberOf(fields, 'heads');
    const [rows, columns, places] = [2 * height - 1, 2 * width - 1, height * width];
    const init = { type: 'truncated_normal', std: 0.02 };
    const table = context.parameter('table', [heads, rows * columns], { init });
    const offsets = tableOf(places * places, (k) => {
      const [query, key] = [Math.floor(k / places), k % places];
      const down = Math.floor(query / width) - Math.floor(key / width) + height - 1;
      return down * columns + (query % width) - (key % width) + width - 1;
    });
    return b.op('reshape', [takeAlong(b, table, 1, offsets)], { shape: [1, heads, places, places] });
  },
  samples: [
    { inputs: [], fields: { heads: 3, window: 3 } },
    { name: 'a sequence', inputs: [], fields: { heads: 2, window: [1, 5] } },
  ],
});

/** Slopes of the paper: powers of 2^(−8/heads); for other numbers those of the next smaller power of two, then every second one of twice it. */
function slopesOf(heads: number): readonly number[] {
  const powers = (count: number): number[] => tableOf(count, (i) => 2 ** ((-8 * (i + 1)) / count));
  const whole = 2 ** Math.floor(Math.log2(heads));
  const between = powers(2 * whole).filter((_, i) => i % 2 === 0);
  return [...powers(whole), ...between.slice(0, heads - whole)];
}

export const alibiBias = defineLayer({
  type: 'alibi_bias',
  summary: 'A fixed price on distance, another for each head: attention with linear biases.',
  details:
    'Output [1, heads, Tq, Tk], to be given to an attention layer as a float32 mask: −slope · |query − key|. The slopes are 2^(−8/heads), its square, and so on; where the heads are no power of two, those of the power below, and then every second one of twice as many (Press et al. 2022, who attend only backwards; add `causal: true` there). Inputs: the query sequence [N, T, C] and, if it is another one, the key sequence; only their lengths matter.',
  example: '{name: near, type: alibi_bias, heads: 4}',
  fields: { heads: positive('Number of heads.') },
  required: ['heads'],
  arity: [1, 2],
  lower(context, inputs) {
    const { b } = context;
    if (inputs.some(({ type }) => type.shape.length !== 3)) {
      context.mismatch('shape', 'it measures sequences, of shape [N, T, C]');
    }
    const heads = numberOf(context.fields, 'heads');
    const queries = inputs[0]!.type.shape[1] ?? 1;
    const keys = inputs.at(-1)!.type.shape[1] ?? 1;
    const count = (extent: number): readonly number[] => tableOf(extent, (i) => i);
    const row = b.constant(count(queries), [1, 1, queries, 1]);
    const distance = b.op('abs', [b.op('sub', [row, b.constant(count(keys), [1, 1, 1, keys])])]);
    const slopes = b.constant(
      slopesOf(heads).map((slope) => -slope),
      [1, heads, 1, 1],
    );
    return b.op('mul', [distance, slopes]);
  },
  samples: [
    { inputs: [{ shape: ['N', 5, 2] }], fields: { heads: 4 }, wrt: [] },
    {
      name: 'two lengths, six heads',
      inputs: [{ shape: ['N', 3, 1] }, { shape: ['N', 2, 3] }],
      fields: { heads: 6 },
      wrt: [],
    },
  ],
});
