/** Every model of the zoo loads and lowers in all modes without a warning, and has the size that is known of it. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { checkSpec, loadSpec } from '../../compiler/frontend/load';
import { checkModel, lowerInit, lowerModel, lowerTraining } from '../../compiler/lower/lower';
import { summarize } from '../../compiler/lower/summary';

const FOLDER = path.resolve(__dirname, '../../models');
const MODELS = readdirSync(FOLDER).filter((name) => name.endsWith('.yaml'));
const fileOf = (name: string): string => path.join(FOLDER, name);

/** Parameters, and billions of operations of one image forward (a multiplication and an addition are two). */
const KNOWN: Readonly<Record<string, readonly [params: number, gigaflops: number]>> = {
  'mlp.yaml': [235_146, 0.00047],
  'lenet.yaml': [431_080, 0.0046],
  'cifar10_quick.yaml': [145_578, 0.0246],
  'alexnet.yaml': [60_965_224, 1.45],
  'resnet20.yaml': [272_474, 0.082],
  'resnet152.yaml': [60_192_808, 23.1],
  'char_lstm.yaml': [224_481, 0.0287],
  'char_lstm_scan.yaml': [224_481, 0.0287],
  'vgg16.yaml': [138_357_544, 31.0],
};

test('the table of known sizes names every model', () => {
  expect(Object.keys(KNOWN).sort()).toEqual([...MODELS].sort());
});

test.each(MODELS)('%s loads and lowers in every mode without a warning', (name) => {
  const { spec, diagnostics } = checkSpec(fileOf(name));
  expect(diagnostics).toEqual([]);
  expect(checkModel(spec!, 2)).toEqual([]);
  const train = lowerTraining(spec!, 2);
  const predict = lowerModel(spec!, { batch: 2, mode: 'predict' });
  const trained = train.states.filter(({ role, frozen }) => role === 'parameter' && !frozen);
  const updated = new Set(train.graph.updates.map(({ state }) => state.name));
  expect(trained.filter(({ value }) => !updated.has(value.name))).toEqual([]);
  const { graph } = lowerInit(spec!, [train, predict]);
  expect(graph.updates).toHaveLength(train.states.length);
});

test.each(MODELS)('%s has the size that is known of it', (name) => {
  const [params, gigaflops] = KNOWN[name]!;
  const summary = summarize(loadSpec(fileOf(name)), 1);
  expect(summary.params).toBe(params);
  expect(Math.abs(summary.flops / 1e9 / gigaflops - 1)).toBeLessThan(0.03);
});

test('ResNet-152 fits into 60 lines', () => {
  expect(readFileSync(fileOf('resnet152.yaml'), 'utf8').split('\n').length).toBeLessThan(60);
});
