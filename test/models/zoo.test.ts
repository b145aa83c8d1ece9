/** Every model of the zoo loads and lowers in all modes without a warning, and has the size that is known of it. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { checkSpec, loadSpec } from '../../compiler/frontend/load';
import type { Spec } from '../../compiler/frontend/spec';
import { elementCount } from '../../compiler/ir/types';
import { checkModel, lowerInit, lowerModel, lowerTraining } from '../../compiler/lower/lower';
import { summarize } from '../../compiler/lower/summary';
import { SIZES } from './sizes';

const FOLDER = path.resolve(__dirname, '../../models');
const MODELS = readdirSync(FOLDER)
  .filter((name) => name.endsWith('.yaml'))
  .map((name) => name.replace('.yaml', ''));
const fileOf = (name: string): string => path.join(FOLDER, `${name}.yaml`);

test('the table of known sizes names every model', () => {
  expect(Object.keys(SIZES).sort()).toEqual([...MODELS].sort());
});

test('so does the list for readers', () => {
  const rows = readFileSync(path.join(FOLDER, 'README.md'), 'utf8').match(/^\|.*\|$/gm)!;
  const named = rows.flatMap((row) => [...row.split('|')[2]!.matchAll(/`(\w+)`/g)].map((match) => match[1]!));
  expect(named.sort()).toEqual([...MODELS].sort());
});

test.each(MODELS)('%s loads and lowers in every mode without a warning', (name) => {
  const { spec, diagnostics } = checkSpec(fileOf(name));
  expect(diagnostics).toEqual([]);
  expect(spec!.name).toBe(name);
  expect(checkModel(spec!, 2)).toEqual([]);
  const { train: written } = spec!;
  const small: Spec = { ...spec!, ...(written && { train: { ...written, batchSize: 2, accumulate: 1 } }) };
  const train = lowerTraining(small, 2);
  const predict = lowerModel(small, { batch: 2, mode: 'predict' });
  const trained = train.states.filter(({ role, frozen }) => role === 'parameter' && !frozen);
  const updated = new Set(train.graph.updates.map(({ state }) => state.name));
  expect(trained.filter(({ value }) => !updated.has(value.name)).map(({ value }) => value.name)).toEqual([]);
  const { graph } = lowerInit(small, [train, predict]);
  expect(graph.updates).toHaveLength(train.states.length);
});

describe.each(Object.entries(SIZES))('%s', (name, size) => {
  const spec = loadSpec(fileOf(name));

  test('has the parameters and operations that are known of it', () => {
    const summary = summarize(spec, 1);
    expect(summary.params).toBe(size.params);
    if (size.gigamacs === undefined) return;
    // Norms, activations and poolings come on top.
    expect(summary.flops / 2e9 / size.gigamacs).toBeGreaterThan(0.99);
    expect(summary.flops / 2e9 / size.gigamacs).toBeLessThan(1.09);
  });

  test('predicts what it should', () => {
    const { graph, states } = lowerModel(spec, { batch: 2, mode: 'predict' });
    const parameters = states.filter(({ role }) => role === 'parameter');
    const count = parameters.reduce((sum, { value }) => sum + elementCount(value.type.shape), 0);
    if (size.predicting !== undefined) expect(count).toBe(size.predicting);
    if (size.output) expect(graph.results[0]!.value.type.shape).toEqual([2, ...size.output]);
  });
});

test.each(['resnet152', 'densenet201'])('%s fits into 60 lines', (name) => {
  expect(readFileSync(fileOf(name), 'utf8').split('\n').length).toBeLessThan(60);
});
