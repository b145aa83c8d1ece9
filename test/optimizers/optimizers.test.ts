/**
 * Every optimizer after ten steps on given gradients: PyTorch's (torch 2.13, float64; Muon with its iteration in
 * float64) where it has them, otherwise the published formula in a few lines of NumPy.
 */
import type { Fields } from '../../compiler/frontend/spec';
import { withDefaults } from '../../compiler/lower/defaults';
import { OPTIMIZERS } from '../../compiler/optimizers/index';
import type { OptimizerDef } from '../../compiler/optimizers/define';
import { follow, start, waves, type Course } from '../support/optimizer';

const DEFS: Readonly<Record<string, OptimizerDef>> = OPTIMIZERS;

type Row = readonly [type: string, fields: Fields, shape: readonly number[], expected: readonly number[]];

function courseOf(shape: readonly number[], rest: Partial<Course> = {}): Course {
  const count = shape.reduce((product, extent) => product * extent, 1);
  return { shape, start: start(count), gradient: waves(count), steps: 10, ...rest };
}

function expectRow([type, fields, shape, expected]: Row): void {
  const end = follow(DEFS[type]!, fields, courseOf(shape)).at(-1)!;
  expect(end.map((value) => Number(value.toFixed(9)))).toEqual(expected.map((value) => Number(value.toFixed(9))));
}

const PYTORCH: readonly Row[] = [
  ['sgd', { lr: 0.1 }, [3], [1.042377022917, 0.557104560535, -0.462853615476]],
  ['sgd', { lr: 0.1, momentum: 0.9, weight_decay: 0.01 }, [3], [1.070574961317, 0.660061735305, -0.547244034941]],
  ['sgd', { lr: 0.1, momentum: 0.9, dampening: 0.5 }, [3], [1.082337469821, 0.768759455252, -0.55735519813]],
  ['sgd', { lr: 0.1, momentum: 0.9, nesterov: true }, [3], [1.144350041386, 0.687271804946, -0.598369299504]],
  ['nesterov', { lr: 0.1, momentum: 0.8, weight_decay: 0.02 }, [3], [1.035814048673, 0.593229607482, -0.516112605282]],
  ['adagrad', { lr: 0.1 }, [3], [1.172053185119, 0.596131943034, -0.562516315737]],
  [
    'adagrad',
    { lr: 0.1, lr_decay: 0.1, initial: 0.2, weight_decay: 0.05, epsilon: 0.001 },
    [3],
    [1.005123263512, 0.560075593562, -0.454710423549],
  ],
  ['rmsprop', { lr: 0.01 }, [3], [1.172461039352, 0.596019375944, -0.563053183744]],
  [
    'rmsprop',
    { lr: 0.01, rho: 0.9, momentum: 0.7, centered: true, epsilon: 0.001, weight_decay: 0.05 },
    [3],
    [1.115023875029, 0.582203737817, -0.538853752067],
  ],
  ['adadelta', {}, [3], [1.007788845744, 0.541563594107, -0.422729192387]],
  [
    'adadelta',
    { lr: 0.5, rho: 0.8, epsilon: 0.001, weight_decay: 0.1 },
    [3],
    [0.965328991578, 0.516474867092, -0.45030086039],
  ],
  [
    'adam',
    { lr: 0.05, beta1: 0.8, beta2: 0.95, epsilon: 0.001, weight_decay: 0.1 },
    [3],
    [0.890603258142, 0.543908025496, -0.475365380094],
  ],
  ['adam', { lr: 0.05, beta1: 0.8, beta2: 0.5, amsgrad: true }, [3], [1.099551721354, 0.608484297148, -0.53016336018]],
  ['adamw', { lr: 0.05, weight_decay: 0.1 }, [3], [1.058745443639, 0.592735424367, -0.516757678588]],
  [
    'adamax',
    { lr: 0.05, beta1: 0.8, beta2: 0.7, epsilon: 0.001, weight_decay: 0.1 },
    [3],
    [0.88943084828, 0.55217666612, -0.480508874356],
  ],
  ['nadam', {}, [3], [1.004195987909, 0.541750646344, -0.419930074377]],
  [
    'nadam',
    { lr: 0.05, beta1: 0.8, beta2: 0.95, momentum_decay: 0.1, weight_decay: 0.1, decoupled: true },
    [3],
    [1.058110870223, 0.54959860556, -0.493218429573],
  ],
  ['radam', { lr: 0.05 }, [3], [1.017574454973, 0.570609009911, -0.441561038872]],
  [
    'radam',
    { lr: 0.05, beta1: 0.8, beta2: 0.95, weight_decay: 0.1, decoupled: true, epsilon: 0.001 },
    [3],
    [0.969182350324, 0.542017890752, -0.421369545139],
  ],
  ['adafactor', {}, [3], [1.014686179165, 0.543348829194, -0.428957333921]],
  [
    'adafactor',
    { lr: 0.4, beta2_decay: -0.5, weight_decay: 0.1, epsilon1: 0.0001, epsilon2: 0.5 },
    [3, 2],
    [0.950421585884, 0.326888473846, -0.546137538144, -0.578033418158, -0.20244135492, 0.064787484404],
  ],
  [
    'adafactor',
    { lr: 0.1 },
    [2, 3, 2],
    [
      1.11291930656, 0.570020510359, -0.541202390315, -0.998354067721, -0.525625108927, 0.26907975138, 0.893941828941,
      0.74026734895, -0.09159616156, -0.947418469841, -0.877089988224, 0.08513334259,
    ],
  ],
  [
    'muon',
    { lr: 0.05 },
    [3, 2],
    [0.972942458776, 0.606348577516, -0.450241768182, -0.968273175975, -0.538253837927, 0.228923230416],
  ],
  [
    'muon',
    { lr: 0.05, momentum: 0.8, nesterov: false, weight_decay: 0.3, ns_steps: 3, adjust_lr: 'match_rms_adamw' },
    [2, 4],
    [
      0.863043300255, 0.491481707902, -0.368036155488, -0.875449636747, -0.536344624666, 0.23670410694, 0.801722279574,
      0.661445695642,
    ],
  ],
  [
    'muon',
    { lr: 0.05, adamw_lr: 0.02, adamw_beta1: 0.8, adamw_beta2: 0.95 },
    [3],
    [1.022029383223, 0.557526497138, -0.453692211464],
  ],
  ['asgd', { lr: 0.1, lambda: 0.1 }, [3], [0.946746036071, 0.505484099169, -0.420944044651]],
  ['rprop', { lr: 0.05 }, [3], [1.185, 0.687302305868, -0.524646836547]],
];

