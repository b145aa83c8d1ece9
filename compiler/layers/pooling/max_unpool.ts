/** Puts the maxima that a max pooling found back to where they stood, with zeros around them. */
import type { Sample } from '../../frontend/describe';
import type { Value } from '../../ir/graph';
import { elementCount, sameShape } from '../../ir/types';
import type { LayerDef, LowerContext } from '../define';
import { defineLayer } from '../define';
import type { Rank } from '../window';
import { explicitForms, explicitPadding, LARGEST, perAxis, perAxisOf, requireSpatial, SPATIAL } from '../window';

/** The extents of the output: as said, or those that the window would have made this input of. */
function outputSize(context: LowerContext, from: readonly number[], rank: Rank): readonly number[] {
  const { fields } = context;
  if (fields['size'] !== undefined) {
    const other = ['kernel', 'stride', 'padding'].find((name) => fields[name] !== undefined);
    if (other !== undefined) context.fail([other], 'the output is as large as `size` says', 'leave one of them out');
    return perAxisOf(fields, 'size', rank);
  }
  if (fields['kernel'] === undefined) context.fail([], 'it needs the `kernel` of the pooling, or a `size`');
  const kernel = perAxisOf(fields, 'kernel', rank);
  const stride = fields['stride'] === undefined ? kernel : perAxisOf(fields, 'stride', rank);
  const sides = explicitPadding(fields['padding'] ?? 0, rank);
  return from.map((n, axis) => {
    const [low = 0, high = 0] = sides?.[axis] ?? [];
    return (n - 1) * (stride[axis] ?? 1) + (kernel[axis] ?? 1) - low - high;
  });
}

function defineMaxUnpool(rank: Rank): LayerDef {
  const type = `max_unpool${rank}d`;
  const { layout, sides } = SPATIAL[rank];
  return defineLayer({
    type,
    summary: `Undoes \`max_pool${rank}d\` as far as it can be: maxima go where they stood, all else is 0.`,
    details: `Inputs: what was pooled, ${layout}, and the \`index\` output of the pooling, of the same shape. Output [N, C, …] of the extents that \`size\` says, or (n − 1)·stride + kernel − padding of \`kernel\`, \`stride\` and \`padding\`, which are those of the pooling; where the pooling dropped a rest, only \`size\` can tell. Where windows overlapped and chose the same element, what they hold is added up; PyTorch's MaxUnpool keeps one of them. Zeiler and Fergus, "Visualizing and understanding convolutional networks" (2014).`,
    example: `{name: up1, type: ${type}, inputs: [x, index], kernel: 2}`,
    fields: {
      kernel: perAxis(rank, 'Size of the window of the pooling.'),
      stride: perAxis(rank, 'Its stride; the size of the window unless said.'),
      padding: {
        description: `Its padding: a number, or ${sides}. 0 unless said.`,
        anyOf: explicitForms(rank),
      },
      size: perAxis(rank, 'Extents of the output.'),
    },
    arity: [2, 2],
    lower(context, inputs) {
      const { b } = context;
      const [x, index] = inputs as readonly [Value, Value];
      const { dtype, shape } = index.type;
      if ((dtype !== 'i32' && dtype !== 'i64') || !sameShape(shape, x.type.shape)) {
        context.mismatch('shape', 'its second input is the index of the pooling, one integer for each element');
      }
      const { batch, channels, size } = requireSpatial(context, x, rank);
      const output = outputSize(context, size, rank);
      if (output.some((n) => n < 1 || n > LARGEST)) {
        context.fail(
          [context.fields['size'] === undefined ? 'kernel' : 'size'],
          `the output would be ${output.join('×')}`,
        );
      }
      const flat = (value: Value): Value => b.op('reshape', [value], { shape: [batch, channels, elementCount(size)] });
      const placed = b.op('scatter_elements_add', [flat(index), flat(x)], { axis: 2, size: elementCount(output) });
      return b.op('reshape', [placed], { shape: [batch, channels, ...output] });
    },
    samples: samplesOf(rank),
  });
}

function samplesOf(rank: Rank): readonly Sample[] {
  const spatial = { 1: [3], 2: [2, 3], 3: [1, 2, 3] }[rank];
  const shape = ['N', 2, ...spatial] as const;
  const input = (values: readonly number[]) => [{ shape }, { shape, dtype: 'int32', values }];
  return [
    { inputs: input([0, 3, 5, 1, 2, 4]), fields: { kernel: 2 } },
    { inputs: input([2, 2, 6, 0, 2]), fields: { size: rank === 1 ? 7 : rank === 2 ? [3, 5] : [1, 3, 5] } },
    { inputs: input([0, 2, 3]), fields: { kernel: 3, stride: 2, padding: 1 } },
  ];
}

export const maxUnpool1d = defineMaxUnpool(1);
export const maxUnpool2d = defineMaxUnpool(2);
export const maxUnpool3d = defineMaxUnpool(3);
