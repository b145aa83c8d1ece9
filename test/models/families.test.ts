/**
 * One model of each family, natively, at images so small that a test can wait for them: weights drawn, two steps, an
 * evaluation and a prediction. Every figure and every weight stays finite, every weight that is trained moves.
 */
import path from 'node:path';
import { loadSpec } from '../../compiler/frontend/load';
import type { TensorType } from '../../compiler/ir/types';
import { elementCount } from '../../compiler/ir/types';
import { optimizerScalars } from '../../compiler/lower/learning_rate';
import type { NativeSession, TensorData } from '../../compiler/native/runtime';
import type { RefTensor } from '../../compiler/ops/define';
import { compileModel } from '../../compiler/train/programs';
import { runtimeWith, toNative } from '../support/native';
import { generator } from '../support/samples';

jest.setTimeout(120_000);

const BATCH = 2;

type Port = TensorType & { readonly name: string };

/** Pictures of noise, classes 0 and 1, and the scalars of a step. */
function feedsOf(ports: readonly Port[], step: number, scalars: Readonly<Record<string, number>>) {
  const random = generator(7);
  const feeds = ports.map(({ name, dtype, shape }) => {
    const element = (i: number): number => {
      if (name === 'rng') return [7, step][i] ?? 0;
      return scalars[name] ?? (dtype === 'f32' ? Math.fround(random()) : Math.floor(2 * random()));
    };
    const data = Float64Array.from({ length: elementCount(shape) }, (_, i) => element(i));
    const tensor: RefTensor = { type: { dtype, shape }, data };
    return [name, toNative(tensor)] as const;
  });
  return Object.fromEntries(feeds);
}

/** The first elements of a tensor: enough to see what went wrong, few enough to look at in every tensor of a model. */
const someOf = (data: TensorData): number[] => Array.from(data.subarray(0, 10_000), Number);
const isBad = (data: TensorData): boolean => someOf(data).some((x) => !Number.isFinite(x));
/** Changes with any element: gradients of biases before a softmax add up to nothing. */
const checksum = (data: TensorData): number => someOf(data).reduce((sum, x, i) => sum + x * (1 + (i % 7)), 0);

/** Runs a step; gives the figures and weights that are not finite after it. */
async function badAfter(session: NativeSession, name: string, step: number, scalars = {}): Promise<string[]> {
  const ran = await session.run(name, 1, feedsOf(session.program(name).inputs, step, scalars));
  if (!ran.ok) return [`${name}: ${ran.message}`];
  const tensors = [
    ...Object.entries(ran.outputs),
    ...session.states.map((state) => [state.name, session.readState(state.name)] as const),
  ];
  return tensors.flatMap(([tensor, data]) => (isBad(data) ? [tensor] : []));
}

interface Case {
  readonly model: string;
  readonly overrides: readonly string[];
}

const pixels = (size: number, channels = 3): string => `inputs.image.shape=[N,${channels},${size},${size}]`;
/** Images of that size as the model sees them, whatever comes before. */
const view = (size: number): string[] => [pixels(size), `layers.view.size=${size}`];
const FEW = 'layers.logits.units=10';
const NARROW = ['layers.fc6.units=24', 'layers.fc7.units=20', FEW];

/** One unit in each place where the model repeats it. */
const single = (field: string, ...names: string[]): string[] => names.map((name) => `layers.${name}.${field}=1`);

/**
 * What two steps need not move: frozen interpolations; biases of 1, whose gradient is less than what float32 holds beside
 * it; scales before a rectifier and another normalization, which undoes them, where nothing decays.
 */
const AT_REST = /^up\d\/up\.weight$|^conv\d\.bias$|\/(right1|conv1)\/bn\.gamma$/;