const FORMULAS: readonly Row[] = [
  [
    'sgd',
    { lr: 0.1, momentum: 0.9, weight_decay: 0.01, lr_in_buffer: true },
    [3],
    [1.070574961317, 0.660061735305, -0.547244034941],
  ],
  [
    'nesterov',
    { lr: 0.1, momentum: 0.9, weight_decay: 0.01, lr_in_buffer: true },
    [3],
    [1.095243355962, 0.658206851468, -0.575514435595],
  ],
  ['sgd', { lr: 0.1, l1: 0.2, weight_decay: 0.05 }, [3], [0.797323031239, 0.334102908048, -0.246079516954]],
  ['adam', { lr: 0.05, epsilon: 0.01, epsilon_hat: true }, [3], [1.045577851211, 0.593227087254, -0.478528709088]],
  [
    'adagrad',
    { lr: 0.05, initial: 0.1, epsilon: 0.01, epsilon_inside: true },
    [3],
    [1.036192307759, 0.561530200155, -0.45701685849],
  ],
  [
    'rmsprop',
    { lr: 0.02, rho: 0.9, momentum: 0.5, epsilon: 0.01, epsilon_inside: true, lr_in_buffer: true },
    [3],
    [1.075726358586, 0.600814077502, -0.505485563217],
  ],
  ['lion', { lr: 0.05, weight_decay: 0.1, l1: 0.02 }, [3], [1.037161337158, 0.600411038391, -0.384327803381]],
  [
    'lamb',
    { lr: 0.05, weight_decay: 0.1 },
    [3, 2],
    [0.93266394792, 0.590384577035, -0.503448609751, -0.920174764935, -0.33328800531, 0.31723658085],
  ],
  ['lamb', { lr: 0.05, weight_decay: 0.1 }, [3], [1.058744610355, 0.592735241609, -0.516757141137]],
  [
    'lamb',
    { lr: 0.05, weight_decay: 0.1, scale_vectors: true },
    [3],
    [0.974312822085, 0.565770530103, -0.557670960048],
  ],
  [
    'lars',
    { lr: 0.5, trust: 0.02, weight_decay: 0.1 },
    [3, 2],
    [0.952807845065, 0.528614478264, -0.414637528324, -0.941188424558, -0.578506263122, 0.274405585348],
  ],
  ['lars', { lr: 0.05, weight_decay: 0.1 }, [3], [0.854440431781, 0.499005718243, -0.403136413626]],
  ['ftrl', { lr: 0.2 }, [3], [0.17897351343, 0.329525163011, -0.234203680341]],
  [
    'ftrl',
    { lr: 0.2, l1: 0.3, weight_decay: 0.1, beta: 0.5, shrinkage: 0.02, power: -0.7 },
    [5],
    [0.022042524164, 0.123859034805, -0.042899128812, -0.183697360084, 0],
  ],
];

test.each(PYTORCH)('%s with %j on %j follows PyTorch', (...row) => expectRow(row));

test.each(FORMULAS)('%s with %j on %j follows its formula', (...row) => expectRow(row));

test('every optimizer is listed under its own name and is in one of the tables', () => {
  const tested = new Set([...PYTORCH, ...FORMULAS].map(([type]) => type));
  for (const [name, def] of Object.entries(DEFS)) {
    expect(def.type).toBe(name);
    expect(tested).toContain(name);
  }
});

