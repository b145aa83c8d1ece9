/** Groups, phases, objectives and the other lists and mappings inside of `train:`. Document → spec, checked. */
import * as say from '../diagnostics/catalogue';
import type { Collector } from '../diagnostics/collector';
import type { Location } from '../diagnostics/location';
import { texts } from './blocks';
import { wordOf, type Definitions } from './definitions';
import { child, locationOf, locatorOf, textOf, toJson, type DocNode, type MapNode } from './node';
import { originOf, readSection } from './sections';
import { groupShape, itemShape } from './shapes';
import type {
  ClipSpec,
  Fields,
  GroupSpec,
  Json,
  ObjectiveSpec,
  OptimizerOverride,
  ParameterKind,
  PhaseSpec,
  SectionSpec,
} from './spec';
import * as shapes from './train_language';
import { SCHEDULE, TYPED } from './typed';
import { checkKeys, checkObject, checkValues } from './validate';

export interface TrainContext {
  readonly collector: Collector;
  readonly definitions: Definitions;
  /** What phases and objectives lay their own fields over; absent where there is none, or it is wrong. */
  readonly optimizer: SectionSpec | undefined;
  readonly schedule: SectionSpec;
  readonly schedules: Readonly<Record<string, SectionSpec>> | undefined;
  readonly clip: ClipSpec | undefined;
}

/** The plain values of a closed mapping; undefined where it is missing or wrong. */
export function readMapping(
  node: DocNode | undefined,
  shape: Parameters<typeof checkObject>[1],
  owner: string,
  collector: Collector,
): Fields | undefined {
  if (node === undefined) return undefined;
  const problems = checkObject(node, shape, `\`${owner}\``);
  for (const problem of problems) collector.report(problem);
  return problems.length === 0 && node.kind === 'map' ? (toJson(node) as Fields) : undefined;
}

export const listOf = (value: Json | undefined): string[] =>
  value === undefined ? [] : Array.isArray(value) ? value.map(textOf) : [textOf(value)];

const itemsOf = (node: DocNode | undefined): readonly DocNode[] => (node?.kind === 'list' ? node.items : []);

export function readClip(node: DocNode | undefined, owner: string, collector: Collector): ClipSpec | undefined {
  const fields = readMapping(node, shapes.CLIP, owner, collector);
  if (fields === undefined || node === undefined) return undefined;
  const { value, norm, global_norm: globalNorm } = fields;
  if (Object.keys(fields).length === 0) {
    collector.report(say.missingField(locationOf(node), 'global_norm', `\`${owner}\``, 'or `norm`, or `value`'));
  }
  return {
    ...(value === undefined ? {} : { value: Number(value) }),
    ...(norm === undefined ? {} : { norm: Number(norm) }),
    ...(globalNorm === undefined ? {} : { globalNorm: Number(globalNorm) }),
  };
}

/** An optimizer of its own, or fields that differ from those of `base`. */
function readOverride(
  node: DocNode | undefined,
  owner: string,
  base: SectionSpec | undefined,
  { collector, definitions }: Pick<TrainContext, 'collector' | 'definitions'>,
): OptimizerOverride | undefined {
  if (node?.kind !== 'map') return undefined;
  const name = `${owner}.optimizer`;
  if (child(node, 'type') !== undefined) {
    const section = readSection(node, name, 'optimizer', definitions.optimizers, { collector, definitions });
    return section && { ...section, whole: true };
  }
  const def = base && wordOf(definitions.optimizers, base.type);
  if (!def) {
    if (base === undefined) collector.report(say.missingField(locationOf(node), 'type', `\`${name}\``));
    return undefined;
  }
  const { fields } = itemShape(def, TYPED);
  const owned = `optimizer \`${def.type}\``;
  for (const problem of [...checkKeys(node, { fields }, owned), ...checkValues(node, { fields })]) {
    collector.report(problem);
  }
  const own = toJson(node) as Fields;
  return { type: def.type, fields: own, whole: false, origin: originOf(name, locationOf(node)), at: locatorOf(node) };
}

/** Whether it is written as an optimizer of its own. */
export const isWhole = (optimizer: SectionSpec | OptimizerOverride): boolean => 'whole' in optimizer && optimizer.whole;

