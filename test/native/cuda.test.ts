/**
 * Plans on a card, as far as a machine without one can show: the driver and NVRTC are stand-ins that run the kernels on the
 * host, block by block (runtime-native/test/cuda/fake). Ops against the float64 reference, models against the CPU.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { loadSpec } from '../../compiler/frontend/load';
import { addonPath } from '../../compiler/native/addon';
import { compileModel } from '../../compiler/train/programs';
import { writeModel, writeOps } from '../support/cuda-suite';
import { dlc, ModelFolder } from '../support/cli';

jest.setTimeout(300_000);

const BUILD = path.dirname(addonPath());
const TOOL = path.join(BUILD, 'dlc-run');
const FAKE = path.join(BUILD, 'fake-cuda');
const folder = mkdtempSync(path.join(tmpdir(), 'dlc-cuda-'));
afterAll(() => rmSync(folder, { recursive: true }));

const model = (name: string): string => path.resolve(__dirname, `../../models/${name}.yaml`);

/** The stand-ins are built with the native tests (`npm test` does so). */
function isThere(what: string, file: string): boolean {
  if (existsSync(file)) return true;
  console.log(`SKIPPED: ${what} is not here (${file})`);
  return false;
}

function environment(faults = ''): Record<string, string> {
  return { DLC_CUDA_LIBS: FAKE, DLC_CACHE_DIR: path.join(folder, 'cache'), DLC_FAKE_CUDA: faults };
}

function suite(name: string) {
  const args = ['--suite', path.join(folder, name), '--device', 'cuda'];
  const { status, stdout, stderr } = spawnSync(TOOL, args, {
    encoding: 'utf8',
    env: { ...process.env, ...environment() },
  });
  return { status, said: `${stdout}${stderr}`.split('\n').filter((line) => !line.startsWith('ok')) };
}

test('every op that has a kernel gives what the reference gives', () => {
  if (!isThere('the stand-in for the driver', FAKE)) return;
  expect(writeOps(path.join(folder, 'ops'), 2).length).toBeGreaterThan(80);
  expect(suite('ops')).toEqual({ status: 0, said: ['1 passed, 0 failed, 0 skipped', ''] });
});

test('models draw the same weights, train the same steps and predict the same as on the CPU', async () => {
  if (!isThere('the stand-in for the driver', FAKE)) return;
  const into = path.join(folder, 'models');
  await writeModel(into, model('tabular_mlp'), { batch: 4, steps: 2, tolerance: 1e-3 });
  // A loop, and the gradient of one.
  await writeModel(into, model('text_gru'), { batch: 2, steps: 1, tolerance: 1e-3 });
  expect(suite('models')).toEqual({ status: 0, said: ['2 passed, 0 failed, 0 skipped', ''] });
  // The kernels were compiled once each: the cache keeps them.
  expect(readdirSync(path.join(folder, 'cache', 'kernels')).length).toBeGreaterThanOrEqual(2);
});

test('the kernels of small models are compiled by nvcc without a warning', () => {
  const nvcc = spawnSync('nvcc', ['--version'], { encoding: 'utf8' });
  if (nvcc.status !== 0) {
    console.log('SKIPPED: nvcc is not installed');
    return;
  }
  for (const name of ['lenet', 'mlp']) {
    const spec = loadSpec(model(name));
    const { blob } = compileModel(spec, { init: true, train: [2], eval: [2], predict: [1], device: 'cuda' });
    const [plan, source] = [path.join(folder, `${name}.plan`), path.join(folder, `${name}.cu`)];
    writeFileSync(plan, blob);
    expect(spawnSync(TOOL, [plan, '--cuda-source', source], { encoding: 'utf8' })).toMatchObject({ status: 0 });
    for (const architecture of ['sm_80', 'sm_90a']) {
      const out = ['-o', path.join(folder, `${name}.cubin`), source];
      const args = [`-arch=${architecture}`, '-std=c++17', '-cubin', '-Werror', 'all-warnings', ...out];
      const { status, stderr } = spawnSync('nvcc', args, { encoding: 'utf8' });
      expect({ name, architecture, status, stderr }).toEqual({ name, architecture, status: 0, stderr: '' });
    }
  }
});

describe('dlc --device cuda', () => {
  const tiny = new ModelFolder();
  afterAll(() => tiny.remove());

  const train = (device: string, faults = '', run = device) =>
    tiny.dlc(['train', 'model.yaml', 'train.steps=3', 'train.epochs=', '--device', device, '--run-dir', run], {
      env: environment(faults),
    });

  it('trains like the CPU', async () => {
    if (!isThere('the stand-in for the driver', FAKE)) return;
    const losses = async (device: string): Promise<number[]> => {
      expect(await train(device)).toMatchObject({ code: 0 });
      return tiny.lines(device, 'metrics.jsonl').map(({ loss }) => Number(loss));
    };
    const cpu = await losses('cpu');
    expect(cpu.length).toBeGreaterThan(3);
    (await losses('cuda')).forEach((loss, i) => expect(loss).toBeCloseTo(cpu[i]!, 5));
  });

  it.each([
    ['cards=0', 'finds no card'],
    ['version=11080', 'the CUDA driver 12 or newer (libcuda.so.1) is needed, but'],
    ['compute=75', 'no card of compute capability 8.0 or more: Fake card has 7.5'],
    ['nvrtc=11080', 'NVRTC 12 or 13 (libnvrtc.so.13) is needed, but'],
    ['memory=1000', 'the plan needs'],
    ['fail=cuLaunchKernel:2:719', 'starting a kernel: CUDA_ERROR_LAUNCH_FAILED'],
    ['fail=cuMemcpyDtoHAsync_v2:3:700', 'copying from the card: CUDA_ERROR_ILLEGAL_ADDRESS'],
  ])('%s is a fault of the machine', async (faults, message) => {
    if (!isThere('the stand-in for the driver', FAKE)) return;
    const { code, stderr } = await train('cuda', faults, faults.replace(/\W/g, '-'));
    expect([code, stderr]).toEqual([3, expect.stringContaining(message)]);
    expect(stderr).not.toMatch(/^ +at /m);
  });

  it('names the op that has no kernel', async () => {
    if (!isThere('the stand-in for the driver', FAKE)) return;
    const { code, stderr } = await dlc(['bench', model('yolo_tiny'), '--device', 'cuda', '--batch', '1'], {
      env: environment(),
    });
    expect([code, stderr]).toEqual([3, expect.stringContaining("there is no CUDA kernel for 'match_boxes' yet")]);
  });
});
