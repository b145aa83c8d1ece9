/** What detectors are measured by: precision over recall of boxes, by the rules of PASCAL VOC or of COCO. */
import type { Sample, SampleInput } from '../frontend/describe';
import type { Fields } from '../frontend/spec';
import type { Value } from '../ir/graph';
import { sameShape } from '../ir/types';
import type { LowerContext } from '../layers/define';
import { Formula } from '../losses/formula';
import { defineCollecting, type Collected, type MetricResult } from './define';
import { areaOf, judge, ordered, type Area, type Box, type ClassBoxes, type Detection, type Truth } from './matching';

const COCO_OVERLAPS = Array.from({ length: 10 }, (_, i) => (50 + 5 * i) / 100);
const COCO_MOST = 100;
const DEFAULT_OVERLAP = 0.5;

const BOXES: SampleInput = { shape: ['N', 3, 4], values: [0, 0, 0.5, 0.5, 0.2, 0.1, 0.9, 1, 0.5, 0.5, 1, 1] };
const TRUTH: readonly SampleInput[] = [
  { shape: ['N', 2, 4], values: [0, 0, 0.5, 0.4, 0.5, 0.6, 1, 1] },
  { shape: ['N', 2], dtype: 'int32', values: [1, 2, 1, -1] },
];
const SPLIT: readonly SampleInput[] = [
  BOXES,
  { shape: ['N', 3], range: [0, 1] },
  { shape: ['N', 3], dtype: 'int32', values: [1, 2, 2, -1, 1] },
];

const samples: readonly Sample[] = [
  { inputs: [...SPLIT, ...TRUTH] },
  {
    name: 'some difficult',
    inputs: [...SPLIT, ...TRUTH, { shape: ['N', 2], dtype: 'bool', values: [0, 1, 0] }],
    fields: { rules: 'voc', overlap: 0.3 },
  },
  { name: 'rows', inputs: [{ shape: ['N', 3, 6], range: [0, 1] }, ...TRUTH], fields: { rules: 'voc07' } },
];

export const meanAveragePrecision = defineCollecting({
  type: 'mean_average_precision',
  summary: 'Mean over the classes of the average precision of detected boxes.',
  details: [
    'Inputs: boxes [N, D, 4], their scores [N, D] and classes [N, D]; the true boxes [N, G, 4] and their classes [N, G]; optionally which of these are difficult, [N, G]. Or, in place of the first three, rows [N, D, 6] of class, score and box, as `detection_output` gives them. Boxes are [x1, y1, x2, y2]; those with a negative class are padding.',
    'From the highest score down, a detection is right where its intersection over union with a true box of its class and image is `overlap` or more; a true box is found once, and a second detection of it is wrong. A difficult one need not be found, and finding it does not count. The average precision of a class is the area under the best precision at each recall or above, and classes without true boxes take no part in the mean.',
    "`rules: coco`: the mean over the overlaps 0.50, 0.55 … 0.95, precision read at 101 recalls, at most 100 detections of each class and image, a box that is taken gives way to the next best; the figures at 0.50 and 0.75 alone are `<name>/ap50` and `<name>/ap75`. `voc`: the area itself at an overlap of 0.5, as PASCAL VOC has it since 2010; `voc07`: precision read at 11 recalls, as before (the DetectionEvaluate of Caffe's SSD has both). VOC counts pixels and so adds 1 to widths and heights, which boxes in shares of the image cannot.",
  ].join('\n\n'),
  example: '{type: mean_average_precision, inputs: [boxes, scores, classes, true_boxes, true_classes]}',
  fields: {
    rules: { description: 'Whose rules hold.', enum: ['coco', 'voc', 'voc07'], default: 'coco' },
    overlap: {
      description:
        'With `rules: voc` or `voc07`, the intersection over union from which on a box is found; 0.5 by default.',
      type: 'number',
      exclusiveMinimum: 0,
      maximum: 1,
    },
    per_class: {
      description: 'Whether evaluations show each class too, as `<name>/<class>` and in a table.',
      type: 'boolean',
      default: false,
    },
  },
  samples,
  arity: [3, 6],
  better: 'higher',
  figures: ['ap50', 'ap75'],
  lower(context, inputs) {
    if (context.fields['rules'] === 'coco' && context.fields['overlap'] !== undefined) {
      context.fail(['overlap'], 'the rules of COCO have ten overlaps of their own', 'write `rules: voc` beside it');
    }
    const rows = inputs.length <= 4;
    const [trueBoxes, trueClasses, difficult] = inputs.slice(rows ? 1 : 3) as unknown as readonly [
      Value,
      Value,
      Value?,
    ];
    const { shape } = trueBoxes.type;
    requireBoxes(context, trueBoxes, 'the true boxes');
    const each = shape.slice(0, 2);
    for (const value of difficult ? [trueClasses, difficult] : [trueClasses]) {
      if (!sameShape(value.type.shape, each)) {
        context.mismatch('shape', `each of the true boxes needs a class (and a mark): [${each.join(', ')}]`);
      }
    }
    return {
      ...(rows ? rowsOf(context, inputs[0]!) : splitOf(context, inputs)),
      true_boxes: trueBoxes,
      true_classes: whole(context, trueClasses),
      ...(difficult ? { difficult: whole(context, difficult) } : {}),
    };
  },
  finish,
});

