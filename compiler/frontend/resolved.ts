/**
 * The expanded model as a model file again: what `dlc expand` prints and what weight files and run folders keep.
 * Loading it gives the same Spec.
 */
import { Document, isMap, isScalar, isSeq, visit } from 'yaml';
import { LANGUAGE_VERSION } from './language';
import { MODES, type Fields, type Json, type LayerSpec, type Spec, type TermSpec } from './spec';
import { escapeDollars } from './substitute';

/** `sections` are the plain values of the document, overrides applied. */
export function resolve(spec: Omit<Spec, 'resolved'>, sections: Fields): Fields {
  const keep = (name: string): Record<string, Json> => (sections[name] === undefined ? {} : { [name]: sections[name] });
  return {
    dlc: LANGUAGE_VERSION,
    name: spec.name,
    ...keep('description'),
    ...keep('inputs'),
    layers: spec.layers.map(layerJson),
    outputs: [...spec.outputs],
    ...(spec.losses.length === 0 ? {} : { losses: spec.losses.map((term) => termJson(term, true)) }),
    ...(spec.metrics.length === 0 ? {} : { metrics: spec.metrics.map((term) => termJson(term, false)) }),
    ...keep('data'),
    ...keep('train'),
    ...keep('budgets'),
  };
}

function layerJson(layer: LayerSpec): Fields {
  const always = layer.modes.length === MODES.length;
  return {
    name: layer.name,
    type: layer.type,
    inputs: [...layer.inputs],
    ...(escapeDollars(layer.fields) as Fields),
    ...(always ? {} : { when: [...layer.modes] }),
    ...(always || layer.otherwise === undefined ? {} : { else: layer.otherwise }),
  };
}

function termJson(term: TermSpec, weighted: boolean): Fields {
  return {
    name: term.name,
    type: term.type,
    inputs: [...term.inputs],
    ...(weighted && term.weight !== 1 ? { weight: term.weight } : {}),
    ...term.fields,
  };
}

/** For `dlc expand`: one layer a line, as people write them. */
export function expandToYaml(spec: Spec): string {
  const document = new Document(spec.resolved);
  const flowBelow = new Set(['layers', 'losses', 'metrics', 'inputs', 'data', 'train']);
  visit(document, {
    Pair(_, pair) {
      const key = isScalar(pair.key) ? String(pair.key.value) : '';
      const { value } = pair;
      if (key === 'outputs' && isSeq(value)) value.flow = true;
      if (!flowBelow.has(key)) return undefined;
      const items = isSeq(value) ? value.items : isMap(value) ? value.items.map((item) => item.value) : [];
      for (const item of items) if (isMap(item) || isSeq(item)) item.flow = true;
      return visit.SKIP;
    },
  });
  return document.toString({ lineWidth: 0, flowCollectionPadding: false });
}
