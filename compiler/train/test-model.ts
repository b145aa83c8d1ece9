/** Runs the tests of a model: prediction on given inputs, or some steps of its training. */
import { missingSection, testFailed, invalidField } from '../diagnostics/catalogue';
import type { Diagnostic } from '../diagnostics/diagnostic';
import { InternalError, SpecError } from '../diagnostics/errors';
import type { Json, Spec, TestSpec } from '../frontend/spec';
import { resolveDataPath } from '../data/paths';
import type { NpyArray } from '../data/npy';
import { typedArray } from '../data/typed_array';
import type { NativeRuntime, NativeSession } from '../native/runtime';
import type { Plan } from '../plan/plan';
import { learnedOf, loadStates } from '../weights/several';
import type { WeightSource } from '../weights/source';
import { shapesIn } from './batching';
import { Draws } from './draws';
import { openFeed } from './feed';
import { modelFolder } from './model-folder';
import { interfaceOf } from './interface';
import { asBatch, hasBatchAxis, predict, predictBatches } from './predict';
import { compileModel, dataInputs } from './programs';
import { expectedWeights, writeStates } from './states';
import { Trainer, trainSchedule } from './trainer';
import { weightsFor } from './weights-for';

export interface TestOptions {
  readonly allowOutside: boolean;
}

/** What is wrong; undefined where the test passes. */
export async function runTest(
  spec: Spec,
  test: TestSpec,
  runtime: NativeRuntime,
  options: TestOptions,
): Promise<Diagnostic | undefined> {
  const run = test.lossAfter ? lossTest : outputTest;
  try {
    return await run(spec, test, runtime, options);
  } catch (error) {
    if (!(error instanceof SpecError)) throw error;
    return error.diagnostics[0];
  }
}

async function start(
  spec: Spec,
  test: TestSpec,
  plan: Plan,
  session: NativeSession,
  options: TestOptions,
): Promise<void> {
  const drawn = await session.run('init', 1, { rng: BigInt64Array.of(BigInt(test.seed), 0n) });
  if (!drawn.ok) throw new InternalError(`drawing the initial weights failed: ${drawn.message}`);
  writeStates(session, plan, await loadStates(weightsOf(spec, test, options), expectedWeights(plan)));
}

/** The test's own, or those that the model names. */
function weightsOf(spec: Spec, { weights, at }: TestSpec, options: TestOptions): readonly WeightSource[] | undefined {
  if (weights === undefined) return weightsFor(spec, undefined, options);
  const file = resolveDataPath({ at }, ['weights'], weights, { modelDir: modelFolder(spec), ...options });
  return [{ file, at: at(['weights']), ...(spec.weightMap === undefined ? {} : { foreignMap: spec.weightMap }) }];
}

async function outputTest(
  spec: Spec,
  test: TestSpec,
  runtime: NativeRuntime,
  options: TestOptions,
): Promise<Diagnostic | undefined> {
  const inputs: Record<string, NpyArray> = {};
  const model = interfaceOf(spec);
  for (const name of model.needed) {
    const input = spec.inputs.find((one) => one.name === name)!;
    const value = test.inputs[name];
    if (value === undefined) return invalidField(test.at([]), `test \`${test.name}\` lacks the input \`${name}\``);
    const { shape, values } = flat(value, test, ['inputs', name]);
    const data = typedArray(input.dtype, values.length);
    values.forEach((number, i) => (data[i] = data instanceof BigInt64Array ? BigInt(Math.trunc(number)) : number));
    inputs[name] = asBatch(input, { dtype: input.dtype, shape, data }, test.at(['inputs', name]));
  }
  const counts = spec.inputs
    .filter((input) => input.name in inputs && hasBatchAxis(input))
    .map(({ name }) => inputs[name]!.shape[0]!);
  const count = counts[0] ?? 1;
  if (counts.some((other) => other !== count)) {
    return invalidField(test.at(['inputs']), `test \`${test.name}\` has inputs of ${counts.join(' and ')} samples`);
  }
  const { plan, blob } = compileModel(spec, {
    init: true,
    predict: predictBatches(spec, count),
    device: runtime.device,
  });
  const session = runtime.createSession(blob, plan);
  try {
    await start(spec, test, plan, session, options);
    const found = await predict(model, session, inputs, undefined, new Draws(test.seed), count);
    for (const [name, expected] of Object.entries(test.outputs ?? {})) {
      const place = ['outputs', name];
      const { shape, values } = flat(expected, test, place);
      const output = found[name]!;
      if (shape.join() !== output.shape.join()) {
        const problem = `\`${name}\` is [${output.shape.join(', ')}], expected [${shape.join(', ')}]`;
        return testFailed(test.at(place), test.name, problem);
      }
      const wrong = values.findIndex((value, i) => !isNear(Number(output.data[i]), value, test.tolerance));
      if (wrong >= 0) {
        const where = `\`${name}[${indexOf(wrong, shape).join(', ')}]\``;
        return testFailed(test.at(place), test.name, told(where, Number(output.data[wrong]), values[wrong]!, test));
      }
    }
    return undefined;
  } finally {
    session.close();
  }
}

