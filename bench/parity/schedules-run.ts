/**
 * Prints the learning rate and the momentum of every step for the schedules that come as JSON on standard input, as a
 * training run computes them. For schedules.py.
 */
import { readFileSync } from 'node:fs';
import type { Json } from '../../compiler/frontend/spec';
import { loadSpecText } from '../../compiler/frontend/load';
import { afterEvaluation, initialScheduleState, stepInputs } from '../../compiler/lower/learning_rate';
import { OPTIMIZERS } from '../../compiler/optimizers/index';

interface Given {
  readonly steps: number;
  readonly stepsPerEpoch: number;
  /** As in a model file. */
  readonly schedule: string;
  readonly optimizer: keyof typeof OPTIMIZERS;
  /** What the evaluation after each step finds. */
  readonly figures: readonly number[];
}

function course({ steps, stepsPerEpoch, schedule, optimizer, figures }: Given): Json {
  const model = `inputs: {x: {shape: [N, 2]}, t: {shape: [N, 1]}}
layers: [{name: y, type: dense, units: 1, inputs: x}]
losses: [{type: mse, inputs: [y, t]}]
train: {batch_size: 1, epochs: 1, optimizer: {type: ${optimizer}, lr: 0.1}, schedule: ${schedule}}
`;
  const train = loadSpecText(model, 'schedule.yaml').train!;
  const def: { readonly momentum?: string } = OPTIMIZERS[optimizer];
  let state = initialScheduleState(train);
  const each = Array.from({ length: steps }, (_, i) => {
    const inputs = stepInputs(train, { step: i + 1, totalSteps: steps, stepsPerEpoch, state });
    const loss = figures[i];
    if (loss !== undefined) state = afterEvaluation(train, state, { loss }, () => 'lower');
    return { lr: inputs['lr']!, momentum: inputs[`${def.momentum}.now`] ?? null };
  });
  return { lr: each.map(({ lr }) => lr), momentum: each.map(({ momentum }) => momentum) };
}

const given = JSON.parse(readFileSync(0, 'utf8')) as readonly Given[];
process.stdout.write(JSON.stringify(given.map(course)));
