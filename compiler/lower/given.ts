/**
 * `given: [weight, bias]`: the last inputs of a layer stand for tensors that it would own otherwise, so that other
 * layers can compute them. Their gradients go where they come from.
 */
import type { LayerSpec } from '../frontend/spec';
import type { Value } from '../ir/graph';
import { sameShape, type Shape } from '../ir/types';
import type { LowerContext } from '../layers/define';
import { formatShape, GivenUp, invalidField } from './problems';

type Slots = Pick<LowerContext, 'parameter' | 'buffer' | 'updateBuffer'>;

/** `slots` that hand out `values` for the tensors that the layer's `given` names. */
export function withGiven<S extends Slots>(layer: LayerSpec, slots: S, values: readonly Value[]): S {
  const { given } = layer.fields;
  if (!Array.isArray(given)) return slots;
  const refuse = (name: string, problem: string): GivenUp =>
    new GivenUp(invalidField(layer, ['given', given.indexOf(name)], `\`${name}\` ${problem}`));
  const find = (name: string, shape: Shape): Value | undefined => {
    const value = values[given.indexOf(name)];
    if (value === undefined) return undefined;
    const { dtype, shape: found } = value.type;
    if (dtype !== 'f32') throw refuse(name, 'has to be of float32');
    if (sameShape(found, shape)) return value;
    throw refuse(name, `is ${formatShape(shape)} here; what stands for it is ${formatShape(found)}`);
  };
  return {
    ...slots,
    parameter: (name, shape, options) => find(name, shape) ?? slots.parameter(name, shape, options),
    buffer: (name, shape, init) => find(name, shape) ?? slots.buffer(name, shape, init),
    // What others compute is theirs to keep.
    updateBuffer: (buffer, value) => {
      if (!values.includes(buffer)) slots.updateBuffer(buffer, value);
    },
  };
}
