/** The memory that a mode of a model needs, as planned before anything runs. */
import type { Spec } from '../frontend/spec';
import { plannedBytes } from '../plan/plan';
import { compilePrograms, largestProgram, wholeSteps } from './programs';

/** Planned bytes of `predict`, or of the training step that needs the most. */
export function plannedMemory(spec: Spec, mode: 'train' | 'predict', batch: number): number {
  const wanted = mode === 'train' ? { train: wholeSteps(spec, batch) } : { predict: [batch] };
  const { plan } = compilePrograms(spec, wanted);
  return plannedBytes(plan, largestProgram(plan, mode));
}
