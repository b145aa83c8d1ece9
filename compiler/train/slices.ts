/** Some steps' tensors out of a call's: inputs and outputs of a call hold those of all its steps one after the other. */
import type { TensorData, Tensors } from '../native/runtime';

/** The tensors of the steps `first` … `end` − 1 of a call of `steps`. */
export function sliceSteps(tensors: Tensors, first: number, end: number, steps: number): Tensors {
  const slice = (data: TensorData): TensorData => {
    const size = data.length / steps;
    return data.subarray(first * size, end * size);
  };
  return Object.fromEntries(Object.entries(tensors).map(([name, data]) => [name, slice(data)]));
}
