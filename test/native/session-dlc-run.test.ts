/** dlc-run runs a compiled plan without Node: the same bytes as a session here, tensors and weights as .npy files. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { encodeNpy, readNpy, writeNpy } from '../../compiler/data/npy';
import { compileGraphs } from '../../compiler/compile';
import { Builder } from '../../compiler/ir/builder';
import { addonPath } from '../../compiler/native/addon';
import { openRuntime } from '../../compiler/native/runtime';
import { encodePlan } from '../../compiler/plan/encode';

const TOOL = join(dirname(addonPath()), 'dlc-run');

/** `init` draws a weight; `train@2` multiplies by it, checks, and moves it. */
function plan() {
  const init = new Builder('init');
  const seed = init.input('rng', { dtype: 'i64', shape: [2] });
  const attrs = { shape: [3, 4], mean: 0, std: 1, stream: 5, truncated: true };
  const w = init.state('block/fc.weight', { dtype: 'f32', shape: [3, 4] }, 'parameter');
  init.update(w, init.op('random_normal', [seed], attrs));

  const train = new Builder('train@2');
  const x = train.input('x', { dtype: 'f32', shape: [2, 3] });
  const rng = train.input('rng', { dtype: 'i64', shape: [2] });
  const lr = train.input('lr', { dtype: 'f32', shape: [] });
  const weight = train.state('block/fc.weight', { dtype: 'f32', shape: [3, 4] }, 'parameter');
  const y = train.op('matmul', [x, weight], { transpose_a: false, transpose_b: false });
  const dropped = train.op('dropout', [y, rng], { rate: 0.5, stream: 6 });
  train.result('y', train.op('check_finite', [dropped], { what: 'y' }));
  train.update(weight, train.op('sub', [weight, lr]));
  return compileGraphs('toy', { init: init.build(), 'train@2': train.build() }).plan;
}

const folder = mkdtempSync(join(tmpdir(), 'dlc-run-'));
const blob = join(folder, 'toy.plan');
const x = Float32Array.of(1, 2, 3, -1, 0, 1);
const inputs = ['--input', `x=${join(folder, 'x.npy')}`, '--set', 'lr=0.25'];

beforeAll(async () => {
  expect([TOOL, existsSync(TOOL)]).toEqual([TOOL, true]);
  writeFileSync(blob, encodePlan(plan()));
  await writeNpy(join(folder, 'x.npy'), { dtype: 'f32', shape: [2, 3], data: x });
});
afterAll(() => rmSync(folder, { recursive: true }));

function run(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(TOOL, [blob, ...args], { encoding: 'utf8' });
  return { status, stdout, stderr };
}

test('trains the same bytes as a session, from the same seed', async () => {
  const compiled = plan();
  const session = openRuntime({ threads: 1 }).createSession(encodePlan(compiled), compiled);
  await session.run('init', 1, { rng: BigInt64Array.of(7n, 0n) });
  const expected = await session.run('train@2', 3, {
    x: Float32Array.from([...x, ...x, ...x]),
    rng: BigInt64Array.of(7n, 1n, 7n, 2n, 7n, 3n),
    lr: Float32Array.of(0.25, 0.25, 0.25),
  });
  const [out, weights] = [join(folder, 'out'), join(folder, 'weights')];
  const ran = run(
    '--program',
    'train',
    '--seed',
    '7',
    '--steps',
    '3',
    ...inputs,
    '--out',
    out,
    '--save-weights',
    weights,
  );
  expect(ran).toMatchObject({ status: 0, stderr: '' });
  expect(ran.stdout).toMatch(/^y: f32\[3,2,4\] sum \S+ min \S+ max \S+\n$/);
  const y = await readNpy(join(out, 'y.npy'));
  expect({ shape: y.shape, data: y.data }).toEqual({ shape: [3, 2, 4], data: expected.outputs['y'] });
  const weight = await readNpy(join(weights, 'block', 'fc.weight.npy'));
  expect({ shape: weight.shape, data: weight.data }).toEqual({
    shape: [3, 4],
    data: session.readState('block/fc.weight'),
  });
  session.close();
});

test('goes on from saved weights', () => {
  const weights = join(folder, 'first');
  const once = run('--program', 'train', '--steps', '1', ...inputs, '--save-weights', weights);
  const again = run('--program', 'train', '--steps', '1', ...inputs, '--weights', weights);
  const both = run('--program', 'train', '--steps', '1', ...inputs, '--weights', weights);
  expect([once.status, again.status]).toEqual([0, 0]);
  expect(again.stdout).not.toBe(once.stdout);
  expect(again.stdout).toBe(both.stdout);
});

test('lists states, programs and their ports', () => {
  const { status, stdout } = run('--list');
  expect(status).toBe(0);
  expect(stdout).toContain('state block/fc.weight: f32[3,4]\n');
  expect(stdout).toMatch(/program train@2: \d+ kernels, arena \d+ bytes\n {2}input x: f32\[2,3\]\n/);
});

test.each([
  [2, ['--frobnicate'], 'unknown option --frobnicate'],
  [2, ['--program', 'fit'], "no program 'fit'; it has init, train@2"],
  [2, ['--program', 'train', '--set', 'lr=1'], 'needs --input x=FILE.npy or --set x=...: f32[2,3]'],
  [2, ['--program', 'train', '--set', 'z=1'], "has no input 'z'"],
  [2, ['--program', 'train', '--set', 'x=1,2'], 'takes one number or all of f32[2,3]'],
  [2, ['--steps', '0'], '--steps takes a number from 1'],
  [1, ['--program', 'train', '--set', 'lr=1', '--input', 'x=/nowhere.npy'], "/nowhere.npy: can't be opened"],
  [1, ['--program', 'train', '--weights', '/nowhere', ...inputs], "can't be opened"],
  [
    1,
    ['--program', 'train', '--set', 'x=nan', '--set', 'lr=1'],
    "non-finite value: y is NaN at element 1 of 8 [layer '",
  ],
])('exits with %i for %j', (status, args, message) => {
  const ran = run(...args);
  expect(ran.stderr).toContain(message);
  expect(ran.status).toBe(status);
});

test.each([
  ['text', Buffer.from('1 2 3 4'), 'is no .npy file'],
  [
    'a cut file',
    Buffer.from(encodeNpy({ dtype: 'f32', shape: [2, 3], data: x })).subarray(0, 140),
    'does not hold what its shape says',
  ],
  ['another shape', Buffer.from(encodeNpy({ dtype: 'f32', shape: [3, 2], data: x })), "input 'x' is f32[2,3]"],
  [
    'another type',
    Buffer.from(encodeNpy({ dtype: 'i32', shape: [2, 3], data: Int32Array.from(x) })),
    "input 'x' is f32[2,3]",
  ],
])('refuses %s as an input', (name, bytes, message) => {
  const file = join(folder, `${name}.npy`);
  writeFileSync(file, bytes);
  const ran = run('--program', 'train', '--set', 'lr=1', '--input', `x=${file}`);
  expect(ran.stderr).toContain(message);
  expect(ran.status).toBe(1);
});

test('refuses a plan that is cut short', () => {
  const cut = join(folder, 'cut.plan');
  writeFileSync(cut, encodePlan(plan()).subarray(0, 200));
  const { status, stderr } = spawnSync(TOOL, [cut], { encoding: 'utf8' });
  expect({ status, stderr }).toEqual({ status: 1, stderr: 'dlc-run: plan: truncated, or longer than it says\n' });
});
