/** A Keras model into a draft: calls of layers in the order of their inputs, nested models in their place. */
import type { Location } from '../../../diagnostics/location';
import type { Json } from '../../../frontend/spec';
import { isList } from '../../formats/json';
import type { Draft } from '../../draft';
import type { Call, KerasLayer, KerasModel, Ref } from './graph';
import { inputShape } from './graph';
import { CONVERSIONS } from './layers';
import { Refusal, Use, type FirstUse, type UseContext } from './use';
import { channelsFirst, identity, Orders, sameOrder, type Value } from './value';
import type { LayerPath, WeightStore } from './weights';

export interface Source {
  readonly version: number;
  readonly flipped: boolean;
  readonly weights?: WeightStore;
  /** Where a layer stands in the file. */
  readonly locate: (name: string) => Location;
}

/** What an extent is set to that the source leaves open. */
const OPEN = 32;

const CODE: Readonly<Record<string, string>> = {
  Lambda: 'is Python code, which is never run',
  TensorFlowOpLayer: 'is an operation of a TensorFlow graph',
  TFOpLambda: 'is an operation of TensorFlow',
};

export function convert(model: KerasModel, draft: Draft, source: Source): void {
  const converter = new Converter(draft, source);
  const { problems } = draft;
  converter.checkTypes(model);
  if (problems.hasErrors) return;
  const inputs = model.inputs.map((ref) => converter.input(model, ref));
  const outputs = converter.run(model, inputs, { models: [], layers: [] }, '');
  if (outputs === undefined) return;
  for (const value of outputs) {
    const rank = value.shape.length;
    const first = rank > 2 && sameOrder(value.order, channelsFirst(rank));
    const ref = first ? value.ref : converter.orders.natural(value);
    if (first && !sameOrder(value.order, identity(rank)))
      draft.remarks.push(`The output ${ref} has its channels first; Keras has them last.`);
    draft.outputs.push(ref);
  }
}

class Converter {
  readonly orders: Orders;
  private readonly first = new Map<string, FirstUse>();
  private readonly context: UseContext;

  constructor(
    private readonly draft: Draft,
    private readonly source: Source,
  ) {
    this.orders = new Orders(draft);
    this.context = { draft, orders: this.orders, version: source.version, flipped: source.flipped };
  }

  /** Every class that can't be read, before anything is converted. */
  checkTypes(model: KerasModel): void {
    for (const { name, type, model: nested } of model.layers) {
      if (nested !== undefined) this.checkTypes(nested);
      else if (type !== 'InputLayer' && !CONVERSIONS.has(type)) {
        const why = CODE[type] ?? 'has no counterpart';
        this.draft.refuse(this.source.locate(name), `the layer \`${name}\` of type ${type} ${why}`);
      }
    }
  }

  input(model: KerasModel, ref: Ref): Value {
    const layer = model.layers.find(({ name }) => name === ref.layer);
    const given = layer === undefined ? undefined : inputShape(layer.config);
    if (!isList(given) || given.length < 2) {
      this.draft.refuse(this.source.locate(ref.layer), `the file does not say the shape of the input \`${ref.layer}\``);
      return { ref: ref.layer, shape: [0, 1], order: [0, 1] };
    }
    const open = given.slice(1).some((extent) => extent === null);
    const shape = [
      0,
      ...given.slice(1).map((extent: Json) => (typeof extent === 'number' && extent >= 1 ? extent : OPEN)),
    ];
    const order = this.preferred(model, ref, shape.length, 0) ?? identity(shape.length);
    const readers = readersOf(model, ref);
    const whole = readers.length > 0 && readers.every(({ type }) => type === 'Embedding');
    const extents = order.slice(1).map((axis) => shape[axis]!);
    const moved = !sameOrder(order, identity(shape.length));
    const notes = [...(moved ? ['channels first'] : []), ...(open ? ['extents of 32 where the source has none'] : [])];
    const name = this.draft.input(ref.layer, ['N', ...extents], whole ? 'i32' : 'f32', notes.join('; ') || undefined);
    if (moved) this.draft.remarks.push(`The input ${name} has its channels first; Keras has them last.`);
    if (open) this.draft.remarks.push(`The source leaves extents of ${name} open; they are set to ${OPEN} here.`);
    return { ref: name, shape, order, ...(whole ? { dtype: 'i32' } : {}) };
  }

