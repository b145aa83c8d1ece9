/** A value that went out of range, in the words of the model file: which layer, loss, input or weight holds it. */
import { dataValue, nonFinite } from '../diagnostics/catalogue';
import type { Diagnostic } from '../diagnostics/diagnostic';
import type { Origin } from '../diagnostics/location';
import { allLayers, type LayerSpec, type Spec } from '../frontend/spec';
import type { RunFailure } from '../native/runtime';

interface Failed {
  readonly message: string;
  readonly origin?: Origin | undefined;
}

/** A label or index out of range, or a number that is not finite with these weights and data. */
export function failureIn(spec: Spec, failure: RunFailure, when: string): Diagnostic {
  const { at } = failure.origin ?? spec.origin;
  return failure.kind === 'data-error' ? dataValue(at, failure.message, when) : nonFiniteIn(spec, failure, when);
}

/** As the runtime says it: "value 'conv1' holds NaN at element 0 of 64", or "state" or "input". */
const HOLDS = /^(value|state|input) '(.*)' holds (\S+) at (element \d+ of \d+)$/;

/** `when` reads like "step 17". */
export function nonFiniteIn(spec: Spec, { message, origin }: Failed, when: string): Diagnostic {
  const [, kind, name = '', found = '', element = ''] = HOLDS.exec(message) ?? [];
  const { at, layer } = origin ?? spec.origin;
  const place = `${when}, ${element}`;
  if (kind === 'input') {
    const input = spec.inputs.find((one) => one.name === name);
    return nonFinite(input?.origin.at ?? at, `the data hold ${found} for the input \`${name}\``, place);
  }
  if (kind === 'state') {
    const owner = ownerOf(spec, name);
    return nonFinite(
      owner?.origin.at ?? at,
      `\`${name}\` of ${subjectOf(spec, owner?.name ?? layer)} became ${found}`,
      place,
    );
  }
  if (kind === 'value') return nonFinite(at, `${subjectOf(spec, layer)} computes ${found}`, place);
  return nonFinite(at, message, layer === '' ? when : `${when}, first in ${subjectOf(spec, layer)}`);
}

/** The layer that a weight, a buffer or a slot of the optimizer is of: `conv1` for `conv1.weight.velocity`. */
function ownerOf(spec: Spec, state: string): LayerSpec | undefined {
  const owners = allLayers(spec.layers).filter(({ name }) => state.startsWith(`${name}.`));
  return owners.sort((a, b) => b.name.length - a.name.length)[0];
}

/** Gradients come from where their values do: a layer, a loss or a metric. */
function subjectOf(spec: Spec, name: string): string {
  const is = (one: { readonly name: string }): boolean => one.name === name;
  const kind = allLayers(spec.layers).some(is) ? 'layer' : spec.losses.some(is) ? 'loss' : 'metric';
  return kind === 'metric' && !spec.metrics.some(is) ? `\`${name}\`` : `${kind} \`${name}\``;
}
