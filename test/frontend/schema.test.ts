/** The published schema and the words of the language agree with each other and with their own examples. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import Ajv2020 from 'ajv/dist/2020';
import { parse } from 'yaml';
import { failures } from '../../compiler/frontend/conform';
import { DEFINITIONS, type Words } from '../../compiler/frontend/definitions';
import { allFieldSchemas, modelSchema } from '../../compiler/frontend/schema';
import { COMMON_LAYER } from '../../compiler/frontend/language';
import type { Described } from '../../compiler/frontend/describe';
import type { Json } from '../../compiler/frontend/spec';
import type { SchemaNode } from '../../compiler/frontend/words';
import { found, INPUTS } from './support';

const ajv = new Ajv2020({ allErrors: true, strict: false });
const schema = modelSchema();
const validate = ajv.compile(schema);

const KINDS: readonly (readonly [string, Words])[] = [
  ['layer', DEFINITIONS.layers],
  ['loss', DEFINITIONS.losses],
  ['metric', DEFINITIONS.metrics],
  ['optimizer', DEFINITIONS.optimizers],
  ['schedule', DEFINITIONS.schedules],
  ['source', DEFINITIONS.sources],
  ['initializer', DEFINITIONS.initializers],
];
const WORDS: readonly (readonly [string, string, Described])[] = KINDS.flatMap(([kind, words]) =>
  Object.entries(words).map(([name, def]) => [kind, name, def] as const),
);

describe('the published schema', () => {
  test('is a valid JSON Schema', () => {
    expect(ajv.validateSchema(schema)).toBe(true);
  });

  test.each(readdirSync('models').filter((file) => file.endsWith('.yaml')))('accepts %s', (file) => {
    const ok = validate(parse(readFileSync(path.join('models', file), 'utf8')));
    expect(validate.errors ?? []).toEqual([]);
    expect(ok).toBe(true);
  });

  test.each([
    ['a layer with an unknown field', 'layers: [{type: dense, units: 3, unit: 4}]'],
    ['a layer with a value of the wrong type', 'layers: [{type: dense, units: many}]'],
    ['a layer without a required field', 'layers: [{type: dense}]'],
    ['an unknown loss', 'layers: [{type: relu}]\nlosses: [{type: guess}]'],
    ['an unknown section', 'layers: [{type: relu}]\nlayer: []'],
    [
      'an unknown field of train',
      'layers: [{type: relu}]\ntrain: {batch_size: 1, optimizer: {type: sgd, lr: 1}, batch: 3}',
    ],
  ])('refuses %s', (_, rest) => {
    expect(validate(parse(`${INPUTS}${rest}`))).toBe(false);
  });

  test('lets parameters of blocks stand for any value, and blocks for layer types', () => {
    const text = `${INPUTS}layers: [{name: a, type: wide, n: 3}]
blocks: {wide: {params: {n: {type: integer}}, layers: [{type: dense, units: $n, bias: "\${n > 2}"}]}}
`;
    validate(parse(text));
    expect(validate.errors ?? []).toEqual([]);
    expect(found(text)).toEqual(['3:3 unused-input']);
  });
});

describe('every word of the language', () => {
  test.each(WORDS)('%s %s is described in full and keyed by its own name', (kind, name, def) => {
    expect(def.type).toBe(name);
    expect(def.summary).toMatch(/\.$/);
    for (const [field, one] of Object.entries(def.fields)) {
      expect([field, one.description.length > 0]).toEqual([field, true]);
      if (kind === 'layer') expect(Object.keys(COMMON_LAYER.fields)).not.toContain(field);
    }
    for (const field of def.required ?? []) expect(Object.keys(def.fields)).toContain(field);
  });

  test.each(WORDS)('%s %s has field schemas that are valid, and defaults that they accept', (_, __, def) => {
    for (const [field, one] of Object.entries(def.fields)) {
      expect([field, ajv.validateSchema(one)]).toEqual([field, true]);
      if (one.default !== undefined) expect([field, ajv.validate(one, one.default)]).toEqual([field, true]);
    }
  });

  test.each(WORDS)('%s %s has an example that the validator accepts', (kind, name, def) => {
    const item = parse(def.example) as Record<string, unknown>;
    expect(item['type']).toBe(name);
    const model = modelWith(kind, def.example);
    // The example of a layer may refer to layers that only its surroundings have.
    expect(found(model).filter((line) => !/unused|unreachable|unknown-reference/.test(line))).toEqual([]);
  });
});

/** A model that has the item where items of its kind stand. */
function modelWith(kind: string, item: string): string {
  const at = (wanted: string, otherwise: string): string => (kind === wanted ? item : otherwise);
  return `${INPUTS}layers:
  - {name: before, type: dense, units: 4, init: ${at('initializer', 'zeros')}}
  - ${at('layer', '{name: fc, type: dense, units: 10}')}
losses: [${kind === 'loss' ? withInputs(item) : '{type: mse, inputs: [before, before]}'}]
${kind === 'metric' ? `metrics: [${withInputs(item)}]` : ''}
data: {train: ${at('source', '{type: idx, images: a.gz}')}}
train: {batch_size: 1, epochs: 1, optimizer: ${at('optimizer', '{type: sgd, lr: 0.1}')}, schedule: ${at('schedule', '{type: constant}')}}
`;
}

