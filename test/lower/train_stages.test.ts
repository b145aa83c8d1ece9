/** Phases and objectives: values as PyTorch has them, which weights a step touches, and what its program has not. */
import { lowerTraining } from '../../compiler/lower/lower';
import { runPipeline } from '../../compiler/pipeline';
import { kindAt, scheduleOf, shapesIn } from '../../compiler/train/batching';
import { expectClose, netOf, train } from '../support/two-layers';

// prettier-ignore
const REFERENCE = {
  "phases sgd": [0.5092056, 0.545019, 0.08004967, -0.4261929, -0.5684208, -0.1918283, 0.3859044, 0.5685858, 0.2421681, -0.3572945, -0.6042156, -0.2933204, 0.3700398, 0.6196123, 0.178384, -0.3448989, -0.3673638, -0.1264406, 0.3839919, 0.3708938, 0.2705754, 0.1692256, -0.706026, -0.3621386, 0.404075, 0.08071683],
  "phases adam sgd": [0.5112766, 0.5414347, 0.07225776, -0.342576, -0.6039971, -0.2431141, 0.4108427, 0.5904808, 0.1118967, -0.3201174, -0.5780474, -0.3168246, 0.1980644, 0.5140435, 0.3973254, -0.1413783, -0.282846, -0.1659518, 0.3131691, 0.3762474, 0.4271157, 0.07476668, -0.5551721, -0.480696, 0.1262585, 0.1967672],
  "objectives": [0.3136932, 0.4039651, 0.280542, -0.5668405, -0.4791366, -0.0663841, 0.5101551, 0.7739256, 0.1564026, -0.1426802, -0.4499211, -0.5124795, 0.4302396, 0.7108193, 0.2299019, -0.3464732, -0.4515854, 0.08410112, 0.3163445, 0.3777312, 0.3227878, 0.2518048, -0.6147422, -0.2607148, 0.2170261, -0.0377726],
} as const;

describe('phases', () => {
  const SGD = 'optimizer: {type: sgd, lr: 0.5, momentum: 0.9}';
  const TWO = `phases: [{steps: 2, frozen: fc1}, {steps: 3, optimizer: {lr: 0.2}}], ${SGD}`;

  test('freeze and thaw; the state of the optimizer is kept where it is the same', () => {
    const { weights, updated } = train(netOf(TWO));
    expectClose(weights, REFERENCE['phases sgd']);
    expect(updated.map((names) => names.length)).toEqual([2, 2, 4, 4, 4]);
  });

  test('change the optimizer; a thawed weight begins with a fresh one, clock included', () => {
    const phases = `[{steps: 2, frozen: fc1}, {steps: 3, optimizer: {lr: 0.05}}, {steps: 2, optimizer: {type: sgd, lr: 0.1, momentum: 0.9}}]`;
    const spec = netOf(`phases: ${phases}, optimizer: {type: adam, lr: 0.1}`);
    const { weights, states } = train(spec);
    expectClose(weights, REFERENCE['phases adam sgd']);
    expect(Object.keys(states)).toEqual(expect.arrayContaining(['fc1.weight.mean', 'fc1.weight.sgd-momentum']));
  });

  test('run their schedules from the beginning', () => {
    const schedule = 'schedule: {type: polynomial, power: 1}';
    const { uses } = lowerTraining(netOf(`phases: [{steps: 4}, {steps: 2}], ${schedule}, ${SGD}`), 3, {
      phase: 1,
      objectives: [0],
    });
    expect(uses.map(({ setup, earlier }) => [setup.schedule.type, earlier])).toEqual([['polynomial', [0]]]);
  });

  test('do not compute gradients of what is frozen', () => {
    const whole = lowerTraining(netOf(TWO), 3, { phase: 1, objectives: [0] }).graph;
    const part = lowerTraining(netOf(TWO), 3, { phase: 0, objectives: [0] }).graph;
    const products = (graph: typeof whole): number => graph.nodes.filter(({ op }) => op === 'matmul').length;
    // Forward: two products in both. Backward: weights of two layers and the inputs of one, or the weights of one.
    expect([products(whole), products(part)]).toEqual([5, 3]);
  });

  test('use the running statistics of frozen normalizations, unless these are to learn', () => {
    const layers = '  - {name: bn, type: batch_norm}\n';
    const opsIn = (more: string): readonly string[] => {
      const spec = netOf(`phases: [{steps: 2, frozen: [fc1, bn]${more}}], ${SGD}`, { layers });
      return lowerTraining(spec, 3).graph.nodes.map(({ op }) => op);
    };
    expect(opsIn('')).not.toContain('batch_norm_train');
    expect(opsIn(', train_norms: true')).toContain('batch_norm_train');
  });

  test('say which program a step runs', () => {
    const phases = [{ epochs: 2 }, { steps: 3 }];
    const schedule = scheduleOf(7, 3, { epochs: 1, phases });
    expect(schedule).toMatchObject({ stepsPerEpoch: 3, totalSteps: 9 });
    const shown = Array.from({ length: 9 }, (_, step) => kindAt(schedule, step).phase);
    expect(shown).toEqual([0, 0, 0, 0, 0, 0, 1, 1, 1]);
    expect(shapesIn(schedule).map(({ kind, batch }) => [kind.phase, batch])).toEqual([
      [0, 3],
      [0, 1],
      [1, 3],
      [1, 1],
    ]);
  });
});

