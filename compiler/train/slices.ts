/** One step's tensors out of a call's: inputs of a call hold the tensors of all its steps one after the other. */
import type { TensorData, Tensors } from '../native/runtime';

export function sliceStep(tensors: Tensors, step: number, steps: number): Tensors {
  const slice = (data: TensorData): TensorData => {
    const size = data.length / steps;
    return data.subarray(step * size, (step + 1) * size);
  };
  return Object.fromEntries(Object.entries(tensors).map(([name, data]) => [name, slice(data)]));
}
