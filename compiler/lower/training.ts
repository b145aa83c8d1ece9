/** The `train` graph: forward, losses, their check, the gradients, and the optimizer's updates, in this order. */
import * as say from '../diagnostics/catalogue';
import { differentiate } from '../autodiff/differentiate';
import type { Diagnostic } from '../diagnostics/diagnostic';
import { InternalError, SpecError } from '../diagnostics/errors';
import type { Fields, SectionSpec, Spec } from '../frontend/spec';
import type { Value } from '../ir/graph';
import type { TensorType } from '../ir/types';
import { numberOf } from '../layers/fields';
import type { OptimizerDef } from '../optimizers/define';
import { OPTIMIZERS } from '../optimizers/index';
import { withDefaults } from './defaults';
import type { Lowered } from './lower';
import { finish, lowerTerms, RNG } from './lower';
import { ModelLowering } from './model';
import type { StateInfo } from './states';

const SCALAR: TensorType = { dtype: 'f32', shape: [] };

const DEFS: Readonly<Record<string, OptimizerDef>> = OPTIMIZERS;

export function optimizerOf(section: SectionSpec): OptimizerDef {
  const def = DEFS[section.type];
  if (!def) throw new InternalError(`no optimizer is called '${section.type}'`);
  return def;
}

/** Fields of the optimizer that would have no effect: nothing a user writes is ignored silently. */
export function checkOptimizer(spec: Spec): readonly Diagnostic[] {
  const section = spec.train?.optimizer;
  if (!section) return [];
  const def = optimizerOf(section);
  const idle = def.idle?.(withDefaults(def, section.fields));
  return idle ? [say.invalidField(section.at([idle.field]), `\`${def.type}\`: ${idle.why}`)] : [];
}

export function lowerTraining(spec: Spec, batch: number): Lowered {
  const section = spec.train?.optimizer;
  if (!section || spec.losses.length === 0) throw new SpecError([say.missingLoss(spec.at(['train']))]);
  const def = optimizerOf(section);
  const fields = withDefaults(def, section.fields);
  const scalars = Object.keys(def.scalars(fields, 1)).map((name) => [name, SCALAR] as const);
  const ownInputs = { rng: RNG, lr: SCALAR, ...Object.fromEntries(scalars) };
  const model = new ModelLowering(spec, { batch, mode: 'train', ownInputs });
  for (const diagnostic of checkOptimizer(spec)) model.problems.report(diagnostic);
  const total = lowerTerms(model);
  const slots = total && !model.problems.hasErrors ? lowerUpdates(model, def, fields, total) : [];
  return finish(model, slots);
}

function lowerUpdates(model: ModelLowering, def: OptimizerDef, fields: Fields, total: Value): readonly StateInfo[] {
  const { b } = model;
  const trained = [...model.parameters.infos.values()].filter((info) => info.role === 'parameter' && !info.frozen);
  const gradients = differentiate(
    b,
    total,
    trained.map((info) => info.value),
  );
  const lr = model.own('lr');
  const slots: StateInfo[] = [];
  trained.forEach((info, i) => {
    const gradient = gradients[i];
    // A parameter that the loss does not depend on stays as it is.
    if (!gradient) return;
    b.origin = info.origin;
    b.prefix = `${info.value.name}.next`;
    const value = def.lower({
      b,
      fields,
      parameter: info.value,
      gradient,
      lr: info.lr === 1 ? lr : b.op('mul', [lr, b.full(info.lr)]),
      decay: numberOf(fields, 'weight_decay') * info.decay,
      slot: (name) => {
        const slot = b.state(`${info.value.name}.${name}`, info.value.type, 'slot');
        slots.push({ ...info, value: slot, role: 'slot', init: 'zeros' });
        return slot;
      },
      scalar: (name) => model.own(name),
      updateSlot: (slot, next) => b.update(slot, next),
    });
    b.update(info.value, value);
  });
  return slots;
}
