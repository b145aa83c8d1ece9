/**
 * Transposed convolutions, also called deconvolutions: the gradient of a convolution with respect to its image, used
 * forwards. One `conv_grad_input` op.
 */
import type { FieldSchema } from '../../frontend/describe';
import type { LayerDef, LowerContext } from '../define';
import { defineLayer } from '../define';
import { numberOf } from '../fields';
import { initField, weightInit } from '../initial';
import { NORMALIZED_WEIGHT, normalizeWeightField, spectralSamples, weightOf } from '../normalized_weight';
import type { Rank, Window } from '../window';
import { LARGEST, explicitForms, perAxis, perAxisOf, reachOf, requireSpatial, slidingOf, SPATIAL } from '../window';
import {
  biasField,
  biasOf,
  convAttrs,
  each,
  filtersField,
  groupsField,
  groupsOf,
  kernelText,
  sampleOn,
  slidingFields,
} from './convolution';

function paddingField(rank: Rank): FieldSchema {
  const { noun, sides } = SPATIAL[rank];
  return {
    description: `How much is cut off around the output: a number, ${sides}, \`valid\` (nothing), or \`same\`: as much as makes the output input · stride. It is the padding of the convolution over the output ${noun} that this layer is the transpose of.`,
    anyOf: [{ enum: ['same', 'valid'] }, ...explicitForms(rank)],
    default: 0,
  };
}

/** The output extents, and the window that slides over them. */
function transposedOf(context: LowerContext, size: readonly number[], rank: Rank): { size: number[]; window: Window } {
  const { fields } = context;
  const kernel = perAxisOf(fields, 'kernel', rank);
  const stride = perAxisOf(fields, 'stride', rank);
  const extra = perAxisOf(fields, 'output_padding', rank);
  const same = fields['padding'] === 'same';
  if (same && extra.some((n) => n > 0)) {
    context.fail(['output_padding'], 'the output is input · stride already, as padding is `same`', 'leave it out');
  }
  const over = extra.findIndex((n, axis) => n >= (stride[axis] ?? 1));
  if (over >= 0) {
    context.fail(
      ['output_padding'],
      `${extra[over]} is not smaller than the stride ${stride[over]}: no convolution of that stride has this output`,
    );
  }
  const window = slidingOf(
    context,
    size.map((n, axis) => n * (stride[axis] ?? 1)),
    kernel,
  );
  const reach = reachOf(window);
  const output = size.map((n, axis) => {
    const step = stride[axis] ?? 1;
    if (same) return n * step;
    return (
      (n - 1) * step + (reach[axis] ?? 1) + (extra[axis] ?? 0) - (window.low[axis] ?? 0) - (window.high[axis] ?? 0)
    );
  });
  if (output.some((n) => n < 1)) {
    context.fail(['padding'], `nothing is left of the output: its extents would be ${output.join('×')}`);
  }
  if (output.some((n) => n > LARGEST)) {
    context.fail(['stride'], `the output is too large: ${output.join('×')}`);
  }
  return { size: output, window };
}

function defineTranspose(rank: Rank, words: string, example: string): LayerDef {
  const { layout, extents, noun } = SPATIAL[rank];
  const first = extents[0] ?? '';
  const outputs = extents
    .split(', ')
    .map((letter) => `${letter}′`)
    .join(', ');
  return defineLayer({
    type: `conv_transpose${rank}d`,
    summary: `${words} transposed convolution: every element of the ${noun} paints the kernel, \`stride\` apart.`,
    details: [
      `Input ${layout}, output [N, filters, ${outputs}] with ${first}′ = (${first} − 1)·stride + dilation·(kernel − 1) + 1 − padding (of both sides) + output_padding, alike on every axis.`,
      `Weights: \`weight\` [C, filters / groups, ${kernelText(rank)}], \`bias\` [filters], as in PyTorch and Caffe's Deconvolution; Keras keeps kernels as [${kernelText(rank)}, filters, C]. Fan-based initializers take axis 1 for the inputs and axis 0 for the outputs, as all three do.`,
      `${NORMALIZED_WEIGHT} Outputs are those of axis 1, as in PyTorch's spectral_norm; its weight_norm takes axis 0 of transposed convolutions too, unless told otherwise.`,
      'With `padding: same` it is the transpose of the convolution of TensorFlow and Keras with that padding. With `valid` and a kernel smaller than the stride Keras adds what is missing to input · stride: write that as `output_padding`. Caffe has no output_padding. (Dumoulin and Visin, "A guide to convolution arithmetic for deep learning", 2016.)',
    ].join('\n\n'),
    example,
    fields: {
      filters: filtersField,
      ...slidingFields(rank),
      padding: paddingField(rank),
      output_padding: perAxis(
        rank,
        'Added to the extents of the output at the end, where several outputs belong to one input; below the stride.',
        { default: 0 },
        0,
      ),
      groups: groupsField,
      bias: biasField,
      init: initField,
      normalize_weight: normalizeWeightField,
    },
    required: ['filters', 'kernel'],
    arity: [1, 1],
    activates: true,
    parameters: ['weight', 'weight_gain', 'bias'],
    lower(context, inputs) {
      const { b, fields } = context;
      const input = inputs[0]!;
      const { batch, channels, size } = requireSpatial(context, input, rank);
      const filters = numberOf(fields, 'filters');
      const groups = groupsOf(context, channels, filters);
      const output = transposedOf(context, size, rank);
      const shape = [channels, filters / groups, ...output.window.kernel];
      const weight = weightOf(context, shape, { init: weightInit(context) }, 1);
      const painted = b.op('conv_grad_input', [input, weight], {
        ...convAttrs(context, output.window, groups),
        input_shape: [batch, filters, ...output.size],
      });
      const [bias] = biasOf(context, filters);
      if (!bias) return painted;
      const perFilter = b.op('reshape', [bias], { shape: [1, filters, ...size.map(() => 1)] });
      return b.op('add', [painted, perFilter]);
    },
    samples: [
      sampleOn(rank, 2, { filters: 1, kernel: 3, stride: 2, padding: 'same' }),
      sampleOn(rank, 1, { filters: 3, kernel: each(rank, 3, 2, 3), stride: 1, padding: 1, bias: false }),
      sampleOn(rank, 2, { filters: 2, kernel: 2, groups: 2, dilation: 2, stride: 3, padding: 1, output_padding: 2 }),
      sampleOn(rank, 2, { filters: 3, kernel: 1, stride: 2, padding: 'same' }, 'a kernel smaller than the stride'),
      sampleOn(rank, 2, { filters: 2, kernel: 2, normalize_weight: 'weight' }),
      ...spectralSamples(sampleOn(rank, 2, { filters: 2, kernel: 2, normalize_weight: 'spectral' })),
    ],
  });
}

export const convTranspose1d = defineTranspose(
  1,
  'One-dimensional',
  '{name: up1, type: conv_transpose1d, filters: 64, kernel: 4, stride: 2, padding: 1}',
);
export const convTranspose2d = defineTranspose(
  2,
  'Two-dimensional',
  '{name: up1, type: conv_transpose2d, filters: 64, kernel: 4, stride: 2, padding: 1}',
);
export const convTranspose3d = defineTranspose(
  3,
  'Three-dimensional',
  '{name: up1, type: conv_transpose3d, filters: 32, kernel: 4, stride: 2, padding: 1}',
);
