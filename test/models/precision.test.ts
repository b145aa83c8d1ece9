/**
 * Every model of the zoo with `train.precision: bfloat16`: the large ones are compiled and planned, of the others a step from
 * the same weights on the same noise is compared with that of float32.
 *
 * What is stored is off by up to 2⁻⁹ of itself. Errors of many numbers add up as noise does, so that a loss, a mean, is
 * off by little more than one of them; and a step, the sum of what all layers pass back, points almost where that of
 * float32 points. Nearly is a cosine of 0.95, which is an error of a third of its length, or a hundred roundings.
 */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { loadSpec } from '../../compiler/frontend/load';
import { chunkAt } from '../../compiler/train/batching';
import { hyperInputs } from '../../compiler/train/hyper';
import { compilePrograms, trainProgramName, wholeSteps } from '../../compiler/train/programs';
import { runtimeWith } from '../support/native';
import { feedOf, noiseTraining } from '../support/noise-training';
import { MODELS } from './training';
import { SMALL } from './small';

jest.setTimeout(120_000);

const LOSS = 2 ** -5;
const DIRECTION = 0.95;

/** Kin of a model that is run, at sizes that a test does not wait for. */
const LARGE = [
  ...['vgg11', 'vgg13', 'vgg16', 'vgg19', 'resnet34', 'resnet50', 'resnet101', 'resnet152', 'densenet161'],
  ...['densenet169', 'densenet201', 'mobilenet_v3_large', 'squeezenet1_0', 'ssd300_vgg16', 'retinanet_resnet50'],
];
/** Batch normalization of two samples, once in each unit: what passes through it backwards is rounding alone. */
const TWO_ROWS = ['gan', 'pointnet'];

const NAMES = readdirSync(MODELS)
  .filter((file) => file.endsWith('.yaml'))
  .map((file) => file.replace('.yaml', ''));

const fileOf = (name: string): string => path.join(MODELS, `${name}.yaml`);

test('every model that is named is one', () => {
  expect([...LARGE, ...TWO_ROWS].filter((name) => !NAMES.includes(name))).toEqual([]);
});

test.each(LARGE)('%s is compiled and planned', (name) => {
  const overrides = ['train.batch_size=2', 'train.accumulate=1', 'train.precision=bfloat16'];
  const spec = loadSpec(fileOf(name), { overrides });
  const { plan } = compilePrograms(spec, { train: wholeSteps(spec, 2), eval: [2] });
  expect(plan.states.filter(({ dtype }) => dtype === 'bf16')).toEqual([]);
});

interface Step {
  readonly loss: number;
  /** What it changes the parameters by. */
  readonly change: Readonly<Record<string, Float64Array>>;
}

async function stepOf(name: string, precision: string): Promise<Step> {
  const overrides = [...(SMALL[name] ?? []), `train.precision=${precision}`];
  const { spec, schedule, plan, blob, uses } = noiseTraining(fileOf(name), { batch: 2, steps: 8, overrides });
  const session = runtimeWith(2).createSession(blob, plan);
  try {
    await session.run('init', 1, { rng: BigInt64Array.of(7n, 0n) });
    const parameters = plan.states.filter(({ role }) => role === 'parameter');
    const read = (state: string): Float64Array => Float64Array.from(session.readState(state) as Float32Array);
    const before = parameters.map(({ name: state }) => read(state));
    const chunk = chunkAt(schedule, 0, 1, []);
    const program = trainProgramName(chunk, spec.train!.objectives.length);
    const scalars = hyperInputs(spec.train!, uses[program] ?? [], schedule, chunk, 7);
    const feeds = session
      .program(program)
      .inputs.map((port, i) => [port.name, scalars[port.name] ?? feedOf(port, i, 0, 1)] as const);
    const result = await session.run(program, 1, Object.fromEntries(feeds));
    expect(result).toMatchObject({ ok: true });
    const change = parameters.map(
      ({ name: state }, i) => [state, read(state).map((x, k) => x - before[i]![k]!)] as const,
    );
    return { loss: Number(result.outputs['loss']![0]), change: Object.fromEntries(change) };
  } finally {
    session.close();
  }
}

function cosine(a: Step['change'], b: Step['change']): number {
  let [product, first, second] = [0, 0, 0];
  for (const [name, of] of Object.entries(a)) {
    of.forEach((x, i) => {
      const y = b[name]![i]!;
      product += x * y;
      first += x * x;
      second += y * y;
    });
  }
  // On noise some losses are 0, and nothing moves in either precision.
  return first === 0 && second === 0 ? 1 : product / Math.sqrt(first * second);
}

test.each(NAMES.filter((name) => !LARGE.includes(name)))('a step of %s is nearly that of float32', async (name) => {
  const exact = await stepOf(name, 'float32');
  const rounded = await stepOf(name, 'bfloat16');
  expect(Math.abs(rounded.loss - exact.loss)).toBeLessThanOrEqual(LOSS * Math.max(1, Math.abs(exact.loss)));
  if (!TWO_ROWS.includes(name)) expect(cosine(exact.change, rounded.change)).toBeGreaterThan(DIRECTION);
});
