/** The `train:` section: document → spec, checked. */
import * as say from '../diagnostics/catalogue';
import type { Collector } from '../diagnostics/collector';
import type { Location, Origin } from '../diagnostics/location';
import * as language from './language';
import { child, locationOf, locatorOf, textOf, toJson, type DocNode, type MapNode } from './node';
import { originOf, quantityOf, readSection, type SectionContext } from './sections';
import type { AverageSpec, Fields, Interval, Json, Locate, SectionSpec, StopSpec, TrainSpec } from './spec';
import * as shapes from './train_language';
import {
  readClip,
  readGroups,
  readMapping,
  readObjectives,
  readPhases,
  readSchedule,
  readSchedules,
} from './train_parts';
import { checkObject, meantFields } from './validate';

export function readTrain(
  node: DocNode | undefined,
  { collector, definitions }: SectionContext,
): TrainSpec | undefined {
  if (node?.kind !== 'map') return undefined;
  const before = collector.errors;
  for (const problem of checkObject(node, language.TRAIN, '`train`')) collector.report(problem);
  checkPresence(node, collector);
  const mapping = (name: string, shape: language.ObjectShape): Fields | undefined => {
    const section = child(node, name);
    return section?.kind === 'map' ? readMapping(section, shape, `train.${name}`, collector) : undefined;
  };
  const origin = originOf('train', locationOf(node));
  const written = child(node, 'optimizer');
  const optimizer =
    written?.kind === 'map'
      ? readSection(written, 'train.optimizer', 'optimizer', definitions.optimizers, { collector, definitions })
      : undefined;
  const schedule =
    readSchedule(child(node, 'schedule'), 'train.schedule', { collector, definitions }) ?? constant(origin, node);
  const clip = child(node, 'clip')?.kind === 'map' ? readClip(child(node, 'clip'), 'train.clip', collector) : undefined;
  const schedules = readSchedules(child(node, 'schedules'), 'train.schedules', { collector, definitions });
  const context = { collector, definitions, optimizer, schedule, schedules, clip };
  const groups = readGroups(node, 'train', context);
  const phases = readPhases(child(node, 'phases'), context);
  const objectives = readObjectives(child(node, 'objectives'), context);
  const checkpoint = mapping('checkpoint', language.CHECKPOINT) ?? {};
  const evaluate = mapping('evaluate', language.EVALUATE) ?? {};
  const [ema, swa] = [mapping('ema', shapes.EMA), mapping('swa', shapes.SWA)];
  const average = averageOf(ema, swa, locatorOf(node));
  const lookahead = mapping('lookahead', shapes.LOOKAHEAD);
  const stop = mapping('stop', shapes.STOP);
  const main = optimizer ?? objectives[0]?.optimizer;
  if (collector.errors !== before || main === undefined) return undefined;
  const fields = toJson(node) as Record<string, Json>;
  const number = (name: string): number | undefined => (fields[name] === undefined ? undefined : Number(fields[name]));
  const [epochs, steps] = [number('epochs'), number('steps')];
  const memory = quantityOf(fields['memory']);
  const { every, best } = checkpoint;
  return {
    batchSize: Number(fields['batch_size']),
    ...(epochs === undefined ? {} : { epochs }),
    ...(steps === undefined ? {} : { steps }),
    seed: number('seed') ?? 0,
    optimizer: main,
    schedule,
    ...(schedules === undefined ? {} : { schedules }),
    accumulate: number('accumulate') ?? 1,
    ...(memory === undefined ? {} : { memory }),
    precision: fields['precision'] === 'bfloat16' ? 'bfloat16' : 'float32',
    ...(clip === undefined ? {} : { clip }),
    groups,
    ...(average === undefined ? {} : { average }),
    ...(lookahead === undefined
      ? {}
      : { lookahead: { steps: Number(lookahead['steps'] ?? 5), alpha: Number(lookahead['alpha'] ?? 0.5) } }),
    phases,
    objectives,
    ...(stop === undefined ? {} : { stop: stopOf(stop, locatorOf(child(node, 'stop') ?? node)) }),
    checkpoint: {
      ...(every === undefined ? {} : { every: intervalOf(every) }),
      keep: Number(checkpoint['keep'] ?? 3),
      ...(best === undefined ? {} : { best: textOf(best) }),
      restoreBest: checkpoint['restore_best'] === true,
    },
    evaluate: {
      every: intervalOf(evaluate['every'] ?? '1 epochs'),
      batchSize: Number(evaluate['batch_size'] ?? fields['batch_size']),
    },
    origin,
    at: locatorOf(node),
  };
}

