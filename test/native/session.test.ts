/** Sessions of the native runtime as the trainer sees them: by name, typed failures, misuse refused, nothing aborted. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { InternalError, RuntimeFault } from '../../compiler/diagnostics/errors';
import type { Device } from '../../compiler/device';
import type { Origin } from '../../compiler/diagnostics/location';
import { Builder } from '../../compiler/ir/builder';
import { addonPath, loadAddon } from '../../compiler/native/addon';
import { openRuntime, type NativeSession } from '../../compiler/native/runtime';
import { planPrograms } from '../../compiler/plan/build';
import { encodePlan } from '../../compiler/plan/encode';
import { plannedBytes } from '../../compiler/plan/plan';

function originOf(layer: string, line: number): Origin {
  return { layer, at: { file: 'toy.yaml', line, column: 3, length: 1 }, via: [] };
}

/** loss = Σ x·w, checked; w ← w + lr·x. And, beside it, a program that reads labels. */
function toyPlan(size = 4) {
  const b = new Builder('train');
  const x = b.input('x', { dtype: 'f32', shape: [size] });
  const lr = b.input('lr', { dtype: 'f32', shape: [] });
  const w = b.state('fc.weight', { dtype: 'f32', shape: [size] }, 'parameter');
  b.origin = originOf('fc', 7);
  const sum = b.op('reduce_sum', [b.op('mul', [x, w])], { axes: [0], keepdims: false });
  b.origin = originOf('loss', 9);
  b.result('loss', b.op('check_finite', [sum], { what: 'the loss' }));
  b.result('doubled', b.op('mul', [x, b.full(2)]));
  b.update(w, b.op('add', [w, b.op('mul', [lr, x])]));

  const labels = new Builder('labels');
  const logits = labels.input('logits', { dtype: 'f32', shape: [2, 3] });
  const label = labels.input('label', { dtype: 'i32', shape: [2] });
  labels.origin = originOf('cost', 12);
  const [loss] = labels.ops('softmax_cross_entropy', [logits, label], { axis: 1, label_smoothing: 0 });
  labels.result('losses', loss!);
  return planPrograms('toy', { train: b.build(), labels: labels.build() });
}

const runtime = openRuntime({ threads: 2 });
const sessions: NativeSession[] = [];

function open(plan = toyPlan()): NativeSession {
  const session = runtime.createSession(encodePlan(plan), plan);
  sessions.push(session);
  return session;
}

afterEach(() => sessions.splice(0).forEach((session) => session.close()));

const f32 = (...values: number[]) => Float32Array.from(values);
const feeds = () => ({ x: f32(1, 2, 3, 4), lr: f32(0.5) });

