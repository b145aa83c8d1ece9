/** A Keras model into a draft: calls of layers in the order of their inputs, nested models in their place. */
import type { Location } from '../../../diagnostics/location';
import { UsageError } from '../../../diagnostics/errors';
import type { Fields, Json } from '../../../frontend/spec';
import { isList } from '../../formats/json';
import { cleanName, Draft, type DraftModel } from '../../draft';
import type { Call, KerasLayer, KerasModel, Ref } from './graph';
import { GraphError, inputShape } from './graph';
import { CONVERSIONS } from './layers';
import { priceOf } from './layers/plain';
import { innerOf } from './layers/wrappers';
import { regularizer } from './settings';
import { Refusal, Use, type Body, type Called, type FirstUse, type UseContext } from './use';
import { channelsFirst, identity, sameOrder, stepsChannelsFirst } from '../../formats/keras/axes';
import { isLike, standsAlone, whole, type Apart, type Inside, type Nested } from './nested';
import { Orders, settled, type Value } from './value';
import type { LayerPath, WeightStore } from './weights';

export interface Source {
  readonly version: number;
  readonly flipped: boolean;
  readonly images: UseContext['images'];
  /** What extents are set to that the source leaves open, unless `shapes` says. */
  readonly open: number;
  readonly weights?: WeightStore;
  /** Shapes of inputs that the source leaves open, the batch in front, in its own order of axes. */
  readonly shapes?: ReadonlyMap<string, readonly (number | string)[]>;
  /** Models inside of the model are written in their place. */
  readonly inPlace: boolean;
  /** Where a layer stands in the file. */
  readonly locate: (name: string) => Location;
}

/** A model that is called again can't be written like the first time: all of it has to be written in place. */
export class NotNested extends Error {
  override readonly name = 'NotNested';
}

/** Calls of layers, those inside of models that are called several times counted each time. */
const MAX_CALLS = 20_000;
/** More uses of models than this, those inside of each counted too, are written in their place. */
const MAX_MODELS = 500;

const CODE: Readonly<Record<string, string>> = {
  Lambda: 'is Python code, which is never run',
  TensorFlowOpLayer: 'is an operation of a TensorFlow graph',
  TFOpLambda: 'is an operation of TensorFlow',
};

export function convert(model: KerasModel, draft: Draft, source: Source): Value[] | undefined {
  const converter = new Converter(draft, source, 'N', source.inPlace ? 'in place' : 'files');
  const { problems } = draft;
  converter.checkTypes(model);
  if (problems.hasErrors) return undefined;
  const inputs = model.inputs.map((ref) => converter.input(model, ref));
  const outputs = converter.run(model, inputs, { models: [], layers: [] }, '');
  if (outputs === undefined) return undefined;
  converter.tellUnused();
  return outputs.map((value) => {
    const rank = value.shape.length;
    const first = rank > 2 && sameOrder(value.order, channelsFirst(rank));
    const ref = first ? value.ref : converter.orders.natural(value);
    if (first && !sameOrder(value.order, identity(rank)))
      draft.remarks.push(`The output ${draft.resolved(ref)} has its channels first; Keras has them last.`);
    draft.outputs.push(ref);
    return { ...value, ref, order: first ? value.order : identity(rank) };
  });
}

class Converter {
  readonly orders: Orders;
  private readonly first = new Map<string, FirstUse>();
  private readonly context: UseContext;
  /** The models inside that have been written as layers, by their paths. */
  private readonly models = new Map<string, DraftModel>();
  private readonly inPlace = new Set<string>();
  /** What they became, by their paths and what they are given. */
  private readonly made = new Map<string, Apart>();
  /** Layers of type `model`, those inside of each counted too. */
  private uses = 0;

  constructor(
    private readonly draft: Draft,
    private readonly source: Source,
    batch: string | number,
    private readonly nesting: 'files' | 'in place',
    taken = source.weights === undefined ? undefined : new Set<string>(),
    private readonly calls = { left: MAX_CALLS },
  ) {
    this.orders = new Orders(draft, batch);
    this.context = {
      draft,
      orders: this.orders,
      version: source.version,
      flipped: source.flipped,
      images: source.images,
      taken,
      alike: (use, inner) => this.alike(use, inner),
      body: (use, inner, input) => this.body(use, inner, input),
    };
  }

  /** Weights in the file that belong to no layer. */
  tellUnused(): void {
    for (const source of new Set(this.source.weights?.names() ?? []))
      if (!this.context.taken!.has(source))
        this.draft.account({ kind: 'tensor', source, fate: 'dropped', reason: 'belongs to no layer that is read' });
  }