/** Fields that need or exclude each other. */
function checkPresence(node: MapNode, collector: Collector): void {
  const meant = meantFields(node, language.TRAIN);
  const at = (name: string): Location => locationOf(node.entries.get(name)?.key ?? node);
  const exclude = (a: string, b: string): void => {
    if (node.entries.has(a) && node.entries.has(b))
      collector.report(say.conflictingFields(at(b), [a, b], 'exclude each other'));
  };
  if (!['epochs', 'steps', 'phases'].some((name) => meant.has(name))) {
    collector.report(say.missingField(locationOf(node), 'epochs', '`train`', 'or `steps`, the number of steps'));
  }
  for (const length of ['epochs', 'steps']) exclude(length, 'phases');
  exclude('epochs', 'steps');
  exclude('phases', 'objectives');
  exclude('ema', 'swa');
  if (!meant.has('optimizer') && !meant.has('objectives')) {
    collector.report(say.missingField(locationOf(node), 'optimizer', '`train`'));
  }
  const [batch, parts] = [child(node, 'batch_size'), child(node, 'accumulate')].map((item) => item && toJson(item));
  if (typeof batch === 'number' && typeof parts === 'number' && batch % parts !== 0) {
    const problem = `must divide \`batch_size\`: ${batch} samples make no ${parts} equal parts`;
    collector.report(say.invalidValue(locationOf(child(node, 'accumulate') ?? node), 'accumulate', problem));
  }
  const checkpoint = child(node, 'checkpoint');
  const restore = child(checkpoint, 'restore_best');
  if (restore && toJson(restore) === true && !child(checkpoint, 'best')) {
    collector.report(say.missingField(locationOf(restore), 'best', '`train.checkpoint`', 'the figure to go by'));
  }
}

function averageOf(ema: Fields | undefined, swa: Fields | undefined, at: Locate): AverageSpec | undefined {
  const fields = ema ?? swa;
  if (!fields) return undefined;
  return {
    ...(ema ? { decay: Number(ema['decay'] ?? 0.999) } : {}),
    warmup: fields['warmup'] === true,
    start: intervalOf(fields['start'] ?? 0),
    every: intervalOf(fields['every'] ?? (ema ? 1 : '1 epochs')),
    at: (path, part) => at([ema ? 'ema' : 'swa', ...path], part),
  };
}

function stopOf(fields: Fields, at: Locate): StopSpec {
  const { mode } = fields;
  return {
    metric: textOf(fields['metric'] ?? 'loss'),
    patience: Number(fields['patience'] ?? 5),
    minDelta: Number(fields['min_delta'] ?? 0),
    ...(mode === 'min' || mode === 'max' ? { mode } : {}),
    at,
  };
}

/** Without a `schedule:` the learning rate stays what it is. */
function constant(origin: Origin, node: DocNode): SectionSpec {
  return { type: 'constant', fields: {}, origin, at: locatorOf(node) };
}

/** A bare number counts steps; otherwise `500 steps`, `1 epochs`, `5 minutes`. The form was checked. */
export function intervalOf(value: Json): Interval {
  if (typeof value === 'number') return { count: value, unit: 'steps' };
  const [count = '', word = ''] = textOf(value).split(' ');
  const unit =
    (['steps', 'epochs', 'minutes'] as const).find((one) => one.startsWith(word.replace(/s$/, ''))) ?? 'steps';
  return { count: Number(count), unit };
}
