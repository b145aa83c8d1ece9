/**
 * Nothing that a training section says is ignored either: for every field of every optimizer, schedule, initializer and
 * constraint, and of the mappings of `train:`, another legal value changes a graph or a step's inputs, or is refused or
 * warned of.
 */
import { parse } from 'yaml';
import { CONSTRAINTS } from '../../compiler/constraints/index';
import { SpecError } from '../../compiler/diagnostics/errors';
import type { Described } from '../../compiler/frontend/describe';
import { WARMUP } from '../../compiler/frontend/language';
import type { Fields, Json } from '../../compiler/frontend/spec';
import * as shapes from '../../compiler/frontend/train_language';
import type { SchemaNode } from '../../compiler/frontend/words';
import { INITIALIZERS } from '../../compiler/initializers/index';
import { printGraph } from '../../compiler/ir/print';
import { afterEvaluation, initialScheduleState } from '../../compiler/lower/learning_rate';
import { lowerInit, lowerTraining } from '../../compiler/lower/lower';
import { OPTIMIZERS } from '../../compiler/optimizers/index';
import { SCHEDULES } from '../../compiler/schedules/index';
import { kindAt } from '../../compiler/train/batching';
import { hyperInputs } from '../../compiler/train/hyper';
import { trainSchedule } from '../../compiler/train/trainer';
import { others, outcomeOf } from '../support/field_values';
import { netOf } from '../support/two-layers';

const SAMPLES = 12;
const BATCH = 3;

/** Graphs and inputs of all steps of a training, as text; undefined where it is refused or warned of. */
function meaningOf(section: Fields, fc1: Fields = {}): string | undefined {
  try {
    const own = JSON.stringify(fc1).slice(1, -1);
    const spec = netOf(JSON.stringify(section).slice(1, -1), { fc1: own === '' ? '' : `, ${own}` });
    const train = spec.train!;
    const schedule = trainSchedule(train, SAMPLES);
    let state = initialScheduleState(train);
    const texts: string[] = [];
    for (let step = 0; step < schedule.totalSteps; step++) {
      const kind = kindAt(schedule, step);
      const lowered = lowerTraining(spec, BATCH, kind);
      if (lowered.warnings.length > 0) return undefined;
      const chunk = { first: step, steps: 1, batch: BATCH, kind, epoch: 0, position: 0 };
      const inputs = Object.entries(hyperInputs(train, lowered.uses, schedule, chunk, train.seed, [state]));
      const slots = lowered.states.map(({ value, init }) => [value.name, init]);
      texts.push(printGraph(lowered.graph), ...inputs.map(String), JSON.stringify(slots));
      if (step === 0) texts.push(printGraph(lowerInit(spec, [lowered]).graph));
      // Better by much and by little, then worse.
      const figures = { loss: [1, 0.65, 0.4, 0.5, 0.4][step % 5]! };
      state = afterEvaluation(train, state, figures, () => 'lower');
    }
    return texts.join('\n');
  } catch (error) {
    if (error instanceof SpecError) return undefined;
    throw error;
  }
}

const SGD = { type: 'sgd', lr: 0.1, momentum: 0.9, weight_decay: 0.01 };
const BASE: Fields = { epochs: 5, optimizer: SGD };

/** Of an item with these fields, as it stands in a training by `place`. */
function ignoredOf(
  fields: Readonly<Record<string, SchemaNode>>,
  written: Fields,
  place: (item: Fields) => string | undefined,
  given: Readonly<Record<string, readonly Json[]>> = {},
): string[] {
  const before = place(written);
  return Object.entries(fields).flatMap(([field, schema]) => {
    const now = written[field] ?? (schema as { default?: Json }).default;
    const outcome = outcomeOf(before, others(schema, now, given[field]), (value) =>
      place({ ...written, [field]: value }),
    );
    return outcome === 'heeded' || outcome === 'refused' ? [] : [`${field}: ${outcome}`];
  });
}

const fieldsOf = (def: Described): Record<string, SchemaNode> => def.fields;
const listed = (words: object): [string, Described][] => Object.entries(words as Record<string, Described>);

test.each(listed(OPTIMIZERS))('optimizer %s heeds all its fields', (_, def) => {
  const place = (optimizer: Fields) => meaningOf({ ...BASE, optimizer });
  // Of `muon`; here is no convolution.
  const { filters: ofConvolutions, ...fields } = fieldsOf(def);
  expect(ofConvolutions === undefined).toBe(def.type !== 'muon');
  expect(ignoredOf(fields, parse(def.example) as Fields, place)).toEqual([]);
});