/** The optimizer that an override makes of another one. Places are those of the override for what it says. */
export function overridden(base: SectionSpec, override: OptimizerOverride | undefined): SectionSpec {
  if (!override) return base;
  if (override.whole) return override;
  const { fields, at, origin } = override;
  return {
    type: base.type,
    fields: { ...base.fields, ...fields },
    origin,
    at: (path, part) => (path[0] !== undefined && String(path[0]) in fields ? at : base.at)(path, part),
  };
}

export function readSchedule(
  node: DocNode | undefined,
  owner: string,
  { collector, definitions }: Pick<TrainContext, 'collector' | 'definitions'>,
): SectionSpec | undefined {
  if (node?.kind !== 'map') return undefined;
  const section = readSection(node, owner, 'schedule', definitions.schedules, { collector, definitions }, SCHEDULE);
  checkWarmup(node, collector);
  return section;
}

/** Schedules of the optimizer's fields, by field; whether the optimizer has them is for the lowering to say. */
export function readSchedules(
  node: DocNode | undefined,
  owner: string,
  context: Pick<TrainContext, 'collector' | 'definitions'>,
): Readonly<Record<string, SectionSpec>> | undefined {
  if (node?.kind !== 'map') return undefined;
  const { collector } = context;
  const sections = [...node.entries].flatMap(([field, { value }]): [string, SectionSpec][] => {
    if (value.kind !== 'map') {
      const problem = say.wrongKind(
        locationOf(value),
        `the schedule of \`${field}\``,
        'a mapping `{type: …}`',
        toJson(value),
      );
      collector.report(problem);
    }
    const section = readSchedule(value, `${owner}.${field}`, context);
    return section ? [[field, section]] : [];
  });
  return Object.fromEntries(sections);
}

function checkWarmup(schedule: MapNode, collector: Collector): void {
  const warmup = child(schedule, 'warmup');
  if (warmup?.kind !== 'map') return;
  const both = warmup.entries.has('steps') && warmup.entries.has('epochs');
  if (both) collector.report(say.conflictingFields(locationOf(warmup), ['steps', 'epochs'], 'exclude each other'));
  else if (!warmup.entries.has('steps') && !warmup.entries.has('epochs')) {
    collector.report(say.missingField(locationOf(warmup), 'steps', '`warmup`', 'or `epochs`'));
  }
}

/** `groups` of a section, those of `discriminative` before them. */
export function readGroups(section: MapNode, owner: string, context: TrainContext): GroupSpec[] {
  const groups = itemsOf(child(section, 'groups')).flatMap((item, i): GroupSpec[] => {
    const name = `${owner}.groups[${i}]`;
    const shape = groupShape(context.definitions);
    const all = readMapping(item, shape, name, context.collector);
    if (all === undefined) return [];
    const { names, kinds, optimizer, ...fields } = all;
    if (names === undefined && kinds === undefined) {
      context.collector.report(say.missingField(locationOf(item), 'names', `\`${name}\``, 'or `kinds`'));
    }
    if (optimizer === undefined && Object.keys(fields).length === 0) {
      const hint = 'it says which weights and nothing about them';
      context.collector.report(say.missingField(locationOf(item), 'lr', `\`${name}\``, hint));
    }
    const override = readOverride(child(item, 'optimizer'), name, context.optimizer, context);
    return [
      {
        ...(names === undefined ? {} : { names: listOf(names) }),
        ...(kinds === undefined ? {} : { kinds: listOf(kinds) as ParameterKind[] }),
        ...(override === undefined ? {} : { optimizer: override }),
        fields,
        at: locatorOf(item),
      },
    ];
  });
  return [...readDiscriminative(child(section, 'discriminative'), owner, context.collector), ...groups];
}

/** Rates from `low` to `high`, spaced geometrically over the groups. */
function readDiscriminative(node: DocNode | undefined, owner: string, collector: Collector): GroupSpec[] {
  const fields = readMapping(node, shapes.DISCRIMINATIVE, `${owner}.discriminative`, collector);
  if (fields === undefined || node === undefined) return [];
  const items = itemsOf(child(node, 'names'));
  const [low, high] = [Number(fields['low']), Number(fields['high'] ?? 1)];
  return items.map((item, i) => ({
    names: listOf(toJson(item)),
    fields: { lr: low * (high / low) ** (i / (items.length - 1)) },
    at: locatorOf(item),
  }));
}

