/** The memory that a mode of a model needs, as planned before anything runs. */
import { compileGraphs } from '../compile';
import type { Spec } from '../frontend/spec';
import { plannedBytes } from '../plan/plan';
import { largestProgram, lowerPrograms, wholeSteps } from './programs';

/** Planned bytes of `predict`, or of the training step that needs the most. */
export function plannedMemory(spec: Spec, mode: 'train' | 'predict', batch: number): number {
  const wanted = mode === 'train' ? { train: wholeSteps(spec, batch) } : { predict: [batch] };
  const { plan } = compileGraphs(spec.name, lowerPrograms(spec, wanted));
  return plannedBytes(plan, largestProgram(plan, mode));
}
