/** What prediction knows of a model: taken of its Spec, or read from a bundle, which needs no frontend. */
import type { Location } from '../diagnostics/location';
import type { InputSpec, SectionSpec, Spec } from '../frontend/spec';
import { referencesOf } from '../lower/references';

export interface ModelInterface {
  readonly name: string;
  /** All of the model's. */
  readonly inputs: readonly InputSpec[];
  /** Names of those that the outputs depend on. */
  readonly needed: readonly string[];
  /** The data section that says how bytes become numbers. */
  readonly section?: SectionSpec;
  /** What random layers draw from. */
  readonly seed: number;
  readonly at: Location;
  /** Of a bundle it is made when it is asked for. */
  readonly spec: Spec;
}

export function interfaceOf(spec: Spec): ModelInterface {
  const needed = referencesOf(spec).neededFor(spec.outputs, 'predict');
  const section = spec.data.predict ?? spec.data.eval ?? spec.data.train;
  return {
    name: spec.name,
    inputs: spec.inputs,
    needed: spec.inputs.map(({ name }) => name).filter((name) => needed.has(name)),
    ...(section && { section }),
    seed: spec.train?.seed ?? 0,
    at: spec.origin.at,
    spec,
  };
}
