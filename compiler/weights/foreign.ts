/** Loads the weights of a model from a file of named tensors that is not ours: matched, converted, all accounted for. */
import { stat } from 'node:fs/promises';
import type { TypedArray } from '../data/define';
import { typedArray } from '../data/typed_array';
import { DataFileError } from '../data/idx_file';
import { weightsCorrupt, weightsMismatch } from '../diagnostics/catalogue';
import { InternalError, SpecError } from '../diagnostics/errors';
import type { Location } from '../diagnostics/location';
import { bytesOf, elementCount, type Shape } from '../ir/types';
import type { LoadedWeights, WeightTensor } from './content';
import { openTensorFile, TensorFileError, type StoredTensor, type TensorFile } from './formats';
import { matchWeights, type Match, type Matching, type MatchOptions, type Source, type Target } from './matching';
import { readOtherHdf5 } from './other_hdf5';

export interface ForeignOptions extends MatchOptions {
  readonly at: Location;
  /** Without it every tensor is read under its own name. */
  readonly expected: readonly Target[] | undefined;
}

const MAX_UNASKED_BYTES = 2 ** 33;
const MAX_REPORTED = 5;

/** Undefined where the file is none of these formats. */
export async function loadForeign(file: string, options: ForeignOptions): Promise<LoadedWeights | undefined> {
  const { at } = options;
  let opened: TensorFile | undefined;
  try {
    opened = await openTensorFile(file);
    if (opened === undefined) return undefined;
    return await load(file, opened, options);
  } catch (error) {
    if (error instanceof TensorFileError || error instanceof DataFileError) {
      const hint = error instanceof TensorFileError ? error.hint : undefined;
      throw new SpecError([{ ...weightsCorrupt(at, file, error.message), ...(hint === undefined ? {} : { hint }) }]);
    }
    throw error;
  } finally {
    await opened?.close();
  }
}

/** An HDF5 file of another program, by a map: its datasets by their paths, `layers/dense/vars/0`. */
export async function loadOtherHdf5(file: string, options: ForeignOptions): Promise<LoadedWeights> {
  const { size } = await stat(file);
  const unreadable = (problem: string): SpecError => new SpecError([weightsCorrupt(options.at, file, problem)]);
  return readOtherHdf5(file, size, unreadable, ({ listing, tensor }) => {
    const byName = new Map(listing.datasets.map((dataset) => [dataset.path.replace(/^\//, ''), dataset]));
    const opened: TensorFile = {
      format: 'hdf5',
      tensors: [...byName].map(([name, { shape, described, type }]): StoredTensor => {
        const dtype = type === 'u16' ? undefined : type;
        return { name, shape, stored: type ?? described, ...(dtype === undefined ? {} : { dtype }) };
      }),
      async read({ name }) {
        const read = await tensor(byName.get(name)!);
        if (read === undefined) throw new InternalError(`'${name}' holds no numbers`);
        return read;
      },
      close: () => Promise.resolve(),
    };
    return load(file, opened, options);
  });
}

async function load(file: string, opened: TensorFile, options: ForeignOptions): Promise<LoadedWeights> {
  const { at, expected } = options;
  const targets =
    expected ?? opened.tensors.flatMap(({ name, shape, dtype }) => (dtype ? [{ name, shape, dtype }] : []));
  if (expected === undefined) {
    const bytes = targets.reduce((sum, target) => sum + bytesOf(target), 0);
    if (bytes > MAX_UNASKED_BYTES) throw new SpecError([weightsCorrupt(at, file, `its tensors take ${bytes} bytes`)]);
  }
  const { matches, account } = matched(file, at, opened.tensors, targets, options);
  const tensors = new Map<string, WeightTensor>();
  for (const match of matches) {
    const stored = opened.tensors.find(({ name }) => name === match.source.name)!;
    tensors.set(match.target.name, fitted(await opened.read(stored), match));
  }
  return { tensors, optimizer: new Map(), account };
}

/** Throws what does not fit, at the place where the file was named. */
export function matched(
  file: string,
  at: Location,
  sources: readonly Source[],
  targets: readonly Target[],
  options: MatchOptions,
): Matching {
  const matching = matchWeights(sources, targets, options);
  const { problems } = matching;
  if (problems.length === 0) return matching;
  const shown = problems.slice(0, MAX_REPORTED);
  const rest = problems.length - shown.length;
  throw new SpecError([
    ...shown.map(({ message, hint }) => weightsMismatch(at, `\`${file}\`: ${message}`, hint)),
    ...(rest > 0 ? [weightsMismatch(at, `\`${file}\`: ${rest} more tensors do not fit`)] : []),
  ]);
}

export function fitted(tensor: WeightTensor, { target, transpose }: Match): WeightTensor {
  const turned = transpose ? transposed(tensor, transpose) : tensor;
  if (turned.dtype === target.dtype) return turned;
  const data = typedArray(target.dtype, turned.data.length) as Float32Array | Float64Array;
  data.set(turned.data as Float32Array | Float64Array);
  return { dtype: target.dtype, shape: target.shape, data };
}

/** The tensor with its axes in another order: axis k of the result is axis `order[k]` of the tensor. */
export function transposed({ dtype, shape, data }: WeightTensor, order: readonly number[]): WeightTensor {
  const result: Shape = order.map((axis) => shape[axis]!);
  const steps = order.map((axis) => elementCount(shape.slice(axis + 1)));
  const moved = typedArray(dtype, data.length);
  const index = new Array<number>(order.length).fill(0);
  let from = 0;
  for (let to = 0; to < moved.length; to++) {
    copy(moved, to, data, from);
    for (let axis = order.length - 1; axis >= 0; axis--) {
      from += steps[axis]!;
      if (++index[axis]! < result[axis]!) break;
      from -= steps[axis]! * result[axis]!;
      index[axis] = 0;
    }
  }
  return { dtype, shape: result, data: moved };
}

function copy(to: TypedArray, at: number, from: TypedArray, index: number): void {
  (to as unknown as (number | bigint)[])[at] = from[index]!;
}