function withInputs(item: string): string {
  return item.includes('inputs:') ? item : item.replace(/}$/, ', inputs: [before, label]}');
}

describe('the check of fields', () => {
  const values: readonly Json[] = [
    0,
    1,
    -1,
    0.5,
    2 ** 40,
    '',
    'same',
    'relu',
    '5M',
    '500 steps',
    'a/b',
    true,
    null,
    [],
    [1],
    [1, 2],
    [1, 1],
    ['train', 'eval'],
    [
      [0, 1],
      [1, 0],
    ],
    {},
    { type: 'constant', value: 1 },
    { type: 'constant', valu: 1 },
    { type: 'zeros' },
    { weight: { lr: 1 } },
    { weight: { lr: -1, init: 'he_normal', constraint: 'nothing' } },
    { epochs: 0.5, from: 2 },
  ];

  test('agrees with a complete implementation of JSON Schema', () => {
    for (const field of allFieldSchemas()) {
      const accepts = ajv.compile(field);
      const disagreed = values.filter((value) => (failures(field, value).length === 0) !== accepts(value));
      expect([field, disagreed]).toEqual([field, []]);
    }
  });

  test.each<[SchemaNode, Json[]]>([
    [{ type: ['string', 'null'], maxLength: 2 }, ['ab', '𝒳𝒴', 'abc', null, 3]],
    [{ multipleOf: 0.5 }, [1, 1.25, 'a']],
    [{ minProperties: 1, maxProperties: 2 }, [{}, { a: 1 }, { a: 1, b: 2, c: 3 }]],
    [
      { additionalProperties: { type: 'number' }, properties: { a: { type: 'string' } } },
      [{ a: 'x', b: 1 }, { b: 'x' }],
    ],
    [{ oneOf: [{ type: 'integer' }, { minimum: 2 }] }, [1, 2, 2.5, 0.5, 'a']],
    [{ allOf: [{ minimum: 1 }, { maximum: 2 }] }, [0, 1, 3]],
    [{ not: { enum: [0, 'a', [1]] } }, [0, 1, 'a', [1], [2]]],
    [{ const: { a: 1 } }, [{ a: 1 }, { a: 2 }, null]],
    [
      { items: { type: 'integer' }, uniqueItems: true, minItems: 1, maxItems: 3 },
      [[], [1, 2], [1, 1], [0.5], [1, 2, 3, 4]],
    ],
    [{ pattern: '^.$' }, ['𝒳', 'ab', 1]],
    [{ required: ['a'] }, [{}, { a: 1 }, 2]],
    [{ propertyNames: { pattern: '^a' } }, [{ a: 1 }, { b: 1 }, 2]],
    [{ type: 'object' }, [{}, [], null, 'a']],
    [{ type: 'boolean' }, [true, 0]],
  ])('understands %j', (schema, samples) => {
    const accepted = samples.filter((value) => failures(schema, value).length === 0);
    const accepts = ajv.compile(schema);
    expect(accepted).toEqual(samples.filter((value) => accepts(value)));
    expect(accepted.length).toBeLessThan(samples.length);
  });

  test('says what failed, where, and what the alternatives say', () => {
    const item = { type: 'integer', minimum: 1 };
    const schema: SchemaNode = { anyOf: [{ enum: ['same'] }, { type: 'array', items: item, minItems: 2 }] };
    const [failure, ...more] = failures(schema, [0]);
    expect(more).toEqual([]);
    expect(failure).toMatchObject({ keyword: 'anyOf', path: [], schema });
    const branches = failure?.branches?.map((branch) => branch.map(({ keyword, path }) => [keyword, path]));
    const short = [
      ['minimum', [0]],
      ['minItems', []],
    ];
    expect(branches).toEqual([[['enum', []]], short]);
    expect(failures({ type: 'object', additionalProperties: false, required: ['a'] }, { b: 1 })).toMatchObject([
      { keyword: 'additionalProperties', property: 'b' },
      { keyword: 'required', property: 'a' },
    ]);
  });

  test('points at a name that cannot be one', () => {
    const layers = 'layers:\n  - {type: expression, expr: x, weights: {1x: {shape: [2]}}}\n';
    expect(found(`${INPUTS}${layers}losses: []\n`).filter((line) => line.includes('invalid'))).toEqual([
      '5:43 invalid-value',
    ]);
  });

  test('stops at a keyword that it does not know', () => {
    expect(() => failures({ type: 'integer', minimun: 3 }, 1)).toThrow("the keyword 'minimun'");
  });
});

describe('the generated file', () => {
  test('is the one that the definitions give', () => {
    // Compared as text: the differences of two long objects take minutes to show.
    const published = JSON.stringify(JSON.parse(readFileSync('schema/dlc.schema.json', 'utf8')));
    expect(published === JSON.stringify(schema)).toBe(true);
  });
});
