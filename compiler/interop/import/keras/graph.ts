/**
 * A Keras model in one shape, whatever version wrote it: layers with their settings, and for each layer its calls with
 * the tensors they take. Nested models keep their place as layers with a model inside.
 */
import type { Json } from '../../../frontend/spec';
import { isList, isObject } from '../../formats/json';
import type { Settings } from './config';
import { upgrade } from './keras1';
import { operation } from './operations';

/** Output `tensor` of call `node` of a layer. */
export interface Ref {
  readonly layer: string;
  readonly node: number;
  readonly tensor: number;
}

export interface Call {
  readonly inputs: readonly Ref[];
  /** Tensors given by name: `initial_state`, `mask`. */
  readonly named: Readonly<Record<string, readonly Ref[]>>;
  /** Other arguments by name. */
  readonly settings: Settings;
}

export interface KerasLayer {
  readonly name: string;
  readonly type: string;
  readonly config: Settings;
  readonly calls: readonly Call[];
  readonly model?: KerasModel;
}

export interface KerasModel {
  readonly name: string;
  readonly layers: readonly KerasLayer[];
  readonly inputs: readonly Ref[];
  readonly outputs: readonly Ref[];
}

/** What is wrong with a configuration as a whole. */
export class GraphError extends Error {
  override readonly name = 'GraphError';
}

const MODELS = new Set(['Sequential', 'Model', 'Functional', 'Graph']);
const MAX_LAYERS = 100_000;

export function isModel(type: string): boolean {
  return MODELS.has(type);
}

/** `version` is Keras's main version: 1, 2 or 3. */
export function readGraph(json: Json, version: number, depth = 0): KerasModel {
  if (depth > 20) throw new GraphError('models nested deeper than 20 levels');
  if (!isObject(json)) throw new GraphError('the configuration is not an object');
  const type = json.class_name;
  if (typeof type !== 'string') throw new GraphError('the configuration has no `class_name`: not a Keras model');
  const { config } = json;
  if (type === 'Sequential') return sequential(config, version, depth);
  if (type === 'Model' || type === 'Functional') return functional(config, version, depth);
  throw new GraphError(
    `the model is a \`${type}\`, whose meaning is Python code: only Sequential and functional models are data`,
  );
}

function sequential(config: Json | undefined, version: number, depth: number): KerasModel {
  const list = isList(config) ? config : isObject(config) && isList(config.layers) ? config.layers : undefined;
  if (list === undefined) throw new GraphError('the Sequential model has no list of layers');
  if (list.length > MAX_LAYERS) throw new GraphError(`a model of ${list.length} layers`);
  const settings = isObject(config) ? config : {};
  const name = isObject(config) && typeof config.name === 'string' ? config.name : 'sequential';
  const layers: KerasLayer[] = [];
  let last: Ref[] | undefined;
  const inputs: Ref[] = [];
  const addInput = (wish: string, shape: Json, dtype: Json | undefined): Ref => {
    const ref = { layer: wish, node: 0, tensor: 0 };
    const input = { batch_input_shape: shape, ...(dtype === undefined ? {} : { dtype }) };
    layers.push({ name: wish, type: 'InputLayer', config: input, calls: [{ inputs: [], named: {}, settings: {} }] });
    inputs.push(ref);
    return ref;
  };
  list.forEach((item, index) => {
    const { layer, branches } = readLayer(item, `layer ${index + 1} of \`${name}\``, version, depth);
    if (index === 0 && layer.type === 'InputLayer') {
      const given = inputShape(layer.config) ?? settings.build_input_shape;
      last = [addInput(layer.name, given ?? null, layer.config.dtype ?? layer.config.input_dtype)];
      return;
    }
    if (index === 0 && branches !== undefined) {
      // Keras 1: the Sequential model begins with a Merge of others, each with an input of its own.
      last = branches.map((branch) => {
        const refs = branch.inputs.map((input) => {
          const source = branch.layers.find(({ name: own }) => own === input.layer)!;
          return addInput(`${branch.name}_${source.name}`, inputShape(source.config) ?? null, source.config.dtype);
        });
        layers.push({
          name: branch.name,
          type: 'Sequential',
          config: {},
          calls: [{ inputs: refs, named: {}, settings: {} }],
          model: branch,
        });
        return { layer: branch.name, node: 0, tensor: 0 };
      });
    } else if (last === undefined) {
      const nested = layer.model?.inputs[0];
      const source = nested === undefined ? layer : layer.model!.layers.find(({ name: own }) => own === nested.layer)!;
      const built = isObject(layer.config.build_config) ? layer.config.build_config.input_shape : undefined;
      const shape = inputShape(source.config) ?? settings.build_input_shape ?? built ?? null;
      last = [addInput(`${layer.name}_input`, shape, source.config.input_dtype ?? source.config.dtype)];
    }
    layers.push({ ...layer, calls: [{ inputs: last, named: {}, settings: {} }] });
    last = [{ layer: layer.name, node: 0, tensor: 0 }];
  });
  if (last === undefined) throw new GraphError(`the model \`${name}\` has no layers`);
  return { name, layers, inputs, outputs: last };
}

/** `[null, 28, 28, 1]`, from whichever of its names the version uses. */
export function inputShape(config: Settings): Json | undefined {
  const whole = config.batch_input_shape ?? config.batch_shape;
  if (whole !== undefined && whole !== null) return whole;
  if (isList(config.input_shape)) return [null, ...config.input_shape];
  if (typeof config.input_length === 'number' && typeof config.input_dim === 'number')
    return [null, config.input_length, config.input_dim];
  return typeof config.input_dim === 'number' ? [null, config.input_dim] : undefined;
}

