/** A solver as the training section. */
import type { Fields as SpecFields, Json } from '../../../frontend/spec';
import type { BiasRates } from './settings';
import type { Fate } from '../../draft';
import type { Fields } from '../../formats/caffe/fields';
import type { TextMessage } from '../../formats/caffe/text';
import { importUnsupported } from '../../../diagnostics/catalogue';
import type { Collector } from '../../../diagnostics/collector';

const TYPES = ['SGD', 'Nesterov', 'AdaGrad', 'RMSProp', 'AdaDelta', 'Adam'] as const;
type SolverType = (typeof TYPES)[number];

/** Fields that every solver has; a file with one of them is a solver. */
const SIGNS = new Set([
  'base_lr',
  'lr_policy',
  'max_iter',
  'solver_mode',
  'train_net',
  'test_net',
  'net',
  'snapshot_prefix',
]);

export function isSolver(message: TextMessage): boolean {
  return message.fields.some(({ name }) => SIGNS.has(name));
}

/** Settings without effect on the numbers, each with why nothing stands for it. */
const DROPPED: Readonly<Record<string, string>> = {
  net: 'the net is a file of its own in the command',
  train_net: 'the net is a file of its own in the command',
  test_net: 'the net is a file of its own in the command',
  display: 'every step is in metrics.jsonl',
  average_loss: 'logs hold the loss of each step',
  snapshot_prefix: 'a run has its folder',
  snapshot_format: 'checkpoints have one format',
  snapshot_diff: 'checkpoints hold no gradients',
  snapshot_after_train: 'the last step is always saved',
  solver_mode: 'the device is chosen on the command line',
  device_id: 'the device is chosen on the command line',
  debug_info: 'it is about logs',
  test_initialization: 'evaluations follow steps',
  test_compute_loss: 'evaluations always have the loss',
  layer_wise_reduce: 'it is about several devices',
  eval_type: 'the kind of evaluation follows from the metrics',
  show_per_class_result: 'it is about logs',
  weights: 'the weight file stands in the command',
  richness: 'it is about logs',
  plateau_winsize: 'no policy of a plateau is in use',
};

export type Account = (source: string, fate: Fate, reason?: string, to?: string) => void;

export interface Solver {
  readonly fields: Fields;
  readonly iterations: number;
}

/** What the net says beside the solver. */
export interface NetFacts {
  /** Samples in a pass. */
  readonly batch: number;
  /** In a pass of its test phase. */
  readonly tests: number | undefined;
  readonly biases: BiasRates | undefined;
}