  /** Every class that can't be read, before anything is converted. */
  checkTypes(model: KerasModel): void {
    const unseen = masksOf(model);
    for (const layer of model.layers) {
      if (unseen.has(layer.name)) continue;
      const inner = layer.type === 'TimeDistributed' ? innerOf(layer.config, this.source.version) : undefined;
      for (const { name, type, model: nested } of inner === undefined ? [layer] : [layer, inner]) {
        if (nested !== undefined) this.checkTypes(nested);
        else if (type !== 'InputLayer' && !CONVERSIONS.has(type)) {
          const why = CODE[type] ?? 'has no counterpart';
          this.draft.refuse(this.source.locate(name), `the layer \`${name}\` of type ${type} ${why}`);
        }
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
    const known = this.source.shapes?.get(ref.layer);
    if (known !== undefined && !fits(given, known)) {
      const has = given.slice(1).map((extent) => (typeof extent === 'number' ? extent : '?'));
      throw new UsageError(`--shape ${ref.layer}=${known.join(',')} does not fit the input: [N, ${has.join(', ')}]`);
    }
    const open: number[] = [];
    const shape = given.map((extent: Json, axis) => {
      if (axis === 0) return 0;
      if (typeof extent === 'number' && extent >= 1) return extent;
      if (known !== undefined) return Number(known[axis]);
      open.push(axis);
      return this.source.open;
    });
    const order = this.preferred(model, ref, shape.length, 0) ?? identity(shape.length);
    const readers = readersOf(model, ref);
    const whole = readers.length > 0 && readers.every(({ type }) => type === 'Embedding');
    const extents = order.slice(1).map((axis) => shape[axis]!);
    const moved = !sameOrder(order, identity(shape.length));
    const place = sameOrder(order, channelsFirst(shape.length)) ? 'first' : 'behind the steps';
    const note = moved ? `channels ${place}` : undefined;
    const name = this.draft.input(ref.layer, ['N', ...extents], whole ? 'i32' : 'f32', note);
    if (moved) this.draft.remarks.push(`The input ${name} has its channels ${place}; Keras has them last.`);
    if (open.length > 0)
      this.draft.remarks.push(
        `The source leaves extents of ${name} open; they are ${this.source.open} here. Others: dlc import --shape ${ref.layer}=N,….`,
      );
    return { ref: name, shape, order, ...(whole ? { dtype: 'i32' } : {}) };
  }

  /** Channels first where an image layer with channels last reads the value, through layers that move nothing. */
  private preferred(model: KerasModel, ref: Ref, rank: number, depth: number): number[] | undefined {
    if (depth > 50) return undefined;
    for (const layer of readersOf(model, ref)) {
      const inner = layer.model?.inputs[0];
      const found = inner === undefined ? wish(layer, rank, this.source.version) : undefined;
      if (found !== undefined) return found;
      const further =
        inner !== undefined
          ? this.preferred(layer.model!, inner, rank, depth + 1)
          : MOVES_NOTHING.test(layer.type)
            ? this.preferred(model, { layer: layer.name, node: 0, tensor: 0 }, rank, depth + 1)
            : undefined;
      if (further !== undefined) return further;
    }
    return undefined;
  }

  run(model: KerasModel, inputs: readonly Value[], path: LayerPath, prefix: string): Value[] | undefined {
    const values = new Map<string, readonly Value[]>();
    model.inputs.forEach((ref, i) => values.set(`${ref.layer}:0`, [inputs[i]!]));
    const byName = new Map(model.layers.map((layer) => [layer.name, layer]));
    const keyOf = (ref: Ref): string =>
      `${ref.layer}:${(byName.get(ref.layer)?.calls.length ?? 1) === 1 ? 0 : ref.node}`;
    const get = (ref: Ref): Value[] => {
      const value = values.get(keyOf(ref))![ref.tensor];
      return value === undefined ? [] : [value];
    };
    const unseen = masksOf(model);
    for (const name of unseen) values.set(`${name}:0`, []);
    let waiting = model.layers.flatMap((layer) =>
      layer.type === 'InputLayer' || unseen.has(layer.name)
        ? []
        : layer.calls.map((call, node) => ({ layer, call, node })),
    );
    while (waiting.length > 0) {
      const later = waiting.filter(({ layer, call, node }) => {
        const all = [...call.inputs, ...Object.values(call.named).flat()];
        if (!all.every((ref) => values.has(keyOf(ref)))) return true;
        const named = namedInputs(layer.type, call, get);
        const result = this.use(model, layer, call, node, { inputs: call.inputs.flatMap(get), named }, path, prefix);
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
    given: Pick<Called, 'inputs' | 'named'>,
    path: LayerPath,
    prefix: string,
  ): readonly Value[] | undefined {
    const here = { models: [...path.models, model], layers: [...path.layers, layer] };
    const name = `${prefix}${layer.name}`;
    if (--this.calls.left < 0)
      throw new GraphError(
        `more than ${MAX_CALLS} layers, those of models that are called several times counted each time`,
      );
    if (layer.model !== undefined) {
      const nested = this.nested({ layer, model: layer.model, name, path: here }, given);
      if (nested !== undefined) return nested.values;
      const reason = 'its layers stand in its place';
      if (node === 0)
        this.draft.account({ kind: 'layer', source: `${name} (${layer.type})`, fate: 'converted', reason });
      return this.run(layer.model, given.inputs, here, `${name}/`);
    }
    const key = keyOf(here);
    const repeated = this.first.has(key);
    const first = this.first.get(key) ?? { owners: [] };
    this.first.set(key, first);
    const [input] = call.inputs;
    const alone = input !== undefined && reads(model, input) === 1;
    const stored = this.source.weights?.of(here);
    return this.call({ layer, name, call, ...given, stored, first, alone, repeated, path: here });
  }

  /** A model inside of the model as a layer of type `model`; undefined where it can only be said in its place. */
  private nested(inside: Inside, given: Pick<Called, 'inputs' | 'named'>): Nested | undefined {
    const key = keyOf(inside.path);
    if (this.nesting === 'in place' || this.inPlace.has(key)) return undefined;
    const before = this.models.get(key);
    const made = Object.keys(given.named).length > 0 ? undefined : this.asModel(inside, given.inputs, before);
    if (made !== undefined) return made;
    if (before !== undefined) throw new NotNested(inside.name);
    this.inPlace.add(key);
    return undefined;
  }

  /** `before`: the use whose weights it shares. */
  private asModel(inside: Inside, given: readonly Value[], before: DraftModel | undefined): Nested | undefined {
    const { layer, model, name, path } = inside;
    if (given.length !== model.inputs.length || given.some(({ mask }) => mask !== undefined)) return undefined;
    const outside = given.map((value) => whole(value, this.orders));
    const types = outside.map(({ shape, order, dtype }) => [shape, order, dtype]);
    const key = `${keyOf(path)} ${JSON.stringify(types)}`;
    const made = this.made.get(key) ?? this.apart(inside, outside);
    if (made === undefined || made === 'refused') return made && { values: undefined };
    const { draft, values, uses } = made;
    if (this.uses + uses > MAX_MODELS || (before !== undefined && !isLike(draft, before.draft))) return undefined;
    this.made.set(key, made);
    this.uses += uses;
    const share = before === undefined ? {} : { share: before.layer };
    const refs = outside.map(({ ref }) => ref);
    const to = this.draft.layer({ name, type: 'model', inputs: refs, fields: { file: '', ...share } });
    const use = { layer: to, draft, shared: before !== undefined };
    this.draft.models.push(use);
    this.draft.account({ kind: 'layer', source: `${name} (${layer.type})`, fate: 'mapped', to });
    if (before === undefined) {
      this.models.set(keyOf(path), use);
      draft.problems.all().forEach((problem) => this.draft.problems.report(problem));
      for (const entry of draft.entries) {
        if (entry.kind === 'input') continue;
        const source = entry.kind === 'tensor' ? entry.source : `${name}/${entry.source}`;
        this.draft.account({ ...entry, source, ...(entry.to === undefined ? {} : { to: `${to}/${entry.to}` }) });
      }
    }
    return { values: values.map((value) => ({ ...value, ref: values.length === 1 ? to : `${to}/${value.ref}` })) };
  }

  /** A model inside in a draft of its own, for inputs like these; undefined where it can't stand alone. */
  private apart({ layer, model, path }: Inside, outside: readonly Value[]): Apart | 'refused' | undefined {
    const draft = new Draft(cleanName(layer.name), this.draft.format);
    const converter = new Converter(draft, this.source, 'N', 'files', this.context.taken, this.calls);
    const inputs = outside.map((value, i) => {
      const extents = value.order.slice(1).map((axis) => value.shape[axis]!);
      return { ...value, ref: draft.input(model.inputs[i]!.layer, ['N', ...extents], value.dtype ?? 'f32') };
    });
    const found = converter.run(model, inputs, path, '');
    if (found === undefined || draft.problems.hasErrors) {
      draft.problems.all().forEach((problem) => this.draft.problems.report(problem));
      return 'refused';
    }
    if (found.some(({ mask }) => mask !== undefined)) return undefined;
    const values = found.map((value) => whole(value, converter.orders));
    draft.outputs.push(...values.map(({ ref }) => ref));
    return standsAlone(draft) ? { draft, values, uses: 1 + converter.uses } : undefined;
  }

  private call(called: Called): readonly Value[] | undefined {
    const { layer, name } = called;
    try {
      const use = new Use(called, this.context);
      if (called.named.mask !== undefined && called.inputs[0]?.mask === undefined)
        throw new Refusal('it takes a mask that is not that of its input');
      for (const key of Object.keys(called.named))
        if (!TENSORS_BY_NAME.has(key)) throw new Refusal(`it takes a tensor as \`${key}\`, which is not read`);
      const values = this.converted(use, layer.type);
      use.finish();
      const to = values[0]!.ref.split('.')[0]!;
      this.draft.account({ kind: 'layer', source: `${name} (${layer.type})`, fate: 'mapped', to });
      return values;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const problem = `the layer \`${name}\` of type ${layer.type}: ${error.message}`;
      this.draft.refuse(this.source.locate(layer.name), problem, error.hint);
      return undefined;
    }
  }

  private converted(use: Use, type: string): readonly Value[] {
    const conversion = CONVERSIONS.get(type);
    if (conversion === undefined) throw new Refusal('it has no counterpart');
    const result = conversion.convert(use);
    const [value, ...rest] = isValues(result) ? result : [result];
    const price = use.config.value('activity_regularizer');
    const first = price === undefined ? value! : this.priced(use, value!, price);
    const mask = conversion.keepsMask && first.mask === undefined ? use.inputs[0]?.mask : first.mask;
    return [mask === undefined ? first : { ...first, mask }, ...rest];
  }

  /** `activity_regularizer` of a layer: a price on what it gives. */
  private priced(use: Use, value: Value, setting: Json): Value {
    const said = regularizer(setting);
    if ('lost' in said) use.lost('activity_regularizer', said.lost);
    const number = (key: string): number => ('lost' in said ? 0 : Number(said.fields[key] ?? 0));
    const [l1, l2] = [number('l1'), number('l2')];
    if ((l1 === 0 && l2 === 0) || use.repeated) return value;
    const ref = use.plain('activity_regularization', [value.ref], priceOf(use, l1, l2), '_price');
    return { ...settled(value), ref };
  }

  private alike(use: Use, inner: KerasLayer): Value {
    const layer = { ...inner, name: use.layer.name };
    const own = new Use({ ...use.called, layer }, this.context);
    const [value] = this.converted(own, inner.type);
    own.finish();
    use.handOver();
    return value!;
  }

  private body(use: Use, inner: KerasLayer, input: Value): Body {
    const draft = new Draft('body', this.draft.format);
    const x = draft.unique('x');
    const converter = new Converter(draft, this.source, 0, 'in place', this.context.taken, this.calls);
    const path = { models: [...use.called.path.models, WRAPPER], layers: [...use.called.path.layers, inner] };
    const step = { ...input, ref: x };
    const first = { owners: [] };
    const outputs =
      inner.model !== undefined
        ? converter.run(inner.model, [step], path, '')
        : converter.call({ ...use.called, layer: inner, name: inner.name, inputs: [step], first, alone: true, path });
    for (const problem of draft.problems.all()) this.draft.problems.report(problem);
    const [value] = outputs ?? [];
    if (value === undefined) throw new Refusal('what it wraps cannot be read');
    use.handOver();
    const at = (name: string): string => `${use.name}/${name}`;
    for (const entry of draft.entries)
      this.draft.account({ ...entry, ...(entry.to === undefined ? {} : { to: at(entry.to) }) });
    const whole = value.features === undefined ? value : { ...settled(value), ref: converter.orders.natural(value) };
    const { shape, order } = whole;
    return { value: { ref: whole.ref, shape, order }, body: bodyOf(draft, x, whole.ref), tensors: draft.tensors };
  }
}

/** Names may hold slashes themselves. */
const keyOf = ({ layers }: LayerPath): string => JSON.stringify(layers.map(({ name }) => name));

/** The layers of a draft as they stand in a field. */
function bodyOf({ layers }: Draft, input: string, output: string): Fields {
  let before = input;
  const written = layers.map(({ name, type, inputs, fields }) => {
    const usual = inputs.length === 1 && inputs[0] === before;
    before = name;
    return { name, type, ...(usual ? {} : { inputs: inputs.length === 1 ? inputs[0]! : [...inputs] }), ...fields };
  });
  const again = layers.slice(1).some(({ inputs }) => inputs.includes(input));
  return { ...(again ? { inputs: input } : {}), layers: written, ...(output === before ? {} : { outputs: output }) };
}

const isValues = (result: Value | readonly Value[]): result is readonly Value[] => Array.isArray(result);

/** The place of what a wrapper holds, among models. */
const WRAPPER: KerasModel = { name: 'layer', layers: [], inputs: [], outputs: [] };

const TENSORS_BY_NAME = new Set(['initial_state', 'query', 'value', 'key', 'mask', 'other']);
/** What Keras 3 calls tensors that are given by their place, after the first. */
const BY_PLACE: Readonly<Record<string, readonly string[]>> = {
  ...Object.fromEntries(
    ['MultiHeadAttention', 'GroupQueryAttention', 'GroupedQueryAttention'].map((type) => [type, ['value', 'key']]),
  ),
  ...Object.fromEntries(['LSTM', 'GRU', 'SimpleRNN', 'RNN', 'Bidirectional'].map((type) => [type, ['initial_state']])),
  ...Object.fromEntries(
    ['Add', 'Subtract', 'Multiply', 'Maximum', 'Minimum', 'Divide', 'TrueDivide'].map((type) => [type, ['other']]),
  ),
};

function namedInputs(type: string, call: Call, get: (ref: Ref) => Value[]): Record<string, Value[]> {
  const nameOf = (key: string): string => {
    const place = /^argument (\d)$/.exec(key)?.[1];
    return place === undefined ? key : (BY_PLACE[type]?.[Number(place) - 2] ?? key);
  };
  return Object.fromEntries(Object.entries(call.named).map(([key, refs]) => [nameOf(key), refs.flatMap(get)]));
}

/** Operations by which Keras 3 writes down masks: of each layer that makes some we have the mask already. */
function masksOf({ layers, outputs }: KerasModel): ReadonlySet<string> {
  const found = new Set(layers.filter(({ type }) => MASK_OPERATIONS.has(type)).map(({ name }) => name));
  const used = (name: string): boolean =>
    outputs.some(({ layer }) => layer === name) ||
    layers.some(({ name: reader, calls }) =>
      calls.some(
        ({ inputs, named }) =>
          (inputs.some(({ layer }) => layer === name) && !found.has(reader)) ||
          Object.entries(named).some(([key, refs]) => key !== 'mask' && refs.some(({ layer }) => layer === name)),
      ),
    );
  for (let before = -1; before !== found.size;) {
    before = found.size;
    for (const name of [...found]) if (used(name)) found.delete(name);
  }
  return found;
}

const MASK_OPERATIONS = new Set(['NotEqual', 'Any']);
const MOVES_NOTHING =
  /Dropout|Activation|Noise|ReLU|ELU|BatchNorm|^Add$|Concatenate|Rescaling|^Normalization|^Random|Identity/;

/** The order of axes that a layer asks for. */
function wish({ type, config }: KerasLayer, rank: number, version: number): number[] | undefined {
  const conversion = CONVERSIONS.get(type);
  const inner = type === 'TimeDistributed' || type === 'Bidirectional' ? innerOf(config, version) : undefined;
  if (inner !== undefined) {
    const { spatial, steps } = CONVERSIONS.get(inner.type) ?? {};
    const images = (spatial !== undefined && spatial + 3 === rank) || (steps === true && rank > 3);
    return images && inner.config.data_format !== 'channels_first' ? stepsChannelsFirst(rank) : undefined;
  }
  if (conversion === undefined || config.data_format === 'channels_first') return undefined;
  if (conversion.steps === true && rank > 3) return stepsChannelsFirst(rank);
  return conversion.spatial !== undefined && conversion.spatial + 2 === rank ? channelsFirst(rank) : undefined;
}

/** Whether extents that the user gives are those of the file, where it has some. */
function fits(given: readonly Json[], known: readonly (number | string)[]): boolean {
  return (
    known.length === given.length &&
    known.slice(1).every((extent, i) => typeof extent === 'number' && [null, extent].includes(given[i + 1] as number))
  );
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
