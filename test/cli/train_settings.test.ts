/** Everything that a training section can say, as a user runs it: what is logged and written, and going on to the same bytes. */
import { parse } from 'yaml';
import { ModelFolder, TINY } from '../support/cli';

const SETTINGS = `  accumulate: 2
  clip: {global_norm: 1}
  groups: [{kinds: [bias, norm], decay: 0}, {names: logits/weight, l2: 0.001, constraint: {type: max_norm, value: 3}}]
  ema: {decay: 0.8}
  lookahead: {steps: 3}
  phases:
    - {name: head, steps: 5, frozen: conv}
    - {name: all, epochs: 1, optimizer: {lr: 0.02}, schedule: {type: plateau, patience: 0, metric: loss}}
  checkpoint: {every: 2, keep: 20, best: accuracy, restore_best: true}
  evaluate: {every: 3}
`;

/** Pictures of noise, told apart from the real ones by two layers; the losses are softplus(∓score). */
const GAN = `dlc: 1
name: gan
inputs: {image: {shape: [N, 1, 6, 6]}}
layers:
  - {name: noise, type: random_normal, shape: [N, 4]}
  - {name: g/hidden, type: dense, units: 16, activation: relu}
  - {name: g/out, type: dense, units: 36, activation: sigmoid}
  - {name: pixels, type: flatten, inputs: image}
  - {name: d/hidden, type: dense, units: 16, activation: {type: leaky_relu, slope: 0.2}}
  - {name: d/real, type: dense, units: 1}
  - {name: hidden, type: dense, units: 16, activation: {type: leaky_relu, slope: 0.2}, inputs: g/out, share: d/hidden}
  - {name: fake, type: dense, units: 1, share: d/real}
outputs: [g/out]
losses:
  - {name: real, type: expression, inputs: [d/real], expr: softplus(-x)}
  - {name: made, type: expression, inputs: [fake], expr: softplus(x)}
  - {name: fooled, type: expression, inputs: [fake], expr: softplus(-x)}
data:
  train: {type: idx, images: images.idx, scale: 0.00390625}
train:
  batch_size: 10
  steps: 120
  checkpoint: {every: 50}
  optimizer: {type: adam, lr: 0.005, beta1: 0.5}
  objectives:
    - {name: critic, losses: [real, made], parameters: d}
    - {name: generator, losses: fooled, parameters: g, optimizer: {lr: 0.01}, every: 2}
`;

const folder = new ModelFolder(TINY.replace('  epochs: 2\n', SETTINGS));
afterAll(() => folder.remove());
jest.setTimeout(120_000);

const weights = (run: string, name = 'weights.h5'): Buffer => folder.read(run, name);

describe('a run with all settings', () => {
  beforeAll(() => folder.train('whole'));

  it('logs phases, norms and penalties', () => {
    const lines = folder.lines('whole', 'metrics.jsonl').filter(({ split }) => split === 'train');
    expect(lines.map(({ phase }) => phase)).toEqual([
      ...Array<string>(5).fill('head'),
      ...Array<string>(6).fill('all'),
    ]);
    for (const line of lines)
      expect(Object.keys(line)).toEqual(expect.arrayContaining(['grad_norm', 'regularization']));
    expect(lines.map(({ lr }) => lr)[4]).toBeCloseTo(0.05, 6);
    expect(lines.map(({ lr }) => lr)[5]).toBeCloseTo(0.02, 6);
  });

  it('gives the weights of the best evaluation', async () => {
    const evals = folder.lines('whole', 'metrics.jsonl').filter(({ split }) => split === 'eval');
    const best = Math.max(...evals.map(({ accuracy }) => Number(accuracy)));
    expect(weights('whole').equals(weights('whole', 'best.h5'))).toBe(true);
    const { code, stdout } = await folder.dlc(['eval', 'whole/weights.h5', '--json']);
    expect([code, (JSON.parse(stdout) as { accuracy: number }).accuracy]).toEqual([0, best]);
  });

  it('goes on from every checkpoint to the same bytes', async () => {
    const last = folder.list('whole', 'checkpoints').at(-1)!;
    for (const step of ['02', '04', '06', '08', '10']) {
      const name = `step-000000${step}.h5`;
      folder.write(`from-${step}/checkpoints/${name}`, folder.read('whole', 'checkpoints', name));
      // What a run that was stopped then would have left there; evaluations that follow replace it.
      folder.write(`from-${step}/best.h5`, weights('whole', 'best.h5'));
      await folder.train(`from-${step}`, '--resume');
      expect([step, weights(`from-${step}`).equals(weights('whole'))]).toEqual([step, true]);
      const [mine, whole] = [`from-${step}`, 'whole'].map((run) => folder.read(run, 'checkpoints', last));
      expect([step, mine!.equals(whole!)]).toEqual([step, true]);
    }
  });

  it('is the same at any number of threads', async () => {
    await folder.train('threads', '--threads', '1');
    expect(weights('threads').equals(weights('whole'))).toBe(true);
  });

  it('finds its data from the weight file alone, wherever one stands', async () => {
    const { code } = await folder.dlc(['eval', 'whole/checkpoints/step-00000004.h5']);
    expect(code).toBe(0);
  });
});

