/** Steps with every setting on the runtime, optimized, against the reference interpreter on the graphs as lowered. */
import { openRuntime } from '../../compiler/native/runtime';
import { batchAt, kindAt, shapesIn } from '../../compiler/train/batching';
import { hyperInputs } from '../../compiler/train/hyper';
import { compileModel, trainProgramName } from '../../compiler/train/programs';
import { trainSchedule } from '../../compiler/train/trainer';
import { batchOf, beginStates, expectClose, netOf, SAMPLES, train, weightsIn } from '../support/two-layers';
import type { Spec } from '../../compiler/frontend/spec';

/** Weights after all steps, and their averages; the same run on one thread and on three. */
async function runNatively(spec: Spec, threads: number): Promise<Record<string, Float32Array>> {
  const section = spec.train!;
  const schedule = trainSchedule(section, SAMPLES);
  const { plan, blob, uses } = compileModel(spec, { train: shapesIn(schedule) });
  const session = openRuntime({ threads }).createSession(blob, plan);
  const begin = beginStates(plan.states.map(({ name, dtype, shape }) => ({ value: { name, type: { dtype, shape } } })));
  for (const { name } of plan.states)
    session.writeState(name, Float32Array.from(begin[name]!.data as ArrayLike<number>));
  for (let step = 0; step < schedule.totalSteps; step++) {
    const shape = { kind: kindAt(schedule, step), batch: batchAt(schedule, step) };
    const program = trainProgramName(shape, section.objectives.length);
    const position = (step % schedule.stepsPerEpoch) * section.batchSize;
    const chunk = { first: step, steps: 1, ...shape, epoch: 0, position };
    const feeds = { ...batchOf(position, shape.batch), ...hyperInputs(section, uses[program]!, schedule, chunk, 7) };
    const wanted = new Set(session.program(program).inputs.map(({ name }) => name));
    const given = Object.entries(feeds).flatMap(([name, data]) => (wanted.has(name) ? [[name, data] as const] : []));
    const inputs = Object.fromEntries(
      given.map(([name, data]) => [
        name,
        data instanceof BigInt64Array ? data : Float32Array.from(data as ArrayLike<number>),
      ]),
    );
    expect(await session.run(program, 1, inputs)).toMatchObject({ ok: true });
  }
  const states = plan.states.map(({ name }) => [name, session.readState(name) as Float32Array] as const);
  session.close();
  return Object.fromEntries(states);
}

const SGD = 'optimizer: {type: sgd, lr: 0.3, momentum: 0.9, weight_decay: 0.01}';

test.each([
  [
    'groups, norms and constraints',
    `steps: 5, groups: [{kinds: [bias], decay: 0, lr: 2}, {names: fc2, optimizer: {type: adam, lr: 0.05}}, {names: fc1/weight, l2: 0.01, l1: 0.01, constraint: {type: max_norm, value: 0.8}}], clip: {value: 0.5, norm: 0.4, global_norm: 0.5}, ${SGD}`,
  ],
  ['accumulation, averages, lookahead', `epochs: 3, accumulate: 2, ema: {decay: 0.7}, lookahead: {steps: 2}, ${SGD}`],
  [
    'phases',
    `phases: [{steps: 2, frozen: fc1}, {steps: 2, optimizer: {type: adam, lr: 0.05}}, {epochs: 1, discriminative: {names: [fc1, fc2], low: 0.1}}], ${SGD}`,
  ],
  [
    'objectives',
    `steps: 6, swa: {start: 2, every: 2}, objectives: [{name: a, losses: near, parameters: fc2}, {name: b, losses: far, parameters: fc1, optimizer: {type: adam, lr: 0.05}, every: 3}], ${SGD}`,
  ],
])('%s', async (_name, settings) => {
  const losses = '[{name: near, type: mse, inputs: [fc2, y]}, {name: far, type: mae, inputs: [fc2, y], weight: 0.5}]';
  const spec = netOf(settings, { losses, batch: 4 });
  const expected = train(spec);
  const [one, three] = [await runNatively(spec, 1), await runNatively(spec, 3)];
  expect(one).toEqual(three);
  const tensors = Object.fromEntries(
    Object.entries(one).map(([name, data]) => [name, { ...expected.states[name]!, data: Float64Array.from(data) }]),
  );
  expectClose(weightsIn(tensors), expected.weights, 5);
  expectClose(weightsIn(tensors, '.average'), weightsIn(expected.states, '.average'), 5);
});
