/**
 * Every model of the zoo on a card. Its plan is written out as CUDA C++ and compiled by nvcc, where there is one, for two
 * architectures, warnings being errors. Where there is a card the steps that it takes are compared with the CPU's, and two
 * runs with each other. Cheap models come first.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { InternalError } from '../../compiler/diagnostics/errors';
import { loadSpec } from '../../compiler/frontend/load';
import { summarize } from '../../compiler/lower/summary';
import { addonPath } from '../../compiler/native/addon';
import { describeCuda } from '../../compiler/native/runtime';
import { writeModel } from '../support/cuda-suite';
import { noiseTraining } from '../support/noise-training';
import type { CampaignDef } from './campaign';

const BATCH = 2;
const STEPS = 10;
/** Sums in another order, over ten steps. */
const TOLERANCE = 1e-2;
const ARCHITECTURES = ['sm_80', 'sm_90a'];

const TOOL = path.join(path.dirname(addonPath()), 'dlc-run');

export const cuda: CampaignDef = {
  limit: 3600,
  open: (scratch) => {
    const dir = path.resolve('models');
    const models = readdirSync(dir)
      .filter((name) => name.endsWith('.yaml'))
      .map((name) => ({ name, flops: summarize(loadSpec(path.join(dir, name)), BATCH).flops }))
      .sort((a, b) => a.flops - b.flops)
      .map(({ name }) => path.join(dir, name));
    return Promise.resolve({ inputs: models.length, run: (number) => outcomeOf(models[number]!, scratch) });
  },
};

function run(program: string, args: readonly string[]): { readonly status: number | null; readonly said: string } {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8', maxBuffer: 2 ** 26 });
  return { status, said: `${stdout}${stderr}`.trim() };
}

async function outcomeOf(file: string, scratch: string): Promise<string> {
  const { spec, blob } = noiseTraining(file, { batch: BATCH, steps: STEPS, device: 'cuda' });
  const at = (name: string): string => path.join(scratch, `${spec.name}${name}`);
  writeFileSync(at('.plan'), blob);
  const written = run(TOOL, [at('.plan'), '--cuda-source', at('.cu')]);
  if (written.status === 3) return `${spec.name}: ${written.said}`;
  if (written.status !== 0) throw new InternalError(`${spec.name}: ${written.said}`);
  const done = [compiled(spec.name, at('.cu'), at('.cubin'))];
  if (describeCuda().usable) {
    const suite = at('.suite');
    await writeModel(suite, file, { batch: BATCH, steps: STEPS, tolerance: TOLERANCE });
    const { status, said } = run(TOOL, ['--suite', suite, '--device', 'cuda']);
    if (status !== 0) throw new InternalError(`${spec.name}: ${said}`);
    rmSync(suite, { recursive: true });
    done.push('like the CPU');
  } else {
    done.push('no card');
  }
  return `${spec.name}: ${done.join(', ')}`;
}

function compiled(name: string, source: string, cubin: string): string {
  if (run('nvcc', ['--version']).status !== 0) return 'no nvcc';
  for (const architecture of ARCHITECTURES) {
    const args = [`-arch=${architecture}`, '-std=c++17', '-cubin', '-Werror', 'all-warnings', '-o', cubin, source];
    const { status, said } = run('nvcc', args);
    if (status !== 0) throw new InternalError(`${name}, ${architecture}: ${said}`);
  }
  return 'compiled by nvcc';
}
