/** Texts given to a prediction, encoded as those of the training were. */
import type { InputSpec } from '../../frontend/spec';
import type { DType, Shape } from '../../ir/types';
import type { TypedArray } from '../define';
import { entryOf, type Learned } from '../learned';
import { writeLabel } from '../pixels';
import { typedArray } from '../typed_array';
import { PADDING, TextCodec, encodingOf } from './encoding';
import { EncodedTexts } from './rows';

export interface TextArray {
  readonly dtype: DType;
  readonly shape: Shape;
  readonly data: TypedArray;
}

/** Whether the model reads texts by this input. */
export function takesTexts(learned: Learned | undefined, input: string): boolean {
  return encodingOf(learned?.[input]) !== undefined;
}

/**
 * The arrays of the input and of those that hold its lengths or mask. `refuse` is told what is wrong with a text.
 * The input's axes but the first have numbers.
 */
export function encodeTexts(
  texts: readonly string[],
  name: string,
  inputs: readonly InputSpec[],
  learned: Learned,
  refuse: (sample: number, problem: string) => never,
): Record<string, TextArray> {
  const encoding = encodingOf(learned[name]);
  const input = inputs.find((candidate) => candidate.name === name);
  const length = input?.shape[1];
  if (!encoding || !input || typeof length !== 'number') return {};
  const codec = new TextCodec(encoding);
  const rows = new EncodedTexts(codec, length, texts, refuse);
  const short = encoding.specials.includes(PADDING)
    ? -1
    : texts.findIndex((_, sample) => rows.lengthOf(sample) < length);
  if (short >= 0)
    refuse(short, `${rows.lengthOf(short)} tokens are too few: the model reads ${length}, without padding`);
  const arrays: Record<string, TextArray> = {};
  for (const { name: other, dtype } of inputs) {
    const isMask = entryOf(learned, other, 'text_mask')?.of === name;
    const isLengths = entryOf(learned, other, 'text_lengths')?.of === name;
    if (other !== name && !isMask && !isLengths) continue;
    const shape = isLengths ? [texts.length] : [texts.length, length];
    const data = typedArray(dtype, isLengths ? texts.length : texts.length * length);
    texts.forEach((_, sample) => {
      if (isLengths) writeLabel(data, sample, rows.lengthOf(sample));
      else if (isMask) rows.writeMask(sample, data, sample * length);
      else rows.writeTokens(sample, data, sample * length);
    });
    arrays[other] = { dtype, shape, data };
  }
  return arrays;
}