async function lossTest(
  spec: Spec,
  test: TestSpec,
  runtime: NativeRuntime,
  options: TestOptions,
): Promise<Diagnostic | undefined> {
  const { train } = spec;
  const { steps, value } = test.lossAfter!;
  if (!train || !spec.data.train) return missingSection(test.at([]), train ? 'data.train' : 'train', 'test');
  const feed = await openFeed(spec, 'train', dataInputs(spec, 'train', train.batchSize), {
    allowOutside: options.allowOutside,
    seed: test.seed,
    learned: await learnedOf(weightsOf(spec, test, options)),
  });
  try {
    const schedule = trainSchedule(train, feed.samples);
    if (schedule.totalSteps < steps) {
      const problem = `the training has ${schedule.totalSteps} steps, not ${steps}`;
      return invalidField(test.at(['loss_after', 'steps']), problem);
    }
    const { plan, blob, uses } = compileModel(spec, { init: true, train: shapesIn(schedule), device: runtime.device });
    const session = runtime.createSession(blob, plan);
    try {
      await start(spec, test, plan, session, options);
      let loss: number | undefined;
      const nothing = (): void => undefined;
      const nothingSaved = (): Promise<void> => Promise.resolve();
      const trainer = new Trainer(
        { spec, train, session, uses, feed, seed: test.seed },
        {
          onMetrics: (lines) => (loss ??= lines.find(({ step }) => step === steps)?.loss),
          onProgress: nothing,
          onEvaluation: nothing,
          onEvaluationProgress: nothing,
          saveCheckpoint: nothingSaved,
          saveBest: nothingSaved,
          shouldStop: () => loss !== undefined,
        },
      );
      await trainer.run();
      if (loss !== undefined && isNear(loss, value, test.tolerance)) return undefined;
      const what = `the loss of step ${steps}`;
      return testFailed(test.at(['loss_after', 'value']), test.name, told(what, loss ?? NaN, value, test));
    } finally {
      session.close();
    }
  } finally {
    feed.close();
  }
}

const isNear = (found: number, expected: number, tolerance: number): boolean =>
  Math.abs(found - expected) <= tolerance * Math.max(1, Math.abs(expected));

function told(what: string, found: number, expected: number, { tolerance }: TestSpec): string {
  const margin = Number((tolerance * Math.max(1, Math.abs(expected))).toPrecision(3));
  return `${what} is ${Number(found.toPrecision(7))}, expected ${expected} ± ${margin}`;
}

/** Nested lists of numbers as an array; all lists of one depth have one length. */
function flat(value: Json, test: TestSpec, place: readonly string[]): { shape: number[]; values: number[] } {
  const shape: number[] = [];
  for (let level: Json | undefined = value; Array.isArray(level); level = level[0] as Json | undefined)
    shape.push(level.length);
  const values: number[] = [];
  const visit = (one: Json, depth: number): void => {
    if (depth === shape.length && typeof one === 'number') values.push(one);
    else if (depth < shape.length && Array.isArray(one) && one.length === shape[depth]) {
      for (const item of one as readonly Json[]) visit(item, depth + 1);
    } else {
      throw new SpecError([
        invalidField(test.at(place), `\`${place[1]}\` is not a regular nesting of lists of numbers`),
      ]);
    }
  };
  visit(value, 0);
  return { shape, values };
}

function indexOf(position: number, shape: readonly number[]): number[] {
  let rest = position;
  return [...shape]
    .reverse()
    .map((extent) => {
      const index = rest % extent;
      rest = (rest - index) / extent;
      return index;
    })
    .reverse();
}
