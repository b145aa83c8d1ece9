/** What the samples of detection layers and losses have in common: boxes, and priors that do not depend on the batch. */
import type { Sample, SampleInput } from '../../frontend/describe';

/** Some boxes with an area. */
export const BOXES = [0.1, 0.2, 0.5, 0.9, 0.3, 0.25, 0.4, 0.6, 0.05, 0.4, 0.95, 0.75, 0.6, 0.1, 0.8, 0.3];
export const shifted = (boxes: readonly number[], by: number): readonly number[] => boxes.map((side) => side + by);

/** Priors, exact in binary so that it matters to no digit when they are computed with, and true boxes of which some overlap with them; the third is padding. */
export const PRIORS = [
  0.046875, 0.09375, 0.453125, 0.546875, 0.296875, 0.203125, 0.84375, 0.59375, 0.5, 0.40625, 0.90625, 0.953125, 0.09375,
  0.5, 0.296875, 0.90625, 0.59375, 0.046875, 0.796875, 0.296875,
];
export const TRUTHS = [
  0.07, 0.13, 0.42, 0.6, 0.35, 0.25, 0.7, 0.65, 0, 0, 0, 0, 0.55, 0.42, 0.93, 0.9, 0.12, 0.55, 0.33, 0.8,
];

/** Boxes [n, 4] as they stand in a sample: in place of an input. */
export interface Fixed {
  readonly boxes: readonly number[];
}

/** A sample whose inputs are tensors of the batch and boxes that all samples share. */
export function fixed(inputs: readonly (SampleInput | Fixed)[], rest: Omit<Sample, 'inputs' | 'through'> = {}): Sample {
  const own = inputs.filter((input): input is SampleInput => !('boxes' in input));
  const layers = inputs.flatMap((input, i) => {
    if (!('boxes' in input)) return [];
    return [{ name: `fixed${i}`, type: 'constant', shape: [input.boxes.length / 4, 4], values: input.boxes }];
  });
  let next = 0;
  const names = inputs.map((input, i) => ('boxes' in input ? `fixed${i}` : `in${next++}`));
  return { ...rest, inputs: own, through: { layers, inputs: names } };
}
