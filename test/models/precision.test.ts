/**
 * Every model of the zoo with `train.precision: bfloat16`: the large ones are compiled and planned, of the others a step on
 * noise is compared with that of float32.
 *
 * What error is to be expected depends on the model: batch normalization of two samples makes a hundredth a half.
 * So the model is asked: a step of float32 from weights and inputs that were rounded to bfloat16 goes astray by some share
 * of its length. Storing the rest rounded too adds errors of the same size, independent of those: √2 times as far where as
 * much is rounded on the way as at the start; twice as far is allowed, and 0.01 where next to nothing is astray.
 */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { loadSpec } from '../../compiler/frontend/load';
import { toBfloat16 } from '../../compiler/ir/bfloat16';
import { chunkAt } from '../../compiler/train/batching';
import { hyperInputs } from '../../compiler/train/hyper';
import { compilePrograms, trainProgramName, wholeSteps } from '../../compiler/train/programs';
import { runtimeWith } from '../support/native';
import { feedOf, noiseTraining, type NoiseTraining } from '../support/noise-training';
import { MODELS } from './training';
import { SMALL } from './small';

jest.setTimeout(120_000);

const FURTHER = 2;
const LEAST = 0.01;
/** Of a loss, against float32. */
const LOSS = 2 ** -4;

/** Kin of a model that is run, at sizes that a test does not wait for. */
const LARGE = [
  ...['vgg11', 'vgg13', 'vgg16', 'vgg19', 'resnet34', 'resnet50', 'resnet101', 'resnet152', 'densenet161'],
  ...['densenet169', 'densenet201', 'mobilenet_v3_large', 'squeezenet1_0', 'ssd300_vgg16', 'retinanet_resnet50'],
  'bert_small',
];
const NAMES = readdirSync(MODELS)
  .filter((file) => file.endsWith('.yaml'))
  .map((file) => file.replace('.yaml', ''));

const fileOf = (name: string): string => path.join(MODELS, `${name}.yaml`);

test('every model that is named is one', () => {
  expect(LARGE.filter((name) => !NAMES.includes(name))).toEqual([]);
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

function trainingOf(name: string, precision: string): NoiseTraining {
  const overrides = [...(SMALL[name] ?? []), `train.precision=${precision}`];
  return noiseTraining(fileOf(name), { batch: 2, steps: 8, overrides });
}

/** With `rounded`, from weights and inputs that bfloat16 can hold. */
async function stepOf({ spec, schedule, plan, blob, uses }: NoiseTraining, rounded = false): Promise<Step> {
  const session = runtimeWith(2).createSession(blob, plan);
  try {
    await session.run('init', 1, { rng: BigInt64Array.of(7n, 0n) });
    const parameters = plan.states.filter(({ role }) => role === 'parameter');
    const read = (state: string): Float64Array => Float64Array.from(session.readState(state) as Float32Array);
    if (rounded) for (const { name: state } of parameters) session.writeState(state, roundedFrom(read(state)));
    const before = parameters.map(({ name: state }) => read(state));
    const chunk = chunkAt(schedule, 0, 1, []);
    const program = trainProgramName(chunk, spec.train!.objectives.length);
    const scalars = hyperInputs(spec.train!, uses[program] ?? [], schedule, chunk, 7);
    const feeds = session.program(program).inputs.map((port, i) => {
      const data = scalars[port.name] ?? feedOf(port, i, 0, 1);
      const isNoise = rounded && data instanceof Float32Array && scalars[port.name] === undefined;
      return [port.name, isNoise ? roundedFrom(data) : data] as const;
    });
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

const roundedFrom = (data: Float64Array | Float32Array): Float32Array => Float32Array.from(data, toBfloat16);

/** How far a step ends from where another one does, as a share of the way of that one. */
function astray(step: Step, from: Step): number {
  let [difference, length] = [0, 0];
  for (const [name, change] of Object.entries(from.change)) {
    change.forEach((x, i) => {
      difference += (x - step.change[name]![i]!) ** 2;
      length += x ** 2;
    });
  }
  // On noise some losses are 0, and nothing moves.
  return length === 0 ? 0 : Math.sqrt(difference / length);
}

test.each(NAMES.filter((name) => !LARGE.includes(name)))('a step of %s is as near as can be expected', async (name) => {
  const training = trainingOf(name, 'float32');
  const exact = await stepOf(training);
  const control = await stepOf(training, true);
  const narrow = await stepOf(trainingOf(name, 'bfloat16'));
  expect(Math.abs(narrow.loss - exact.loss)).toBeLessThanOrEqual(LOSS * Math.max(1, Math.abs(exact.loss)));
  expect(astray(narrow, exact)).toBeLessThanOrEqual(FURTHER * astray(control, exact) + LEAST);
});