/** Fields beside which those of the example have something to act on. */
const SCHEDULE_FIELDS: Readonly<Record<string, Fields>> = {
  step: { step_size: 3 },
  multistep: { milestones: [3, 7] },
  piecewise: { boundaries: [3], values: [1, 0.5] },
  cyclic: { up: 3, mode: 'exp_range', gamma: 0.9 },
  cosine_restarts: { t_0: 4, t_mult: 2 },
  exponential: { gamma: 0.9, every: 3, staircase: true },
  inverse_time: { rate: 0.5, every: 3, staircase: true },
  inverse_sqrt: { timescale: 3 },
  plateau: { patience: 1, factor: 0.5, threshold: 0.3 },
  cosine: { over: 10 },
  wsd: { decay: 0.5 },
  linear: { to: 0.01, over: 5 },
  polynomial: { over: 3, cycle: true },
  poly: { over: 3, cycle: true },
  chain: { parts: [{ type: 'linear', from: 0.1, to: 1, length: 4 }, { type: 'cosine' }] },
};

test.each(listed(SCHEDULES))('schedule %s heeds all its fields, and a warm-up', (type, def) => {
  const place = (schedule: Fields) => meaningOf({ ...BASE, schedule });
  const written = SCHEDULE_FIELDS[type] ? { type, ...SCHEDULE_FIELDS[type] } : (parse(def.example) as Fields);
  const given = {
    warmup: [{ steps: 2 }],
    metric: ['mse'],
    momentum: [[0.5, 0.6]],
    milestones: [[2, 5]],
    boundaries: [[2]],
    values: [[1, 0.25]],
    parts: [[{ type: 'linear', from: 0.2, to: 1, length: 4 }, { type: 'cosine' }]],
    expr: ['1 / (1 + step)', '0.5'],
  };
  expect(ignoredOf({ ...fieldsOf(def), warmup: WARMUP }, written, place, given)).toEqual([]);
});

/** The weight is [4, 3]. */
const FITTING: Readonly<Record<string, Fields>> = { sparse: { nonzero: 2 } };

test.each(listed(INITIALIZERS))('initializer %s heeds all its fields', (_, def) => {
  const item = { type: def.type, ...FITTING[def.type] };
  const place = (init: Fields) => meaningOf(BASE, { parameters: { weight: { init } } });
  // Made for convolutions: refused where there is none.
  if (def.type === 'dirac') expect(place(item)).toBeUndefined();
  else expect(ignoredOf(fieldsOf(def), { ...(parse(def.example) as Fields), ...item }, place)).toEqual([]);
});

test.each(listed(CONSTRAINTS))('constraint %s heeds all its fields', (_, def) => {
  const place = (constraint: Fields) => meaningOf({ ...BASE, groups: [{ kinds: ['weight'], constraint }] });
  expect(ignoredOf(fieldsOf(def), parse(def.example) as Fields, place)).toEqual([]);
});

test.each<[string, { readonly fields: object }, Fields]>([
  ['clip', shapes.CLIP, { value: 1 }],
  ['ema', shapes.EMA, { decay: 0.9, warmup: true }],
  ['swa', shapes.SWA, { start: 3 }],
  ['lookahead', shapes.LOOKAHEAD, {}],
])('%s heeds all its fields', (name, shape, written) => {
  const place = (item: Fields) => meaningOf({ ...BASE, [name]: item });
  expect(ignoredOf(shape.fields as Record<string, SchemaNode>, written, place)).toEqual([]);
});

test('a group heeds all its fields', () => {
  const { optimizer, share, ...fields } = shapes.GROUP.fields;
  expect([optimizer, share]).not.toContain(undefined);
  const place = (group: Fields) => meaningOf({ ...BASE, groups: [group] });
  const given = { names: ['fc2'], optimizer: [{ lr: 1 }] };
  const written = { names: 'fc1', decay: 0 };
  expect(ignoredOf({ ...fields, optimizer } as Record<string, SchemaNode>, written, place, given)).toEqual([]);
});

test('a phase heeds all its fields', () => {
  const place = (phase: Fields) => meaningOf({ optimizer: SGD, phases: [phase] });
  const { name, discriminative, groups, optimizer, schedule, schedules, clip, ...fields } = shapes.PHASE.fields;
  expect(name).toBeDefined();
  const mappings = { discriminative, groups, optimizer, schedule, schedules, clip };
  const given = {
    frozen: ['fc1'],
    discriminative: [{ names: ['fc1', 'fc2'], low: 0.1 }],
    groups: [[{ names: 'fc1', lr: 2 }]],
    optimizer: [{ lr: 1 }],
    schedule: [{ type: 'cosine' }],
    schedules: [{ momentum: { type: 'cosine' } }],
    clip: [{ value: 1 }],
  };
  const all = { ...fields, ...mappings } as Record<string, SchemaNode>;
  expect(ignoredOf(all, { steps: 10 }, place, given)).toEqual([]);
});
