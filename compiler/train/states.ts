/** Between the states of a session and the content of a weight file. */
import { nonFinite } from '../diagnostics/catalogue';
import { SpecError } from '../diagnostics/errors';
import { allLayers, type Json, type Spec } from '../frontend/spec';
import { AVERAGE } from '../lower/averaging';
import type { NativeSession } from '../native/runtime';
import type { Plan, PlanState } from '../plan/plan';
import type { Tensors, WeightContent, WeightTensor } from '../weights/content';

function read(session: NativeSession, states: readonly PlanState[]): Tensors {
  const tensor = ({ name, dtype, shape }: PlanState): [string, WeightTensor] => [
    name,
    { dtype, shape, data: session.readState(name) },
  ];
  return new Map(states.map(tensor));
}

const isSlot = (state: PlanState): boolean => state.role === 'slot';

/** Parameters and buffers with the spec: what training goes on from. */
export function weightsOf(spec: Spec, plan: Plan, session: NativeSession): WeightContent {
  return {
    tensors: read(
      session,
      plan.states.filter((s) => !isSlot(s)),
    ),
    spec: spec.resolved,
  };
}

/** The same with averages in the place of the weights they are of: what evaluation sees and `weights.h5` holds. */
export function resultOf(spec: Spec, plan: Plan, session: NativeSession): WeightContent {
  const { tensors } = weightsOf(spec, plan, session);
  const averages = plan.states.filter(({ name }) => name.endsWith(`.${AVERAGE}`));
  const instead = [...read(session, averages)].map(
    ([name, tensor]) => [name.slice(0, -AVERAGE.length - 1), tensor] as const,
  );
  return { tensors: new Map([...tensors, ...instead]), spec: spec.resolved };
}

/** The same with the optimizer's slots and the progress. */
export function checkpointOf(spec: Spec, plan: Plan, session: NativeSession, state: Json): WeightContent {
  return { ...weightsOf(spec, plan, session), optimizer: read(session, plan.states.filter(isSlot)), state };
}

/** An update can overflow in a step whose loss was still finite: such weights must not take a good checkpoint's place. */
export function refuseNonFinite(spec: Spec, { tensors }: WeightContent, step: number): void {
  for (const [name, { data }] of tensors) {
    if (!(data instanceof Float32Array || data instanceof Float64Array)) continue;
    const at = data.findIndex((value) => !Number.isFinite(value));
    if (at < 0) continue;
    const found = Number.isNaN(data[at]) ? 'NaN' : data[at]! > 0 ? '+infinity' : '-infinity';
    const layer = name.slice(0, name.lastIndexOf('.'));
    const origin = allLayers(spec.layers).find((candidate) => candidate.name === layer)?.origin ?? spec.origin;
    const problem = `\`${name}\` of layer \`${layer}\` became ${found}`;
    throw new SpecError([nonFinite(origin.at, problem, `after step ${step}`)]);
  }
}

/** Puts checked tensors into the session. Tensors that no program of it uses are left alone. */
export function writeStates(session: NativeSession, plan: Plan, tensors: Tensors): void {
  for (const { name } of plan.states) {
    const tensor = tensors.get(name);
    if (tensor) session.writeState(name, tensor.data);
  }
}

/** The parameters and buffers that a weight file has to hold. */
export function expectedWeights(plan: Plan): PlanState[] {
  return plan.states.filter((s) => !isSlot(s));
}

/** The slots that a checkpoint has to hold. */
export function expectedSlots(plan: Plan): PlanState[] {
  return plan.states.filter(isSlot);
}
