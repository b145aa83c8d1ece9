/** Schedules against PyTorch's (torch 2.13) and against their formulas, step by step; the rules on their fields. */
import { checkSpecText, loadSpecText } from '../../compiler/frontend/load';
import type { Json, TrainSpec } from '../../compiler/frontend/spec';
import { checkSetup } from '../../compiler/lower/check_setup';
import { afterEvaluation, initialScheduleState, scheduleStateOf, stepInputs } from '../../compiler/lower/learning_rate';
import { SCHEDULES } from '../../compiler/schedules/index';

const STEPS = 20;
/** Two epochs. */
const PER_EPOCH = 10;

function modelOf(train: string, rest = ''): string {
  return `inputs: {x: {shape: [N, 2]}, t: {shape: [N, 1]}}
layers: [{name: y, type: dense, units: 1, inputs: x}]
losses: [{type: mse, inputs: [y, t]}]
${rest}
train: {batch_size: 1, epochs: 1, ${train}}
`;
}

const SGD = 'optimizer: {type: sgd, lr: 1, momentum: 0.9, weight_decay: 0.5}';

function trainOf(train: string): TrainSpec {
  return loadSpecText(modelOf(train), 'm.yaml').train!;
}

/** One of the scalars at every step. */
function course(train: TrainSpec, input = 'lr', steps = STEPS): number[] {
  const at = (step: number): number => stepInputs(train, { step, stepsPerEpoch: PER_EPOCH, totalSteps: STEPS })[input]!;
  return Array.from({ length: steps }, (_, i) => Number(at(i + 1).toFixed(9)));
}

const rateOf = (schedule: string): number[] => course(trainOf(`${SGD}, schedule: ${schedule}`));

