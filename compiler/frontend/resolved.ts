/**
 * The expanded model as a model file again: what `dlc expand` prints and what weight files and run folders keep.
 * Loading it gives the same Spec.
 */
import { Document, isMap, isScalar, isSeq, visit } from 'yaml';
import { LANGUAGE_VERSION } from './language';
import { MODES, type BodySpec, type Fields, type Json, type LayerSpec, type Spec, type TermSpec } from './spec';
import { escapeDollars } from './substitute';
import { tiesOf, withTies } from './tied';

/** `sections` are the plain values of the document, overrides applied. */
export function resolve(spec: Omit<Spec, 'resolved'>, sections: Fields): Fields {
  const keep = (name: string): Record<string, Json> => (sections[name] === undefined ? {} : { [name]: sections[name] });
  return {
    dlc: LANGUAGE_VERSION,
    name: spec.name,
    ...keep('description'),
    ...keep('inputs'),
    layers: spec.layers.map((layer) => layerJson(layer, '')),
    outputs: [...spec.outputs],
    ...(spec.losses.length === 0 ? {} : { losses: spec.losses.map((term) => termJson(term, true)) }),
    ...(spec.metrics.length === 0 ? {} : { metrics: spec.metrics.map((term) => termJson(term, false)) }),
    ...weightsJson(spec),
    ...keep('data'),
    ...keep('train'),
    ...keep('budgets'),
    ...keep('assert'),
    ...keep('tests'),
  };
}

function weightsJson({ weights, weightMap }: Pick<Spec, 'weights' | 'weightMap'>): Record<string, Json> {
  const files = weights.map(({ file, into, map, partial }): Json => ({
    ...{ file, into },
    ...(map === undefined ? {} : { map }),
    ...(partial === undefined ? {} : { partial }),
  }));
  const all = [...files, ...(weightMap === undefined ? [] : [{ map: weightMap }])];
  return all.length === 0 ? {} : { weights: all };
}

/** Inside of a body names are written without what they all begin with. */
function layerJson(layer: LayerSpec, prefix: string, sharing = false): Fields {
  const always = layer.modes.length === MODES.length;
  const local = (name: string): string => name.slice(prefix.length);
  const { share, ...fields } = layer.fields;
  return {
    name: local(layer.name),
    type: layer.type,
    // Without any the layer takes none: one that needs some names them here.
    ...(layer.inputs.length === 0 ? {} : { inputs: layer.inputs.map(local) }),
    ...(escapeDollars(
      withTies(
        fields,
        tiesOf(fields).map((tie) => ({ ...tie, share: local(tie.share) })),
      ),
    ) as Fields),
    ...(layer.next === undefined ? {} : { next: local(layer.next) }),
    // What a layer shares because the control layer around it does is written there.
    ...(typeof share !== 'string' || sharing ? {} : { share: local(share) }),
    ...Object.fromEntries(
      Object.entries(layer.bodies ?? {}).map(([field, body]) => [field, bodyJson(body, share !== undefined)]),
    ),
    ...(always ? {} : { when: [...layer.modes] }),
    ...(always || layer.otherwise === undefined ? {} : { else: local(layer.otherwise) }),
  };
}

function bodyJson({ prefix, inputs, layers, outputs }: BodySpec, sharing: boolean): Fields {
  const local = (name: string): string => name.slice(prefix.length);
  return {
    inputs: inputs.map(local),
    layers: layers.map((layer) => layerJson(layer, prefix, sharing)),
    outputs: outputs.every(({ name, from }) => name === local(from))
      ? outputs.map(({ name }) => name)
      : Object.fromEntries(outputs.map(({ name, from }) => [name, local(from)])),
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