// Where all that is left of an image is one pixel, two samples are all that batch normalization has: then the gradient is
// rounding alone, and networks in PyTorch explode as these do. So images are large enough for 2x2 at the end.
const CASES: readonly Case[] = [
  { model: 'caffenet', overrides: [...view(67), ...NARROW] },
  { model: 'alexnet_owt', overrides: [...view(63), ...NARROW] },
  {
    model: 'vgg16_bn',
    overrides: [...view(64), ...NARROW, ...single('convs', 'stage1', 'stage2', 'stage3', 'stage4', 'stage5')],
  },
  { model: 'googlenet', overrides: [...view(64), FEW] },
  {
    model: 'inception_v3',
    overrides: [...view(107), FEW, ...single('repeat', 'mixed6', 'mixed7'), 'layers.side_conv2.kernel=[1,1]'],
  },
  { model: 'resnet18', overrides: [...view(65), FEW, ...single('units', 'stage1', 'stage3')] },
  {
    model: 'resnext50_32x4d',
    overrides: [...view(64), FEW, ...single('units', 'stage1', 'stage2', 'stage3'), 'layers.stage4.units=2'],
  },
  { model: 'squeezenet1_1', overrides: [...view(47), 'layers.conv10.filters=10'] },
  {
    model: 'densenet121',
    overrides: [...view(64), FEW, ...[1, 2, 3, 4].map((i) => `layers.dense${i}.repeat=3`)],
  },
  { model: 'mobilenet_v1', overrides: [...view(65), FEW, ...single('repeat', 'unit7')] },
  { model: 'mobilenet_v3_small', overrides: [...view(65), FEW] },
  { model: 'shufflenet_v2_x1_0', overrides: [...view(63), FEW, 'layers.stage3.units=2'] },
  { model: 'efficientnet_b0', overrides: [...view(65), FEW, ...single('units', 'stage4', 'stage5', 'stage6')] },
  {
    model: 'convnext_tiny',
    overrides: [...view(64), FEW, 'layers.mix.classes=10', ...single('units', 'stage3', 'stage4')],
  },
  {
    model: 'swin_tiny', // its windows want 224 pixels
    overrides: [
      ...[...view(224), FEW, 'layers.mix.classes=10', 'layers.patches.filters=8', 'layers.stage3.count=2'],
      ...[8, 8, 12, 16].flatMap((units, i) => [`layers.stage${i + 1}.units=${units}`, `layers.stage${i + 1}.heads=2`]),
    ],
  },
  {
    model: 'unet',
    overrides: [
      ...[pixels(188, 1), 'inputs.mask.shape=[N,4,4]', 'inputs.importance.shape=[N,4,4]'],
      ...['down1', 'down2', 'down3', 'down4', 'bottom'].map((name, i) => `layers.${name}.filters=${4 + i}`),
      ...['up4', 'up3', 'up2', 'up1'].map((name, i) => `layers.${name}.filters=${7 - i}`),
    ],
  },
  {
    model: 'fcn8s',
    overrides: [
      ...[pixels(35), 'inputs.label.shape=[N,35,35]', 'layers.fc6.filters=24', 'layers.fc7.filters=20'],
      ...[1, 2, 3, 4, 5].map((i) => `layers.stage${i}.filters=${4 + i}`),
    ],
  },
  {
    model: 'deeplab_v3_resnet50',
    overrides: [
      ...[pixels(33), 'inputs.label.shape=[N,33,33]', ...single('units', 'stage1', 'stage2', 'stage3', 'stage4')],
      ...['layers.spread.size=5', 'layers.logits.size=33', 'layers.side.size=33'],
    ],
  },
  { model: 'pointnet', overrides: ['inputs.points.shape=[N,3,33]', 'layers.logits.units=10'] },
];

test.each(CASES)('$model trains, evaluates and predicts', async ({ model, overrides }) => {
  const spec = loadSpec(path.resolve(__dirname, `../../models/${model}.yaml`), {
    overrides: [...overrides, `train.batch_size=${BATCH}`, 'train.accumulate=1', 'train.optimizer.lr=0.001'],
  });
  const wanted = { init: true, train: [BATCH], eval: [BATCH], predict: [BATCH] };
  const { plan, blob } = compileModel(spec, wanted);
  const session = runtimeWith(2).createSession(blob, plan);
  try {
    expect(await badAfter(session, 'init', 0)).toEqual([]);
    const before = new Map(session.states.map(({ name }) => [name, checksum(session.readState(name))]));
    for (const step of [1, 2]) {
      const scalars = { lr: 0.001, ...optimizerScalars(spec.train!, step) };
      expect(await badAfter(session, `train@${BATCH}`, step, scalars)).toEqual([]);
    }
    expect(await badAfter(session, `eval@${BATCH}`, 1)).toEqual([]);
    expect(await badAfter(session, `predict@${BATCH}`, 1)).toEqual([]);
    const still = session.states.filter(({ name }) => before.get(name) === checksum(session.readState(name)));
    expect(still.map(({ name }) => name).filter((name) => !AT_REST.test(name))).toEqual([]);
  } finally {
    session.close();
  }
});
