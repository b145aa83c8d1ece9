/** What a use of a block gives for its parameters, checked against their declared types. */
import * as say from '../diagnostics/catalogue';
import type { Diagnostic } from '../diagnostics/diagnostic';
import { isOfType, TYPE_WORDS, type Block } from './blocks';
import { child, locationOf, toJson, type MapNode } from './node';
import type { Json } from './spec';

/** The values of a block's parameters in a use of it; undefined where something is wrong, which is reported. */
export function argumentsOf(
  block: Block,
  node: MapNode,
  report: (diagnostic: Diagnostic) => void,
): Map<string, Json> | undefined {
  const values = new Map<string, Json>();
  let complete = true;
  for (const param of block.params.values()) {
    const given = child(node, param.name);
    if (given === undefined && param.default !== undefined) {
      values.set(param.name, param.default);
    } else if (given === undefined) {
      report(say.missingParameter(locationOf(node), param.name, block.name, locationOf(param.key)));
      complete = false;
    } else {
      const value = toJson(given);
      values.set(param.name, value);
      if (isOfType(value, param.type)) continue;
      const expected = TYPE_WORDS[param.type];
      report(say.parameterType(locationOf(given), param.name, block.name, expected, value, locationOf(param.key)));
      complete = false;
    }
  }
  return complete ? values : undefined;
}
