/** The `train` graph: forward, losses, their check, the gradients, and the optimizer's updates, in this order. */
import * as say from '../diagnostics/catalogue';
import { differentiate } from '../autodiff/differentiate';
import type { Diagnostic } from '../diagnostics/diagnostic';
import { SpecError } from '../diagnostics/errors';
import type { Spec } from '../frontend/spec';
import type { Value } from '../ir/graph';
import { checkSetup } from './check_setup';
import type { Lowered } from './lower';
import { finish, lowerTerms, RNG } from './lower';
import { ModelLowering } from './model';
import type { StateInfo } from './states';
import { lowerUpdate, updateInputs, type OptimizerSetup } from './updates';

/** Fields of the optimizer and its schedules that would have no effect: nothing a user writes is ignored silently. */
export function checkOptimizer(spec: Spec): readonly Diagnostic[] {
  return spec.train ? checkSetup(spec, spec.train) : [];
}

export function lowerTraining(spec: Spec, batch: number): Lowered {
  const { train } = spec;
  if (!train || spec.losses.length === 0) throw new SpecError([say.missingLoss(spec.at(['train']))]);
  const ownInputs = { rng: RNG, ...updateInputs(train) };
  const model = new ModelLowering(spec, { batch, mode: 'train', ownInputs });
  for (const diagnostic of checkOptimizer(spec)) model.problems.report(diagnostic);
  const total = lowerTerms(model);
  const slots = total && !model.problems.hasErrors ? lowerUpdates(model, train, total) : [];
  return finish(model, slots);
}

function lowerUpdates(model: ModelLowering, setup: OptimizerSetup, total: Value): readonly StateInfo[] {
  const { b } = model;
  const trained = [...model.parameters.infos.values()].filter((info) => info.role === 'parameter' && !info.frozen);
  const gradients = differentiate(
    b,
    total,
    trained.map((info) => info.value),
  );
  const slots: StateInfo[] = [];
  trained.forEach((info, i) => {
    const gradient = gradients[i];
    // A parameter that the loss does not depend on stays as it is.
    if (!gradient) return;
    b.origin = info.origin;
    b.prefix = `${info.value.name}.next`;
    const { value, slots: own } = lowerUpdate(model, setup, info, gradient);
    slots.push(...own);
    b.update(info.value, value);
  });
  return slots;
}
