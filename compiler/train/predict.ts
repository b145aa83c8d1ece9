/**
 * Runs the predict program over any number of samples: whole arrays in, whole arrays out, cut into batches of one
 * size and a last partial one. A model without a symbolic batch axis runs once, on exactly its shape.
 */
import { dataMismatch } from '../diagnostics/catalogue';
import { InternalError, SpecError, UsageError } from '../diagnostics/errors';
import type { Location } from '../diagnostics/location';
import { describeInput, fitsSample } from '../data/bind';
import type { NpyArray } from '../data/npy';
import { typedArray } from '../data/typed_array';
import { normalizes, PixelTransform } from '../data/pixels';
import type { Diagnostic } from '../diagnostics/diagnostic';
import type { InputSpec, SectionSpec, Spec } from '../frontend/spec';
import { elementCount, formatType } from '../ir/types';
import type { NativeSession } from '../native/runtime';
import { batchSizes } from './batching';
import { Draws } from './draws';
import type { ModelInterface } from './interface';
import { failureIn } from './non-finite';
import { programName } from './programs';

/** More samples than this in one call need memory and win nothing. */
export const PREDICT_BATCH = 64;

export const hasBatchAxis = (input: InputSpec): boolean => typeof input.shape[0] === 'string';

/**
 * The array as a batch for the input: `[n, …sample]`, a single sample getting the axis; or a problem at `at`. Bytes are
 * what a data file holds: for an input of floats they become numbers as `section` says (`scale`, `mean`, `std`).
 */
export function asBatch(input: InputSpec, array: NpyArray, at: Location, section?: SectionSpec): NpyArray {
  const sample = hasBatchAxis(input) ? input.shape.slice(1) : [...input.shape];
  const numbers = sample.filter((extent): extent is number => typeof extent === 'number');
  const refuse = (): never => {
    throw new SpecError([
      dataMismatch(at, `the array does not fit the input \`${input.name}\``, [
        { name: input.name, type: describeInput(input), at: input.origin.at },
        { name: 'the array', type: formatType(array) },
      ]),
    ]);
  };
  if (numbers.length !== sample.length) return refuse();
  const exact = (shape: readonly number[]): boolean =>
    shape.length === numbers.length && shape.every((e, i) => e === numbers[i]);
  const convertible =
    array.dtype === input.dtype ||
    (input.dtype === 'f32' && (array.dtype === 'f64' || array.dtype === 'u8')) ||
    (input.dtype === 'i32' && array.dtype === 'i64');
  if (!convertible) return refuse();
  const converted = (shape: readonly number[]): NpyArray => convert(array, input, shape, numbers, section);
  if (!hasBatchAxis(input)) return exact(array.shape) ? converted(array.shape) : refuse();
  const [count = 0, ...rest] = array.shape;
  if (array.shape.length > 0 && (exact(rest) || fitsSample(rest, numbers)) && count > 0)
    return converted([count, ...numbers]);
  return exact(array.shape) ? converted([1, ...numbers]) : refuse();
}

function convert(
  array: NpyArray,
  input: InputSpec,
  shape: readonly number[],
  sample: readonly number[],
  section: SectionSpec | undefined,
): NpyArray {
  if (array.dtype === input.dtype) return { ...array, shape };
  const data = typedArray(input.dtype, array.data.length);
  if (array.dtype === 'u8' && section !== undefined && normalizes(section)) {
    const problems: Diagnostic[] = [];
    const pixels = new PixelTransform(section, sample, input.dtype, 'predict', problems);
    if (problems.length > 0) throw new SpecError(problems);
    const size = elementCount(sample);
    for (let from = 0; from < data.length; from += size) {
      pixels.apply(array.data as Uint8Array, from, 0, { seed: 0, epoch: 0 }, data, from);
    }
    return { dtype: input.dtype, shape, data };
  }
  for (let i = 0; i < data.length; i++) data[i] = Number(array.data[i]!);
  return { dtype: input.dtype, shape, data };
}

/** Batch sizes that `count` samples need programs for. */
export function predictBatches({ inputs }: Pick<Spec, 'inputs'>, count: number): number[] {
  return inputs.some(hasBatchAxis) ? batchSizes(count, Math.min(count, PREDICT_BATCH)) : [1];
}

/** Batch sizes of a session's prediction programs. */
export function programSizes(session: NativeSession): number[] {
  const names = session.programs.map(({ name }) => /^predict@(\d+)$/.exec(name)?.[1]);
  return names.filter((size) => size !== undefined).map(Number);
}

/** `count` samples in batches of the given sizes, the largest first. */
export function cut(count: number, sizes: readonly number[]): number[] {
  const batches: number[] = [];
  let left = count;
  for (const size of [...sizes].sort((a, b) => b - a)) {
    for (; left >= size && size > 0; left -= size) batches.push(size);
  }
  if (left === 0) return batches;
  throw new UsageError(
    `${count} samples cannot be predicted in batches of ${[...sizes].join(' and ')}: ${left} ${left === 1 ? 'is' : 'are'} left over`,
    'a bundle that is compiled with `--batch 64,1` takes any number',
  );
}

/**
 * The model's outputs by name. Every input holds the same number of samples; where the outputs need no input, as those
 * of a generator, there are `samples`.
 */
export async function predict(
  model: Pick<ModelInterface, 'inputs' | 'seed' | 'spec'>,
  session: NativeSession,
  inputs: Readonly<Record<string, NpyArray>>,
  onProgress: (done: number, total: number) => void = () => undefined,
  draws = new Draws(model.seed),
  samples = 1,
): Promise<Record<string, NpyArray>> {
  const batched = model.inputs.filter((input) => input.name in inputs && hasBatchAxis(input));
  const count =
    batched.length > 0 ? inputs[batched[0]!.name]!.shape[0]! : model.inputs.some(hasBatchAxis) ? samples : 1;
  const sizes = programSizes(session);
  const results: Record<string, NpyArray> = {};
  let first = 0;
  for (const batch of cut(count, sizes)) {
    const program = programName('predict', batch);
    const slice = ({ data, shape }: NpyArray, whole: boolean): NpyArray['data'] =>
      whole
        ? data
        : data.subarray(first * elementCount(shape.slice(1)), (first + batch) * elementCount(shape.slice(1)));
    const { rng } = draws.next(session, program);
    const given = Object.fromEntries(
      session.program(program).inputs.map(({ name }) => {
        if (name === 'rng' && rng) return [name, rng];
        const array = inputs[name];
        if (!array) throw new InternalError(`predict lacks its input '${name}'`);
        return [name, slice(array, !batched.some((input) => input.name === name))];
      }),
    );
    const result = await session.run(program, 1, given);
    if (!result.ok) throw new SpecError([failureIn(model.spec, result, 'prediction')]);
    for (const port of session.program(program).outputs) {
      const perSample = port.shape[0] === batch;
      const total = perSample ? [count, ...port.shape.slice(1)] : port.shape;
      const into = (results[port.name] ??= {
        dtype: port.dtype,
        shape: total,
        data: typedArray(port.dtype, elementCount(total)),
      });
      (into.data as { set(from: unknown, offset: number): void }).set(
        result.outputs[port.name]!,
        perSample ? first * elementCount(port.shape.slice(1)) : 0,
      );
    }
    first += batch;
    onProgress(first, count);
  }
  return results;
}
