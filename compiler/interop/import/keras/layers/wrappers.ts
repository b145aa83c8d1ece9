/** TimeDistributed: what looks at each number or at the last axis alone needs no loop; the rest becomes a body. */
import type { Json } from '../../../../frontend/spec';
import { isObject } from '../../../formats/json';
import { readLayer, type KerasLayer } from '../graph';
import { Refusal, type Use } from '../use';
import { identity } from '../../../formats/keras/axes';
import type { Value } from '../value';

/** Classes that do the same to a sequence as to each of its steps. */
const ALIKE = new Set([
  'Dense',
  'Activation',
  'ReLU',
  'LeakyReLU',
  'ELU',
  'ThresholdedReLU',
  'Dropout',
  'LayerNormalization',
]);

/** The layer inside, which Keras keeps among the settings. */
export function innerOf(config: Readonly<Record<string, Json>>, version: number): KerasLayer | undefined {
  return isObject(config.layer) ? readLayer(config.layer, 'the layer in TimeDistributed', version, 0).layer : undefined;
}

export function timeDistributed(use: Use): Value {
  const inner = innerOf(use.layer.config, use.version);
  use.config.ignore(...Object.keys(use.layer.config));
  if (inner === undefined) throw new Refusal('it wraps no layer');
  const { input } = use;
  if (input.shape.length < 3) throw new Refusal('its input has no steps');
  if (ALIKE.has(inner.type) && inner.model === undefined) return use.context.alike(use, inner);
  if (use.repeated) throw new Refusal('it is called several times, which is not read for this layer');
  // The body sees the steps of all samples as samples.
  const kept = input.order[1] === 1 && input.features === undefined;
  const order = kept ? input.order : identity(input.shape.length);
  const source = kept ? input.ref : use.context.orders.natural(input);
  const step: Value = {
    ref: 'x',
    shape: [0, ...input.shape.slice(2)],
    order: order.filter((axis) => axis !== 1).map((axis) => (axis > 1 ? axis - 1 : axis)),
  };
  const { value, body, tensors } = use.context.body(use, inner, step);
  const ref = use.plain('time_distributed', [source], { body });
  for (const [name, tensor] of tensors) use.context.draft.tensor(`${ref}/${name}`, tensor);
  return {
    ref,
    shape: [0, input.shape[1]!, ...value.shape.slice(1)],
    order: [0, 1, ...value.order.slice(1).map((axis) => axis + 1)],
  };
}
