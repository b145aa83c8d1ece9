/** One layer of ours on its way to Keras: its fields, inputs and weights, and the ways of adding layers of Keras. */
import type { Fields, Json, LayerSpec } from '../../../frontend/spec';
import type { Shape } from '../../../ir/types';
import type { Tensors } from '../../../weights/content';
import { identity } from '../../formats/keras/axes';
import { toNumbers, type Numbers } from '../../formats/keras/tensors';
import type { KerasLayer, KerasTensor, Net } from './net';
import { inOrder, type Value } from './value';

/** Why a layer cannot be said in Keras. */
export class Unsupported extends Error {
  override readonly name = 'Unsupported';
}

type Config = Readonly<Record<string, Json>>;

export class Use {
  constructor(
    readonly layer: LayerSpec,
    /** With the defaults filled in. */
    readonly fields: Fields,
    readonly inputs: readonly Value[],
    /** Of the outputs, ours. */
    readonly shapes: readonly Shape[],
    private readonly net: Net,
    private readonly tensors: Tensors,
    /** The layers of Keras that hold the weights of a layer of ours that shares them. */
    private readonly owners: Map<string, KerasLayer>,
    private readonly remark: (text: string) => void,
  ) {}

  get input(): Value {
    return this.inputs[0]!;
  }

  /** Our shape of the first output. */
  get shape(): Shape {
    return this.shapes[0]!;
  }

  fail(problem: string): never {
    throw new Unsupported(problem);
  }

  say(text: string): void {
    this.remark(text);
  }

  number(name: string, fallback?: number): number {
    const value = this.fields[name] ?? fallback;
    return typeof value === 'number' ? value : this.fail(`has a \`${name}\` that is no number`);
  }

  word(name: string): string | undefined {
    const value = this.fields[name];
    return typeof value === 'string' ? value : undefined;
  }

  /** One number for each of `count` axes. */
  list(name: string, count: number, fallback?: readonly number[]): number[] {
    const value = this.fields[name];
    if (value === undefined && fallback !== undefined) return [...fallback];
    if (typeof value === 'number') return new Array<number>(count).fill(value);
    if (Array.isArray(value) && value.length === count) return (value as readonly Json[]).map(Number);
    return this.fail(`has a \`${name}\` that is not ${count} numbers`);
  }

  /** Fails where a field says something that Keras's layer has no word for. */
  without(...names: readonly string[]): void {
    for (const name of names) {
      const value = this.fields[name];
      const says = value !== undefined && value !== null && value !== false && value !== 0;
      if (says && !(Array.isArray(value) && value.length === 0))
        this.fail(`has \`${name}\`, for which Keras has no setting`);
    }
  }

  has(param: string): boolean {
    return this.tensors.has(`${this.layer.name}.${param}`);
  }

  weight(param: string): Numbers {
    const share = this.fields.share;
    const owner = typeof share === 'string' ? share : this.layer.name;
    const tensor = this.tensors.get(`${owner}.${param}`) ?? this.tensors.get(`${this.layer.name}.${param}`);
    if (tensor === undefined) return this.fail(`has no weight \`${param}\` of its own`);
    return toNumbers(tensor);
  }

  /** A layer of Keras on one tensor, or on several as a list. */
  add(
    type: string,
    config: Config,
    inputs: readonly KerasTensor[],
    shape: readonly number[],
    suffix = '',
  ): KerasTensor {
    const layer = this.net.add(`${this.layer.name}${suffix}`, type, config, {});
    return this.net.call(layer, inputs, shape, inputs.length > 1);
  }

  /** The same with weights, which a layer of ours that shares them calls again. */
  weighted(
    type: string,
    config: Config,
    inputs: readonly KerasTensor[],
    shape: readonly number[],
    weights: () => KerasLayer['weights'],
    listed = false,
  ): KerasTensor {
    const share = this.fields.share;
    const known = typeof share === 'string' ? this.owners.get(share) : undefined;
    const layer = known ?? this.net.add(this.layer.name, type, config, weights());
    this.owners.set(this.layer.name, layer);
    return this.net.call(layer, inputs, shape, listed);
  }

  /** The value in the given order of axes. */
  inOrder(value: Value, order: readonly number[]): KerasTensor {
    return inOrder(this.net, this.layer.name, value, order);
  }

  natural(value: Value): KerasTensor {
    return this.inOrder(value, identity(value.order.length));
  }

  /** Our shape in Keras's order. */
  held(order: readonly number[], shape: Shape = this.shape): number[] {
    const result = new Array<number>(order.length).fill(1);
    order.forEach((axis, i) => (result[axis] = shape[i]!));
    return result;
  }
}