describe('a run', () => {
  test('gives its outputs by name and updates the states', async () => {
    const session = open();
    session.writeState('fc.weight', f32(1, 1, 1, 1));
    const result = await session.run('train', 1, feeds());
    expect(result).toEqual({ ok: true, done: 1, outputs: { loss: f32(10), doubled: f32(2, 4, 6, 8) } });
    expect(session.readState('fc.weight')).toEqual(f32(1.5, 2, 2.5, 3));
  });

  test('of several steps takes and gives them one after the other', async () => {
    const session = open();
    const inputs = { x: f32(1, 0, 0, 0, 2, 0, 0, 0), lr: f32(1, 1) };
    const result = await session.run('train', 2, inputs);
    expect(result).toMatchObject({ ok: true, done: 2, outputs: { loss: f32(0, 2) } });
    expect(session.readState('fc.weight')).toEqual(f32(3, 0, 0, 0));
  });

  test('writes only the outputs that it is given arrays for', async () => {
    const loss = f32(NaN);
    const result = await open().run('train', 1, feeds(), { loss });
    expect(result.outputs).toEqual({ loss });
    expect(loss).toEqual(f32(0));
  });

  test('that makes a NaN is a result that knows layer and line, and leaves the state alone', async () => {
    const session = open();
    session.writeState('fc.weight', f32(1, NaN, 1, 1));
    const result = await session.run('train', 1, feeds());
    expect(result).toMatchObject({
      ok: false,
      kind: 'non-finite',
      done: 0,
      step: 0,
      op: 'check_finite',
      message: 'the loss is NaN',
      origin: originOf('loss', 9),
    });
    expect(session.readState('fc.weight')).toEqual(f32(1, NaN, 1, 1));
  });

  test('that fails in a later step has done the ones before', async () => {
    const session = open();
    const inputs = { x: f32(1, 1, 1, 1, Infinity, 0, 0, 0), lr: f32(1, 1) };
    expect(await session.run('train', 2, inputs)).toMatchObject({ kind: 'non-finite', done: 1, step: 1 });
    expect(session.readState('fc.weight')).toEqual(f32(1, 1, 1, 1));
  });

  test('on a label out of range is a fault of the data', async () => {
    const result = await open().run('labels', 1, { logits: new Float32Array(6), label: Int32Array.of(0, 3) });
    expect(result).toMatchObject({
      ok: false,
      kind: 'data-error',
      message: 'label 3 at position 1 is outside 0..2',
      origin: originOf('cost', 12),
    });
  });

  test('can be cancelled between steps; the session goes on to serve', async () => {
    const session = open(toyPlan(100_000));
    const steps = 500;
    const running = session.run(
      'train',
      steps,
      { x: new Float32Array(100_000 * steps), lr: new Float32Array(steps) },
      {},
    );
    session.cancel();
    const result = await running;
    expect(result).toMatchObject({ ok: false, kind: 'cancelled' });
    expect(result.done).toBeGreaterThanOrEqual(1);
    expect(result.done).toBeLessThan(steps);
    const once = await session.run('train', 2, { x: new Float32Array(200_000), lr: new Float32Array(2) }, {});
    expect(once).toMatchObject({ ok: true, done: 2 });
  });

  test('leaves the main thread free', async () => {
    const session = open(toyPlan(200_000));
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    await session.run('train', 300, { x: new Float32Array(200_000 * 300), lr: new Float32Array(300) }, {});
    clearInterval(timer);
    expect(turns).toBeGreaterThan(0);
  });
});

describe('a trace', () => {
  test('finds the state that was bad before the loss was', async () => {
    const session = open();
    session.writeState('fc.weight', f32(1, Infinity, 1, 1));
    expect(await session.trace('train', feeds())).toMatchObject({
      kind: 'non-finite',
      message: "state 'fc.weight' holds +infinity at element 1 of 4",
      origin: { layer: 'fc' },
    });
  });

  test('of a healthy step finds nothing and changes nothing', async () => {
    const session = open();
    expect(await session.trace('train', feeds())).toMatchObject({ ok: true });
    expect(session.readState('fc.weight')).toEqual(f32(0, 0, 0, 0));
  });
});

test('memory is what the plan says', () => {
  const plan = toyPlan(1000);
  const memory = open(plan).memory();
  const planned = Math.max(...plan.programs.map((program) => plannedBytes(plan, program)));
  expect(memory).toEqual({
    stateBytes: plan.stateBytes,
    constBytes: plan.constants.byteLength,
    arenaBytes: Math.max(...plan.programs.map((program) => program.arenaBytes)),
    allocatedBytes: planned,
  });
});

test('ports and states are described with their types', () => {
  const session = open();
  expect(session.states).toEqual([{ name: 'fc.weight', dtype: 'f32', shape: [4] }]);
  expect(session.program('labels').inputs).toEqual([
    { name: 'logits', dtype: 'f32', shape: [2, 3] },
    { name: 'label', dtype: 'i32', shape: [2] },
  ]);
});

