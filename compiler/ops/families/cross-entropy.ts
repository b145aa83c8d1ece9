/** What softmax cross-entropy and its gradient share: types, the checked labels, and the samples. */
import type { Attrs } from '../../ir/graph';
import type { DType, Shape, TensorType } from '../../ir/types';
import { formatType, tensorType } from '../../ir/types';
import { axisAttr, integerAttr, numberAttr, requireFloat, requireShape } from '../attributes';
import { OpDataError, OpTypeError } from '../define';
import { withoutAxis } from './channels';
import { requireParameters } from './storage';

const LABEL_DTYPES: readonly DType[] = ['i32', 'i64'];

/** Labels are integers of the logits' shape without the class axis. */
export function requireLabels(logits: TensorType, labels: TensorType, axis: number): void {
  if (!LABEL_DTYPES.includes(labels.dtype)) {
    throw new OpTypeError(`the labels are ${formatType(labels)}, expected class numbers (i32 or i64)`);
  }
  const wanted = withoutAxis(logits.shape, axis);
  if (labels.shape.length !== wanted.length || labels.shape.some((extent, i) => extent !== wanted[i])) {
    throw new OpTypeError(
      `the labels are ${formatType(labels)} but the logits ${formatType(logits)} with classes on axis ${axis} ` +
        `expect [${wanted.join(',')}]`,
    );
  }
}

export function checkCrossEntropy(
  logits: TensorType,
  labels: TensorType,
  classWeights: TensorType | undefined,
  attrs: Attrs,
): void {
  requireFloat(logits, 'logits');
  const axis = axisAttr(attrs, 'axis', logits.shape.length);
  requireLabels(logits, labels, axis);
  if (classWeights) {
    requireParameters([logits, classWeights], ['logits', 'class weights']);
    requireShape(classWeights, [logits.shape[axis] ?? 0], 'class weights');
  }
  const smoothing = numberAttr(attrs, 'label_smoothing');
  if (smoothing < 0 || smoothing > 1) {
    throw new OpTypeError(`attribute 'label_smoothing' is ${smoothing}, expected 0 to 1`);
  }
  if (attrs.ignore_index !== undefined) integerAttr(attrs, 'ignore_index');
}

/** Label `position`, or undefined where it is to be ignored. */
export function labelAt(labels: Float64Array, position: number, classes: number, attrs: Attrs): number | undefined {
  const label = labels[position] as number;
  if (label === attrs.ignore_index) return undefined;
  if (!(label >= 0 && label < classes)) {
    throw new OpDataError(`label ${label} at position ${position} is outside 0..${classes - 1}`);
  }
  return label;
}

export interface CrossEntropySample {
  readonly name: string;
  readonly logits: Shape;
  readonly labels: readonly number[];
  readonly labelType?: DType;
  readonly classWeights?: readonly number[];
  readonly attrs: Attrs;
}

export const CROSS_ENTROPY_SAMPLES: readonly CrossEntropySample[] = [
  { name: 'plain', logits: [4, 5], labels: [0, 3, 4, 1], attrs: { axis: 1, label_smoothing: 0 } },
  {
    name: 'some ignored',
    logits: [5, 3],
    labels: [2, -100, 0, -100, 1],
    attrs: { axis: 1, label_smoothing: 0, ignore_index: -100 },
  },
  {
    name: 'a class ignored',
    logits: [4, 3],
    labels: [2, 1, 0, 1],
    attrs: { axis: 1, label_smoothing: 0, ignore_index: 1 },
  },
  { name: 'smoothed', logits: [3, 10], labels: [9, 0, 4], attrs: { axis: 1, label_smoothing: 0.1 } },
  {
    name: 'class weights',
    logits: [4, 3],
    labels: [0, 1, 2, 2],
    classWeights: [0.5, 2, 1.25],
    attrs: { axis: 1, label_smoothing: 0 },
  },
  {
    name: 'class weights, smoothed, some ignored',
    logits: [5, 4],
    labels: [0, 3, 255, 2, 1],
    labelType: 'i64',
    classWeights: [0.5, 2, 1.25, 0],
    attrs: { axis: 1, label_smoothing: 0.2, ignore_index: 255 },
  },
  {
    name: 'a label for each pixel',
    logits: [2, 3, 2, 2],
    labels: [0, 1, 2, 0, 2, -1, 1, 0],
    classWeights: [1, 0.25, 3],
    attrs: { axis: 1, label_smoothing: 0.05, ignore_index: -1 },
  },
  { name: 'one image', logits: [1, 17], labels: [11], labelType: 'i64', attrs: { axis: 1, label_smoothing: 0 } },
  { name: 'one class', logits: [3, 1], labels: [0, 0, 0], attrs: { axis: 1, label_smoothing: 0.1 } },
  { name: 'classes last', logits: [2, 3, 4], labels: [0, 1, 2, 3, 2, 1], attrs: { axis: 2, label_smoothing: 0 } },
];

/** The types and literal values of a sample's logits, labels and class weights. */
export function sampleInputs({ logits, labelType = 'i32', classWeights, attrs }: CrossEntropySample): {
  logits: TensorType;
  labels: TensorType;
  classWeights?: TensorType;
} {
  const labelShape = withoutAxis(logits, integerAttr(attrs, 'axis'));
  return {
    logits: tensorType('f32', logits),
    labels: tensorType(labelType, labelShape),
    ...(classWeights && { classWeights: tensorType('f32', [classWeights.length]) }),
  };
}
