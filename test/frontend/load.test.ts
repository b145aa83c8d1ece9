/** A loaded Spec: sections, defaults, order, places in the text, and the resolved form that reads back the same. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { SpecError } from '../../compiler/diagnostics/errors';
import { checkSpec, checkSpecText, loadSpec, loadSpecText } from '../../compiler/frontend/load';
import { expandToYaml } from '../../compiler/frontend/resolved';
import { found, INPUTS, layersOf, specOf, wiring } from './support';

const MODELS = readdirSync('models').filter((file) => file.endsWith('.yaml'));

const FULL = `dlc: 1
name: full
description: everything at once
${INPUTS}layers:
  - {name: conv, type: conv2d, filters: 4, kernel: 3, activation: {type: leaky_relu, slope: 0.2}, parameters: {bias: {lr: 2, decay: 0}}}
  - {name: drop, type: dropout, rate: 0.5, when: train}
  - {name: logits, type: dense, units: 10, frozen: true}
  - {name: probs, type: softmax}
outputs: probs
losses:
  - {type: cross_entropy, inputs: [logits, label], weight: 0.5}
  - {type: cross_entropy, inputs: [logits, label], label_smoothing: 0.1}
metrics: [{type: accuracy, inputs: [logits, label]}]
data:
  train: {type: idx, images: a.gz, labels: b.gz, shuffle: true}
train:
  batch_size: 64
  epochs: 10
  seed: 7
  optimizer: {type: sgd, lr: 0.01, momentum: 0.9}
  schedule: {type: step, step_size: 10 epochs, gamma: 0.5, warmup: {steps: 100, from: 0.1}}
  checkpoint: {every: 5 minutes, keep: 2}
  evaluate: {every: 100, batch_size: 100}
budgets: {params: 5M, flops: 1.5G, peak_memory: 2GiB}
`;

describe('a loaded Spec', () => {
  test('has every section', () => {
    const spec = specOf(FULL);
    expect(spec).toMatchObject({
      file: 'model.yaml',
      name: 'full',
      description: 'everything at once',
      outputs: ['probs'],
      data: { train: { type: 'idx', fields: { images: 'a.gz', labels: 'b.gz', shuffle: true } } },
      train: {
        batchSize: 64,
        epochs: 10,
        seed: 7,
        optimizer: { type: 'sgd', fields: { lr: 0.01, momentum: 0.9 } },
        schedule: { type: 'step', fields: { step_size: '10 epochs', gamma: 0.5, warmup: { steps: 100, from: 0.1 } } },
        checkpoint: { every: { count: 5, unit: 'minutes' }, keep: 2 },
        evaluate: { every: { count: 100, unit: 'steps' }, batchSize: 100 },
      },
      budgets: { params: 5e6, flops: 1.5e9, peakMemory: 2 ** 31 },
    });
    expect(spec.inputs.map(({ name, dtype, shape }) => [name, dtype, shape])).toEqual([
      ['image', 'f32', ['N', 8, 8, 8]],
      ['label', 'i32', ['N']],
    ]);
    expect(spec.losses.map(({ name, weight, inputs, fields }) => [name, weight, inputs, fields])).toEqual([
      ['cross_entropy', 0.5, ['logits', 'label'], {}],
      ['cross_entropy2', 1, ['logits', 'label'], { label_smoothing: 0.1 }],
    ]);
    expect(spec.layers[0]!.fields).toEqual({
      filters: 4,
      kernel: 3,
      activation: { type: 'leaky_relu', slope: 0.2 },
      parameters: { bias: { lr: 2, decay: 0 } },
    });
  });

  test('has the defaults of the language where nothing is said', () => {
    const text = `${INPUTS}layers: [{name: fc, type: dense, units: 10}]
losses: [{type: cross_entropy, inputs: [fc, label]}]
train: {batch_size: 8, steps: 0, optimizer: {type: sgd, lr: 0.1}}
`;
    expect(specOf(text)).toMatchObject({ name: 'model', outputs: ['fc'] });
    expect(specOf(text).train).toMatchObject({
      steps: 0,
      seed: 0,
      schedule: { type: 'constant', fields: {} },
      checkpoint: { keep: 3 },
      evaluate: { every: { count: 1, unit: 'epochs' }, batchSize: 8 },
    });
    expect(specOf(text).train).not.toHaveProperty('epochs');
  });

  test('names nameless layers by type and number', () => {
    const names = layersOf(`${INPUTS}layers: [{type: relu}, {type: relu}, {name: relu3, type: tanh}, {type: relu}]`);
    expect(names.map((layer) => layer.name)).toEqual(['relu1', 'relu2', 'relu3', 'relu4']);
  });

  test('puts layers after what they need, otherwise as written', () => {
    const text = `${INPUTS}layers:
  - {name: c, type: relu, inputs: b}
  - {name: a, type: relu, inputs: image}
  - {name: b, type: relu, inputs: a}
outputs: c
`;
    expect(wiring(text)).toEqual(['a(image)', 'b(a)', 'c(b)']);
  });

  test('locates every field of every item', () => {
    const spec = specOf(FULL);
    expect(spec.layers[0]!.at(['activation', 'slope'])).toMatchObject({ line: 8, column: 93 });
    expect(spec.layers[0]!.at(['nothing', 'here'])).toMatchObject({ line: 8, column: 5 });
    expect(spec.at(['outputs'])).toMatchObject({ line: 12, column: 10 });
    expect(spec.train!.optimizer.at(['lr'])).toMatchObject({ line: 23, column: 30 });
  });

  test.each(MODELS)('of %s has no warnings and survives being resolved', (file) => {
    const { spec, diagnostics } = checkSpec(path.join('models', file));
    expect(diagnostics).toEqual([]);
    const again = loadSpecText(JSON.stringify(spec!.resolved), file);
    expect(again.resolved).toEqual(spec!.resolved);
    expect(loadSpecText(expandToYaml(spec!), file).resolved).toEqual(spec!.resolved);
    const plain = ({ name, type, inputs, fields, modes, otherwise }: (typeof again.layers)[number]) => ({
      name,
      type,
      inputs,
      fields,
      modes,
      otherwise,
    });
    expect(again.layers.map(plain)).toEqual(spec!.layers.map(plain));
  });

  test('survives being resolved with everything in it', () => {
    const spec = specOf(FULL);
    expect(specOf(JSON.stringify(spec.resolved)).resolved).toEqual(spec.resolved);
    expect(specOf(expandToYaml(spec)).resolved).toEqual(spec.resolved);
  });
});

describe('loading', () => {
  test('of a file that is not there says so', () => {
    const { diagnostics } = checkSpec('test/no-such-model.yaml');
    expect(diagnostics).toMatchObject([
      { code: 'unreadable-file', message: 'cannot read `test/no-such-model.yaml`: there is no such file' },
    ]);
    expect(checkSpec('test').diagnostics).toMatchObject([
      { code: 'unreadable-file', message: expect.stringContaining('a folder') as string },
    ]);
  });

  test('throws one SpecError with everything', () => {
    expect(() => loadSpec('test/errors/unknown-type/model.yaml')).toThrow(SpecError);
    let thrown: unknown;
    try {
      loadSpecText(FULL.replace('units: 10', 'unit: 10').replace('type: idx', 'type: idy'), 'm.yaml');
    } catch (error) {
      thrown = error;
    }
    expect((thrown as SpecError).diagnostics.map((diagnostic) => diagnostic.code)).toEqual([
      'unknown-field',
      'unknown-type',
    ]);
  });

  test('reports mistakes of all sections in one go', () => {
    const text = `${INPUTS}layers:
  - {name: a, type: dense, units: -1}
  - {name: b, type: dense, units: 3, inputs: c}
  - {name: d, type: dence, units: 3}
outputs: [d]
losses: [{type: mse, inputs: [a]}]
train: {batch_size: 0, epochs: 1, optimizer: {type: sgd, lr: 0.1}}
budgets: {params: many}
`;
    expect(found(text)).toEqual([
      '5:35 out-of-range',
      '6:46 unknown-reference',
      '7:21 unknown-type',
      '9:30 missing-loss-input',
      '10:21 out-of-range',
      '11:19 wrong-type',
    ]);
  });

  test('does not blame a layer for the mistakes of those it refers to', () => {
    const text = `${INPUTS}layers:
  - {name: a, type: nonsense}
  - {name: b, type: relu}
  - {name: c, type: add, inputs: [a, b]}
`;
    expect(found(text)).toEqual(['5:21 unknown-type']);
  });

  test('of an item named like a method of objects works', () => {
    expect(found(`${INPUTS}layers: [{name: constructor, type: toString}]\nhasOwnProperty: 1\n`)).toEqual([
      '4:36 unknown-type',
      '5:1 unknown-field',
    ]);
    expect(wiring(`inputs: {__proto__: {shape: [N, 4]}}\nlayers: [{name: valueOf, type: relu}]`)).toEqual([
      'valueOf(__proto__)',
    ]);
  });

  test('never throws anything but diagnostics, whatever is changed in a model', () => {
    const words = [
      '$x',
      '${',
      '${1/0}',
      '',
      '~',
      'train',
      '-1',
      '1e999',
      '[]',
      '{}',
      '[[1]]',
      'conv',
      'image',
      '"',
      '__proto__',
      'unit',
      '0x',
      '*a',
      '&a b',
    ];
    const models = [FULL, readFileSync('models/resnet20.yaml', 'utf8')];
    fc.assert(
      fc.property(
        fc.constantFrom(...models),
        fc.array(fc.tuple(fc.nat(), fc.constantFrom(...words)), { minLength: 1, maxLength: 3 }),
        (model, changes) => {
          const tokens = model.split(/([\s{}[\],:]+)/);
          for (const [at, word] of changes) tokens[at % tokens.length] = word;
          const { spec, diagnostics } = checkSpecText(tokens.join(''), 'm.yaml');
          expect(spec === undefined).toBe(diagnostics.some((diagnostic) => diagnostic.severity === 'error'));
        },
      ),
      { numRuns: 400 },
    );
  });
});

describe('warnings', () => {
  test('are left to the caller and do not stop a model', () => {
    const text = `${INPUTS}layers: [{name: a, type: relu}, {name: b, type: relu, inputs: image}]\noutputs: b\n`;
    expect(found(text)).toEqual(['3:3 unused-input', '4:17 unused-layer']);
    expect(specOf(text).layers).toHaveLength(2);
  });

  test('are not about what one use of a block needs and another does not', () => {
    const block =
      'blocks: {two: {outputs: [a, b], layers: [{name: a, type: relu, inputs: x}, {name: b, type: tanh, inputs: x}]}}\n';
    const uses = 'layers: [{name: one, type: two, inputs: image}, {name: other, type: two, inputs: image}]\n';
    expect(found(`${INPUTS}${block}${uses}outputs: [one, other.b]\n`)).toEqual(['3:3 unused-input']);
    expect(found(`${INPUTS}${block}${uses}outputs: [one, other]\n`)).toEqual([
      '3:3 unused-input',
      '4:83 unused-layer',
      '4:83 unused-layer',
    ]);
  });
});
