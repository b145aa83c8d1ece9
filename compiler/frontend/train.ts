/** The `train:` section: document → spec, checked. */
import * as say from '../diagnostics/catalogue';
import type { Collector } from '../diagnostics/collector';
import type { Origin } from '../diagnostics/location';
import type { Words } from './definitions';
import * as language from './language';
import { child, locationOf, locatorOf, textOf, toJson, type DocNode } from './node';
import { originOf, readSection, type SectionContext } from './sections';
import type { Fields, Interval, Json, SectionSpec, TrainSpec } from './spec';
import { SCHEDULE, TYPED } from './typed';
import { checkObject, meantFields } from './validate';

export function readTrain(
  node: DocNode | undefined,
  { collector, definitions }: SectionContext,
): TrainSpec | undefined {
  if (node?.kind !== 'map') return undefined;
  const before = collector.errors;
  for (const problem of checkObject(node, language.TRAIN, '`train`')) collector.report(problem);
  const meant = meantFields(node, language.TRAIN);
  if (!meant.has('epochs') && !meant.has('steps')) {
    collector.report(say.missingField(locationOf(node), 'epochs', '`train`', 'or `steps`, the number of steps'));
  }
  const sub = (name: string, shape: language.ObjectShape): Fields => {
    const section = child(node, name);
    if (section?.kind !== 'map') return {};
    for (const problem of checkObject(section, shape, `\`train.${name}\``)) collector.report(problem);
    return toJson(section) as Fields;
  };
  const section = (name: string, what: string, words: Words, common = TYPED): SectionSpec | undefined => {
    const item = child(node, name);
    return item?.kind === 'map' ? readSection(item, `train.${name}`, what, words, collector, common) : undefined;
  };
  const optimizer = section('optimizer', 'optimizer', definitions.optimizers);
  const origin = originOf('train', locationOf(node));
  const schedule = section('schedule', 'schedule', definitions.schedules, SCHEDULE) ?? constant(origin, node);
  checkWarmup(child(node, 'schedule'), collector);
  const checkpoint = sub('checkpoint', language.CHECKPOINT);
  const evaluate = sub('evaluate', language.EVALUATE);
  if (collector.errors !== before || optimizer === undefined) return undefined;
  const fields = toJson(node) as Record<string, Json>;
  const number = (name: string): number | undefined => (fields[name] === undefined ? undefined : Number(fields[name]));
  const [epochs, steps] = [number('epochs'), number('steps')];
  const every = checkpoint['every'];
  return {
    batchSize: Number(fields['batch_size']),
    ...(epochs === undefined ? {} : { epochs }),
    ...(steps === undefined ? {} : { steps }),
    seed: number('seed') ?? 0,
    optimizer,
    schedule,
    checkpoint: { ...(every === undefined ? {} : { every: intervalOf(every) }), keep: Number(checkpoint['keep'] ?? 3) },
    evaluate: {
      every: intervalOf(evaluate['every'] ?? '1 epochs'),
      batchSize: Number(evaluate['batch_size'] ?? fields['batch_size']),
    },
    origin,
    at: locatorOf(node),
  };
}

/** Without a `schedule:` the learning rate stays what it is. */
function constant(origin: Origin, node: DocNode): SectionSpec {
  return { type: 'constant', fields: {}, origin, at: locatorOf(node) };
}

function checkWarmup(schedule: DocNode | undefined, collector: Collector): void {
  const warmup = child(schedule, 'warmup');
  if (warmup?.kind !== 'map') return;
  const both = warmup.entries.has('steps') && warmup.entries.has('epochs');
  if (both) collector.report(say.conflictingFields(locationOf(warmup), ['steps', 'epochs'], 'exclude each other'));
  else if (!warmup.entries.has('steps') && !warmup.entries.has('epochs')) {
    collector.report(say.missingField(locationOf(warmup), 'steps', '`warmup`', 'or `epochs`'));
  }
}

/** A bare number counts steps; otherwise `500 steps`, `1 epochs`, `5 minutes`. The form was checked. */
export function intervalOf(value: Json): Interval {
  if (typeof value === 'number') return { count: value, unit: 'steps' };
  const [count = '', word = ''] = textOf(value).split(' ');
  const unit =
    (['steps', 'epochs', 'minutes'] as const).find((one) => one.startsWith(word.replace(/s$/, ''))) ?? 'steps';
  return { count: Number(count), unit };
}