const PYTORCH: readonly (readonly [string, readonly number[]])[] = [
  [
    '{type: step, step_size: 6, gamma: 0.5}',
    [1, 1, 1, 1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.25, 0.25, 0.25, 0.125, 0.125],
  ],
  [
    '{type: multistep, milestones: [3, 9, 1 epochs], gamma: 0.3}',
    [1, 1, 1, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.09, 0.027, 0.027, 0.027, 0.027, 0.027, 0.027, 0.027, 0.027, 0.027, 0.027],
  ],
  [
    '{type: linear, from: 0.25, to: 0.75, over: 7}',
    [
      0.25, 0.321428571, 0.392857143, 0.464285714, 0.535714286, 0.607142857, 0.678571429, 0.75, 0.75, 0.75, 0.75, 0.75,
      0.75, 0.75, 0.75, 0.75, 0.75, 0.75, 0.75, 0.75,
    ],
  ],
  [
    '{type: exponential, gamma: 0.8}',
    [
      1, 0.8, 0.64, 0.512, 0.4096, 0.32768, 0.262144, 0.2097152, 0.16777216, 0.134217728, 0.107374182, 0.085899346,
      0.068719477, 0.054975581, 0.043980465, 0.035184372, 0.028147498, 0.022517998, 0.018014399, 0.014411519,
    ],
  ],
  [
    '{type: polynomial, power: 2.5, over: 12}',
    [
      1, 0.804504722, 0.633938145, 0.48713929, 0.362887369, 0.259891446, 0.176776695, 0.11206549, 0.06415003, 0.03125,
      0.01134023, 0.002004688, 0, 0, 0, 0, 0, 0, 0, 0,
    ],
  ],
  [
    '{type: cosine, end: 0.1}',
    [
      1, 0.994459753, 0.977975432, 0.950952936, 0.914057647, 0.868198052, 0.814503364, 0.754295725, 0.689057647,
      0.620395509, 0.55, 0.479604491, 0.410942353, 0.345704275, 0.285496636, 0.231801948, 0.185942353, 0.149047064,
      0.122024568, 0.105540247,
    ],
  ],
  [
    '{type: cosine_restarts, t_0: 3, t_mult: 2, end: 0.05}',
    [
      1, 0.7625, 0.2875, 1, 0.936362067, 0.7625, 0.525, 0.2875, 0.113637933, 1, 0.983814767, 0.936362067, 0.860875721,
      0.7625, 0.647939046, 0.525, 0.402060954, 0.2875, 0.189124279, 0.113637933,
    ],
  ],
  [
    '{type: cosine_restarts, t_0: 6}',
    [
      1, 0.933012702, 0.75, 0.5, 0.25, 0.066987298, 1, 0.933012702, 0.75, 0.5, 0.25, 0.066987298, 1, 0.933012702, 0.75,
      0.5, 0.25, 0.066987298, 1, 0.933012702,
    ],
  ],
  [
    '{type: one_cycle, momentum: [0.85, 0.95]}',
    [
      0.04, 0.131671843, 0.371671843, 0.668328157, 0.908328157, 1, 0.987464006, 0.950484632, 0.890916178, 0.811745654,
      0.716943002, 0.611262022, 0.500002, 0.388741978, 0.283060998, 0.188258346, 0.109087822, 0.049519368, 0.012539994,
      4e-6,
    ],
  ],
  [
    '{type: one_cycle, pct_start: 0.25, shape: linear, div: 10, div_final: 100, momentum: [0.8, 0.9]}',
    [
      0.1, 0.325, 0.55, 0.775, 1, 0.9334, 0.8668, 0.8002, 0.7336, 0.667, 0.6004, 0.5338, 0.4672, 0.4006, 0.334, 0.2674,
      0.2008, 0.1342, 0.0676, 0.001,
    ],
  ],
  [
    '{type: one_cycle, pct_start: 0.4, three_phase: true, momentum: [0.85, 0.95]}',
    [
      0.04, 0.087534943, 0.220724895, 0.413189952, 0.626810048, 0.819275105, 0.952465057, 1, 0.952465057, 0.819275105,
      0.626810048, 0.413189952, 0.220724895, 0.087534943, 0.04, 0.036180722, 0.026181722, 0.013822278, 0.003823278,
      4e-6,
    ],
  ],
  [
    '{type: cyclic, low: 0.1, up: 3, momentum: [0.8, 0.9]}',
    [0.1, 0.4, 0.7, 1, 0.7, 0.4, 0.1, 0.4, 0.7, 1, 0.7, 0.4, 0.1, 0.4, 0.7, 1, 0.7, 0.4, 0.1, 0.4],
  ],
  [
    '{type: cyclic, low: 0.2, up: 2, down: 4, mode: triangular2, momentum: [0.8, 0.9]}',
    [0.2, 0.6, 1, 0.8, 0.6, 0.4, 0.2, 0.4, 0.6, 0.5, 0.4, 0.3, 0.2, 0.3, 0.4, 0.35, 0.3, 0.25, 0.2, 0.25],
  ],
  [
    '{type: cyclic, low: 0.1, up: 3, mode: exp_range, gamma: 0.9, momentum: [0.8, 0.9]}',
    [
      0.1, 0.37, 0.586, 0.7561, 0.49366, 0.277147, 0.1, 0.24348907, 0.358280326, 0.44867844, 0.309207064, 0.194143179,
      0.1, 0.176255975, 0.237260755, 0.285302019, 0.211181211, 0.150031545, 0.1, 0.140525552,
    ],
  ],
  [
    '{type: chain, parts: [{type: linear, from: 0.1, to: 1, over: 4, length: 4}, {type: exponential, gamma: 0.9, length: 6}, {type: cosine}]}',
    [
      0.1, 0.325, 0.55, 0.775, 1, 0.9, 0.81, 0.729, 0.6561, 0.59049, 1, 0.975528258, 0.904508497, 0.793892626,
      0.654508497, 0.5, 0.345491503, 0.206107374, 0.095491503, 0.024471742,
    ],
  ],
];

