/** Gradients of whole networks against finite differences: the composition of what registry.test.ts tests op by op. */
import { interpret } from '../../compiler/reference/interpret';
import type { RefTensor } from '../../compiler/ops/define';
import { compareDerivatives } from '../support/finite-differences';
import { gradientNetworks, pointOf } from '../support/networks';

test.each(gradientNetworks().map((network) => [network.name, network] as const))(
  'the gradients of the network %s are those of finite differences',
  (_name, { graph, parameters }) => {
    const { inputs, states } = pointOf(graph);
    const { results } = interpret(graph, inputs, states);
    const lossAt = (tensors: readonly RefTensor[]): number => {
      const moved = Object.fromEntries(parameters.map((parameter, i) => [parameter.name, tensors[i] as RefTensor]));
      return interpret(graph, inputs, { ...states, ...moved }).results['loss']?.data[0] ?? NaN;
    };
    const derivatives = compareDerivatives(
      lossAt,
      parameters.map((parameter) => states[parameter.name] as RefTensor),
      parameters.map((_, i) => i),
      parameters.map((parameter) => results[`d_${parameter.name}`]?.data),
      1e-5,
    );
    expect(derivatives.filter(({ expected, found, allowed }) => !(Math.abs(expected - found) <= allowed))).toEqual([]);
    expect(derivatives.some(({ expected }) => Math.abs(expected) > 1e-3)).toBe(true);
  },
);
