/**
 * A functional model of Keras 3 in the making: layers in the order in which they are called, the tensors between them,
 * and the weights of each layer. Knows how Keras writes such a model down, and in which order it keeps the weights.
 */
import type { Json } from '../../../frontend/spec';
import type { Numbers } from '../../formats/keras/tensors';

/** Output of a call of a layer; the batch (at 0) is null in Keras. */
export interface KerasTensor {
  readonly layer: KerasLayer;
  readonly node: number;
  readonly shape: readonly number[];
  readonly dtype: 'float32' | 'int32';
}

export interface KerasLayer {
  readonly name: string;
  readonly type: string;
  readonly config: Readonly<Record<string, Json>>;
  /** Weights of the layer itself and of its parts: `cell`, `forward_layer/cell`. */
  readonly weights: Readonly<Record<string, readonly Numbers[]>>;
  readonly calls: Call[];
}

interface Call {
  readonly inputs: readonly KerasTensor[];
  /** Several inputs that are one argument, a list. */
  readonly listed: boolean;
}

export class Net {
  readonly layers: KerasLayer[] = [];
  readonly inputs: KerasTensor[] = [];
  readonly outputs: KerasTensor[] = [];
  private readonly taken = new Set<string>();

  constructor(readonly name: string) {}

  input(name: string, shape: readonly number[], dtype: KerasTensor['dtype']): KerasTensor {
    const config = { batch_shape: batched(shape), dtype, sparse: false, ragged: false };
    const layer = this.add(name, 'InputLayer', config, {});
    layer.calls.push({ inputs: [], listed: false });
    const tensor = { layer, node: 0, shape, dtype };
    this.inputs.push(tensor);
    return tensor;
  }

  add(wish: string, type: string, config: Readonly<Record<string, Json>>, weights: KerasLayer['weights']): KerasLayer {
    const clean = wish.replace(/[^A-Za-z0-9_]+/g, '_').replace(/^_+/, '') || 'layer';
    let name = clean;
    for (let n = 2; this.taken.has(name); n++) name = `${clean}_${n}`;
    this.taken.add(name);
    const layer: KerasLayer = { name, type, config: { ...config, name }, weights, calls: [] };
    this.layers.push(layer);
    return layer;
  }

  call(layer: KerasLayer, inputs: readonly KerasTensor[], shape: readonly number[], listed: boolean): KerasTensor {
    layer.calls.push({ inputs, listed });
    return { layer, node: layer.calls.length - 1, shape, dtype: 'float32' };
  }

  /** The JSON of the model, as `to_json` gives it. */
  toJson(): Json {
    const layers = this.layers.map((layer): Json => ({
      module: 'keras.layers',
      class_name: layer.type,
      config: layer.config,
      registered_name: null,
      name: layer.name,
      inbound_nodes: layer.type === 'InputLayer' ? [] : layer.calls.map(callJson),
    }));
    const refs = (tensors: readonly KerasTensor[]): Json => {
      const all = tensors.map(({ layer, node }): Json => [layer.name, node, 0]);
      return all.length === 1 ? all[0]! : all;
    };
    const config = {
      name: this.name,
      trainable: true,
      layers,
      input_layers: refs(this.inputs),
      output_layers: refs(this.outputs),
    };
    return { module: 'keras.src.models.functional', class_name: 'Functional', config, registered_name: 'Functional' };
  }

  /**
   * Weights by their paths in a `.weights.h5`: layers are counted by their classes, in the order in which Keras sorts
   * them, by their distance from the outputs and then by when a walk from the outputs meets them.
   */
  weightPaths(): ReadonlyMap<string, Numbers> {
    const counts = new Map<string, number>();
    const paths = new Map<string, Numbers>();
    for (const layer of this.sorted()) {
      const word = snakeCase(layer.type);
      const count = counts.get(word) ?? 0;
      counts.set(word, count + 1);
      const folder = `/layers/${count === 0 ? word : `${word}_${count}`}`;
      for (const [part, numbers] of Object.entries(layer.weights))
        numbers.forEach((weight, i) => paths.set(`${folder}/${part === '' ? '' : `${part}/`}vars/${i}`, weight));
    }
    return paths;
  }

  private sorted(): KerasLayer[] {
    const met = new Map<KerasLayer, number>();
    const finished = new Set<string>();
    const order: KerasTensor[] = [];
    const key = ({ layer, node }: KerasTensor): string => `${layer.name}:${node}`;
    // A walk without recursion: chains of layers may be long.
    const stack = this.outputs.map((tensor) => ({ tensor, next: 0 })).reverse();
    while (stack.length > 0) {
      const top = stack[stack.length - 1]!;
      const { tensor } = top;
      if (top.next === 0 && finished.has(key(tensor))) {
        stack.pop();
        continue;
      }
      if (!met.has(tensor.layer)) met.set(tensor.layer, met.size);
      const { inputs } = tensor.layer.calls[tensor.node]!;
      const following = inputs[top.next++];
      if (following !== undefined) stack.push({ tensor: following, next: 0 });
      else {
        stack.pop();
        if (!finished.has(key(tensor))) order.push(tensor);
        finished.add(key(tensor));
      }
    }
    const nodeDepth = new Map<string, number>();
    const depth = new Map<KerasLayer, number>();
    for (const tensor of order.reverse()) {
      const own = Math.max(nodeDepth.get(key(tensor)) ?? 0, depth.get(tensor.layer) ?? 0);
      depth.set(tensor.layer, own);
      nodeDepth.set(key(tensor), own);
      for (const input of tensor.layer.calls[tensor.node]!.inputs)
        nodeDepth.set(key(input), Math.max(own + 1, nodeDepth.get(key(input)) ?? 0));
    }
    return [...depth.keys()].sort((a, b) => depth.get(b)! - depth.get(a)! || met.get(a)! - met.get(b)!);
  }
}

const batched = (shape: readonly number[]): Json => [null, ...shape.slice(1)];

function callJson({ inputs, listed }: Call): Json {
  const tensors = inputs.map(({ layer, node, shape, dtype }): Json => ({
    class_name: '__keras_tensor__',
    config: { shape: batched(shape), dtype, keras_history: [layer.name, node, 0] },
  }));
  return { args: listed ? [tensors] : tensors, kwargs: {} };
}

/** `SeparableConv2D` → `separable_conv2d`, as Keras names folders. */
export function snakeCase(name: string): string {
  return name
    .replace(/\W+/g, '')
    .replace(/(.)([A-Z][a-z]+)/g, '$1_$2')
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .toLowerCase();
}