const MOMENTUM: readonly (readonly [string, readonly number[]])[] = [
  [
    '{type: one_cycle, momentum: [0.85, 0.95]}',
    [
      0.95, 0.94045085, 0.91545085, 0.88454915, 0.85954915, 0.85, 0.851253604, 0.854951557, 0.860908426, 0.86882551,
      0.878305813, 0.888873953, 0.9, 0.911126047, 0.921694187, 0.93117449, 0.939091574, 0.945048443, 0.948746396, 0.95,
    ],
  ],
  [
    '{type: one_cycle, pct_start: 0.25, shape: linear, div: 10, div_final: 100, momentum: [0.8, 0.9]}',
    [
      0.9, 0.875, 0.85, 0.825, 0.8, 0.806666667, 0.813333333, 0.82, 0.826666667, 0.833333333, 0.84, 0.846666667,
      0.853333333, 0.86, 0.866666667, 0.873333333, 0.88, 0.886666667, 0.893333333, 0.9,
    ],
  ],
  [
    '{type: one_cycle, pct_start: 0.4, three_phase: true, momentum: [0.85, 0.95]}',
    [
      0.95, 0.945048443, 0.93117449, 0.911126047, 0.888873953, 0.86882551, 0.854951557, 0.85, 0.854951557, 0.86882551,
      0.888873953, 0.911126047, 0.93117449, 0.945048443, 0.95, 0.95, 0.95, 0.95, 0.95, 0.95,
    ],
  ],
  [
    '{type: cyclic, low: 0.1, up: 3, momentum: [0.8, 0.9]}',
    [
      0.9, 0.866666667, 0.833333333, 0.8, 0.833333333, 0.866666667, 0.9, 0.866666667, 0.833333333, 0.8, 0.833333333,
      0.866666667, 0.9, 0.866666667, 0.833333333, 0.8, 0.833333333, 0.866666667, 0.9, 0.866666667,
    ],
  ],
  [
    '{type: cyclic, low: 0.2, up: 2, down: 4, mode: triangular2, momentum: [0.8, 0.9]}',
    [
      0.9, 0.85, 0.8, 0.825, 0.85, 0.875, 0.9, 0.875, 0.85, 0.8625, 0.875, 0.8875, 0.9, 0.8875, 0.875, 0.88125, 0.8875,
      0.89375, 0.9, 0.89375,
    ],
  ],
  [
    '{type: cyclic, low: 0.1, up: 3, mode: exp_range, gamma: 0.9, momentum: [0.8, 0.9]}',
    [
      0.9, 0.87, 0.846, 0.8271, 0.85626, 0.880317, 0.9, 0.88405677, 0.871302186, 0.861257951, 0.876754771, 0.889539647,
      0.9, 0.891527114, 0.884748805, 0.879410887, 0.887646532, 0.894440939, 0.9, 0.895497161,
    ],
  ],
];

