/**
 * What an optimizer and its schedules must agree on beyond the schema of each: nothing a user writes is without effect,
 * schedules change fields that are there, and a schedule that watches the evaluation has one to watch.
 */
import * as say from '../diagnostics/catalogue';
import type { Diagnostic } from '../diagnostics/diagnostic';
import type { Fields, SectionSpec, Spec } from '../frontend/spec';
import { numberOf } from '../layers/fields';
import { figureNames } from '../metrics/lookup';
import { withDefaults } from './defaults';
import { optimizerOf, scheduleOf, type OptimizerSetup } from './updates';

export function checkSetup(spec: Spec, setup: OptimizerSetup): readonly Diagnostic[] {
  const { optimizer, schedule, schedules = {} } = setup;
  const def = optimizerOf(optimizer);
  const fields = withDefaults(def, optimizer.fields);
  const found: Diagnostic[] = [];
  const idle = def.idle?.(fields);
  if (idle) found.push(say.invalidField(optimizer.at([idle.field]), `\`${def.type}\`: ${idle.why}`));
  if (def.ratesOnce === true && schedule.type !== 'constant') {
    const why = `the learning rate of optimizer \`${def.type}\` counts in the first step alone: no schedule has an effect`;
    found.push(say.invalidField(schedule.at(['type']), why));
  }
  found.push(...checkSchedule(spec, schedule), ...checkMomentum(setup, fields));
  for (const [field, section] of Object.entries(schedules)) {
    found.push(...checkSchedule(spec, section), ...checkField(setup, fields, field, section));
  }
  return found;
}

function checkSchedule(spec: Spec, section: SectionSpec): readonly Diagnostic[] {
  const def = scheduleOf(section);
  const { warmup, ...own } = section.fields;
  const fields = withDefaults(def, own);
  const found: Diagnostic[] = [];
  const problem = def.problem?.(fields);
  if (problem) found.push(say.invalidField(section.at(problem.path, problem.part), `\`${def.type}\`: ${problem.why}`));
  if (isMapping(warmup)) {
    const { shape, from = 0 } = warmup;
    if ((shape === 'exponential' || shape === 'constant') && from === 0) {
      const why = shape === 'constant' ? 'nothing would be learned in it' : 'it would never leave 0';
      found.push(say.invalidField(section.at(['warmup', 'shape']), `\`shape: ${shape}\` needs \`from\`: ${why}`));
    }
  }
  if (def.afterEvaluation) found.push(...checkWatched(spec, section, fields));
  return found;
}

/** A schedule that follows the evaluation needs one, and a figure of it. */
function checkWatched(spec: Spec, section: SectionSpec, fields: Fields): readonly Diagnostic[] {
  const { metric } = fields;
  if (typeof metric !== 'string') return [];
  if (!spec.data.eval) {
    const why = `\`${section.type}\` follows the evaluation, and there is no \`data.eval\``;
    return [say.invalidField(section.at(['type']), why)];
  }
  const known = figureNames(spec);
  if (!known.includes(metric)) return [say.unknownReference(section.at(['metric']), metric, 'figure', known)];
  return [];
}

/** The momentum that the learning rate's schedule cycles. */
function checkMomentum({ optimizer, schedule, schedules = {} }: OptimizerSetup, fields: Fields): readonly Diagnostic[] {
  const def = scheduleOf(schedule);
  if (def.cyclesMomentum?.(withDefaults(def, schedule.fields)) !== true) return [];
  const at = schedule.at(['momentum']);
  const { momentum } = optimizerOf(optimizer);
  if (momentum === undefined) {
    return [say.invalidField(at, `optimizer \`${optimizer.type}\` has no momentum that could be cycled`)];
  }
  const other = schedules[momentum];
  if (other) {
    return [say.conflictingFields(other.at([]), ['schedule', `schedules.${momentum}`], `both change \`${momentum}\``)];
  }
  if (numberOf(fields, momentum) > 0) return [];
  const why = `\`${momentum}\` of optimizer \`${optimizer.type}\` is 0: the steps have no momentum that could be cycled`;
  return [say.invalidField(at, why, `give the optimizer a \`${momentum}\``)];
}

function checkField(setup: OptimizerSetup, fields: Fields, field: string, section: SectionSpec): readonly Diagnostic[] {
  const { type, hypers } = optimizerOf(setup.optimizer);
  const at = section.at([]);
  if (field === 'lr') return [say.invalidField(at, 'the schedule of the learning rate is `train.schedule`')];
  if (!hypers.includes(field)) {
    return [say.unknownReference(at, field, `field of optimizer \`${type}\` that a schedule can change:`, hypers)];
  }
  const def = scheduleOf(section);
  if (def.cyclesMomentum?.(withDefaults(def, section.fields)) === true) {
    return [
      say.invalidField(section.at(['momentum']), 'momentum goes with the learning rate: it is for `train.schedule`'),
    ];
  }
  if (numberOf(fields, field) !== 0) return [];
  const why = `\`${field}\` of optimizer \`${type}\` is 0, and a factor on it changes nothing`;
  return [say.invalidField(at, why, `give \`train.optimizer.${field}\` the value that the factors are meant for`)];
}

function isMapping(value: Fields[string] | undefined): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
