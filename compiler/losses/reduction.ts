/**
 * From the terms of a loss (one for each sample, pixel, token, number) to the sum and the count whose quotient the
 * loss is. Every loss that has terms takes sample weights as an optional last input and the field `normalization`;
 * this is their one meaning.
 */
import type { FieldSchema, Sample, SampleInput } from '../frontend/describe';
import type { Value } from '../ir/graph';
import type { Shape } from '../ir/types';
import { elementCount, sameShape } from '../ir/types';
import type { LowerContext } from '../layers/define';
import { wordOf } from '../layers/fields';
import { defineLoss, type LossDef } from './define';
import { Formula } from './formula';
import { total } from './targets';

const NORMALIZATIONS = ['mean', 'valid', 'full', 'batch', 'sum'] as const;
type Normalization = (typeof NORMALIZATIONS)[number];

export interface Terms {
  /** Any shape, the batch in front; 0 where `valid` is. Class weights are in it already. */
  readonly loss: Value;
  /** What each term counts in a weighted mean: the weight of its class. Of the same shape; `valid` unless given. */
  readonly weight?: Value;
  /** 0 where a label is ignored, else 1. Of the same shape; 1 everywhere unless given. */
  readonly valid?: Value;
}

export interface Accumulated {
  readonly sum: Value;
  readonly count: Value;
}

/** A loss made of terms; what it has beside them is added here. */
interface TermLoss extends Omit<LossDef, 'arity' | 'lower' | 'samples'> {
  /** Inputs before the sample weights. */
  readonly own: number;
  readonly normalization?: Normalization;
  readonly samples: readonly [Sample, ...Sample[]];
  readonly terms: (context: LowerContext, inputs: readonly Value[]) => Terms;
}

export function normalizationField(byDefault: Normalization): FieldSchema {
  return {
    description: [
      'What the sum of the terms is divided by. `mean`: by the sum of their weights (their number, if there are none).',
      '`valid`: by the number of those that are not ignored and have a weight other than 0.',
      "`full`: by the number of all, which is Keras' mean of weighted terms.",
      '`batch`: by the number of samples. `sum`: by nothing; the figure of an epoch is then the mean of its batches.',
      'An optional last input weighs the terms: [N], one weight for each sample, or more of the leading axes of the',
      'terms, up to one weight for each; a mask of bools or integers will do.',
      'Caffe calls the last four VALID, FULL, BATCH_SIZE and NONE.',
    ].join(' '),
    enum: NORMALIZATIONS,
    default: byDefault,
  };
}

export function defineTermLoss({ own, normalization = 'mean', terms, ...def }: TermLoss): LossDef {
  return defineLoss({
    ...def,
    fields: { ...def.fields, normalization: normalizationField(normalization) },
    arity: [own, own + 1],
    samples: [...def.samples, weighted(def.samples[0])],
    lower: (context, inputs) =>
      reduceTerms(context, terms(context, inputs.slice(0, own)), inputs[own], normalizationOf(context)),
  });
}

/** The same sample with a weight for each element of the batch. */
export function weighted(sample: Sample): Sample {
  const weights: SampleInput = { shape: ['N'], range: [0.5, 2] };
  return { ...sample, name: `${sample.name ?? 'plain'}, weighted`, inputs: [...sample.inputs, weights] };
}

export function normalizationOf({ fields }: LowerContext): Normalization {
  const word = wordOf(fields, 'normalization');
  return NORMALIZATIONS.find((one) => one === word) ?? 'mean';
}

export function reduceTerms(
  context: LowerContext,
  { loss, weight, valid }: Terms,
  weights: Value | undefined,
  normalization: Normalization,
): Accumulated {
  const { b } = context;
  const m = Formula.in(context);
  const { shape } = loss.type;
  const own = weights && leading(context, weights, shape);
  const sum = total(context, own ? m.mul(loss, own) : loss);
  switch (normalization) {
    case 'mean':
      return { sum, count: countOf(context, shape, [weight ?? valid, own]) };
    case 'valid':
      return { sum, count: countOf(context, shape, [valid, own && m.indicator(m.notEqual(own, 0))]) };
    case 'full':
      return { sum, count: b.full(elementCount(shape)) };
    case 'batch':
      return { sum, count: b.full(shape[0] ?? 1) };
    case 'sum':
      return { sum, count: b.full(1) };
  }
}

/** The sum over all terms of the product of the factors, each of the terms' shape or with extents of 1. */
function countOf(context: LowerContext, shape: Shape, factors: readonly (Value | undefined)[]): Value {
  const m = Formula.in(context);
  const given = factors.filter((factor) => factor !== undefined);
  const [first, second] = given;
  if (!first) return context.b.full(elementCount(shape));
  const product = second ? m.mul(first, second) : first;
  const repeated = elementCount(shape) / Math.max(1, elementCount(product.type.shape));
  const sum = total(context, product);
  return repeated === 1 ? sum : m.mul(sum, repeated);
}

/** Weights of the leading axes of the terms, as float32 with an extent of 1 for each of the other axes. */
function leading(context: LowerContext, weights: Value, terms: Shape): Value {
  const { shape } = weights.type;
  let rank = shape.length;
  while (rank > terms.length || (rank > 1 && shape[rank - 1] === 1 && terms[rank - 1] !== 1)) rank--;
  const fits = shape.slice(0, rank).every((extent, axis) => extent === terms[axis]);
  if (rank === 0 || !fits || elementCount(shape.slice(rank)) !== 1) {
    context.mismatch(
      'shape',
      `its last input, the weights, should have the leading axes of its terms, [${terms.join(', ')}]`,
      'one weight for each sample is [N]',
    );
  }
  const float = Formula.in(context).indicator(weights);
  const wide = [...shape.slice(0, rank), ...terms.slice(rank).map(() => 1)];
  return sameShape(float.type.shape, wide) ? float : context.b.op('reshape', [float], { shape: wide });
}
