/** Error rates of recognized sequences: characters, words. */
import type { FieldSchema, Sample } from '../frontend/describe';
import type { Fields } from '../frontend/spec';
import type { Value } from '../ir/graph';
import type { LowerContext } from '../layers/define';
import { editDistance, greedyCtc, wordsOf } from './alignment';
import { defineCollecting, type Collected, type CollectingMetricDef } from './define';

const INPUTS =
  'Inputs: scores [N, T, C], of which the best class of each frame is taken, or tokens [N, T] (integers); labels [N, L] (integers); and optionally the lengths of both, [N] each. Without lengths, a sequence ends before its first token that is negative or `end`; with `decode: ctc` labels end at the blank too, and all T frames count.';

const fields: Readonly<Record<string, FieldSchema>> = {
  decode: {
    description:
      'How frames become tokens. `none`: each is one. `ctc`: repetitions are merged, then blanks removed: the best path of a model trained with the loss `ctc`.',
    enum: ['none', 'ctc'],
    default: 'none',
  },
  blank: {
    description: 'With `decode: ctc`, the class that stands for no token; 0 by default.',
    type: 'integer',
    minimum: 0,
  },
  end: { description: 'The token that ends a sequence.', type: 'integer', minimum: 0 },
};

const LABELS = { shape: ['N', 3] as const, dtype: 'int32', values: [1, 1, 2, 4, 3, -1, 2, -1, -1] };

const samples: readonly Sample[] = [
  { inputs: [{ shape: ['N', 7, 5] }, LABELS] },
  { name: 'ctc', inputs: [{ shape: ['N', 7, 5] }, LABELS], fields: { decode: 'ctc', blank: 4 } },
  {
    name: 'tokens and lengths',
    inputs: [
      { shape: ['N', 5], dtype: 'int64', range: [0, 4] },
      { ...LABELS, dtype: 'uint8', values: [1, 2, 3] },
      { shape: ['N'], dtype: 'int32', values: [5, 2, 3] },
      { shape: ['N'], dtype: 'int32', values: [3, 1, 0] },
    ],
    fields: { end: 4 },
  },
];

interface ErrorRate {
  readonly type: string;
  readonly summary: string;
  readonly details: string;
  readonly fields?: Readonly<Record<string, FieldSchema>>;
  readonly samples?: readonly Sample[];
  /** What is counted in a sequence of tokens. */
  readonly units: (tokens: readonly number[], fields: Fields) => readonly (number | string)[];
}

function defineErrorRate({ units, ...def }: ErrorRate): CollectingMetricDef {
  return defineCollecting({
    ...def,
    details: `${INPUTS}\n\n${def.details}`,
    example: `{type: ${def.type}, inputs: [scores, label], decode: ctc}`,
    fields: { ...fields, ...def.fields },
    samples: [...samples, ...(def.samples ?? [])],
    arity: [2, 4],
    better: 'lower',
    lower,
    finish({ tokens, labels, frames, counts }, own) {
      if (!tokens || !labels) return NaN;
      const isCtc = own['decode'] === 'ctc';
      const blank = isCtc ? (typeof own['blank'] === 'number' ? own['blank'] : 0) : undefined;
      let [errors, total] = [0, 0];
      for (let i = 0; i < (tokens.shape[0] ?? 0); i++) {
        const read = rowOf(tokens, i, frames, own, undefined);
        const found = units(blank === undefined ? read : greedyCtc(read, blank), own);
        const wanted = units(rowOf(labels, i, counts, own, blank), own);
        errors += editDistance(found, wanted);
        total += wanted.length;
      }
      return errors / total;
    },
  });
}

function lower(context: LowerContext, inputs: readonly Value[]): Readonly<Record<string, Value>> {
  const { b } = context;
  const [scores, labels, frames, counts] = inputs as readonly [Value, Value, Value?, Value?];
  const { blank, decode } = context.fields;
  if (decode !== 'ctc' && blank !== undefined) context.fail(['blank'], 'without `decode: ctc` there is no blank');
  if (decode === 'ctc' && context.fields['end'] !== undefined) {
    context.fail(['end'], 'with `decode: ctc` nothing but the lengths ends a sequence');
  }
  const { shape, dtype } = scores.type;
  const isScores = dtype === 'f32';
  const n = shape[0] ?? 1;
  if (shape.length !== (isScores ? 3 : 2)) {
    context.mismatch(
      isScores ? 'shape' : 'dtype',
      'it needs scores [N, T, C] of float32, or tokens [N, T] of integers',
    );
  }
  if (isScores && typeof blank === 'number' && blank >= (shape[2] ?? 0)) {
    context.fail(['blank'], `the blank is class ${blank}, but there are ${shape[2]} classes`);
  }
  const integers = (x: Value, what: string, rank: number): Value => {
    if (x.type.dtype === 'f32' || x.type.dtype === 'bool') context.mismatch('dtype', `the ${what} should be integers`);
    if (x.type.shape.length !== rank || x.type.shape[0] !== n) {
      context.mismatch('shape', `the ${what} should be [${n}${rank === 2 ? ', L' : ''}]`);
    }
    return x.type.dtype === 'i32' ? x : b.op('cast', [x], { dtype: 'i32' });
  };
  return {
    tokens: isScores ? b.op('argmax', [scores], { axis: 2 }) : integers(scores, 'tokens', 2),
    labels: integers(labels, 'labels', 2),
    ...(frames ? { frames: integers(frames, 'lengths', 1) } : {}),
    ...(counts ? { counts: integers(counts, 'lengths of labels', 1) } : {}),
  };
}

/** A sequence up to its length, or its end. */
function rowOf(
  { shape, data }: Collected,
  row: number,
  lengths: Collected | undefined,
  { end }: Fields,
  blank: number | undefined,
): number[] {
  const width = shape[1] ?? 0;
  const length = Math.max(0, Math.min(width, lengths?.data[row] ?? width));
  const tokens = Array.from(data.subarray(row * width, row * width + length));
  const stop = tokens.findIndex((token) => token === end || (!lengths && (token < 0 || token === blank)));
  return stop < 0 ? tokens : tokens.slice(0, stop);
}

export const characterErrorRate = defineErrorRate({
  type: 'character_error_rate',
  summary: 'Insertions, deletions and substitutions that recognized sequences need, by the number of their labels.',
  details:
    'Σ edit distance / Σ labels over the epoch, so that long sequences count by their length; more than 1 where much is inserted. Every token is a character.',
  units: (tokens) => tokens,
});

export const wordErrorRate = defineErrorRate({
  type: 'word_error_rate',
  summary: 'Insertions, deletions and substitutions of words that recognized sequences need, by the number of words.',
  details:
    'Σ edit distance / Σ words over the epoch. Words are what stands between tokens of the number `space`; without it every token is a word.',
  fields: {
    space: { description: 'The token between words, where tokens are characters.', type: 'integer', minimum: 0 },
  },
  samples: [{ name: 'words of characters', inputs: [{ shape: ['N', 7, 5] }, LABELS], fields: { space: 1 } }],
  units: (tokens, { space }) => (typeof space === 'number' ? wordsOf(tokens, space) : tokens),
});
