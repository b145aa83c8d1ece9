/** What random layers draw natively, in prediction and evaluation: the same each time, new with each batch and seed. */
import { loadSpecText } from '../../compiler/frontend/load';
import { Draws } from '../../compiler/train/draws';
import { interfaceOf } from '../../compiler/train/interface';
import { predict, predictBatches, PREDICT_BATCH } from '../../compiler/train/predict';
import { compileModel } from '../../compiler/train/programs';
import { runtimeWith } from '../support/native';

const spec = loadSpecText(
  `
inputs: {x: {shape: [N, 3]}}
layers:
  - {name: noise, type: random_normal, inputs: x}
  - {name: y, type: add, inputs: [x, noise]}
outputs: [y]
`,
  'model.yaml',
);

async function drawn(count: number, draws?: Draws): Promise<number[]> {
  const { plan, blob } = compileModel(spec, { predict: predictBatches(spec, count) });
  const session = runtimeWith(1).createSession(blob, plan);
  const x = { dtype: 'f32' as const, shape: [count, 3], data: new Float32Array(count * 3) };
  const { y } = await predict(interfaceOf(spec), session, { x }, undefined, draws);
  session.close();
  return Array.from(y!.data as Float32Array);
}

test('prediction draws the same each time, and something new for each batch', async () => {
  const all = await drawn(2 * PREDICT_BATCH);
  expect(await drawn(2 * PREDICT_BATCH)).toEqual(all);
  const half = PREDICT_BATCH * 3;
  expect(all.slice(0, half)).not.toEqual(all.slice(half));
  expect(new Set(all).size).toBeGreaterThan(half);
});

test('the seed decides, and a counter that goes on draws anew', async () => {
  const first = await drawn(2, new Draws(5));
  expect(await drawn(2, new Draws(5))).toEqual(first);
  expect(await drawn(2, new Draws(6))).not.toEqual(first);
  const going = new Draws(5);
  expect(await drawn(2, going)).toEqual(first);
  expect(await drawn(2, going)).not.toEqual(first);
});

test('no draw of a training step is met again', async () => {
  const { plan, blob } = compileModel(spec, { predict: [2] });
  const session = runtimeWith(1).createSession(blob, plan);
  const at = async (step: bigint): Promise<number[]> => {
    const inputs = { x: new Float32Array(6), rng: BigInt64Array.of(0n, step) };
    const result = await session.run('predict@2', 1, inputs);
    if (!result.ok) throw new Error(result.message);
    return Array.from(result.outputs['y'] as Float32Array);
  };
  const own = await drawn(2);
  expect(await at(2n ** 31n)).toEqual(own);
  expect(await at(0n)).not.toEqual(own);
  expect(await at(1n)).not.toEqual(own);
  session.close();
});
