/** Optimizers against three steps of PyTorch's (torch 2.13, float64) on fixed gradients. */
import type { Fields } from '../../compiler/frontend/spec';
import { Builder } from '../../compiler/ir/builder';
import type { Value } from '../../compiler/ir/graph';
import { withDefaults } from '../../compiler/lower/defaults';
import { Arithmetic } from '../../compiler/ops/families/arithmetic';
import type { OptimizerDef } from '../../compiler/optimizers/define';
import { OPTIMIZERS } from '../../compiler/optimizers/index';
import { interpret } from '../../compiler/reference/interpret';

const START = [0.5, -1, 2];
const GRADIENTS = [
  [0.1, -0.2, 0.3],
  [0.4, 0, -0.5],
  [-0.25, 0.6, 0.05],
];
const VECTOR = { dtype: 'f64', shape: [3] } as const;
const SCALAR = { dtype: 'f64', shape: [] } as const;

/** The parameter after each of the three steps. */
function trajectory(def: OptimizerDef, given: Fields, learningRate = 0.1): number[][] {
  const fields = withDefaults(def, { lr: learningRate, ...given });
  let states: Record<string, Float64Array> = { p: Float64Array.from(START) };
  return GRADIENTS.map((gradient, i) => {
    const scalars = def.scalars(fields, i + 1);
    const b = new Builder('step');
    const parameter = b.state('p', VECTOR, 'parameter');
    const inputs = new Map<string, Value>();
    const input = (name: string): Value => {
      if (!inputs.has(name)) inputs.set(name, b.input(name, SCALAR));
      return inputs.get(name)!;
    };
    const value = def.lower({
      b: inFloat64(b),
      m: new Arithmetic(b, 'f64'),
      fields,
      parameter,
      gradient: b.input('g', VECTOR),
      lr: b.input('lr', SCALAR),
      decay: 1,
      hyper: (name) => b.full(Number(fields[name])),
      rest: (name) => b.full(1 - Number(fields[name])),
      slot: (name) => b.state(`p.${name}`, VECTOR, 'slot'),
      scalar: input,
      updateSlot: (slot, next) => b.update(slot, next),
    });
    b.update(parameter, value);
    for (const { value: slot } of b.states) states[slot.name] ??= new Float64Array(3);
    const feeds: Record<string, Float64Array> = { g: Float64Array.from(gradient), lr: Float64Array.of(learningRate) };
    for (const name of inputs.keys()) feeds[name] = Float64Array.of(scalars[name]!);
    const { updates } = interpret(b.build(), feeds, states);
    states = Object.fromEntries(Object.entries(updates).map(([name, tensor]) => [name, tensor.data]));
    return [...states['p']!];
  });
}

/** Constants of optimizers are float32; here the whole step is float64, to compare digits. */
function inFloat64(b: Builder): Builder {
  const full = b.full.bind(b);
  b.full = (value, shape, _dtype, name) => full(value, shape, 'f64', name);
  return b;
}

function expectClose(found: readonly (readonly number[])[], expected: readonly (readonly number[])[]): void {
  expected.forEach((row, i) => row.forEach((value, k) => expect(found[i]![k]).toBeCloseTo(value, 10)));
}

test('plain sgd steps against the gradient', () => {
  expectClose(trajectory(OPTIMIZERS.sgd, {}), [
    [0.49, -0.98, 1.97],
    [0.45, -0.98, 2.02],
    [0.475, -1.04, 2.015],
  ]);
});

test('sgd with momentum and weight decay follows PyTorch', () => {
  expectClose(trajectory(OPTIMIZERS.sgd, { momentum: 0.9, weight_decay: 0.01 }), [
    [0.4895, -0.979, 1.968],
    [0.4395605, -0.959121, 1.987232],
    [0.4191753895, -1.000270779, 1.997553568],
  ]);
});

test('Nesterov momentum follows PyTorch', () => {
  expectClose(trajectory(OPTIMIZERS.sgd, { momentum: 0.9, nesterov: true, weight_decay: 0.01 }), [
    [0.48005, -0.9601, 1.9392],
    [0.394632905, -0.94126581, 2.00459552],
    [0.40093976198, -1.037390723961, 2.006888036512],
  ]);
});

test('dampening leaves the first gradient whole, as PyTorch does', () => {
  expectClose(trajectory(OPTIMIZERS.sgd, { momentum: 0.9, dampening: 0.5 }), [
    [0.49, -0.98, 1.97],
    [0.461, -0.962, 1.968],
    [0.4474, -0.9758, 1.9637],
  ]);
});

test('adam follows PyTorch', () => {
  expectClose(trajectory(OPTIMIZERS.adam, {}), [
    [0.40000001, -0.900000005, 1.900000003333],
    [0.311562363975, -0.832994184326, 1.929356123098],
    [0.286248164626, -0.877238926437, 1.946504232345],
  ]);
});

test('adam with coupled decay and other betas follows PyTorch', () => {
  expectClose(trajectory(OPTIMIZERS.adam, { beta1: 0.8, beta2: 0.95, epsilon: 1e-3, weight_decay: 0.1 }), [
    [0.400662251656, -0.900332225914, 1.900199600798],
    [0.307245344537, -0.817026863153, 1.888137307054],
    [0.275828284521, -0.846377756794, 1.853050280099],
  ]);
});

test('adamw decays apart from the gradient, as PyTorch does', () => {
  expectClose(trajectory(OPTIMIZERS.adamw, { weight_decay: 0.1 }), [
    [0.39500001, -0.890000005, 1.880000003333],
    [0.302612363875, -0.814094184276, 1.890556123065],
    [0.274272040887, -0.850197984544, 1.888798671081],
  ]);
});

test('an optimizer asks for scalars only if it uses them', () => {
  expect(OPTIMIZERS.sgd.scalars(withDefaults(OPTIMIZERS.sgd, { lr: 1, momentum: 0.9 }), 1)).toEqual({});
  expect(Object.keys(OPTIMIZERS.adam.scalars(withDefaults(OPTIMIZERS.adam, {}), 1))).toEqual([
    'correction1',
    'correction2_sqrt',
  ]);
});