describe('misuse is refused in words', () => {
  const refused: [string, (session: NativeSession) => unknown, string][] = [
    ['an unknown program', (s) => s.run('fit', 1, feeds()), "no program 'fit'"],
    ['an unknown state', (s) => s.readState('fc.bias'), "no state 'fc.bias'"],
    ['a missing input', (s) => s.run('train', 1, { x: f32(1, 2, 3, 4) }), "lacks its input 'lr'"],
    ['an unknown input', (s) => s.run('train', 1, { ...feeds(), y: f32(1) }), "no input 'y'"],
    ['an unknown output', (s) => s.run('train', 1, feeds(), { cost: f32(1) }), "no output 'cost'"],
    ['a short input', (s) => s.run('train', 2, feeds()), 'takes a Float32Array of 8, not a Float32Array of 4'],
    ['another type', (s) => s.run('train', 1, { ...feeds(), x: new Float64Array(4) }), 'not a Float64Array'],
    ['a wrong state', (s) => s.writeState('fc.weight', f32(1)), "'fc.weight' is f32[4]"],
    ['memory that may shrink', (s) => s.writeState('fc.weight', shrinking()), 'resizable'],
  ];

  function shrinking(): Float32Array {
    // Not in the types of this language level yet.
    const Resizable = ArrayBuffer as unknown as new (bytes: number, options: object) => ArrayBuffer;
    return new Float32Array(new Resizable(16, { maxByteLength: 64 }));
  }

  test.each(refused)('%s', async (_what, use, message) => {
    const session = open();
    const failure = await new Promise((resolve) => resolve(use(session))).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(InternalError);
    expect((failure as Error).message).toContain(message);
  });

  test('a second call while one runs', async () => {
    const session = open(toyPlan(100_000));
    const inputs = { x: new Float32Array(100_000 * 50), lr: new Float32Array(50) };
    const first = session.run('train', 50, inputs, {});
    await expect(session.run('train', 50, inputs, {})).rejects.toThrow('the session is running');
    expect(() => session.readState('fc.weight')).toThrow('the session is running');
    expect(await first).toMatchObject({ ok: true, done: 50 });
  });

  test('a closed session; a call that was running ends', async () => {
    const session = open(toyPlan(100_000));
    const running = session.run('train', 200, { x: new Float32Array(100_000 * 200), lr: new Float32Array(200) }, {});
    session.close();
    session.close();
    expect(() => session.memory()).toThrow('the session is closed');
    await expect(session.run('train', 1, feeds())).rejects.toThrow();
    await running;
  });

  test('a blob that is no plan', () => {
    expect(() => runtime.createSession(new Uint8Array(100))).toThrow('plan: not a plan');
    const blob = encodePlan(toyPlan());
    blob[100] = (blob[100] ?? 0) ^ 1;
    expect(() => runtime.createSession(blob)).toThrow('checksum');
  });
});

describe('the machine at fault', () => {
  test('a device that this build does not have', () => {
    expect(() => openRuntime({ device: 'abacus' as Device })).toThrow(RuntimeFault);
  });

  test('more memory than there is', () => {
    const b = new Builder('predict');
    b.result('y', b.op('exp', [b.input('x', { dtype: 'f32', shape: [2 ** 42] })]));
    const plan = planPrograms('huge', { predict: b.build() });
    expect(() => runtime.createSession(encodePlan(plan), plan)).toThrow(
      expect.objectContaining({ name: 'RuntimeFault', code: 'out-of-memory' }) as Error,
    );
  });

  test('a runtime that is not built says how to build it', () => {
    const path = join(mkdtempSync(join(tmpdir(), 'dlc-')), 'dlc.node');
    const missing = { name: 'RuntimeFault', code: 'native-missing', hint: 'build it with `npm run setup`' };
    expect(() => loadAddon(path)).toThrow(expect.objectContaining(missing) as Error);
    writeFileSync(path, 'not a library');
    expect(() => loadAddon(path)).toThrow(expect.objectContaining({ code: 'native-broken' }) as Error);
  });
});

test('worker threads have their own copy, and may be stopped in the middle of a run', async () => {
  const code = `
    const { parentPort, workerData } = require('node:worker_threads');
    const module_ = { exports: {} };
    process.dlopen(module_, workerData.path);
    const { Runtime, Session } = module_.exports;
    const session = new Session(new Runtime(2, 'cpu'), workerData.blob);
    const steps = 1000000;
    setInterval(() => undefined, 1000); // it does not end by itself, however fast the run
    session.run(0, steps, [new Float32Array(4 * steps), new Float32Array(steps)], [null, null]);
    parentPort.postMessage('running');
  `;
  const blob = encodePlan(toyPlan());
  for (let i = 0; i < 3; i++) {
    const worker = new Worker(code, { eval: true, workerData: { path: addonPath(), blob } });
    await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
    expect(await worker.terminate()).toBe(1);
  }
});
