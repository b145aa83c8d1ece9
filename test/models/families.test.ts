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
import { SMALL } from './small';

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

/**
 * What two steps need not move: frozen interpolations; biases of 1, whose gradient is less than what float32 holds beside
 * it; scales before a rectifier and another normalization, which undoes them, where nothing decays.
 */
const AT_REST = /^up\d\/up\.weight$|^conv\d\.bias$|\/(right1|conv1)\/bn\.gamma$/;

const FAMILIES = [
  ...['caffenet', 'alexnet_owt', 'vgg16_bn', 'googlenet', 'inception_v3', 'resnet18', 'resnext50_32x4d'],
  ...['squeezenet1_1', 'densenet121', 'mobilenet_v1', 'mobilenet_v3_small', 'shufflenet_v2_x1_0', 'efficientnet_b0'],
  ...['convnext_tiny', 'swin_tiny', 'unet', 'fcn8s', 'deeplab_v3_resnet50', 'pointnet'],
];

test.each(FAMILIES)('%s trains, evaluates and predicts', async (model) => {
  const spec = loadSpec(path.resolve(__dirname, `../../models/${model}.yaml`), {
    overrides: [...SMALL[model]!, `train.batch_size=${BATCH}`, 'train.accumulate=1', 'train.optimizer.lr=0.001'],
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
