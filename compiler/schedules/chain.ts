/** Schedules one after the other, each for its stretch of the training. */
import type { Words } from '../frontend/definitions';
import type { Fields, Json } from '../frontend/spec';
import { InternalError } from '../diagnostics/errors';
import { typedItem, withDefaults } from '../lower/defaults';
import { defineSchedule, type Point, type ScheduleContext, type ScheduleDef } from './define';
import { INTERVAL, stepsOf } from './interval';

interface Part {
  readonly def: ScheduleDef;
  readonly fields: Fields;
  readonly length: Json | undefined;
}

/** `words` are the schedules that may be parts: those without a state. */
export function chainOf(words: Words<ScheduleDef>): ScheduleDef {
  const partsOf = (fields: Fields): readonly Part[] =>
    (fields['parts'] as readonly Json[]).map((item) => {
      const { type, fields: written } = typedItem(item);
      const def = words[type];
      if (!def) throw new InternalError(`'${type}' is no part of a chain after validation`);
      const { length, ...own } = written;
      return { def, fields: withDefaults(def, own), length };
    });

  /** The part that this step falls into, and the step in its terms. */
  const partAt = (context: ScheduleContext): Part & { readonly inside: ScheduleContext } => {
    const parts = partsOf(context.fields);
    let start = 0;
    for (const [i, part] of parts.entries()) {
      const rest = context.totalSteps - start;
      const length = part.length === undefined ? rest : stepsOf(part.length, context);
      const inside = { ...context, fields: part.fields, step: context.step - start, warmup: 0, totalSteps: length };
      if (i === parts.length - 1 || inside.step < length) return { ...part, inside };
      start += length;
    }
    throw new InternalError('a chain has no parts after validation');
  };

  return defineSchedule({
    type: 'chain',
    summary: 'Schedules one after the other, each for its `length`.',
    details:
      "PyTorch's SequentialLR: every part begins with its own step 0, counts its own lengths from there and takes its `length` for the whole training. Factors are on the rate of the optimizer, not on what the part before has left.",
    example:
      '{type: chain, parts: [{type: linear, from: 0.1, to: 1, length: 500}, {type: constant, length: 5 epochs}, {type: cosine}]}',
    fields: {
      parts: {
        description:
          'Schedules with their fields, each but the last with the field `length`: steps, or `"10 epochs"`. The last one has the rest.',
        type: 'array',
        minItems: 2,
        items: {
          anyOf: Object.entries(words).map(([name, def]) => ({
            type: 'object',
            properties: {
              type: { const: name },
              length: INTERVAL,
              ...(def.fields as Readonly<Record<string, Json>>),
            },
            required: ['type', ...(def.required ?? [])],
            additionalProperties: false,
          })),
        },
      },
    },
    required: ['parts'],
    problem: (fields) => {
      const parts = partsOf(fields);
      for (const [i, { def, fields: own, length }] of parts.entries()) {
        const last = i === parts.length - 1;
        if (last && length !== undefined) return { path: ['parts', i, 'length'], why: 'the last part has the rest' };
        if (!last && length === undefined)
          return { path: ['parts', i], why: 'each part but the last needs a `length`' };
        const found = def.problem?.(own);
        if (found) return { path: ['parts', i, ...found.path], why: found.why };
      }
      return undefined;
    },
    points: (fields) => {
      const starts: Json[] = [];
      return partsOf(fields).flatMap(({ def, fields: own, length }, i): Point[] => {
        const begin = { path: ['parts', i], what: 'this part begins', at: [...starts] };
        const inside = (def.points?.(own) ?? []).map((point): Point => {
          const here = { path: ['parts', i, ...point.path], what: point.what };
          return length === undefined
            ? { ...here, at: [...starts, ...point.at] }
            : { ...here, at: point.at, within: point.within ?? length };
        });
        if (length !== undefined) starts.push(length);
        return [...(i === 0 ? [] : [begin]), ...inside];
      });
    },
    factor: (context) => {
      const { def, inside } = partAt(context);
      return def.factor(inside);
    },
    cyclesMomentum: (fields) => partsOf(fields).some(({ def, fields: own }) => def.cyclesMomentum?.(own)),
    momentum: (context) => {
      const { def, inside } = partAt(context);
      return def.cyclesMomentum?.(inside.fields) === true ? def.momentum?.(inside) : undefined;
    },
  });
}