export function trainSection(
  solver: Fields,
  { batch, tests, biases }: NetFacts,
  account: Account,
  problems: Collector,
): SpecFields {
  const train: Record<string, Json> = {};
  const passes = solver.count('iter_size', 1);
  train.batch_size = batch * passes;
  account(
    'batch_size',
    passes > 1 ? 'converted' : 'mapped',
    passes > 1 ? 'that of a step, of all its parts' : undefined,
    'train.batch_size',
  );
  const steps = solver.count('max_iter');
  if (steps !== undefined) map('max_iter', 'steps', steps);
  else train.epochs = 1;
  if (steps === undefined) account('max_iter', 'initial', undefined, 'train.epochs');
  const seed = solver.number('random_seed');
  if (seed !== undefined && seed >= 0) map('random_seed', 'seed', seed);
  else if (seed !== undefined) account('random_seed', 'dropped', 'a negative one draws a seed');

  function map(source: string, to: string, value: Json): void {
    train[to] = value;
    account(source, 'mapped', undefined, `train.${to}`);
  }

  const schedule = scheduleOf(solver, steps, account, problems);
  train.optimizer = optimizerOf(solver, schedule !== undefined, account, problems);
  if (schedule !== undefined) train.schedule = schedule;
  if (biases !== undefined) {
    const { lr, decay } = biases;
    train.groups = [{ kinds: ['bias'], ...(lr === 1 ? {} : { lr }), ...(decay === 1 ? {} : { decay }) }];
    account('lr_mult and decay_mult of biases', 'mapped', undefined, 'train.groups');
  }
  if (passes > 1) map('iter_size', 'accumulate', passes);
  const clip = solver.number('clip_gradients', -1);
  if (clip > 0) {
    train.clip = { global_norm: clip / passes };
    const reason = passes > 1 ? 'there it bounds the sum over the parts of a step, here their mean' : undefined;
    account('clip_gradients', passes > 1 ? 'converted' : 'mapped', reason, 'train.clip.global_norm');
  }
  const interval = solver.count('test_interval', 0);
  if (interval > 0 && steps !== undefined && interval >= steps) {
    account('test_interval', 'dropped', 'it is never reached; an evaluation follows the last step');
  } else if (interval > 0) {
    train.evaluate = {
      every: `${interval} steps`,
      ...(tests === undefined || tests === train.batch_size ? {} : { batch_size: tests }),
    };
    account('test_interval', 'mapped', undefined, 'train.evaluate.every');
  }
  if (solver.has('test_iter')) {
    solver.ignore('test_iter');
    account('test_iter', 'dropped', 'an evaluation goes over all of data.eval; `limit` there makes it shorter');
  }
  const snapshot = solver.count('snapshot', 0);
  if (snapshot > 0) {
    train.checkpoint = { every: `${snapshot} steps` };
    account('snapshot', 'mapped', undefined, 'train.checkpoint.every');
  }
  for (const name of ['net_param', 'train_net_param', 'test_net_param', 'train_state', 'test_state']) {
    for (const part of solver.parts(name)) part.ignoreAll();
  }
  solver.ignore('ap_version');
  for (const [name, reason] of Object.entries(DROPPED)) {
    if (!solver.has(name)) continue;
    solver.ignore(name);
    account(name, 'dropped', reason);
  }
  for (const field of solver.unasked()) {
    problems.report(importUnsupported(solver.place(field), `the solver's \`${field.name}\` has no counterpart`));
  }
  return train;
}

function optimizerOf(solver: Fields, scheduled: boolean, account: Account, problems: Collector): SpecFields {
  const type = typeOf(solver, problems);
  const lr = solver.number('base_lr', 0.01);
  const momentum = solver.number('momentum', 0);
  const decay = solver.number('weight_decay', 0);
  const l1 = solver.text('regularization_type', 'L2') === 'L1';
  const delta = solver.number('delta', 1e-8);
  const [second, rms] = [solver.number('momentum2', 0.999), solver.number('rms_decay', 0.99)];
  const unless = (name: string, value: number, usual: number): SpecFields => (value === usual ? {} : { [name]: value });
  const own: Readonly<Record<SolverType, SpecFields>> = {
    // With a rate that never changes, both forms of the momentum are the same.
    SGD: {
      type: 'sgd',
      lr,
      ...unless('momentum', momentum, 0),
      ...(scheduled && momentum > 0 ? { lr_in_buffer: true } : {}),
    },
    Nesterov: {
      type: 'nesterov',
      lr,
      ...unless('momentum', momentum, 0.9),
      ...(scheduled ? { lr_in_buffer: true } : {}),
    },
    AdaGrad: { type: 'adagrad', lr, epsilon: delta },
    RMSProp: { type: 'rmsprop', lr, ...unless('rho', rms, 0.99), ...unless('epsilon', delta, 1e-8) },
    AdaDelta: { type: 'adadelta', lr, ...unless('rho', momentum, 0.9), ...unless('epsilon', delta, 1e-6) },
    Adam: {
      type: 'adam',
      lr,
      ...unless('beta1', momentum, 0.9),
      ...unless('beta2', second, 0.999),
      ...unless('epsilon', delta, 1e-8),
      epsilon_hat: true,
    },
  };
  for (const name of [
    'type',
    'solver_type',
    'base_lr',
    'momentum',
    'momentum2',
    'rms_decay',
    'delta',
    'weight_decay',
    'regularization_type',
  ]) {
    if (solver.has(name)) account(name, 'mapped', undefined, 'train.optimizer');
  }
  return { ...own[type], ...(decay === 0 ? {} : { [l1 ? 'l1' : 'weight_decay']: decay }) };
}