/** Keras's, Caffe's and those of papers. */
const FORMULAS: readonly (readonly [string, readonly number[]])[] = [
  [
    '{type: cosine_restarts, t_0: 4, t_mult: 1.5, decay: 0.8, end: 0.1}',
    [
      1, 0.868198052, 0.55, 0.231801948, 0.82, 0.771769145, 0.64, 0.46, 0.28, 0.148230855, 0.676, 0.658631475,
      0.6086208, 0.532, 0.438010675, 0.337989325, 0.244, 0.1673792, 0.117368525, 0.5608,
    ],
  ],
  [
    '{type: polynomial, power: 2, end: 0.1, over: 6, cycle: true}',
    [
      1, 0.725, 0.5, 0.325, 0.2, 0.125, 0.1, 0.25625, 0.2, 0.15625, 0.125, 0.10625, 0.1, 0.169444444, 0.144444444,
      0.125, 0.111111111, 0.102777778, 0.1, 0.1390625,
    ],
  ],
  [
    '{type: inverse_time, rate: 0.5, every: 4}',
    [
      1, 0.888888889, 0.8, 0.727272727, 0.666666667, 0.615384615, 0.571428571, 0.533333333, 0.5, 0.470588235,
      0.444444444, 0.421052632, 0.4, 0.380952381, 0.363636364, 0.347826087, 0.333333333, 0.32, 0.307692308, 0.296296296,
    ],
  ],
  [
    '{type: inverse_time, rate: 0.5, every: 4, staircase: true}',
    [
      1, 1, 1, 1, 0.666666667, 0.666666667, 0.666666667, 0.666666667, 0.5, 0.5, 0.5, 0.5, 0.4, 0.4, 0.4, 0.4,
      0.333333333, 0.333333333, 0.333333333, 0.333333333,
    ],
  ],
  [
    '{type: exponential, gamma: 0.7, every: 4, staircase: true}',
    [
      1, 1, 1, 1, 0.7, 0.7, 0.7, 0.7, 0.49, 0.49, 0.49, 0.49, 0.343, 0.343, 0.343, 0.343, 0.2401, 0.2401, 0.2401,
      0.2401,
    ],
  ],
  [
    '{type: sigmoid, step_size: 1 epochs, gamma: -0.5}',
    [
      0.993307149, 0.989013057, 0.98201379, 0.970687769, 0.952574127, 0.92414182, 0.880797078, 0.817574476, 0.731058579,
      0.622459331, 0.5, 0.377540669, 0.268941421, 0.182425524, 0.119202922, 0.07585818, 0.047425873, 0.029312231,
      0.01798621, 0.010986943,
    ],
  ],
  [
    '{type: inverse_sqrt, warmup: {steps: 5}}',
    [
      0.2, 0.4, 0.6, 0.8, 1, 0.912870929, 0.845154255, 0.790569415, 0.745355992, 0.707106781, 0.674199862, 0.645497224,
      0.620173673, 0.597614305, 0.577350269, 0.559016994, 0.542326145, 0.527046277, 0.512989176, 0.5,
    ],
  ],
  [
    '{type: inverse_sqrt, timescale: 5}',
    [
      1, 1, 1, 1, 1, 0.912870929, 0.845154255, 0.790569415, 0.745355992, 0.707106781, 0.674199862, 0.645497224,
      0.620173673, 0.597614305, 0.577350269, 0.559016994, 0.542326145, 0.527046277, 0.512989176, 0.5,
    ],
  ],
  [
    '{type: flat_cosine, end: 1.0e-5}',
    [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0.904509452, 0.654511952, 0.345498048, 0.095500548],
  ],
  ['{type: wsd, decay: 0.25, end: 0.1}', [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0.82, 0.64, 0.46, 0.28]],
  [
    '{type: wsd, decay: 1 epochs, shape: sqrt}',
    [
      1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0.683772234, 0.552786405, 0.452277442, 0.367544468, 0.292893219, 0.225403331,
      0.163339973, 0.105572809, 0.051316702,
    ],
  ],
  [
    '{type: wsd, decay: 4, shape: exponential, end: 0.01}',
    [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0.316227766, 0.1, 0.031622777],
  ],
];

test.each(PYTORCH)('%s follows PyTorch', (schedule, expected) => expect(rateOf(schedule)).toEqual(expected));

test.each(FORMULAS)('%s follows its formula', (schedule, expected) => expect(rateOf(schedule)).toEqual(expected));

test.each(MOMENTUM)('the momentum of %s follows PyTorch', (schedule, expected) => {
  expect(course(trainOf(`${SGD}, schedule: ${schedule}`), 'momentum.now')).toEqual(expected);
});

/** As a checkpoint has it. */
const throughFile = (state: Json): Json => JSON.parse(JSON.stringify(state)) as Json;

