/**
 * What every file of named tensors is to the loader, whatever its format: a list that was checked against the size of
 * the file before anything was allocated, and the values of one tensor at a time.
 */
import type { DType, Shape } from '../../ir/types';
import type { WeightTensor } from '../content';

export interface StoredTensor {
  readonly name: string;
  readonly shape: Shape;
  /** As the file calls it: `F16`, `<f8`. */
  readonly stored: string;
  /** What `read` gives; half precision is widened to f32. Absent where nothing here holds such elements. */
  readonly dtype?: DType;
}

export interface TensorFile {
  /** For messages: `safetensors`. */
  readonly format: string;
  readonly tensors: readonly StoredTensor[];
  read(tensor: StoredTensor): Promise<WeightTensor>;
  close(): Promise<void>;
}

/** The file is damaged or of a kind that is not read; the message says what and where. */
export class TensorFileError extends Error {
  override readonly name = 'TensorFileError';
  constructor(
    message: string,
    readonly hint?: string,
  ) {
    super(message);
  }
}

/** A model of another framework, structure and all. */
export function modelOf(framework: string): TensorFileError {
  return new TensorFileError(
    `this is a model of ${framework}, not a file of weights alone`,
    '`dlc import FILES… -o MODEL.yaml --weights-out WEIGHTS.h5` makes a model file and weights of it',
  );
}

/** The upper half of f32, widened. */
export function widenBf16(bits: Uint16Array): Float32Array {
  const words = new Uint32Array(bits.length);
  for (let i = 0; i < bits.length; i++) words[i] = bits[i]! << 16;
  return new Float32Array(words.buffer);
}