function typeOf(solver: Fields, problems: Collector): SolverType {
  // Before it was a text it was a number or one of these words.
  const old = solver.word('solver_type', ['SGD', 'NESTEROV', 'ADAGRAD', 'RMSPROP', 'ADADELTA', 'ADAM']);
  const written = solver.text('type', old);
  const found = TYPES.find((type) => type.toLowerCase() === written.toLowerCase());
  if (found === undefined)
    problems.report(importUnsupported(solver.placeOf('type'), `the solver ${written} has no counterpart`));
  return found ?? 'SGD';
}

function scheduleOf(
  solver: Fields,
  steps: number | undefined,
  account: Account,
  problems: Collector,
): SpecFields | undefined {
  const policy = solver.text('lr_policy', 'fixed');
  const gamma = solver.number('gamma');
  const power = solver.number('power');
  const size = solver.count('stepsize');
  const marks = solver.counts('stepvalue');
  const [stages, rates] = [solver.counts('stageiter'), solver.numbers('stagelr')];
  const lr = solver.number('base_lr', 0.01);
  const unless = (name: string, value: number | undefined, usual: number): SpecFields =>
    value === undefined || value === usual ? {} : { [name]: value };
  const schedules: Readonly<Record<string, () => SpecFields | undefined>> = {
    fixed: () => undefined,
    step: () => {
      const isNever = size === undefined || size < 1 || gamma === 1 || (steps !== undefined && size >= steps);
      return isNever ? undefined : { type: 'step', step_size: size, ...unless('gamma', gamma, 0.1) };
    },
    exp: () => ({ type: 'exponential', gamma: gamma ?? 1 }),
    inv: () => ({ type: 'inverse', ...unless('gamma', gamma, 1e-4), ...unless('power', power, 0.75) }),
    // Marks behind the last step are never reached.
    multistep: () => {
      const milestones = marks.filter((mark) => mark > 0 && (steps === undefined || mark < steps));
      return milestones.length === 0 ? undefined : { type: 'multistep', milestones, ...unless('gamma', gamma, 0.1) };
    },
    poly: () => ({ type: 'poly', ...unless('power', power, 1) }),
    sigmoid: () => ({ type: 'sigmoid', step_size: Math.max(1, size ?? 1), gamma: gamma ?? 1 }),
    // Of YOLO's forks: a rate for each stretch, the last of which goes on.
    multifixed: () => {
      const inner = stages
        .slice(0, Math.max(0, rates.length - 1))
        .filter((stage) => steps === undefined || stage < steps);
      const values = rates.slice(0, inner.length + 1).map((rate) => Number((rate / lr).toPrecision(12)));
      return inner.length === 0 ? undefined : { type: 'piecewise', boundaries: inner, values };
    },
  };
  const make = Object.hasOwn(schedules, policy) ? schedules[policy] : undefined;
  if (make === undefined) {
    problems.report(
      importUnsupported(solver.placeOf('lr_policy'), `the policy ${policy} of the learning rate has no counterpart`),
    );
    return undefined;
  }
  const schedule = make();
  for (const name of ['lr_policy', 'gamma', 'power', 'stepsize', 'stepvalue', 'stageiter', 'stagelr']) {
    if (!solver.has(name)) continue;
    if (schedule === undefined) account(name, 'dropped', 'the rate stays as it is until the last step');
    else account(name, 'mapped', undefined, 'train.schedule');
  }
  return schedule;
}