const PLATEAU: readonly (readonly [string, readonly number[], readonly number[]])[] = [
  [
    '{type: plateau, factor: 0.5, patience: 2, threshold: 1.0e-3, cooldown: 1, min: 0.1}',
    [5, 4, 4, 4, 4, 3.9999, 3, 3.5, 3.4, 3.3, 3.2, 3.1, 3.0, 2.9995, 2.0, 2.5, 2.5, 2.5, 2.5, 2.5],
    [1, 1, 1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.25, 0.125, 0.125, 0.125, 0.125, 0.1, 0.1],
  ],
  [
    '{type: plateau, mode: max, factor: 0.1, patience: 1, threshold: 0.05, threshold_mode: abs}',
    [0.1, 0.12, 0.2, 0.21, 0.24, 0.26, 0.5, 0.5, 0.5, 0.5, 0.5, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 1, 1, 1],
    [1, 1, 1, 1, 1, 0.1, 0.1, 0.1, 0.1, 0.01, 0.01, 0.001, 0.001, 0.001, 0.0001, 0.0001, 1e-5, 1e-5, 1e-5, 1e-5],
  ],
];

test.each(PLATEAU)(
  '%s follows PyTorch, also by way of a checkpoint after each evaluation',
  (schedule, figures, expected) => {
    const train = trainOf(`${SGD}, schedule: ${schedule}`);
    let state = initialScheduleState(train);
    figures.forEach((loss, i) => {
      const { lr } = stepInputs(train, { step: i + 1, stepsPerEpoch: PER_EPOCH, totalSteps: STEPS, state });
      expect(lr).toBeCloseTo(expected[i]!, 9);
      state = scheduleStateOf(train, throughFile(afterEvaluation(train, state, { loss }, () => 'lower')))!;
      expect(state).toBeDefined();
    });
  },
);

test('a plateau counts figures that are no numbers as no better', () => {
  const train = trainOf(`${SGD}, schedule: {type: plateau, patience: 1, factor: 0.5}`);
  let state = initialScheduleState(train);
  for (const loss of [NaN, Infinity]) state = afterEvaluation(train, state, { loss }, () => 'lower');
  expect(stepInputs(train, { step: 3, stepsPerEpoch: 1, totalSteps: 9, state })['lr']).toBe(0.5);
});

test('a plateau takes the direction of the figure where no mode is given', () => {
  const train = trainOf(`${SGD}, schedule: {type: plateau, metric: hits, patience: 0, factor: 0.5}`);
  const rises = (better: 'higher' | 'lower'): unknown => {
    const first = afterEvaluation(train, initialScheduleState(train), { hits: 0.1 }, () => better);
    return afterEvaluation(train, first, { hits: 0.2 }, () => better)['lr'];
  };
  expect(rises('higher')).toEqual({ factor: 1, best: 0.2, bad: 0, resting: 0 });
  expect(rises('lower')).toEqual({ factor: 0.5, best: 0.1, bad: 0, resting: 0 });
});

test('a state that a checkpoint does not hold, or holds damaged, is none', () => {
  const train = trainOf(`${SGD}, schedule: {type: plateau}`);
  const good = initialScheduleState(train);
  expect(good).toEqual({ lr: { factor: 1, best: null, bad: 0, resting: 0 } });
  expect(scheduleStateOf(train, good)).toEqual(good);
  const damaged = [undefined, null, 3, {}, { lr: 3 }, { lr: { factor: 1, best: 'x', bad: 0, resting: 0 } }];
  for (const saved of [...damaged, { lr: { factor: -1, best: null, bad: 0, resting: 0 } }]) {
    expect(scheduleStateOf(train, saved)).toBeUndefined();
  }
  expect(scheduleStateOf(trainOf(SGD), undefined)).toEqual({});
});

test('piecewise changes when so many steps are done, counted from the start', () => {
  const expected = [1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.01];
  expect(rateOf('{type: piecewise, boundaries: [3, 1 epochs], values: [1, 0.5, 0.01]}').slice(0, 11)).toEqual(expected);
  const late = rateOf('{type: piecewise, boundaries: [3], values: [1, 0.5], warmup: {steps: 2}}');
  expect(late.slice(0, 5)).toEqual([0.5, 1, 1, 0.5, 0.5]);
});

