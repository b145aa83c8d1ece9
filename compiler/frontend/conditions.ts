/** `when:` and `else:` of a layer: phases, which stay, or a condition on parameters, which is decided here. */
import * as say from '../diagnostics/catalogue';
import type { Diagnostic } from '../diagnostics/diagnostic';
import { texts } from './blocks';
import { child, locationOf, textOf, toJson, type DocNode, type MapNode, type ScalarNode } from './node';
import type { Target } from './scope';
import { MODES, type Mode } from './spec';
import { compute, type Parameters } from './substitute';

export interface Condition {
  readonly modes: readonly Mode[];
  readonly absent: boolean;
  readonly otherwise: Target | undefined;
}

export interface ConditionSite {
  readonly parameters: Parameters;
  report(diagnostic: Diagnostic): void;
  reference(text: ScalarNode): Target;
}

/** `train`, `train|eval`, `[train, eval]`; undefined where it is none of them. */
function phasesOf(when: DocNode): readonly string[] | undefined {
  const words = when.kind === 'list' ? when.items.map((item) => textOf(toJson(item))) : textOf(toJson(when)).split('|');
  const phases = words.map((word) => word.trim());
  return phases.every((word) => (MODES as readonly string[]).includes(word)) ? phases : undefined;
}

/** The phases of a layer, or whether a condition on parameters leaves it out. Undefined: a mistake, reported. */
export function conditionOf(node: MapNode, site: ConditionSite): Condition | undefined {
  const when = child(node, 'when');
  const elseNode = child(node, 'else');
  const otherwise = texts(elseNode).map((text) => site.reference(text))[0];
  if (when === undefined) {
    if (elseNode !== undefined) site.report(say.elseWithoutWhen(locationOf(elseNode)));
    return { modes: MODES, absent: false, otherwise: undefined };
  }
  const phases = phasesOf(when);
  if (phases !== undefined) return { modes: MODES.filter((mode) => phases.includes(mode)), absent: false, otherwise };
  if (when.kind !== 'scalar' || typeof when.value !== 'string') return undefined;
  const written = /^\s*\$\{(.*)\}\s*$/s.exec(when.value);
  const offset = written === null ? 0 : when.value.indexOf('{') + 1;
  const holds = compute(written?.[1] ?? when.value, offset, when, site.parameters);
  if (typeof holds === 'boolean') return { modes: MODES, absent: !holds, otherwise };
  if (holds !== undefined) {
    const hint = `phases are ${MODES.map((mode) => `\`${mode}\``).join(', ')}; conditions compare, as in "$stride != 1"`;
    site.report(say.wrongType(locationOf(when), 'when', 'a phase or a condition', holds, hint));
  }
  return undefined;
}