describe('objectives', () => {
  const LOSSES = '[{name: near, type: mse, inputs: [fc2, y]}, {name: far, type: mae, inputs: [fc2, y]}]';
  const TWO = `objectives: [
    {name: a, losses: [near], parameters: fc2, optimizer: {type: sgd, lr: 0.5, momentum: 0.9}, clip: {global_norm: 100}},
    {name: b, losses: far, parameters: [fc1], optimizer: {type: adam, lr: 0.1}, every: 2}]`;
  const spec = netOf(`steps: 5, ${TWO}`, { losses: LOSSES });

  test('take turns within a step, each on the weights that the one before has left', () => {
    const { weights, steps, updated } = train(spec);
    expectClose(weights, REFERENCE.objectives);
    const sums = (name: string): (number | undefined)[] => steps.map((step) => step[`losses/${name}/sum`]);
    const count = 6;
    const near = [0.597511691, 0.983778214, 0.29919468, 1.016299024, 0.586561119];
    expectClose(
      sums('near').map((sum) => sum! / count),
      near,
    );
    expect(sums('far').map((sum) => sum !== undefined)).toEqual([false, true, false, true, false]);
    expect(sums('far')[1]! / count).toBeCloseTo(0.792769152, 6);
    expect(steps[1]!['loss']).toBeCloseTo(0.983778214 + 0.792769152, 6);
    expect(Object.keys(steps[0]!)).toContain('a/grad_norm');
    expect(updated.map((names) => names.length)).toEqual([2, 4, 2, 4, 2]);
  });

  test('are programs by which of them are at work', () => {
    const schedule = scheduleOf(6, 3, { epochs: 3, periods: [1, 2, 3] });
    const shown = Array.from({ length: 6 }, (_, step) => kindAt(schedule, step).objectives.join(''));
    expect(shown).toEqual(['0', '01', '02', '01', '0', '012']);
    expect(shapesIn(schedule)).toHaveLength(4);
  });

  test('share what is the same: the forward pass of a layer that no objective before has changed', () => {
    const { graph } = runPipeline(lowerTraining(spec, 3).graph, { after: 'cse' });
    expect(graph.nodes.filter(({ op }) => op === 'tanh')).toHaveLength(1);
  });

  test('draw the same in a step', () => {
    const layers = '  - {name: drop, type: dropout, rate: 0.5}\n';
    const { graph } = lowerTraining(netOf(`steps: 5, ${TWO}`, { losses: LOSSES, layers }), 3);
    const streams = graph.nodes.filter(({ op }) => op === 'dropout').map(({ attrs }) => attrs['stream']);
    expect(new Set(streams).size).toBe(1);
  });
});