  /** Channels first where an image layer with channels last reads the value, through layers that move nothing. */
  private preferred(model: KerasModel, ref: Ref, rank: number, depth: number): number[] | undefined {
    if (depth > 50) return undefined;
    for (const layer of readersOf(model, ref)) {
      const inner = layer.model?.inputs[0];
      const spatial = CONVERSIONS.get(layer.type)?.spatial;
      if (spatial !== undefined && spatial + 2 === rank)
        return layer.config.data_format === 'channels_first' ? undefined : channelsFirst(rank);
      const found =
        inner !== undefined
          ? this.preferred(layer.model!, inner, rank, depth + 1)
          : /Dropout|Activation|Noise|ReLU|ELU|BatchNorm|^Add$|Concatenate/.test(layer.type)
            ? this.preferred(model, { layer: layer.name, node: 0, tensor: 0 }, rank, depth + 1)
            : undefined;
      if (found !== undefined) return found;
    }
    return undefined;
  }

  run(model: KerasModel, inputs: readonly Value[], path: LayerPath, prefix: string): Value[] | undefined {
    const values = new Map<string, readonly Value[]>();
    model.inputs.forEach((ref, i) => values.set(`${ref.layer}:0`, [inputs[i]!]));
    const byName = new Map(model.layers.map((layer) => [layer.name, layer]));
    const keyOf = (ref: Ref): string =>
      `${ref.layer}:${(byName.get(ref.layer)?.calls.length ?? 1) === 1 ? 0 : ref.node}`;
    let waiting = model.layers.flatMap((layer) =>
      layer.type === 'InputLayer' ? [] : layer.calls.map((call, node) => ({ layer, call, node })),
    );
    while (waiting.length > 0) {
      const later = waiting.filter(({ layer, call, node }) => {
        const all = [...call.inputs, ...Object.values(call.named).flat()];
        if (!all.every((ref) => values.has(keyOf(ref)))) return true;
        const get = (ref: Ref): Value[] => {
          const value = values.get(keyOf(ref))![ref.tensor];
          return value === undefined ? [] : [value];
        };
        const given = call.inputs.flatMap(get);
        const result = this.use(model, layer, call, node, given, path, prefix);
        if (result !== undefined) values.set(`${layer.name}:${node}`, result);
        return false;
      });
      if (later.length === waiting.length) break;
      waiting = later;
    }
    const outputs = model.outputs.map((ref) => values.get(keyOf(ref))?.[ref.tensor]);
    if (outputs.every((value) => value !== undefined)) return outputs;
    if (!this.draft.problems.hasErrors)
      this.draft.refuse(
        this.source.locate(model.name),
        `the outputs of \`${model.name}\` do not follow from its inputs`,
      );
    return undefined;
  }

  private use(
    model: KerasModel,
    layer: KerasLayer,
    call: Call,
    node: number,
    inputs: readonly Value[],
    path: LayerPath,
    prefix: string,
  ): readonly Value[] | undefined {
    const here = { models: [...path.models, model], layers: [...path.layers, layer] };
    const name = `${prefix}${layer.name}`;
    if (layer.model !== undefined) {
      if (node === 0)
        this.draft.account({
          kind: 'layer',
          source: `${name} (${layer.type})`,
          fate: 'converted',
          reason: 'its layers stand in its place',
        });
      return this.run(layer.model, inputs, here, `${name}/`);
    }
    const key = here.layers.map((one) => one.name).join('/');
    const repeated = this.first.has(key);
    const first = this.first.get(key) ?? { owners: [] };
    this.first.set(key, first);
    const { convert: run, keepsMask } = CONVERSIONS.get(layer.type)!;
    const [input] = call.inputs;
    const alone = input !== undefined && reads(model, input) === 1;
    const use = new Use(
      layer,
      name,
      call,
      inputs,
      {},
      this.source.weights?.of(here),
      first,
      alone,
      repeated,
      this.context,
    );
    try {
      if (Object.keys(call.named).length > 0) throw new Refusal('it takes tensors by name, which are not read yet');
      const value = run(use);
      use.finish();
      const to = value.ref.split('.')[0]!;
      this.draft.account({ kind: 'layer', source: `${name} (${layer.type})`, fate: 'mapped', to });
      const mask = keepsMask && value.mask === undefined ? inputs[0]?.mask : value.mask;
      return [mask === undefined ? value : { ...value, mask }];
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const problem = `the layer \`${name}\` of type ${layer.type}: ${error.message}`;
      this.draft.refuse(this.source.locate(layer.name), problem, error.hint);
      return undefined;
    }
  }
}

function readersOf(model: KerasModel, { layer: name }: Ref): KerasLayer[] {
  return model.layers.filter(({ calls }) => calls.some(({ inputs }) => inputs.some((ref) => ref.layer === name)));
}

/** How often a tensor is read, as an output of the model too. */
function reads(model: KerasModel, { layer, tensor }: Ref): number {
  const same = (ref: Ref): boolean => ref.layer === layer && ref.tensor === tensor;
  const calls = model.layers.flatMap((one) =>
    one.calls.flatMap((call) => [...call.inputs, ...Object.values(call.named).flat()]),
  );
  return calls.filter(same).length + model.outputs.filter(same).length;
}
