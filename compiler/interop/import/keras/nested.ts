/** Whether a model inside of a Keras model can be a model file of its own, and share the weights of another use. */
import { LAYERS } from '../../../layers';
import type { LayerDef } from '../../../layers/define';
import type { Draft } from '../../draft';
import { identity } from '../../formats/keras/axes';
import { layerOf } from '../tidy';
import type { KerasLayer, KerasModel } from './graph';
import type { Orders, Value } from './value';
import type { LayerPath } from './weights';

/** A value that is handed into or out of a model: nothing of what was flattened or may be written into is left open. */
export function whole(value: Value, orders: Orders): Value {
  const { ref, shape, order, dtype } =
    value.features === undefined
      ? value
      : { ...value, ref: orders.natural(value), order: identity(value.shape.length) };
  return { ref, shape, order, ...(dtype === undefined ? {} : { dtype }) };
}

/** What a model inside gives; no values where something in it could not be read, which has been told. */
export interface Nested {
  readonly values: readonly Value[] | undefined;
}

/** A model inside in a draft of its own; `values` are its outputs, under the draft's names. */
export interface Apart {
  readonly draft: Draft;
  readonly values: readonly Value[];
  readonly uses: number;
}

export interface Inside {
  readonly layer: KerasLayer;
  readonly model: KerasModel;
  readonly name: string;
  readonly path: LayerPath;
}

/** Whether a draft can be a model file: its outputs are layers, which need every input and every layer of it. */
export function standsAlone(draft: Draft): boolean {
  const read = new Set(draft.outputs.map(layerOf));
  for (const { name, inputs } of [...draft.layers].reverse())
    if (isRead(read, name)) for (const input of inputs) read.add(layerOf(input));
  const inputs = new Set(draft.inputs.map(({ name }) => name));
  return (
    draft.layers.every(({ name }) => isRead(read, name)) &&
    [...inputs].every((name) => read.has(name)) &&
    draft.outputs.length > 0 &&
    !draft.outputs.some((name) => inputs.has(name))
  );
}

/** Read by itself, or something inside of it is. */
const isRead = (read: ReadonlySet<string>, name: string): boolean =>
  read.has(name) || [...read].some((other) => other.startsWith(`${name}/`));

/** Whether each layer with weights has its like, of the same name, in the other draft: what it shares with. */
export function isLike(draft: Draft, other: Draft): boolean {
  const types = new Map(other.layers.map(({ name, type }) => [name, type]));
  return draft.layers.every(({ name, type, fields }) => {
    const def = (LAYERS as Readonly<Record<string, LayerDef>>)[type];
    const plain = def !== undefined && (def.parameters ?? []).length === 0 && !('body' in fields);
    return plain || types.get(name) === type;
  });
}
