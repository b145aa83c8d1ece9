/** `weights:` of a model: the files that parameters start from, and the map for files that commands are given. */
import { readFileSync, statSync } from 'node:fs';
import * as say from '../diagnostics/catalogue';
import type { Collector } from '../diagnostics/collector';
import { SpecError } from '../diagnostics/errors';
import { reasonOf } from '../data/paths';
import type { WeightMap } from '../weights/matching';
import { failures } from './conform';
import { explain } from './explain';
import { locationOf, locatorOf, SourceText, toJson, type DocNode } from './node';
import { MAX_BYTES, parseText } from './parse';
import type { WeightsSpec } from './spec';
import { checkObject } from './validate';
import { WEIGHT_MAP, WEIGHTS } from './weight_map';

export interface ReadWeights {
  readonly weights: readonly WeightsSpec[];
  readonly weightMap?: WeightMap;
}

type Written = Partial<Pick<WeightsSpec, 'file' | 'into' | 'map' | 'partial'>>;

/** Those of nested models come first: what this one says holds in the end. */
export function readWeights(
  node: DocNode | undefined,
  nested: readonly WeightsSpec[],
  collector: Collector,
): ReadWeights {
  const items = node?.kind === 'list' ? node.items : node?.kind === 'map' ? [node] : [];
  const weights = [...nested];
  let weightMap: WeightMap | undefined;
  for (const item of items) {
    const problems = checkObject(item, WEIGHTS, 'an entry of `weights`');
    for (const problem of problems) collector.report(problem);
    if (problems.length > 0) continue;
    const { file, into = '', map, partial = false } = toJson(item) as Written;
    if (file !== undefined) {
      const settings = { ...(map === undefined ? {} : { map }), ...(partial ? { partial } : {}) };
      weights.push({ file, into, ...settings, at: locatorOf(item) });
    } else if (map === undefined) collector.report(say.missingField(locationOf(item), 'file', 'an entry of `weights`'));
    else weightMap = { ...weightMap, ...map };
  }
  return { weights, ...(weightMap === undefined ? {} : { weightMap }) };
}

/** A file with what `map` of an entry may hold, YAML or JSON. Throws a SpecError with every problem in it. */
export function readWeightMap(file: string): WeightMap {
  const { root, diagnostics } = parseText(bytesOf(file), file);
  if (root === undefined) throw new SpecError(diagnostics);
  const json = toJson(root);
  const failed = failures(WEIGHT_MAP, json);
  if (failed.length > 0) throw new SpecError(explain(failed, { node: root, json, name: 'map' }));
  return json as WeightMap;
}

function bytesOf(file: string): Uint8Array {
  const nowhere = new SourceText(file, '').locate(0, 0);
  try {
    const { size } = statSync(file);
    if (size > MAX_BYTES) throw new SpecError([say.fileTooLarge(nowhere, size, MAX_BYTES)]);
    return readFileSync(file);
  } catch (error) {
    if (error instanceof SpecError) throw error;
    throw new SpecError([say.unreadableFile(nowhere, reasonOf(error))]);
  }
}
