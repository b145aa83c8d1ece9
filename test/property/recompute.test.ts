/**
 * Random models, trained under ever smaller budgets: what is computed again gives the same bytes, natively, of every
 * result and every new state; and the plan is never larger than without a budget.
 */
import { differentiate } from '../../compiler/autodiff/differentiate';
import { InternalError } from '../../compiler/diagnostics/errors';
import type { Graph } from '../../compiler/ir/graph';
import { lowerTerms, RNG } from '../../compiler/lower/lower';
import { ModelLowering } from '../../compiler/lower/model';
import type { RefTensor } from '../../compiler/ops/define';
import { recomputedIn } from '../../compiler/passes/again';
import { DEFAULT_FACTS } from '../../compiler/passes/define';
import { runPipeline } from '../../compiler/pipeline';
import { planPrograms } from '../../compiler/plan/build';
import { plannedBytes, type Plan } from '../../compiler/plan/plan';
import { runNatively, type NativeRun } from '../support/native';
import { stateOf, tensorOf } from '../support/registry';
import { randomModel, type RandomModel } from './random-model';

const RUNS = Number(process.env['DLC_PROPERTY_RUNS'] ?? 60);
const SEED = Number(process.env['DLC_PROPERTY_SEED'] ?? 1);
const BATCH = 3;
/** Of the memory without a budget. */
const SHARES = [0.9, 0.7, 0];

/** A step of plain gradient descent. */
function stepOf({ spec }: RandomModel): Graph {
  const model = new ModelLowering(spec, { batch: BATCH, mode: 'train', everyLayer: true, ownInputs: { rng: RNG } });
  const { b } = model;
  const { total } = lowerTerms(model);
  model.problems.throwIfErrors();
  const trained = [...model.parameters.infos.values()].filter(({ role, frozen }) => role === 'parameter' && !frozen);
  const values = trained.map(({ value }) => value);
  const rate = b.full(0.1, []);
  differentiate(b, total!, values).forEach((gradient, i) => {
    if (gradient) b.update(values[i]!, b.op('sub', [values[i]!, b.op('mul', [gradient, rate])]));
  });
  return b.build();
}

const planOf = (graph: Graph): Plan => planPrograms('test', { run: graph });
const bytesOf = (plan: Plan): number =>
  plannedBytes(
    plan,
    plan.programs.find(({ name }) => name === 'run')!,
  );

function differences(expected: NativeRun, found: NativeRun): string[] {
  const tensors = [...Object.entries(expected.results), ...Object.entries(expected.states)];
  return tensors.flatMap(([name, one]) => {
    const other = found.results[name] ?? found.states[name]!;
    const asBytes = (data: ArrayBufferView): Uint8Array =>
      new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    return Buffer.compare(asBytes(one), asBytes(other)) === 0 ? [] : [`${name} has other bytes`];
  });
}

/** How many steps were run again, over all budgets. */
async function check(seed: number): Promise<number> {
  const model = randomModel(seed);
  const graph = stepOf(model);
  const feeds = Object.fromEntries(
    graph.inputs.map(({ name, type }, i): [string, RefTensor] => {
      const input = model.inputs.get(name);
      return [name, input ? tensorOf(input, type.shape, seed + i) : { type, data: Float64Array.of(5, 1) }];
    }),
  );
  const states = Object.fromEntries(
    graph.states.map(({ value }, i): [string, RefTensor] => [value.name, stateOf(value, seed + 100 + i)]),
  );
  const plain = runPipeline(graph).graph;
  const whole = bytesOf(planOf(plain));
  let expected: NativeRun;
  try {
    expected = await runNatively(plain, feeds, states, 2);
  } catch {
    // An index that does not suit what a layer made: nothing to compare.
    return 0;
  }
  let again = 0;
  for (const share of SHARES) {
    const memory = Math.floor(share * whole);
    const fitted = runPipeline(graph, { facts: { ...DEFAULT_FACTS, memory } }).graph;
    const { steps } = recomputedIn(fitted);
    const wrong = steps === 0 ? [] : differences(expected, await runNatively(fitted, feeds, states, 2));
    if (bytesOf(planOf(fitted)) > whole) wrong.push(`a budget of ${memory} bytes makes the plan larger`);
    if (wrong.length > 0) throw new InternalError([`seed ${seed}, ${share}: ${model.text}`, ...wrong].join('\n'));
    again += steps;
  }
  return again;
}

test('random models give the same bytes, whatever is computed again', async () => {
  let repeated = 0;
  for (let i = 0; i < RUNS; i++) if ((await check(SEED + i)) > 0) repeated++;
  expect(repeated).toBeGreaterThan(0.3 * RUNS);
}, 600_000);