export function readPhases(node: DocNode | undefined, context: TrainContext): PhaseSpec[] {
  const { collector } = context;
  const taken = new Map<string, Location>();
  return itemsOf(node).flatMap((item, i): PhaseSpec[] => {
    const owner = `train.phases[${i}]`;
    const fields = readMapping(item, shapes.PHASE, owner, collector);
    if (fields === undefined || item.kind !== 'map') return [];
    const { epochs, steps } = fields;
    if (epochs === undefined && steps === undefined) {
      collector.report(say.missingField(locationOf(item), 'epochs', `\`${owner}\``, 'or `steps`'));
    } else if (epochs !== undefined && steps !== undefined) {
      collector.report(say.conflictingFields(locationOf(item), ['epochs', 'steps'], 'exclude each other'));
    }
    const frozen = listOf(fields['frozen']);
    if (fields['train_norms'] !== undefined && frozen.length === 0) {
      const problem = '`train_norms` has no effect: the phase freezes nothing';
      collector.report(say.invalidField(locationOf(child(item, 'train_norms') ?? item), problem));
    }
    const name = textOf(fields['name'] ?? `phase${i + 1}`);
    nameOnce(taken, name, child(item, 'name') ?? item, 'phase', collector);
    const setup = readSetup(item, owner, context);
    if (!setup) return [];
    return [
      {
        name,
        ...(epochs === undefined ? {} : { epochs: Number(epochs) }),
        ...(steps === undefined ? {} : { steps: Number(steps) }),
        frozen,
        trainNorms: fields['train_norms'] === true,
        groups: readGroups(item, owner, { ...context, optimizer: setup.optimizer }),
        at: locatorOf(item),
        ...setup,
      },
    ];
  });
}

export function readObjectives(node: DocNode | undefined, context: TrainContext): ObjectiveSpec[] {
  const taken = new Map<string, Location>();
  return itemsOf(node).flatMap((item, i): ObjectiveSpec[] => {
    const owner = `train.objectives[${i}]`;
    const fields = readMapping(item, shapes.OBJECTIVE, owner, context.collector);
    if (fields === undefined || item.kind !== 'map') return [];
    const name = textOf(fields['name']);
    nameOnce(taken, name, child(item, 'name') ?? item, 'objective', context.collector);
    const setup = readSetup(item, owner, context);
    if (!setup) return [];
    const losses = texts(child(item, 'losses')).map((text) => textOf(text.value));
    const parameters = listOf(fields['parameters']);
    return [{ name, losses, parameters, every: Number(fields['every'] ?? 1), at: locatorOf(item), ...setup }];
  });
}

function nameOnce(taken: Map<string, Location>, name: string, at: DocNode, what: string, collector: Collector): void {
  const first = taken.get(name);
  if (first !== undefined) collector.report(say.duplicateName(locationOf(at), what, name, first));
  else taken.set(name, locationOf(at));
}

/** Optimizer, schedule and clip of a phase or an objective. */
function readSetup(
  item: MapNode,
  owner: string,
  context: TrainContext,
): Pick<PhaseSpec, 'optimizer' | 'schedule' | 'schedules' | 'clip'> | undefined {
  const { collector, optimizer: base } = context;
  const written = child(item, 'optimizer');
  const override = readOverride(written, owner, base, context);
  const optimizer = override?.whole === true ? override : base && overridden(base, override);
  const schedule = readSchedule(child(item, 'schedule'), `${owner}.schedule`, context) ?? context.schedule;
  // Another optimizer has other fields.
  const inherited = override?.whole === true ? undefined : context.schedules;
  const schedules = readSchedules(child(item, 'schedules'), `${owner}.schedules`, context) ?? inherited;
  const clip = readClip(child(item, 'clip'), `${owner}.clip`, collector) ?? context.clip;
  if (!optimizer) {
    const hint = 'neither `train` nor it says which';
    if (written === undefined) collector.report(say.missingField(locationOf(item), 'optimizer', `\`${owner}\``, hint));
    return undefined;
  }
  return {
    optimizer,
    schedule,
    ...(schedules === undefined ? {} : { schedules }),
    ...(clip === undefined ? {} : { clip }),
  };
}
