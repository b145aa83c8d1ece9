/** The layers of the SSD fork. Prior boxes are rows [P, 4] here, differences [N, P, 4], scores [N, P, classes]. */
import type { Fields as SpecFields, Json } from '../../../../frontend/spec';
import type { Fields } from '../../../formats/caffe/fields';
import type { Converter, Use } from '../use';
import { sampleSize, shapeText, type Value } from '../value';

const USUAL_VARIANCES = [0.1, 0.1, 0.2, 0.2];
const isUsual = (values: readonly number[]): boolean => values.every((value, i) => value === USUAL_VARIANCES[i]);
/** Differences are kept below this; Caffe has no limit. */
const CODINGS = { CORNER: 'corner', CENTER_SIZE: 'center_size', CORNER_SIZE: 'corner_size' } as const;
const CODES = Object.keys(CODINGS) as readonly (keyof typeof CODINGS)[];

const priorBox: Converter = (use) => {
  const [map, image] = [use.input(0), use.input(1)];
  const param = use.part('prior_box_param');
  const [height = 1, width = 1] = use.spatial(map);
  const least = param.numbers('min_size');
  const most = param.numbers('max_size');
  const flip = param.flag('flip', true);
  const given = param.numbers('aspect_ratio');
  const ratios = given.filter((ratio) => Math.abs(ratio - 1) > 1e-6);
  const variances = param.numbers('variance');
  const steps = [param.number('step_h'), param.number('step_w')];
  const step = param.number('step') ?? (steps.every((s) => s !== undefined) ? steps.map(Number) : undefined);
  const size = param.count('img_size');
  const [imageHeight, imageWidth] = use.spatial(image);
  const said = [param.count('img_h', size ?? 0) || imageHeight, param.count('img_w', size ?? 0) || imageWidth];
  if (said[0] !== imageHeight || said[1] !== imageWidth) use.refuse('has the size of another image');
  if (least.length === 0) use.refuse('has no `min_size`');
  if (most.length > 0 && most.length !== least.length)
    use.refuse(`has ${most.length} of \`max_size\` for ${least.length} of \`min_size\``);
  const offset = param.number('offset', 0.5);
  const four =
    variances.length === 0 ? [0.1, 0.1, 0.1, 0.1] : variances.length === 4 ? variances : variances.slice(0, 1);
  const fields: Record<string, Json> = {
    min_sizes: least,
    ...(most.length > 0 ? { max_sizes: most } : {}),
    ...(ratios.length > 0 ? { aspect_ratios: ratios } : {}),
    ...(ratios.length > 0 && !flip ? { flip } : {}),
    ...(param.flag('clip', false) ? { clip: true } : {}),
    ...(step === undefined ? {} : { step }),
    ...(offset === 0.5 ? {} : { offset }),
    ...(isUsual(four) && four.length === 4 ? {} : { variances: four }),
  };
  const distinct = flip ? new Set(ratios.flatMap((ratio) => [ratio, 1 / ratio])).size : ratios.length;
  const count = height * width * least.length * (1 + (most.length > 0 ? 1 : 0) + distinct);
  const made = use.emit('prior_boxes', [map, image], fields);
  const variance = four.length === 4 ? four : USUAL_VARIANCES.map(() => four[0]!);
  use.output(0, { ref: made.name, shape: [count, 4], dtype: 'f32', variances: `${made.name}.variances`, variance });
};

/** A flat input [N, P·width] as [N, P, width]. */
function rows(use: Use, value: Value, width: number, count: number, what: string): Value {
  const plain = value.unflat ?? value;
  if (sampleSize(plain.shape) !== count * width) {
    use.refuse(`has ${what} of ${shapeText(plain.shape)} for ${count} prior boxes`);
  }
  if (plain.shape.length === 3 && plain.shape[2] === width) return plain;
  const ref = use.conversion.once(
    `rows ${value.ref} ${width}`,
    () => use.emit('reshape', [value], { shape: [0, -1, width] }, `${value.ref}_rows`).name,
  );
  return { ref, shape: [value.shape[0]!, count, width], dtype: 'f32' };
}

function priorsOf(use: Use, index: number): Value {
  const priors = use.input(index);
  if (priors.variances === undefined) use.refuse('needs the boxes of PriorBox layers');
  return priors;
}

/** How differences are written: by a field where all priors have the same variances, else by a further input. */
function coded(param: Fields, priors: Value): { readonly fields: SpecFields; readonly inputs: readonly Value[] } {
  const coding = CODINGS[param.word('code_type', CODES)];
  const encoded = param.flag('variance_encoded_in_target', false);
  const known = encoded ? [1, 1, 1, 1] : priors.variance;
  return {
    fields: {
      ...(coding === 'center_size' ? {} : { coding }),
      ...(known === undefined || isUsual(known) ? {} : { variances: encoded ? 1 : known }),
    },
    inputs: known === undefined ? [{ ...priors, ref: priors.variances! }] : [],
  };
}

