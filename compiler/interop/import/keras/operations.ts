/** Operations of TensorFlow that stand in a model as layers: those that say the same as a layer of Keras become it. */
import type { Json } from '../../../frontend/spec';
import { isList, isObject } from '../../formats/json';
import type { Settings } from './config';

const FUNCTIONS: Readonly<Record<string, string>> = {
  Relu: 'relu',
  Relu6: 'relu6',
  Elu: 'elu',
  Selu: 'selu',
  Sigmoid: 'sigmoid',
  Tanh: 'tanh',
  Softplus: 'softplus',
  Softsign: 'softsign',
  Softmax: 'softmax',
  Exp: 'exponential',
  Identity: 'linear',
};
const MERGES: Readonly<Record<string, string>> = {
  AddV2: 'Add',
  Add: 'Add',
  Sub: 'Subtract',
  Mul: 'Multiply',
  RealDiv: 'Divide',
  Maximum: 'Maximum',
  Minimum: 'Minimum',
};

/** The layer that a TensorFlowOpLayer is; undefined where it has no counterpart. */
export function operation(settings: Settings): { readonly type: string; readonly config: Settings } | undefined {
  const { node_def: node, constants = {}, name = 'operation' } = settings;
  if (!isObject(node) || typeof node.op !== 'string' || !isObject(constants)) return undefined;
  const own = { name };
  const second = integers(constants['1']);
  const alone = Object.keys(constants).length === 0;
  if (node.op === 'Reshape' && second?.[0] === -1)
    return { type: 'Reshape', config: { ...own, target_shape: second.slice(1) } };
  if (node.op === 'Transpose' && second?.[0] === 0)
    return { type: 'Permute', config: { ...own, dims: second.slice(1) } };
  const merge = MERGES[node.op];
  if (merge !== undefined && alone) return { type: merge, config: own };
  const activation = FUNCTIONS[node.op];
  return activation !== undefined && alone ? { type: 'Activation', config: { ...own, activation } } : undefined;
}

function integers(value: Json | undefined): number[] | undefined {
  if (!isList(value) || !value.every((item) => Number.isSafeInteger(item))) return undefined;
  return value.map(Number);
}
