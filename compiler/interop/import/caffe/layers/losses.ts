/** Losses and metrics. */
import type { Fields as SpecFields } from '../../../../frontend/spec';
import type { Fields } from '../../../formats/caffe/fields';
import type { Converter, Use } from '../use';
import { shapeText, type Extent, type Value } from '../value';

const NORMALIZATIONS = ['FULL', 'VALID', 'BATCH_SIZE', 'NONE'] as const;
type Normalization = (typeof NORMALIZATIONS)[number];

/** `normalize` is the older way to say it. */
function normalizationOf(param: Fields, usual: Normalization): Normalization {
  const old = param.flag('normalize');
  const otherwise = old === undefined ? usual : old ? 'VALID' : 'BATCH_SIZE';
  return param.has('normalization') ? param.word('normalization', NORMALIZATIONS, otherwise) : otherwise;
}

const WORDS = { FULL: 'full', VALID: 'valid', BATCH_SIZE: 'batch', NONE: 'sum' } as const;

/** A label for each place where there is a list of scores along `axis`. */
function labelShape(scores: Value, axis: number): Extent[] {
  return scores.shape.filter((_, i) => i !== axis);
}

const atAxis = (scores: Value, axis: number): SpecFields =>
  axis === 1 ? {} : { axis: axis === scores.shape.length - 1 ? -1 : axis };

/** Scores that lost their spatial axes in all but name: [N, C, 1, 1]. */
function classScores(use: Use): Value {
  const x = use.input(0);
  if (x.shape.length < 3 || !x.shape.slice(2).every((extent) => extent === 1)) return x;
  const made = use.emit('flatten', [x], {}, `${x.ref}_flat`);
  return { ref: made.name, shape: x.shape.slice(0, 2), dtype: 'f32' };
}

const softmaxLoss: Converter = (use) => {
  const given = use.part('softmax_param').number('axis', 1);
  use.part('softmax_param').ignore('engine');
  const scores = given === 1 ? classScores(use) : use.input(0);
  const axis = use.axis(scores, given);
  const labels = use.integers(1, labelShape(scores, axis));
  const param = use.part('loss_param');
  const weights = param.numbers('class_weighting');
  if (param.flag('weight_by_label_freqs', false) && weights.length === 0) use.refuse('has no `class_weighting`');
  const ignored = param.number('ignore_label');
  const normalization = normalizationOf(param, 'VALID');
  const single = labels.shape.length === 1 && ignored === undefined && weights.length === 0;
  // Over labels that all count, three of the four are the mean.
  const isMean = normalization === 'VALID' ? weights.length === 0 : single && normalization !== 'NONE';
  use.loss('cross_entropy', [scores, labels], {
    ...atAxis(scores, axis),
    ...(ignored === undefined ? {} : { ignore_index: ignored }),
    ...(weights.length === 0 ? {} : { class_weights: weights }),
    ...(isMean ? {} : { normalization: WORDS[normalization] }),
  });
  if (use.isRead(1)) {
    const made = use.emit('softmax', [scores], atAxis(scores, axis), use.node.outputs[1]!.name);
    use.output(1, { ref: made.name, shape: scores.shape, dtype: 'f32' });
  }
};

const sigmoidLoss: Converter = (use) => {
  const x = use.input(0);
  const target = use.target(1, x.shape);
  const param = use.part('loss_param');
  const ignored = param.number('ignore_label');
  const normalization = normalizationOf(param, 'BATCH_SIZE');
  use.loss('binary_cross_entropy', [x, target], {
    ...(ignored === undefined ? {} : { ignore_index: ignored }),
    normalization: WORDS[normalization],
  });
};

const euclidean: Converter = (use) => {
  const x = use.input(0);
  use.part('loss_param').ignore('normalize', 'normalization');
  use.loss('euclidean', [x, use.target(1, x.shape)], {});
};

const hinge: Converter = (use) => {
  const x = classScores(use);
  use.part('loss_param').ignore('normalize', 'normalization');
  const norm = use.part('hinge_loss_param').word('norm', ['L1', 'L2'], 'L1');
  const labels = use.integers(1, labelShape(x, 1));
  use.loss('hinge', [x, labels], { ...(norm === 'L2' ? { norm: 'l2' } : {}) });
};

