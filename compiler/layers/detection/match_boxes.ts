/** Matching as a layer: the targets of a detector, for losses that users put together themselves. */
import type { Sample } from '../../frontend/describe';
import type { Fields } from '../../frontend/spec';
import { defineLayer } from '../define';
import { numberOf, wordOf } from '../fields';
import { BoxMath, codingField, codingOf, variancesField, variancesOf } from './boxes';
import { byMatch, harmless, matchedTruth, matchFields, matchingOf, requireTruth, TRUTH } from './matching';
import { fixed, PRIORS, TRUTHS } from './samples';

const matched = (fields: Fields, name: string): Sample =>
  fixed(
    [
      { boxes: PRIORS },
      { shape: ['N', 3, 4], values: TRUTHS },
      { shape: ['N', 3], dtype: 'int32', values: [2, 1, -1, 3] },
    ],
    { name, fields, wrt: [] },
  );

export const matchBoxes = defineLayer({
  type: 'match_boxes',
  summary: 'Finds for every prior the true box it answers for, and what a detector should say there.',
  details: [
    `Inputs: priors [P, 4] or [N, P, 4], true boxes, their classes, and variances [P, 4] if they are not a field. ${TRUTH}`,
    'Outputs: the index of the true box [N, P] int32, −1 without one, −2 where the prior does not count; `classes` [N, P] int32; `boxes` [N, P, 4], the true box written by the prior as `encode_boxes` does, 0 without one; and `overlap` [N, P], the largest intersection over union. No gradient goes through it.',
    'The loss `multibox` has all this inside.',
  ].join('\n\n'),
  example: '{name: target, type: match_boxes, inputs: [priors, boxes, classes]}',
  fields: {
    ...matchFields,
    background: {
      description: 'The class of priors without a true box: 0 where classes count from 1, −1 where there is none.',
      type: 'integer',
      default: 0,
    },
    undecided: {
      description: 'The class of priors that do not count. Default: −2. With `low_threshold`.',
      type: 'integer',
    },
    coding: { ...codingField, enum: ['center_size', 'corner', 'corner_size', 'none'] },
    variances: variancesField,
  },
  arity: [3, 4],
  outputs: ['classes', 'boxes', 'overlap'],
  samples: [
    matched({}, 'as in SSD'),
    matched({ low_threshold: 0.2, force: 'every_best', background: -1, undecided: -3, coding: 'none' }, 'as they are'),
    matched({ force: 'best', coding: 'corner', variances: 1, threshold: 0.3 }, 'corners'),
  ],
  lower(context, inputs) {
    const { b, fields } = context;
    const [priors, boxes, classes, variances] = [inputs[0]!, inputs[1]!, inputs[2]!, inputs[3]];
    requireTruth(context, { boxes, classes });
    if (fields['undecided'] !== undefined && fields['low_threshold'] === undefined) {
      context.fail(['undecided'], 'without `low_threshold` every prior counts');
    }
    const { index, overlap } = matchingOf(context, priors, { boxes, classes });
    const own = matchedTruth(context, index, { boxes, classes });
    const labels = byMatch(context, index, {
      matched: own.classes,
      none: numberOf(fields, 'background'),
      undecided: fields['undecided'] === undefined ? -2 : numberOf(fields, 'undecided'),
    });
    const isPlain = wordOf(fields, 'coding') === 'none';
    if (isPlain && (variances ?? fields['variances']) !== undefined) {
      context.fail(fields['variances'] === undefined ? [] : ['variances'], 'with `coding: none` nothing is divided');
    }
    const m = BoxMath.in(context);
    const written = isPlain
      ? own.boxes
      : m.encode(
          m.sides(harmless(context, index, own.boxes)),
          m.sides(priors),
          variancesOf(context, variances),
          codingOf(context),
        );
    const [samples = 1, count = 1] = index.type.shape;
    const has = b.op('reshape', [m.greaterEqual(index, b.full(0, [], 'i32'))], { shape: [samples, count, 1] });
    const targets = m.where(has, written, 0);
    return [index, labels, b.op('stop_gradient', [targets]), b.op('stop_gradient', [overlap])];
  },
});
