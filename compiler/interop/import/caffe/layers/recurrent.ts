/** Recurrent layers. Caffe has time in front, [T, N, …], with markers of where sequences go on; here the batch is in front. */
import type { Fields } from '../../../formats/caffe/fields';
import type { Converter, Use } from '../use';
import { BatchBound, sampleSize, type Value } from '../value';

/** Gates i, f, o, g in the order i, f, g, o: rows of a matrix of four parts. */
function gates(data: Float32Array): Float32Array {
  const part = data.length / 4;
  const out = new Float32Array(data);
  out.set(data.subarray(3 * part), 2 * part);
  out.set(data.subarray(2 * part, 3 * part), 3 * part);
  return out;
}

interface Sequence {
  readonly x: Value;
  /** The sequence, its markers, and the states before the first step where they are given; `extra` names those after it. */
  readonly inputs: readonly (Value | string)[];
  readonly extra: readonly string[];
  readonly param: Fields;
  readonly units: number;
  readonly features: number;
}

/** `states`: what the layer calls the states that it may be given and give back. */
function sequence(use: Use, states: readonly string[]): Sequence {
  const param = use.part('recurrent_param');
  param.ignore('debug_info');
  const given = param.flag('expose_hidden', false) ? states : [];
  if (use.node.inputs.length > 2 + given.length) use.refuse('has an input that is the same at every step');
  if (use.node.inputs.length < 2 + given.length) use.refuse('lacks an input');
  const units = param.count('num_output') ?? use.refuse('has no `num_output`');
  const x = batchFirst(use, use.input(0), 'batch_first');
  const cont = batchFirst(use, use.input(1), 'markers_batch_first');
  const features = sampleSize(x.shape.slice(2));
  if (x.shape.length < 3) use.refuse('has an input of less than three axes');
  const flat = x.shape.length === 3 ? x : { ...x, ref: use.emit('flatten', [x], { axis: 2 }, `${use.name}_flat`).name };
  use.converted('the batch is in front here, time behind it');
  const before = given.map((_, i) => {
    const state = batchFirst(use, use.input(2 + i), `state${i + 1}_batch_first`);
    if (sampleSize(state.shape.slice(1)) !== units) use.refuse('is given states of another size');
    return use.emit('reshape', [state], { shape: [state.shape[0]!, units] }, `${use.name}_${given[i]!}0`).name;
  });
  return { x: flat, inputs: [flat, cont, ...before], extra: ['cont', ...given], param, units, features };
}

function batchFirst(use: Use, x: Value, word: string): Value {
  if (x.timeFirst) return x;
  if (x.shape.length < 2) use.refuse('has an input without time and batch');
  if (x.shape[0] === 'N') throw new BatchBound();
  const axes = x.shape.map((_, axis) => (axis < 2 ? 1 - axis : axis));
  const made = use.emit('permute', [x], { axes }, `${use.name}_${word}`);
  return { ...x, ref: made.name, shape: axes.map((axis) => x.shape[axis]!), timeFirst: true };
}

/** The states after the last step, [1, N, units] in the source, where the layer gives them. */
function statesAfter(use: Use, made: string, { extra, units, x }: Sequence): void {
  extra.slice(1).forEach((state, i) => {
    if (use.node.outputs[1 + i] === undefined) return;
    const shape = [x.shape[0]!, 1, units];
    const after = use.emit('reshape', [`${made}.${state}`], { shape }, `${use.name}_${state}`);
    use.output(1 + i, { ref: after.name, shape, dtype: 'f32', timeFirst: true });
  });
}

const lstm: Converter = (use) => {
  const read = sequence(use, ['h', 'c']);
  const { x, inputs, extra, param, units, features } = read;
  const fields = { units, ...(use.conversion.training ? { forget_bias: 0 } : {}), extra_inputs: [...extra] };
  const made = use.give('lstm', inputs, fields, [...x.shape.slice(0, 2), units], x);
  statesAfter(use, made.name, read);
  use.learn(made, [
    {
      param: 'weight_input',
      shape: [4 * units, features],
      filler: [param, 'weight_filler'],
      start: 'zeros',
      arrange: gates,
    },
    { param: 'bias', shape: [4 * units], filler: [param, 'bias_filler'], arrange: gates },
    {
      param: 'weight_hidden',
      shape: [4 * units, units],
      filler: [param, 'weight_filler'],
      start: 'zeros',
      arrange: gates,
    },
  ]);
};

