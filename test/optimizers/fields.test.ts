/**
 * No field of an optimizer is without effect: beside any other field at another value than its default, each one either
 * changes the course of the weights or is refused.
 */
import type { FieldSchema } from '../../compiler/frontend/describe';
import type { Fields, Json } from '../../compiler/frontend/spec';
import { withDefaults } from '../../compiler/lower/defaults';
import type { OptimizerDef } from '../../compiler/optimizers/define';
import { OPTIMIZERS } from '../../compiler/optimizers/index';
import { follow, start, waves } from '../support/optimizer';

const DEFS: Readonly<Record<string, OptimizerDef>> = OPTIMIZERS;

/** Where bounds are met and averages fall within a few steps. */
const STARTS: Readonly<Record<string, Fields>> = {
  sgd: { momentum: 0.9 },
  rmsprop: { momentum: 0.9 },
  adam: { beta2: 0.6 },
  adamw: { beta2: 0.6 },
  radam: { beta2: 0.9 },
  adafactor: { lr: 0.8 },
  lion: { beta2: 0.9 },
  rprop: { lr: 0.6 },
};

/** Values on the other side of what they bound, or that leave the rest its effect. */
const OTHERS: Readonly<Record<string, readonly Json[]>> = {
  lr: [0.7],
  l1: [0, 0.1],
  epsilon: [2.37],
  epsilon2: [2.37],
  least: [0.2],
  most: [0.65],
  ns_steps: [3],
  ns_coefficients: [[3, -4, 2]],
};

function othersOf(name: string, schema: FieldSchema): readonly Json[] {
  if (OTHERS[name]) return OTHERS[name];
  if (schema['enum']) return schema['enum'] as readonly Json[];
  if (schema['type'] === 'boolean') return [true, false];
  const { minimum, exclusiveMinimum, maximum } = schema as Readonly<Record<string, number | undefined>>;
  const some = (exclusiveMinimum ?? 0) + (maximum === 0 ? -0.37 : 0.37);
  return exclusiveMinimum === undefined && (minimum === 0 || maximum === 0) ? [0, some] : [some];
}

const SHAPES: readonly (readonly number[])[] = [[7], [3, 2], [2, 1, 2]];

/** All weights of the course as one text, past rounding; undefined where the fields are refused. */
function courseOf(def: OptimizerDef, given: Fields): string | undefined {
  if (def.idle?.(withDefaults(def, given))) return undefined;
  const courses = SHAPES.map((shape) => {
    const count = shape.reduce((product, extent) => product * extent, 1);
    const rate = (t: number): number => (t > 4 ? 0.5 : 1);
    return follow(def, given, { shape, start: start(count), gradient: waves(count), steps: 8, rate });
  });
  for (const value of courses.flat(2)) expect([given, Number.isFinite(value)]).toEqual([given, true]);
  return courses
    .flat(2)
    .map((value) => value.toPrecision(13))
    .join();
}

test.each(Object.keys(DEFS))('every field of %s has an effect beside every other, or is refused', (type) => {
  const def = DEFS[type]!;
  const first = withDefaults(def, { lr: 0.1, ...STARTS[type] });
  const settings = Object.entries(def.fields).flatMap(([name, schema]) =>
    othersOf(name, schema)
      .filter((value) => JSON.stringify(value) !== JSON.stringify(first[name]))
      .map((value) => [name, value] as const),
  );
  expect(new Set(settings.map(([name]) => name))).toEqual(new Set(Object.keys(def.fields)));
  const courses = new Map<string, string | undefined>();
  const ran = (fields: Fields): string | undefined => {
    const key = JSON.stringify(Object.entries(fields).sort());
    if (!courses.has(key)) courses.set(key, courseOf(def, fields));
    return courses.get(key);
  };
  const idle: string[] = [];
  for (const [beside, value] of [['lr', first['lr']!] as const, ...settings]) {
    const before = { ...first, [beside]: value };
    const course = ran(before);
    if (course === undefined) continue;
    for (const [name, other] of settings) {
      if (name !== beside && ran({ ...before, [name]: other }) === course) {
        idle.push(`${name}: ${JSON.stringify(other)} beside ${beside}: ${JSON.stringify(value)}`);
      }
    }
  }
  expect(idle).toEqual([]);
});
