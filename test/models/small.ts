/**
 * Models of the zoo cut down until a test can wait for them: overrides that make images small, layers narrow and what is
 * repeated one of its kind. Every kind of layer of the model stays.
 */

const pixels = (size: number, channels = 3): string => `inputs.image.shape=[N,${channels},${size},${size}]`;
/** Images of that size as the model sees them, whatever comes before. */
const view = (size: number): string[] => [pixels(size), `layers.view.size=${size}`];
const FEW = 'layers.logits.units=10';
const NARROW = ['layers.fc6.units=24', 'layers.fc7.units=20', FEW];

/** One unit in each place where the model repeats it. */
const single = (field: string, ...names: string[]): string[] => names.map((name) => `layers.${name}.${field}=1`);

// Where all that is left of an image is one pixel, two samples are all that batch normalization has: then the gradient is
// rounding alone, and networks in PyTorch explode as these do. So images are large enough for 2x2 at the end.
export const SMALL: Readonly<Record<string, readonly string[]>> = {
  caffenet: [...view(67), ...NARROW],
  alexnet: [...view(67), ...NARROW],
  alexnet_owt: [...view(63), ...NARROW],
  vgg16_bn: [...view(64), ...NARROW, ...single('convs', 'stage1', 'stage2', 'stage3', 'stage4', 'stage5')],
  googlenet: [...view(64), FEW],
  inception_v3: [...view(107), FEW, ...single('repeat', 'mixed6', 'mixed7'), 'layers.side_conv2.kernel=[1,1]'],
  resnet18: [...view(65), FEW, ...single('units', 'stage1', 'stage3')],
  resnext50_32x4d: [...view(64), FEW, ...single('units', 'stage1', 'stage2', 'stage3'), 'layers.stage4.units=2'],
  densenet121: [...view(64), FEW, ...[1, 2, 3, 4].map((i) => `layers.dense${i}.repeat=3`)],
  squeezenet1_1: [...view(47), 'layers.conv10.filters=10'],
  mobilenet_v1: [...view(65), FEW, ...single('repeat', 'unit7')],
  mobilenet_v2: [...view(64), FEW, ...single('units', 'stage3', 'stage4', 'stage5', 'stage6')],
  mobilenet_v3_small: [...view(65), FEW],
  shufflenet_v2_x1_0: [...view(63), FEW, 'layers.stage3.units=2'],
  efficientnet_b0: [...view(65), FEW, ...single('units', 'stage4', 'stage5', 'stage6')],
  convnext_tiny: [...view(64), FEW, 'layers.mix.classes=10', ...single('units', 'stage3', 'stage4')],
  swin_tiny: [
    // Its windows want 224 pixels.
    ...[...view(224), FEW, 'layers.mix.classes=10', 'layers.patches.filters=8', 'layers.stage3.count=2'],
    ...[8, 8, 12, 16].flatMap((units, i) => [`layers.stage${i + 1}.units=${units}`, `layers.stage${i + 1}.heads=2`]),
  ],
  unet: [
    ...[pixels(188, 1), 'inputs.mask.shape=[N,4,4]', 'inputs.importance.shape=[N,4,4]'],
    ...['down1', 'down2', 'down3', 'down4', 'bottom'].map((name, i) => `layers.${name}.filters=${4 + i}`),
    ...['up4', 'up3', 'up2', 'up1'].map((name, i) => `layers.${name}.filters=${7 - i}`),
  ],
  fcn8s: [
    ...[pixels(35), 'inputs.label.shape=[N,35,35]', 'layers.fc6.filters=24', 'layers.fc7.filters=20'],
    ...[1, 2, 3, 4, 5].map((i) => `layers.stage${i}.filters=${4 + i}`),
  ],
  deeplab_v3_resnet50: [
    ...[pixels(33), 'inputs.label.shape=[N,33,33]', ...single('units', 'stage1', 'stage2', 'stage3', 'stage4')],
    ...['layers.spread.size=5', 'layers.logits.size=33', 'layers.side.size=33'],
  ],
  vit_small: [...view(64), FEW, 'layers.mix.classes=10', 'layers.encoder.repeat=2'],
  gpt_small: [
    ...['tokens', 'next'].map((name) => `inputs.${name}={shape: [N, 12], dtype: int32}`),
    ...['layers.vocabulary.shape=[50,768]', 'layers.decoder.repeat=1'],
  ],
  seq2seq_attention: ['layers.read.vocabulary=50', 'layers.words.vocabulary=50', 'layers.logits.units=50'],
  conformer_lite: ['inputs.wave.shape=[N,6640]', 'inputs.text.shape=[N,4]', 'layers.conformer.repeat=1'],
  yolo_tiny: [pixels(64)],
  ssd_cells: ['inputs.image.shape=[N,3,48,64]'],
  pointnet: ['inputs.points.shape=[N,3,33]', FEW],
};