/** Its output is another layer on the states. */
const rnn: Converter = (use) => {
  const read = sequence(use, ['h']);
  const { x, inputs, extra, param, units, features } = read;
  const shape = [...x.shape.slice(0, 2), units];
  const states = use.emit('rnn', inputs, { units, extra_inputs: [...extra] }, `${use.name}_states`);
  const weight = { filler: [param, 'weight_filler'], start: 'zeros' } as const;
  use.learn(states, [
    { param: 'weight_input', shape: [units, features], ...weight },
    { param: 'bias', shape: [units], filler: [param, 'bias_filler'] },
    { param: 'weight_hidden', shape: [units, units], ...weight },
  ]);
  const made = use.give('dense', [states.name], { units, axis: -1, activation: 'tanh' }, shape, x);
  const output = [
    { param: 'weight', shape: [units, units], ...weight },
    { param: 'bias', shape: [units], filler: [param, 'bias_filler'] as const },
  ];
  use.learn(made, output, 3);
  statesAfter(use, states.name, read);
};

/**
 * `Lstm` of a fork: rows of time times batch, [T·N, C], the batch `batch_size` or 1, the blobs in another order. Its
 * markers are 0 where a sequence begins.
 */
const flatLstm: Converter = (use) => {
  const param = use.part('lstm_param');
  const units = param.count('num_output') ?? use.refuse('has no `num_output`');
  const batch = Math.max(1, param.count('batch_size', 1));
  if (param.number('clipping_threshold', 0) > 0) use.converted('gradients of single steps are not bounded here');
  const x = use.input(0);
  if (x.shape[0] === 'N') throw new BatchBound();
  const [rows, features] = [use.extent(x, 0), sampleSize(x.shape.slice(1))];
  if (rows % batch !== 0) use.refuse(`has ${rows} rows for a batch of ${batch}`);
  const steps = rows / batch;
  const folded = (value: Value, rest: readonly number[], word: string): string => {
    const timed = use.emit(
      'reshape',
      [value],
      { shape: batch === 1 ? [1, steps, ...rest] : [steps, batch, ...rest] },
      word,
    );
    if (batch === 1) return timed.name;
    return use.emit('permute', [timed.name], { axes: [1, 0, ...rest.map((_, i) => i + 2)] }, `${word}_batch_first`)
      .name;
  };
  const inputs = [folded(x, [features], `${use.name}_sequence`)];
  const marked = use.node.inputs.length > 1;
  if (marked) inputs.push(folded(use.input(1), [], `${use.name}_markers`));
  const fields = {
    units,
    ...(use.conversion.training ? { forget_bias: 0 } : {}),
    ...(marked ? { extra_inputs: ['cont'] } : {}),
  };
  const made = use.emit('lstm', inputs, fields);
  const weight = { filler: [param, 'weight_filler'], start: 'zeros', arrange: gates } as const;
  use.learn(made, [
    { param: 'weight_input', shape: [4 * units, features], ...weight },
    { param: 'weight_hidden', shape: [4 * units, units], ...weight },
    { param: 'bias', shape: [4 * units], filler: [param, 'bias_filler'], arrange: gates },
  ]);
  const states = batch === 1 ? made : use.emit('permute', [made.name], { axes: [1, 0, 2] }, `${use.name}_time_first`);
  const flat = use.emit('reshape', [states.name], { shape: [rows, units] }, `${use.name}_rows`);
  use.output(0, { ref: flat.name, shape: [rows, units], dtype: 'f32' });
  use.converted('time and batch are axes of their own here');
};

export const recurrent: Readonly<Record<string, Converter>> = { LSTM: lstm, RNN: rnn, Lstm: flatLstm };
