/** A trained model inside an application: `load` once, `predict` as often as you like, `close` when done. */
import type { TypedArray } from '../data/define';
import type { NpyArray } from '../data/npy';
import { encodingOf, TextCodec } from '../data/text/encoding';
import { encodeTexts } from '../data/text/given';
import { typedArray } from '../data/typed_array';
import { UsageError } from '../diagnostics/errors';
import { loadSpec, loadSpecText } from '../frontend/load';
import type { Spec } from '../frontend/spec';
import { DTYPES, elementCount, formatType, PRECISIONS, type DType, type Precision, type Shape } from '../ir/types';
import { openRuntime } from '../native/runtime';
import { readAttributes } from '../weights/files';
import type { WeightMap } from '../weights/matching';
import { Draws } from './draws';
import { isBundle, openBundle, type Opened } from './bundle';
import { interfaceOf } from './interface';
import { asBatch, hasBatchAxis, predict, predictBatches } from './predict';
import { neededWeights, openTrained, trainedLearned } from './trained';
import { weightsFor } from './weights-for';

export interface ModelTensor {
  readonly dtype: DType;
  /** With the batch axis first. */
  readonly shape: Shape;
  readonly data: TypedArray;
}

export interface OpenOptions {
  /** A model file; the model that the weight file carries where it is left out. A bundle is of one model. */
  readonly model?: string;
  /** 0: one for each core. */
  readonly threads?: number;
  /** Samples a call of `predict` is made for (default 1; of a bundle any number that its batches can make). */
  readonly batch?: number;
  /** What a model with random layers draws from; the model's `train.seed`, or 0. */
  readonly seed?: number;
  /** What the values between layers are stored in (default float32). Weights, inputs and outputs are float32 with either. */
  readonly precision?: Precision;
  /** New names for the tensors of a weight file that dlc did not write, as `map` of `weights:` in a model file. */
  readonly map?: WeightMap;
}

export interface LoadedModel {
  readonly spec: Spec;
  /** Names of the inputs that `predict` takes. */
  readonly inputs: readonly string[];
  /**
   * Bytes for an input of floats are normalized as the data section says; floats are taken as they are. One call at a time:
   * a second one waits for the first. What does not fit rejects the promise; nothing is thrown.
   */
  predict(inputs: Readonly<Record<string, ModelTensor>>): Promise<Record<string, ModelTensor>>;
  /** Texts for an input that was trained on some, with its lengths or mask where the model has them. */
  encode(input: string, texts: readonly string[]): Record<string, ModelTensor>;
  /** The text of an input's token numbers. */
  decode(input: string, ids: Iterable<number>): string;
  close(): void;
}

/**
 * `file` holds weights (HDF5), or a bundle, `.dlcb`, which is compiled already, or is a model file that has no weights or
 * names them under `weights:`.
 */
export async function load(file: string, options: OpenOptions = {}): Promise<LoadedModel> {
  if (options.seed !== undefined && !Number.isSafeInteger(options.seed)) {
    throw new UsageError(`\`seed\` is a whole number, not ${options.seed}`);
  }
  if (options.precision !== undefined && !PRECISIONS.includes(options.precision)) {
    throw new UsageError(`\`precision\` is ${PRECISIONS.join(' or ')}, not '${options.precision}'`);
  }
  const { model, session, learned } = isBundle(file) ? await openCompiled(file, options) : await compile(file, options);
  // A bundle takes what its batches can be put together to.
  const batch = options.batch ?? (isBundle(file) ? undefined : 1);
  // One counter for all calls: a model that samples gives something new each time, the same in every process.
  const draws = new Draws(options.seed ?? model.seed);
  const here = { file: '<predict>', line: 1, column: 1, length: 1 };
  const arraysOf = (inputs: Readonly<Record<string, ModelTensor>>): Record<string, NpyArray> =>
    Object.fromEntries(
      model.inputs
        .filter(({ name }) => model.needed.includes(name))
        .map((input): [string, NpyArray] => {
          const given = inputs[input.name];
          if (!given) throw new UsageError(`predict lacks the input '${input.name}'`);
          checkTensor(input.name, given);
          const array = asBatch(input, given, here, model.section);
          if (batch !== undefined && hasBatchAxis(input) && array.shape[0] !== batch) {
            throw new UsageError(
              `'${input.name}' holds ${array.shape[0] ?? 0} samples; the model was loaded for ${batch}`,
              'pass `batch` to load',
            );
          }
          return [input.name, array];
        }),
    );
  const codecOf = (input: string): TextCodec => {
    const encoding = encodingOf(learned[input]);
    if (!encoding) throw new UsageError(`'${input}' was not trained on texts`);
    return new TextCodec(encoding);
  };
  let closed = false;
  let last: Promise<unknown> = Promise.resolve();
  return {
    get spec() {
      return model.spec;
    },
    inputs: model.needed,
    async predict(inputs) {
      const arrays = arraysOf(inputs);
      const result = last.then(() => {
        if (closed) throw new UsageError('the model is closed');
        return predict(model, session, arrays, undefined, draws, batch);
      });
      last = result.catch(() => undefined);
      return result;
    },
    encode(input, texts) {
      codecOf(input);
      return encodeTexts(texts, input, model.inputs, learned, (text, problem) => {
        throw new UsageError(`text ${text}: ${problem}`);
      });
    },
    decode: (input, ids) => codecOf(input).decode(ids),
    close() {
      closed = true;
      session.close();
    },
  };
}

async function openCompiled(file: string, { model, threads = 0, precision, map }: OpenOptions): Promise<Opened> {
  if (model !== undefined) throw new UsageError('a bundle is compiled from one model already', 'leave out `model`');
  if (precision !== undefined) throw new UsageError('a bundle has its precision already', 'leave out `precision`');
  if (map !== undefined) throw new UsageError('a bundle has its weights already', 'leave out `map`');
  return openBundle(file, openRuntime({ threads }));
}

async function compile(file: string, { model, threads = 0, batch = 1, precision, map }: OpenOptions): Promise<Opened> {
  const alone = model === undefined && /\.(ya?ml|json)$/i.test(file);
  const spec = alone
    ? loadSpec(file)
    : model === undefined
      ? loadSpecText((await readAttributes(file)).spec, file)
      : loadSpec(model);
  const weights = neededWeights(
    spec,
    weightsFor(
      spec,
      alone ? undefined : { file, ...(map ? { map } : {}), ...(spec.weightMap ? { foreignMap: spec.weightMap } : {}) },
      { allowOutside: false },
    ),
    'load',
  );
  const runtime = openRuntime({ threads });
  const { session } = await openTrained(spec, { predict: predictBatches(spec, batch), precision }, weights, runtime);
  return { model: interfaceOf(spec), session, learned: await trainedLearned(weights) };
}

/** Applications without types get this far with anything: data has to be what the dtype and the shape say. */
function checkTensor(name: string, { dtype, shape, data }: ModelTensor): void {
  if (!DTYPES.includes(dtype) || !Array.isArray(shape)) {
    throw new UsageError(`'${name}' is not a tensor: {dtype, shape, data}`, `dtypes: ${DTYPES.join(', ')}`);
  }
  const expected = typedArray(dtype, 0).constructor.name;
  // By name: arrays of another realm are as good.
  const found = Object.prototype.toString.call(data).slice(8, -1);
  const count = elementCount(shape);
  if (found !== expected || data.length !== count) {
    throw new UsageError(`'${name}' is ${formatType({ dtype, shape })}: its data is a ${expected} of ${count}`);
  }
}
