/**
 * Every model of the zoo at its full size, trained natively on noise with several numbers of threads, in calls of several
 * lengths, and taken over by another session midway: the same bytes in all of them. Cheap models come first.
 */
import { readdirSync } from 'node:fs';
import { freemem } from 'node:os';
import path from 'node:path';
import { InternalError } from '../../compiler/diagnostics/errors';
import { loadSpec } from '../../compiler/frontend/load';
import { summarize } from '../../compiler/lower/summary';
import { differences, digestsOf, FINISHED, noiseTraining, WAYS } from '../support/noise-training';
import type { CampaignDef } from './campaign';

const STEPS = 20;
const BATCH = 2;
const MAX_NAMED = 8;

export const threads: CampaignDef = {
  limit: 3600,
  open: () => {
    const dir = path.resolve('models');
    const models = readdirSync(dir)
      .filter((name) => name.endsWith('.yaml'))
      .map((name) => ({ name, flops: summarize(loadSpec(path.join(dir, name)), BATCH).flops }))
      .sort((a, b) => a.flops - b.flops)
      .map(({ name }) => path.join(dir, name));
    return Promise.resolve({ inputs: models.length, run: (number) => outcomeOf(models[number]!) });
  },
};

async function outcomeOf(file: string): Promise<string> {
  const training = noiseTraining(file, { batch: BATCH, steps: STEPS });
  const { name } = training.spec;
  // States are read one by one, but a little more than the plan is needed.
  if (training.bytes > 0.8 * freemem()) return `${name}: too large for the memory that is free`;
  const [first, ...others] = WAYS;
  const expected = await digestsOf(training, first);
  for (const way of others) {
    const names = differences(expected, await digestsOf(training, way));
    if (names.length === 0) continue;
    const named = names.slice(0, MAX_NAMED).join(', ');
    throw new InternalError(`${name}, ${JSON.stringify(way)}: ${names.length} tensors differ: ${named}`);
  }
  return `${name}: the same bytes${expected.end === FINISHED ? '' : `, up to ${expected.end}`}`;
}