function shared(use: Use, param: Fields): number {
  if (!param.flag('share_location', true)) use.refuse('has boxes for each class');
  return param.count('num_classes') ?? use.refuse('has no `num_classes`');
}

const detectionOutput: Converter = (use) => {
  const param = use.part('detection_output_param');
  param.ignore('save_output_param', 'visualize', 'visualize_threshold', 'save_file');
  const classes = shared(use, param);
  const priors = priorsOf(use, 2);
  const count = use.conversion.number(priors.shape[0]!);
  const locations = rows(use, use.input(0), 4, count, 'places');
  const scores = rows(use, use.input(1), classes, count, 'scores');
  const nms = param.part('nms_param');
  if (nms.number('eta', 1) !== 1) use.refuse('has a threshold that changes (`eta`)');
  const topK = nms.number('top_k', -1);
  const kept = param.number('keep_top_k', -1);
  const keep = kept > 0 ? kept : count;
  const background = param.number('background_label_id', 0);
  const threshold = param.number('confidence_threshold');
  const overlap = nms.number('nms_threshold', 0.3);
  const { fields, inputs } = coded(param, priors);
  const top = topK > 0 ? topK : count;
  const made = use.emit('detection_output', [locations, scores, priors, ...inputs], {
    scores: 'probabilities',
    ...(background === 0 ? {} : { background }),
    ...(overlap === 0.45 ? {} : { iou_threshold: overlap }),
    ...(threshold === 0.01 ? {} : { score_threshold: threshold ?? -1 }),
    ...(top === 400 ? {} : { top_k: top }),
    ...(keep === 200 ? {} : { keep }),
    ...fields,
  });
  use.output(0, { ref: made.name, shape: [locations.shape[0]!, keep, 6], dtype: 'f32' });
  use.converted('a list for each image here, where the source has one for the whole batch');
};

const multiBox: Converter = (use) => {
  const param = use.part('multibox_loss_param');
  param.ignore(
    'use_difficult_gt',
    'use_prior_for_matching',
    'use_prior_for_nms',
    'ignore_cross_boundary_bbox',
    'bp_cross_boundary_bbox',
    'sample_size',
    'map_object_to_agnostic',
    'do_neg_mining',
  );
  const classes = shared(use, param);
  const priors = priorsOf(use, 2);
  const count = use.conversion.number(priors.shape[0]!);
  const locations = rows(use, use.input(0), 4, count, 'places');
  const scores = rows(use, use.input(1), classes, count, 'scores');
  const truth = use.conversion.boxesOf(use.blob(3)) ?? use.refuse('needs the labels of an AnnotatedData layer');
  const only = (name: string, words: readonly string[], word: string): void => {
    const found = param.word(name, words);
    if (found !== word) use.refuse(`has \`${name}: ${found}\``, undefined, param.placeOf(name));
  };
  only('loc_loss_type', ['L2', 'SMOOTH_L1'].reverse(), 'SMOOTH_L1');
  only('conf_loss_type', ['SOFTMAX', 'LOGISTIC'], 'SOFTMAX');
  only('match_type', ['PER_PREDICTION', 'BIPARTITE'], 'PER_PREDICTION');
  only('mining_type', ['MAX_NEGATIVE', 'NONE', 'HARD_EXAMPLE'], 'MAX_NEGATIVE');
  const differing = (name: string, value: number, usual: number): SpecFields =>
    value === usual ? {} : { [name]: value };
  const threshold = param.number('overlap_threshold', 0.5);
  const { fields, inputs } = coded(param, priors);
  use.part('loss_param').ignore('normalization', 'normalize');
  use.loss('multibox', [locations, scores, priors, truth.boxes, truth.classes, ...inputs], {
    ...differing('threshold', threshold, 0.5),
    ...differing('low_threshold', param.number('neg_overlap', 0.5), threshold),
    ...differing('background', param.number('background_label_id', 0), 0),
    ...differing('negative_ratio', param.number('neg_pos_ratio', 3), 3),
    ...differing('box_weight', param.number('loc_weight', 1), 1),
    ...fields,
  });
};

const evaluate: Converter = (use) => {
  const param = use.part('detection_evaluate_param');
  param.ignore('num_classes', 'background_label_id', 'evaluate_difficult_gt', 'name_size_file', 'resize_param');
  const found = use.input(0);
  const truth = use.conversion.boxesOf(use.blob(1)) ?? use.refuse('needs the labels of an AnnotatedData layer');
  const overlap = param.number('overlap_threshold', 0.5);
  use.metric('mean_average_precision', [found, truth.boxes, truth.classes], {
    rules: use.conversion.averagePrecision,
    ...(overlap === 0.5 ? {} : { overlap }),
  });
};

export const detections: Readonly<Record<string, Converter>> = {
  PriorBox: priorBox,
  DetectionOutput: detectionOutput,
  MultiBoxLoss: multiBox,
  DetectionEvaluate: evaluate,
};
