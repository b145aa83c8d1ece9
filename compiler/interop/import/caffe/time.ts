/**
 * Inputs with time in front: those that reach a recurrent layer through layers that look at single steps. They become
 * inputs with the batch in front, so that nothing has to be turned on the way.
 */
import type { Blob, Node } from './value';

const RECURRENT = new Set(['LSTM', 'RNN']);

/** Layers that work with time in front or behind: on single elements, or along axes that they name. */
export const TIME_SAFE: ReadonlySet<string> = new Set([
  ...RECURRENT,
  'Embed',
  'InnerProduct',
  'Dropout',
  'ReLU',
  'ELU',
  'Sigmoid',
  'TanH',
  'AbsVal',
  'Power',
  'Exp',
  'Log',
  'BNLL',
  'Swish',
  'Clip',
  'Threshold',
  'Softmax',
  'Split',
  'Concat',
  'Eltwise',
  'Slice',
  'Reshape',
  'Tile',
  'Silence',
  'SoftmaxWithLoss',
  'EuclideanLoss',
  'SigmoidCrossEntropyLoss',
  'Accuracy',
]);

export function timeFirstInputs(nodes: readonly Node[]): ReadonlySet<Blob> {
  const found = new Set<Blob>();
  const seen = new Set<Blob>();
  // The states before the first step, behind the sequence and its markers, are [1, N, units].
  const waiting = nodes.filter(({ layer }) => RECURRENT.has(layer.type)).flatMap(({ inputs }) => [...inputs]);
  for (let blob = waiting.pop(); blob !== undefined; blob = waiting.pop()) {
    if (seen.has(blob)) continue;
    seen.add(blob);
    const { layer, inputs } = blob.producer;
    if (inputs.length === 0) found.add(blob);
    else if (TIME_SAFE.has(layer.type) && layer.type !== 'Reshape') waiting.push(...inputs);
  }
  return found;
}