const multinomial: Converter = (use) => {
  const x = classScores(use);
  use.part('loss_param').ignore('normalize', 'normalization');
  use.loss('multinomial_logistic', [x, use.integers(1, labelShape(x, 1))], {});
};

const contrastive: Converter = (use) => {
  const [a, b] = [use.input(0), use.input(1)];
  const similar = use.integers(2, [a.shape[0]!]);
  const param = use.part('contrastive_loss_param');
  const margin = param.number('margin', 1);
  use.loss('contrastive', [a, b, similar], {
    ...(margin === 1 ? {} : { margin }),
    ...(param.flag('legacy_version', false) ? { legacy_version: true } : {}),
  });
};

const smoothL1: Converter = (use) => {
  if (use.node.inputs.length > 2) use.refuse('weighs its inputs and its outputs by further bottoms');
  const x = use.input(0);
  const sigma = use.part('smooth_l1_loss_param').number('sigma', 1);
  const beta = sigma === 1 ? {} : { beta: 1 / (sigma * sigma) };
  use.loss('smooth_l1', [x, use.target(1, x.shape)], { ...beta, normalization: 'batch' });
};

/** Its matrix is a file of its own. */
const infogain: Converter = (use) => {
  const x = classScores(use);
  const source = use.part('infogain_loss_param').text('source');
  use.part('infogain_loss_param').ignoreAll();
  if (use.node.inputs.length > 2) use.refuse('has its matrix from another layer');
  const file = source ?? use.refuse('names no file for its matrix');
  const blob = use.conversion.file(file) ?? use.refuse('reads its matrix from a file', `give it too: ${file}`);
  const classes = use.extent(x, 1);
  if (blob.data.length !== classes * classes)
    use.refuse(`has a matrix of ${blob.data.length} numbers for ${classes} classes`);
  const matrix = Array.from({ length: classes }, (_, row) => [
    ...blob.data.subarray(row * classes, (row + 1) * classes),
  ]);
  const param = use.part('loss_param');
  const ignored = param.number('ignore_label');
  const normalization = normalizationOf(param, 'VALID');
  use.loss('infogain', [x, use.integers(1, labelShape(x, 1))], {
    matrix,
    ...(ignored === undefined ? {} : { ignore_index: ignored }),
    ...(normalization === 'VALID' ? {} : { normalization: WORDS[normalization] }),
  });
};

const accuracy: Converter = (use) => {
  const param = use.part('accuracy_param');
  const given = param.number('axis', 1);
  const scores = given === 1 ? classScores(use) : use.input(0);
  const axis = use.axis(scores, given);
  const labels = use.integers(1, labelShape(scores, axis));
  const k = param.count('top_k', 1);
  const ignored = param.number('ignore_label');
  const inputs = [scores, labels];
  const common = {
    ...atAxis(scores, axis),
    ...(ignored === undefined ? {} : { ignore_index: ignored }),
  };
  if (k >= use.extent(scores, axis)) use.dropped(`the label is always among the ${k} highest scores`);
  else if (k > 1) use.metric('top_k', inputs, { ...(k === 5 ? {} : { k }), ...common });
  else use.metric('accuracy', inputs, { ...common, ...(use.node.outputs[1] === undefined ? {} : { per_class: true }) });
};

/** Of ENet's fork and others: the accuracy of each class of pixels. */
const segAccuracy: Converter = (use) => {
  const scores = use.input(0);
  const param = use.part('seg_accuracy_param');
  const ignored = param.number('ignore_label');
  const labels = use.integers(1, labelShape(scores, 1));
  use.metric('mean_iou', [scores, labels], ignored === undefined ? {} : { ignore_index: ignored });
  use.converted('the mean intersection over union, one of its figures');
  if (scores.shape.length !== 4) use.refuse(`is used on ${shapeText(scores.shape)}`);
};

export const losses: Readonly<Record<string, Converter>> = {
  SoftmaxWithLoss: softmaxLoss,
  SigmoidCrossEntropyLoss: sigmoidLoss,
  EuclideanLoss: euclidean,
  HingeLoss: hinge,
  MultinomialLogisticLoss: multinomial,
  ContrastiveLoss: contrastive,
  SmoothL1Loss: smoothL1,
  InfogainLoss: infogain,
};

export const metrics: Readonly<Record<string, Converter>> = { Accuracy: accuracy, SegAccuracy: segAccuracy };
