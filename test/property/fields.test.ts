/**
 * Nothing is accepted and then ignored: in every sample of a layer, loss or metric, for every field of it, some other
 * legal value changes what is computed, or all of them are refused. What is excepted, and why, is in a list.
 */
import { SpecError } from '../../compiler/diagnostics/errors';
import type { Described, Sample } from '../../compiler/frontend/describe';
import { loadSpecText } from '../../compiler/frontend/load';
import type { Json } from '../../compiler/frontend/spec';
import type { SchemaNode } from '../../compiler/frontend/words';
import { printGraph } from '../../compiler/ir/print';
import { LAYERS } from '../../compiler/layers/index';
import { LOSSES } from '../../compiler/losses/index';
import { lowerTerms, RNG } from '../../compiler/lower/lower';
import { ModelLowering } from '../../compiler/lower/model';
import { METRICS } from '../../compiler/metrics/index';
import { OpDataError } from '../../compiler/ops/define';
import { others, outcomeOf } from '../support/field_values';
import { evaluateMetric } from '../support/metric';
import { modelText, modesOf, tensorOf, titleOf, type Kind } from '../support/registry';

const BATCH = 6;

/** Of items and fields, by pattern; in the samples that the third pattern fits. */
const EXCEPTIONS: readonly (readonly [item: RegExp, field: RegExp, sample: RegExp, why: string])[] = [
  [/dropout|drop_path|drop_block|gaussian_noise/, /./, /"(rate|std)":0\b/, 'nothing is drawn at a rate of 0'],
  [/^concat$/, /^axis$/, /\{\}$/, 'of one input it is that input'],
  [/^flatten$/, /^end_axis$/, /\{\}$/, 'the last axis is the only one there is'],
  [/^split$/, /^axis$/, /"sections":1\b/, 'one section is the whole'],
  [/^slice$/, /^axis$/, /\{\}$/, 'it takes the whole'],
  [
    /^auc$|^average_precision$|_at_/,
    /^axis$/,
    /\[N,\d+\] int32\[N\]/,
    'of two axes the last can be meant alone, however it is called',
  ],
];

/** Values for fields whose schemas give no hint. */
const VALUES: Readonly<Record<string, readonly Json[]>> = {
  'expression.names': [['a', 'b', 'c'], ['q'], ['x', 'q']],
  'expression.axes': [{ q: ['N'] }, { x: ['N', 'Q'] }, { x: ['N', 'Q', 'R'] }],
  'expression.constants': [{ q: 0.5 }],
  'expression.weights': [{ q: { shape: [2] } }],
  'expression.parameters': [{ q: { lr: 2 } }],
  'scan.carry': [{ q: 'output' }, { h: 'twice' }],
  'anchors.boxes': [[[0, 0, 2, 2]], [[2, 3]]],
  'random_resized_crop.scale': [[0.3, 0.4]],
};

/** What a sample comes to, as text: its graphs, and a metric's figures; undefined where it is refused. */
function meaningOf(kind: Kind, def: Described, sample: Sample): string | undefined {
  try {
    const spec = loadSpecText(modelText(kind, def, sample), 'sample.json');
    const graphs = modesOf(kind, sample).map((mode) => {
      const model = new ModelLowering(spec, { batch: BATCH, mode, everyLayer: true, ownInputs: { rng: RNG } });
      lowerTerms(model);
      model.problems.throwIfErrors();
      const outputs = model.outputs.get(spec.layers.at(-1)!) ?? [];
      outputs.forEach((value, i) => model.b.result(`y${i}`, value));
      const states = [...model.parameters.infos.values()].map((info) => {
        const { value, role, init, lr, decay, frozen, fanIn, fanOut } = info;
        return [value.name, role, init, lr, decay, frozen, fanIn, fanOut];
      });
      return printGraph(model.b.build()) + JSON.stringify(states);
    });
    return graphs.join('\n') + (kind === 'metric' ? figuresOf(def, sample) : '');
  } catch (error) {
    if (error instanceof SpecError) return undefined;
    throw error;
  }
}

function figuresOf({ type }: Described, { inputs, fields = {} }: Sample): string {
  const data = inputs.map((input, i) => {
    const shape = input.shape.map((extent) => (typeof extent === 'number' ? extent : BATCH));
    const { dtype } = input;
    const values = [...tensorOf(input, shape, i + 1).data].map(Number);
    return { shape, ...(dtype === undefined ? {} : { dtype }), values };
  });
  try {
    const evaluation = evaluateMetric({ type, fields, inputs: data }, BATCH);
    return JSON.stringify(evaluation, (_, value: unknown) => (value instanceof Float64Array ? [...value] : value));
  } catch (error) {
    // Labels that are to be ignored are out of range where others are.
    if (error instanceof OpDataError) return error.message;
    throw error;
  }
}

const used = new Set<number>();

function isExcepted(type: string, field: string, sample: Sample): boolean {
  const title = titleOf(sample);
  const i = EXCEPTIONS.findIndex((one) => one[0].test(type) && one[1].test(field) && one[2].test(title));
  used.add(i);
  return i >= 0;
}

const ACTIVATION = { enum: ['relu', 'tanh', 'silu'] } as const;

describe.each([
  ['layer', LAYERS],
  ['loss', LOSSES],
  ['metric', METRICS],
] as const)('every %s', (kind, defs) => {
  const items = Object.entries(defs as Readonly<Record<string, Described>>);
  test.each(items)('%s heeds all its fields', (type, def) => {
    const activation = 'activates' in def && def.activates === true ? { activation: ACTIVATION } : {};
    const fields: Readonly<Record<string, SchemaNode>> = {
      ...activation,
      ...(def.fields as Record<string, SchemaNode>),
    };
    const found = (def.samples ?? []).flatMap((sample) => {
      const before = meaningOf(kind, def, sample);
      return Object.entries(fields).flatMap(([field, schema]) => {
        const now = sample.fields?.[field] ?? def.fields[field]?.default;
        const values = others(schema, now, VALUES[`${type}.${field}`]);
        const outcome = outcomeOf(before, values, (value) =>
          meaningOf(kind, def, { ...sample, fields: { ...sample.fields, [field]: value } }),
        );
        if (outcome === 'heeded' || outcome === 'refused' || isExcepted(type, field, sample)) return [];
        return [`${field}: ${outcome} in ${titleOf(sample)}`];
      });
    });
    expect(found).toEqual([]);
  });
});

test('every exception is one', () => {
  expect(EXCEPTIONS.filter((_, i) => !used.has(i))).toEqual([]);
});