/** A parameter that is exempt moves as it would without any decay. */
test.each(Object.keys(DEFS).filter((name) => name !== 'ftrl'))(
  '%s leaves out the decay of a parameter whose factor is 0',
  (name) => {
    const def = DEFS[name]!;
    const course = courseOf([3, 2], { steps: 3 });
    const rate = { lr: 0.05 };
    const strong = { ...rate, weight_decay: 0.3, l1: 0.2 };
    const without = follow(def, { ...rate, weight_decay: 0 }, course);
    expect(follow(def, strong, { ...course, decay: 0 })).toEqual(without);
    expect(follow(def, strong, course)).not.toEqual(without);
    const half = follow(def, { ...rate, weight_decay: 0.15, l1: 0.1 }, course).at(-1)!;
    follow(def, strong, { ...course, decay: 0.5 })
      .at(-1)!
      .forEach((value, i) => expect(value).toBeCloseTo(half[i]!, 12));
  },
);

/** Their scalars are inputs of the graph: their names may not depend on the step. */
test.each(Object.entries(DEFS))('%s asks for the same scalars in every step', (_name, def) => {
  const fields = withDefaults(def, { lr: 0.1, momentum: 0.9, dampening: 0.1, lr_decay: 0.1 });
  const names = (t: number): string[] => Object.keys(def.scalars(fields, t));
  for (const t of [2, 3, 1000]) expect(names(t)).toEqual(names(1));
  for (const t of [1, 10, 1_000_000]) {
    for (const value of Object.values(def.scalars(fields, t))) expect(Number.isFinite(Math.fround(value))).toBe(true);
  }
});

test.each(Object.entries(DEFS))('%s schedules fields that it has, momentum among them', (_name, def) => {
  for (const field of [...def.hypers, ...(def.momentum === undefined ? [] : [def.momentum])]) {
    expect(def.fields[field]?.['type']).toBe('number');
  }
  if (def.momentum !== undefined) expect(def.hypers).toContain(def.momentum);
});

test('a centered variance that rounding takes below 0 is no NaN', () => {
  const course = courseOf([2], { gradient: () => [1e-3, 0.1], steps: 400 });
  const end = follow(OPTIMIZERS.rmsprop, { lr: 0.01, rho: 0.5, centered: true, epsilon: 1 }, course).at(-1)!;
  for (const value of end) expect(Number.isFinite(value)).toBe(true);
});

test('steps without gradients or weights are no division by 0', () => {
  for (const type of ['lamb', 'lars', 'muon', 'adafactor', 'ftrl', 'radam']) {
    const course = { shape: [2, 3], start: [0, 0, 0, 0, 0, 0], gradient: () => [0, 0, 0, 0, 0, 0], steps: 2 };
    const end = follow(DEFS[type]!, { lr: 0.1 }, course).at(-1)!;
    expect(end.map((value) => value + 0)).toEqual([0, 0, 0, 0, 0, 0]);
  }
});

test('fields that the others make idle are named', () => {
  const idle = (type: string, given: Fields): string | undefined => {
    const def = DEFS[type]!;
    return def.idle?.(withDefaults(def, given))?.field;
  };
  expect(idle('sgd', { lr: 1, nesterov: true })).toBe('nesterov');
  expect(idle('sgd', { lr: 1, lr_in_buffer: true })).toBe('lr_in_buffer');
  expect(idle('sgd', { lr: 1, momentum: 0.9, lr_in_buffer: true })).toBeUndefined();
  expect(idle('rmsprop', { lr_in_buffer: true })).toBe('lr_in_buffer');
  expect(idle('adafactor', { scale_parameter: false, epsilon2: 0.1 })).toBe('epsilon2');
  expect(idle('muon', { lr: 0, adamw_lr: 0.1 })).toBe('adamw_lr');
  expect(idle('rprop', { least: 2, most: 1 })).toBe('least');
});

test('muon orthogonalizes filters only when told, as matrices of units by everything else', () => {
  const shape = [3, 2, 2, 1];
  const asFilters = follow(OPTIMIZERS.muon, { lr: 0.05, filters: true }, courseOf(shape)).at(-1)!;
  const asMatrix = follow(OPTIMIZERS.muon, { lr: 0.05 }, courseOf([3, 4])).at(-1)!;
  asFilters.forEach((value, i) => expect(value).toBeCloseTo(asMatrix[i]!, 12));
  const adamw = follow(OPTIMIZERS.adamw, { lr: 0.05, weight_decay: 0.1 }, courseOf(shape)).at(-1)!;
  follow(OPTIMIZERS.muon, { lr: 0.05 }, courseOf(shape))
    .at(-1)!
    .forEach((value, i) => expect(value).toBeCloseTo(adamw[i]!, 12));
});

test('an optimizer asks for scalars only if it uses them', () => {
  const names = (def: OptimizerDef, given: Fields): string[] => Object.keys(def.scalars(withDefaults(def, given), 1));
  expect(names(OPTIMIZERS.sgd, { lr: 1, momentum: 0.9 })).toEqual([]);
  expect(names(OPTIMIZERS.adam, {})).toEqual(['correction1', 'correction2_sqrt']);
  expect(names(OPTIMIZERS.adagrad, {})).toEqual([]);
});
