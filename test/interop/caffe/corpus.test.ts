/**
 * Every net of the corpus by itself is imported or refused with a reason that names the place. The table has the refused
 * ones; all others have to be read. Nets that leave the shape of their data open are given one.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { SpecError } from '../../../compiler/diagnostics/errors';
import { parseText } from '../../../compiler/interop/formats/caffe/text';
import { isNet } from '../../../compiler/interop/import/caffe/net';
import { corpusFile, hasCorpus, imported } from './corpus';

/** Of each net that is refused, what its first problem says. */
const REFUSED: Readonly<Record<string, RegExp>> = {
  'faster-rcnn/mobilenet-dw/deploy_faster_voc_mobilenet-dw': /Python/,
  'faster-rcnn/mobilenet-dw/faster_voc_mobilenet-dw': /Python/,
  'faster-rcnn/zf-end2end/test': /Python/,
  'faster-rcnn/zf-end2end/train': /Python/,
  'faster-rcnn/zf-fast/test': /ROIPooling/,
  'faster-rcnn/zf-fast/train': /ROIPooling/,
  'gan/dcgan/data': /no layer that computes/,
  'mobilenet/mobilenet-v3-yolo/test': /Yolov3DetectionOutput/,
  'mobilenet/mobilenet-v3-yolo/train': /Yolov3/,
  'rfcn/rfcn-resnet18/deploy_rfcn_voc_resnet18-priv-merge': /Python/,
  'rfcn/rfcn-resnet18/rfcn_voc_resnet18-priv-merge-ohem': /Python/,
  'segmisc/enet/enet_deploy': /Python/,
  'segmisc/enet/enet_train_encoder': /Python/,
  'segmisc/enet/enet_train_encoder_decoder': /Python/,
  'segmisc/vnet/train_noPooling_ResNet_cinque': /Python/,
  'ssd/faceboxes/deploy': /prior boxes/,
  'ssd/faceboxes/train': /prior boxes/,
  'ssd/mobilenetv2-ssdlite/train': /LOGISTIC/,
  'yolo/darknet19-yolov2/darknet19_deploy': /YoloDetectionOutput/,
  'yolo/darknet19-yolov2/darknet19_test': /YoloDetectionOutput/,
  'yolo/darknet19-yolov2/darknet19_train': /RegionLoss/,
  'yolo/yolov2-intel/yolov2_test': /EvalDetection/,
  'yolo/yolov2-intel/yolov2_train': /RegionLoss/,
  'yolo/yolov3/yolov3-tiny': /Yolov3DetectionOutput/,
  'yolo/yolov3/yolov3-train': /Yolov3/,
  'yolo/yolov3/yolov3': /Yolov3DetectionOutput/,
};

type Inputs = Readonly<Record<string, readonly (number | string)[]>>;

/** What a user would say of data that the files leave open. */
const SHAPES: readonly (readonly [RegExp, Inputs])[] = [
  [/classic\/cifar10.*train_test/, { data: ['N', 3, 32, 32] }],
  [/classic\/hdf5/, { data: ['N', 4] }],
  [/classic\/lenet\/lenet_train|autoencoder/, { data: ['N', 1, 28, 28] }],
  [/siamese_train/, { pair_data: ['N', 2, 28, 28] }],
  [/fcn\/nyud/, { color: ['N', 3, 425, 560], hha: ['N', 3, 425, 560] }],
  [/fcn\/(?!nyud).*(train|val|test)/, { data: ['N', 3, 500, 500] }],
  [/segnet|hed\/train|segmisc\/enet\/enet_train/, { data: ['N', 3, 360, 480] }],
  [/lstm_language_model/, { input_sentence: ['N', 20], cont_sentence: ['N', 20] }],
  [/train_test_lstm/, { data: [384, 3, 227, 227], label: [384], clip_markers: [384] }],
  [/faster-rcnn\/.*(\/train|\/faster)|ohem/, { data: ['N', 3, 600, 800] }],
];

function netsOfCorpus(): string[] {
  const list = (folder: string): string[] =>
    readdirSync(corpusFile(folder)).flatMap((name) => {
      const file = path.join(folder, name);
      if (statSync(corpusFile(file)).isDirectory()) return list(file);
      if (!file.endsWith('.prototxt')) return [];
      return isNet(parseText(file, readFileSync(corpusFile(file), 'utf8'))) ? [file.replace(/\.prototxt$/, '')] : [];
    });
  return list('');
}

const there = hasCorpus();
const nets = there ? netsOfCorpus() : [];

(there ? test : test.skip)('the corpus has as many nets as it says', () => {
  expect(nets.filter((net) => !/solver/.test(net))).toHaveLength(140);
});

(there ? test : test.skip).each(there ? nets.filter((net) => !/solver/.test(net)) : ['none'])('%s', async (net) => {
  const inputs = new Map(Object.entries(SHAPES.find(([pattern]) => pattern.test(net))?.[1] ?? {}));
  const expected = REFUSED[net];
  const importing = imported([corpusFile(`${net}.prototxt`)], { inputs });
  if (expected === undefined) {
    const { text, entries } = await importing;
    expect(text).toContain('layers:');
    expect(entries.some(({ kind }) => kind === 'layer')).toBe(true);
    return;
  }
  const error: unknown = await importing.catch((thrown: unknown) => thrown);
  if (!(error instanceof SpecError)) throw error;
  expect(error.message).toMatch(expected);
  for (const { at, code } of error.diagnostics) {
    expect(code).toBe('import-unsupported');
    expect(at.file).toContain('.prototxt');
  }
});