it('is inspected phase by phase', async () => {
  const { stdout } = await folder.dlc(['inspect', 'model.yaml']);
  expect(stdout).toMatch(
    /train +\S+ KiB.*\n +\S+ KiB {2}phase head, 203 parameters learned\n +\S+ KiB {2}phase all, 243 par/,
  );
});

it('evaluates the averages, and writes them', async () => {
  const plain = [
    'train.accumulate=1',
    'train.checkpoint.restore_best=false',
    'train.lookahead=',
    'train.ema.decay=0.99',
  ];
  await folder.train('averaged', ...plain);
  const [last] = folder.lines('averaged', 'metrics.jsonl').slice(-1);
  const { stdout } = await folder.dlc(['eval', 'averaged/weights.h5', '--json']);
  expect(JSON.parse(stdout)).toMatchObject({ loss: last!['loss'], accuracy: last!['accuracy'] });
  const checkpoint = folder.list('averaged', 'checkpoints').at(-1)!;
  const raw = await folder.dlc(['eval', `averaged/checkpoints/${checkpoint}`, '--json']);
  expect((JSON.parse(raw.stdout) as { loss: number }).loss).not.toBe(last!['loss']);
});

it('a schedule that follows the evaluation acts from the next step on', async () => {
  const plateau = 'train.schedule={type: plateau, factor: 0.5, patience: 0, threshold: 100, threshold_mode: abs}';
  await folder.train('plateau', 'train.phases=[{steps: 10}]', plateau, 'train.checkpoint={every: 4}');
  const rates = folder
    .lines('plateau', 'metrics.jsonl')
    .flatMap(({ split, lr }) => (split === 'train' ? [Number(lr)] : []));
  // Evaluations after 3, 6 and 9 steps; the first has nothing to be compared with.
  const expected = [1, 1, 1, 1, 1, 1, 0.5, 0.5, 0.5, 0.25].map((factor) => 0.05 * factor);
  rates.forEach((rate, i) => expect(rate).toBeCloseTo(expected[i]!, 7));
});

describe('early stop', () => {
  const stop = ['train.stop={metric: loss, patience: 1, min_delta: 100}', 'train.checkpoint.restore_best=false'];
  beforeAll(() => folder.train('early', ...stop));

  it('ends the training when evaluations get no better', () => {
    const info = JSON.parse(folder.text('early', 'run.json')) as Record<string, unknown>;
    // Evaluations after 3, 6 and 9 steps: the first is the best, and two were no better.
    expect(info).toMatchObject({ status: 'finished', step: 9 });
  });

  it('has nothing to do when it is resumed', async () => {
    const [before, metrics] = [weights('early'), folder.text('early', 'metrics.jsonl')];
    const { stdout } = await folder.train('early', ...stop, '--resume');
    expect(stdout).toContain('trained 9 steps of 11, as evaluations got no better');
    expect(weights('early').equals(before)).toBe(true);
    expect(folder.text('early', 'metrics.jsonl')).toBe(metrics);
  });
});

it('says what has changed since the run began', async () => {
  await folder.train('changed', 'train.phases=[{steps: 2}]');
  const { stderr } = await folder.train('changed', 'train.phases=[{steps: 3}]', 'train.optimizer.lr=0.1', '--resume');
  expect(stderr).toContain('the run began with `train.optimizer.lr` 0.05 and goes on with 0.1 [resume-changed]');
  expect(stderr).toContain('the run began with `train.phases[0].steps` 2 and goes on with 3 [resume-changed]');
  expect(parse(folder.text('changed', 'model.yaml'))).toMatchObject({ train: { optimizer: { lr: 0.1 } } });
});

describe('a GAN', () => {
  beforeAll(async () => {
    folder.write('gan.yaml', GAN);
    expect(await folder.dlc(['train', 'gan.yaml', '--run-dir', 'gan'])).toMatchObject({ code: 0 });
  });

  it('trains one objective after the other', () => {
    const lines = folder.lines('gan', 'metrics.jsonl');
    expect(lines.map((line) => 'fooled' in line)).toEqual(lines.map((_, i) => i % 2 === 1));
    expect(lines.every((line) => 'real' in line && 'made' in line)).toBe(true);
    for (const line of lines) expect(line['critic/loss']).toBeCloseTo(Number(line['real']) + Number(line['made']), 5);
    expect(lines[1]!['loss']).toBeCloseTo(Number(lines[1]!['critic/loss']) + Number(lines[1]!['generator/loss']), 5);
  });

  it('is warned of weights that nobody changes', async () => {
    const some = 'train.objectives=[{name: all, losses: [real, made, fooled], parameters: d/hidden}]';
    const { code, stderr } = await folder.dlc(['train', 'gan.yaml', '--run-dir', 'some', 'train.steps=1', some]);
    expect([code, stderr]).toEqual([0, expect.stringContaining('no objective changes `g/hidden/weight`')]);
  });

  it('goes on to the same bytes', async () => {
    for (const step of ['050', '100']) {
      const name = `step-00000${step}.h5`;
      folder.write(`gan-${step}/checkpoints/${name}`, folder.read('gan', 'checkpoints', name));
      await folder.dlc(['train', 'gan.yaml', '--run-dir', `gan-${step}`, '--resume']);
      expect([step, weights(`gan-${step}`).equals(weights('gan'))]).toEqual([step, true]);
    }
  });
});