function whole({ b }: LowerContext, x: Value): Value {
  return x.type.dtype === 'i32' ? x : b.op('cast', [x], { dtype: 'i32' });
}

function requireBoxes(context: LowerContext, { type }: Value, what: string, width = 4): void {
  if (type.dtype !== 'f32') context.mismatch('dtype', `${what} should be float32`);
  if (type.shape.length !== 3 || type.shape[2] !== width) {
    context.mismatch('shape', `${what} should be [N, ${width === 4 ? 'boxes, 4' : 'detections, 6'}]`);
  }
}

function rowsOf(context: LowerContext, rows: Value): Readonly<Record<string, Value>> {
  requireBoxes(context, rows, 'the detections', 6);
  const { b } = context;
  const m = Formula.in(context);
  const { shape } = rows.type;
  const [n = 0, count = 0] = shape;
  const columns = (from: number, to: number): Value =>
    b.op('slice', [rows], { starts: [0, 0, from], limits: [n, count, to], strides: [1, 1, 1] });
  const flat = (x: Value): Value => m.reshape(x, [n, count]);
  return { classes: whole(context, flat(columns(0, 1))), scores: flat(columns(1, 2)), boxes: columns(2, 6) };
}

function splitOf(context: LowerContext, inputs: readonly Value[]): Readonly<Record<string, Value>> {
  const [boxes, scores, classes] = inputs as readonly [Value, Value, Value];
  requireBoxes(context, boxes, 'the boxes');
  const each = boxes.type.shape.slice(0, 2);
  if (scores.type.dtype !== 'f32') context.mismatch('dtype', 'the scores should be float32');
  for (const value of [scores, classes]) {
    if (!sameShape(value.type.shape, each)) {
      context.mismatch('shape', `each of the boxes needs a score and a class: [${each.join(', ')}]`);
    }
  }
  return { boxes, scores, classes: whole(context, classes) };
}

function finish(collected: Readonly<Record<string, Collected>>, fields: Fields): number | MetricResult {
  const rules = fields['rules'] as Area;
  const isCoco = rules === 'coco';
  const overlap = typeof fields['overlap'] === 'number' ? fields['overlap'] : DEFAULT_OVERLAP;
  const overlaps = isCoco ? COCO_OVERLAPS : [overlap];
  const classes = byClass(collected, isCoco ? COCO_MOST : undefined);
  // By class, then by overlap.
  const areas = classes.map((own) => overlaps.map((least) => areaOf(judge(own, least, isCoco), rules)));
  const values = areas.map(mean);
  const labels = classes.map(({ truths }) => [...truths.values()].flat().filter((one) => !one.difficult).length);
  const at = (index: number): number =>
    mean(areas.map((own) => own[index] ?? NaN).filter((area) => !Number.isNaN(area)));
  return {
    value: mean(values.filter((value) => !Number.isNaN(value))),
    ...(isCoco ? { figures: { ap50: at(0), ap75: at(5) } } : {}),
    ...(fields['per_class'] === true ? { classes: { average_precision: values, boxes: labels } } : {}),
  };
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/** What was found and what is true of each class, from 0 to the highest there is. */
function byClass(
  {
    boxes,
    scores,
    classes,
    true_boxes: trueBoxes,
    true_classes: trueClasses,
    difficult,
  }: Readonly<Record<string, Collected>>,
  most: number | undefined,
): readonly ClassBoxes[] {
  const found: Detection[][] = [];
  const truths: Map<number, Truth[]>[] = [];
  const each = (labels: Collected | undefined, take: (image: number, index: number, label: number) => void): void => {
    const width = labels?.shape[1] ?? 1;
    labels?.data.forEach((label, index) => {
      if (label < 0) return;
      for (let c = found.length; c <= label; c++) {
        found.push([]);
        truths.push(new Map<number, Truth[]>());
      }
      take(Math.floor(index / width), index, label);
    });
  };
  each(classes, (image, index, label) => {
    found[label]!.push({ image, box: boxAt(boxes, index), score: scores?.data[index] ?? 0 });
  });
  each(trueClasses, (image, index, label) => {
    const own = truths[label]!;
    const box = { box: boxAt(trueBoxes, index), difficult: (difficult?.data[index] ?? 0) !== 0 };
    own.set(image, [...(own.get(image) ?? []), box]);
  });
  return found.map((own, label) => ({
    found: ordered(own, most),
    truths: truths[label] ?? new Map<number, Truth[]>(),
  }));
}

function boxAt(boxes: Collected | undefined, index: number): Box {
  const at = (side: number): number => boxes?.data[4 * index + side] ?? 0;
  return [at(0), at(1), at(2), at(3)];
}
