/** What the ops that draw random numbers share: the (seed, step) input and the stream they name. */
import type { Attrs } from '../../ir/graph';
import type { Shape, TensorType } from '../../ir/types';
import { elementCount, formatType, tensorType } from '../../ir/types';
import type { Stream } from '../../random/philox';
import { inputAt, integerAttr, integersAttr } from '../attributes';
import type { RefTensor } from '../define';
import { OpTypeError } from '../define';

/** `rng` is i64[2]: (seed, step). */
export const RNG = tensorType('i64', [2]);

/** A block of draws has a 32-bit number. */
const MAX_BLOCKS = 2 ** 32;

export function requireRngType(rng: TensorType): void {
  if (rng.dtype !== 'i64' || rng.shape.length !== 1 || rng.shape[0] !== 2) {
    throw new OpTypeError(`rng is ${formatType(rng)}, expected i64[2]: seed and step`);
  }
}

export function requireRng(rng: TensorType, attrs: Attrs): void {
  requireRngType(rng);
  const stream = integerAttr(attrs, 'stream', 0);
  if (stream >= 2 ** 32) throw new OpTypeError(`attribute 'stream' is ${stream}, expected an integer below 2^32`);
}

export function requireDrawable(shape: Shape, elementsPerBlock: number): void {
  if (elementCount(shape) > MAX_BLOCKS * elementsPerBlock) {
    throw new OpTypeError(`[${shape.join(',')}] has more elements than one stream has numbers`);
  }
}

/** The type of what an op draws by its `shape` attribute. */
export function drawnType(inputs: readonly TensorType[], attrs: Attrs, elementsPerBlock: number): TensorType {
  requireRng(inputAt(inputs, 0, 'rng'), attrs);
  const shape = integersAttr(attrs, 'shape', undefined, 0);
  requireDrawable(shape, elementsPerBlock);
  return tensorType('f32', shape);
}

export function streamOf(rng: RefTensor, attrs: Attrs): Stream {
  return {
    seed: inputAt([...rng.data], 0, 'seed'),
    step: inputAt([...rng.data], 1, 'step'),
    stream: integerAttr(attrs, 'stream'),
  };
}