test('a warm-up rises in the shape that is asked for, and the last step of it is whole', () => {
  const warm = (rest: string): number[] => rateOf(`{type: constant, warmup: {steps: 4, ${rest}}}`).slice(0, 5);
  expect(warm('from: 0.2')).toEqual([0.4, 0.6, 0.8, 1, 1]);
  expect(warm('from: 0.0625, shape: exponential')).toEqual([0.125, 0.25, 0.5, 1, 1]);
  expect(warm('shape: cosine')).toEqual([0.146446609, 0.5, 0.853553391, 1, 1]);
  expect(warm('from: 0.1, shape: constant')).toEqual([0.1, 0.1, 0.1, 0.1, 1]);
});

test('the cycle of the momentum waits for the warm-up', () => {
  const train = trainOf(`${SGD}, schedule: {type: one_cycle, momentum: [0.85, 0.95], warmup: {steps: 3}}`);
  expect(course(train, 'momentum.now').slice(0, 4)).toEqual([0.95, 0.95, 0.95, 0.95]);
});

test('in a chain the momentum is cycled by the parts that do so and is its own in the others', () => {
  const parts = '[{type: cyclic, up: 1, momentum: [0.5, 0.7], length: 2}, {type: constant}]';
  const train = trainOf(`${SGD}, schedule: {type: chain, parts: ${parts}}`);
  expect(course(train, 'momentum.now').slice(0, 4)).toEqual([0.7, 0.5, 0.9, 0.9]);
});

test('any field that the optimizer lists has a schedule of its own, a factor on its value', () => {
  const train = trainOf(
    `${SGD}, schedules: {weight_decay: {type: linear, warmup: {steps: 2}}, momentum: {type: step, step_size: 5, gamma: 0.5}}`,
  );
  expect(course(train, 'lr')).toEqual(Array.from({ length: STEPS }, () => 1));
  expect(course(train, 'weight_decay.now').slice(0, 5)).toEqual([0.25, 0.5, 0.5, 0.472222222, 0.444444444]);
  expect(course(train, 'momentum.now').slice(3, 7)).toEqual([0.9, 0.9, 0.45, 0.45]);
  expect(course(train, 'momentum.rest').slice(3, 7)).toEqual([0.1, 0.1, 0.55, 0.55]);
});

test("scalars of the optimizer follow a scheduled field, as PyTorch's do with a cycled beta1", () => {
  const adam = 'optimizer: {type: adam, lr: 1}';
  const train = trainOf(`${adam}, schedule: {type: one_cycle, momentum: [0.85, 0.95]}`);
  const betas = course(train, 'beta1.now');
  expect(betas[5]).toBe(0.85);
  expect(course(train, 'correction1')[5]).toBeCloseTo(1 - 0.85 ** 6, 9);
});

test('every schedule is between 0 and 1 where its fields are, from the first step to past the last', () => {
  for (const [name, def] of Object.entries(SCHEDULES)) {
    expect(def.type).toBe(name);
    const train = trainOf(`${SGD}, schedule: ${def.example}`);
    for (const rate of course(train, 'lr', STEPS + 5)) {
      expect(rate).toBeGreaterThanOrEqual(0);
      expect(rate).toBeLessThanOrEqual(1);
    }
  }
});

/** The messages of a model whose `train:` is this. */
function problemsOf(train: string, rest = ''): string[] {
  const { spec, diagnostics } = checkSpecText(modelOf(train, rest), 'm.yaml');
  const found = spec?.train ? checkSetup(spec, spec.train) : diagnostics;
  return found.map(({ at, message }) => `${message} @${at.line}:${at.column}`);
}

const EVAL = 'data: {eval: {type: npy, arrays: {x: x.npy, t: t.npy}}}';
const ADAM = 'optimizer: {type: adam}';
const ADAGRAD = 'optimizer: {type: adagrad}';