function functional(config: Json | undefined, version: number, depth: number): KerasModel {
  if (!isObject(config) || !isList(config.layers)) throw new GraphError('the model has no list of layers');
  if (config.layers.length > MAX_LAYERS) throw new GraphError(`a model of ${config.layers.length} layers`);
  const name = typeof config.name === 'string' ? config.name : 'model';
  const layers = config.layers.map((item, index) => {
    const { layer } = readLayer(item, `layer ${index + 1} of \`${name}\``, version, depth);
    const nodes = isObject(item) && isList(item.inbound_nodes) ? item.inbound_nodes : [];
    const calls = nodes.map((node) => readCall(node, layer.name));
    const first = { inputs: [], named: {}, settings: {} };
    return { ...layer, calls: layer.type === 'InputLayer' ? [first] : calls };
  });
  // A call of a nested model that another place of the file makes is counted from where this model's own begin.
  return { name, layers, inputs: refs(config.input_layers), outputs: refs(config.output_layers) };
}

function readCall(node: Json, layer: string): Call {
  const named: Record<string, readonly Ref[]> = {};
  const settings: Record<string, Json> = {};
  const collect = (key: string, value: Json): void => {
    const found = tensors(value);
    if (found.length > 0) named[key] = found;
    else if (value !== null) settings[key] = value;
  };
  if (isObject(node)) {
    const args = isList(node.args) ? node.args : [];
    const [first = null, ...rest] = args;
    rest.forEach((value, index) => collect(`argument ${index + 2}`, value));
    if (isObject(node.kwargs)) for (const [key, value] of Object.entries(node.kwargs)) collect(key, value);
    return { inputs: tensors(first), named, settings };
  }
  if (!isList(node)) throw new GraphError(`the inputs of \`${layer}\` are not a list`);
  const list = typeof node[0] === 'string' ? [node] : node;
  const inputs = list.map((item) => {
    if (isList(item) && isObject(item[3])) for (const [key, value] of Object.entries(item[3])) collect(key, value);
    return toRef(item, layer);
  });
  return { inputs, named, settings };
}

/** `[name, node, tensor, …]`. */
function toRef(item: Json, layer: string): Ref {
  if (isList(item) && typeof item[0] === 'string') {
    const [name, node = 0, tensor = 0] = item;
    if (Number.isSafeInteger(node) && Number.isSafeInteger(tensor))
      return { layer: name, node: node as number, tensor: tensor as number };
  }
  throw new GraphError(`an input of \`${layer}\` is not [layer, node, tensor]`);
}

/** Tensors in an argument: those of Keras 3 wherever they stand, those of Keras 2 as triples. */
function tensors(value: Json): Ref[] {
  if (isObject(value)) {
    if (value.class_name !== '__keras_tensor__') return [];
    const history = isObject(value.config) ? value.config.keras_history : undefined;
    return isList(history) ? [toRef(history, 'a layer')] : [];
  }
  if (!isList(value)) return [];
  const triple = (item: Json): boolean =>
    isList(item) && typeof item[0] === 'string' && Number.isSafeInteger(item[1]) && Number.isSafeInteger(item[2]);
  if (triple(value)) return value[0] === '_CONSTANT_VALUE' ? [] : [toRef(value, 'a layer')];
  return value.flatMap((item) => tensors(item));
}

/** `input_layers`, `output_layers`: a list of triples, one triple, or a mapping of them. */
function refs(value: Json | undefined): Ref[] {
  if (isObject(value)) return Object.values(value).flatMap((item) => refs(item));
  if (!isList(value)) throw new GraphError('the inputs or outputs of the model are not listed');
  if (typeof value[0] === 'string') return [toRef(value, 'the model')];
  return value.map((item) => toRef(item, 'the model'));
}

interface ReadLayer {
  readonly layer: KerasLayer;
  /** Of a Merge in the front of a Sequential model of Keras 1. */
  readonly branches?: readonly KerasModel[];
}

export function readLayer(item: Json, place: string, version: number, depth: number): ReadLayer {
  if (!isObject(item) || typeof item.class_name !== 'string') throw new GraphError(`${place} has no \`class_name\``);
  const raw = item.config ?? {};
  const settings: Settings = isObject(raw) ? raw : {};
  const built = item.build_config === undefined ? {} : { build_config: item.build_config };
  const known = [item.name, settings.name].find((name): name is string => typeof name === 'string');
  // Keras 3 names classes of other packages by module; a class of the user's is not data.
  const own = typeof item.registered_name === 'string' && item.module === null;
  const type = own ? (item.registered_name as string) : item.class_name;
  if (MODELS.has(type)) {
    const model = readGraph({ class_name: type, config: raw }, version, depth + 1);
    const name = known ?? model.name;
    return { layer: { name, type, config: {}, calls: [], model: { ...model, name } } };
  }
  const name = known ?? type.toLowerCase();
  const said = type === 'TensorFlowOpLayer' ? operation(settings) : undefined;
  const old = version < 2 || type === 'Merge';
  const upgraded = said ?? (old ? upgrade(type, settings) : { type, config: settings });
  const layer: KerasLayer = { name, type: upgraded.type, config: { ...upgraded.config, ...built }, calls: [] };
  if (version < 2 && type === 'Merge' && isList(settings.layers))
    return { layer, branches: settings.layers.map((inner) => readGraph(inner, version, depth + 1)) };
  return { layer };
}
