/**
 * An optimizer put to use: the scalar inputs that it adds to a graph, and the update of one parameter. Several may work
 * in one graph, each with inputs under a prefix of its own. What the inputs hold at a step is in `learning_rate.ts`.
 */
import { InternalError } from '../diagnostics/errors';
import type { Fields, SectionSpec, TrainSpec } from '../frontend/spec';
import type { Value } from '../ir/graph';
import type { TensorType } from '../ir/types';
import { numberOf } from '../layers/fields';
import { Arithmetic } from '../ops/families/arithmetic';
import type { OptimizerDef } from '../optimizers/define';
import { OPTIMIZERS } from '../optimizers/index';
import { SCHEDULES } from '../schedules/index';
import type { ScheduleDef } from '../schedules/define';
import { withDefaults } from './defaults';
import type { ModelLowering } from './model';
import type { StateInfo } from './states';

/** What decides the numbers of a step: part of the `train:` section. */
export type OptimizerSetup = Pick<TrainSpec, 'optimizer' | 'schedule' | 'schedules'>;

const SCALAR: TensorType = { dtype: 'f32', shape: [] };

const DEFS: Readonly<Record<string, OptimizerDef>> = OPTIMIZERS;
const SCHEDULE_DEFS: Readonly<Record<string, ScheduleDef>> = SCHEDULES;

export function optimizerOf(section: SectionSpec): OptimizerDef {
  const def = DEFS[section.type];
  if (!def) throw new InternalError(`no optimizer is called '${section.type}'`);
  return def;
}

export function scheduleOf(section: SectionSpec): ScheduleDef {
  const def = SCHEDULE_DEFS[section.type];
  if (!def) throw new InternalError(`no schedule is called '${section.type}'`);
  return def;
}

/** The optimizer's fields that change with the step: those of `schedules`, and the momentum that the schedule cycles. */
export function scheduledFields({ optimizer, schedule, schedules = {} }: OptimizerSetup): readonly string[] {
  const def = optimizerOf(optimizer);
  const scheduleDef = scheduleOf(schedule);
  const cycles = scheduleDef.cyclesMomentum?.(withDefaults(scheduleDef, schedule.fields)) === true;
  return [...Object.keys(schedules), ...(cycles && def.momentum !== undefined ? [def.momentum] : [])];
}

export const hyperInput = (field: string): string => `${field}.now`;
export const restInput = (field: string): string => `${field}.rest`;

/** Names and types of the inputs: the learning rate, scheduled fields with 1 minus them, and the optimizer's scalars. */
export function updateInputs(setup: OptimizerSetup, prefix = ''): Readonly<Record<string, TensorType>> {
  const def = optimizerOf(setup.optimizer);
  const scheduled = scheduledFields(setup).flatMap((field) => [hyperInput(field), restInput(field)]);
  const scalars = Object.keys(def.scalars(withDefaults(def, setup.optimizer.fields), 1));
  return Object.fromEntries(['lr', ...scheduled, ...scalars].map((name) => [`${prefix}${name}`, SCALAR]));
}

export interface LoweredUpdate {
  /** The parameter's new value. */
  readonly value: Value;
  readonly slots: readonly StateInfo[];
}

/** The inputs of `updateInputs` must be among the model's own ones. Slots are updated; the parameter itself is not yet. */
export function lowerUpdate(
  model: ModelLowering,
  setup: OptimizerSetup,
  info: StateInfo,
  gradient: Value,
  prefix = '',
  slotName: (slot: string) => string = (slot) => slot,
): LoweredUpdate {
  const { b } = model;
  const def = optimizerOf(setup.optimizer);
  const fields: Fields = withDefaults(def, setup.optimizer.fields);
  const scheduled = new Set(scheduledFields(setup));
  const own = (name: string): Value => model.own(`${prefix}${name}`);
  const lr = own('lr');
  const slots: StateInfo[] = [];
  const value = def.lower({
    b,
    m: new Arithmetic(b, info.value.type.dtype),
    fields,
    parameter: model.parameters.currentOf(info),
    gradient,
    lr: info.lr === 1 ? lr : b.op('mul', [lr, b.full(info.lr)]),
    decay: info.decay,
    hyper: (name) => (scheduled.has(name) ? own(hyperInput(name)) : b.full(numberOf(fields, name))),
    rest: (name) => (scheduled.has(name) ? own(restInput(name)) : b.full(1 - numberOf(fields, name))),
    slot: (name, { shape = info.value.type.shape, init = 'zeros' } = {}) => {
      const slot = b.state(`${info.value.name}.${slotName(name)}`, { dtype: info.value.type.dtype, shape }, 'slot');
      slots.push({ ...info, value: slot, role: 'slot', init });
      return slot;
    },
    scalar: own,
    updateSlot: (slot, next) => b.update(slot, next),
  });
  return { value, slots };
}