test.each([
  [SGD, '{type: polynomial, cycle: true}', /`polynomial`: without `over`/],
  [SGD, '{type: linear, from: 0.5, to: 0.5}', /nothing changes/],
  [SGD, '{type: piecewise, boundaries: [1], values: [1, 2, 3]}', /1 boundaries part 2 values, not 3/],
  [SGD, '{type: sigmoid, step_size: 3, gamma: 0}', /½ throughout/],
  [SGD, '{type: wsd, shape: exponential}', /never reaches 0/],
  [SGD, '{type: cyclic, gamma: 0.9}', /it is for `mode: exp_range`/],
  [SGD, '{type: cyclic, mode: exp_range}', /needs a `gamma`/],
  [SGD, '{type: one_cycle, three_phase: true, pct_start: 0.6}', /at most 0.5/],
  [SGD, '{type: one_cycle, momentum: [0.95, 0.85]}', /the first value is the low one/],
  [ADAGRAD, '{type: one_cycle, momentum: [0.85, 0.95]}', /optimizer `adagrad` has no momentum/],
  ['optimizer: {type: sgd, lr: 1}', '{type: one_cycle, momentum: [0.85, 0.95]}', /`momentum` of optimizer `sgd` is 0/],
  ['optimizer: {type: rprop}', '{type: cosine}', /counts in the first step alone/],
  [SGD, '{type: constant, warmup: {steps: 3, shape: exponential}}', /`shape: exponential` needs `from`/],
  [SGD, '{type: constant, warmup: {steps: 3, shape: constant}}', /`shape: constant` needs `from`/],
  [SGD, '{type: chain, parts: [{type: cosine}, {type: constant}]}', /each part but the last needs a `length`/],
  [SGD, '{type: chain, parts: [{type: cosine, length: 3}, {type: constant, length: 2}]}', /the last part has the rest/],
  [SGD, '{type: chain, parts: [{type: linear, to: 1, length: 3}, {type: constant}]}', /nothing changes/],
  [SGD, '{type: chain, parts: [{type: plateau, length: 3}, {type: constant}]}', /plateau/],
  [SGD, '{type: plateau}', /`plateau` follows the evaluation, and there is no `data.eval`/],
] as const)('%s with %s is refused', (optimizer, schedule, message) => {
  const found = problemsOf(`${optimizer}, schedule: ${schedule}`);
  expect(found).toHaveLength(1);
  expect(found[0]).toMatch(message);
});

test('a plateau watches a figure that there is', () => {
  const watch = (rest: string): string[] => problemsOf(`${SGD}, schedule: {type: plateau${rest}}`, EVAL);
  expect(watch('')).toEqual([]);
  expect(watch(', metric: los')[0]).toMatch(/there is no figure `los`/);
});

test('schedules name fields that the optimizer has, and that are not 0', () => {
  const fields = (text: string, optimizer = SGD): string => problemsOf(`${optimizer}, schedules: ${text}`).join('; ');
  expect(fields('{momentum: {type: cosine}}')).toBe('');
  expect(fields('{lr: {type: cosine}}')).toMatch(/the schedule of the learning rate is `train.schedule`/);
  expect(fields('{nesterov: {type: cosine}}')).toMatch(/there is no field of optimizer `sgd` .*`nesterov`/);
  expect(fields('{beta1: {type: cosine}}')).toMatch(/`beta1`/);
  expect(fields('{l1: {type: cosine}}')).toMatch(/`l1` of optimizer `sgd` is 0, and a factor on it changes nothing/);
  expect(fields('{momentum: {type: one_cycle, momentum: [0.1, 0.2]}}')).toMatch(/momentum goes with the learning rate/);
  expect(fields('{beta2: {type: constant}}', ADAM)).toBe('');
  expect(fields('{momentum: {type: bogus}}')).toMatch(/there is no schedule `bogus`/);
  const both = `${SGD}, schedule: {type: one_cycle, momentum: [0.85, 0.95]}, schedules: {momentum: {type: cosine}}`;
  expect(problemsOf(both).join()).toMatch(/both change `momentum`/);
});
