/**
 * `dlc import` from end to end: files → draft → model text, checked by the frontend and by lowering → weights, compared
 * with what the model expects. Nothing is written before everything has been found right.
 */
import { isDeepStrictEqual } from 'node:util';
import { checkLowered } from '../../check';
import { importUnsupported, weightsMismatch } from '../../diagnostics/catalogue';
import type { Diagnostic } from '../../diagnostics/diagnostic';
import { InternalError, SpecError } from '../../diagnostics/errors';
import type { Location } from '../../diagnostics/location';
import { checkSpecText } from '../../frontend/load';
import type { Spec } from '../../frontend/spec';
import { formatType, sameType } from '../../ir/types';
import { modelStates } from '../../train/programs';
import type { WeightTensor } from '../../weights/content';
import type { Draft, Entry } from '../draft';
import { foldBlocks } from './blocks';
import { readModel } from './index';
import { startOf, type ImportSettings } from './importer';
import { modelText } from './write';

export interface ImportOptions extends ImportSettings {
  /** The format, where it is not to be told from the files. */
  readonly from?: string;
  /** Finds repeated structures and writes them as blocks. */
  readonly blocks: boolean;
}

export interface Imported {
  readonly format: string;
  readonly text: string;
  readonly spec: Spec;
  /** By the names of the model that was written; empty where the source has none. */
  readonly tensors: ReadonlyMap<string, WeightTensor>;
  readonly entries: readonly Entry[];
  /** What is carried over nearly. */
  readonly warnings: readonly Diagnostic[];
}

export async function importModel(files: readonly string[], options: ImportOptions): Promise<Imported> {
  const draft = await readModel(files, options.from, options);
  const { text, spec, layerName } = options.blocks
    ? (folded(draft, files[0]) ?? plain(draft, files[0]!))
    : plain(draft, files[0]!);
  const tensors = new Map([...draft.tensors].map(([name, tensor]) => [renamed(name, layerName), tensor]));
  const initial = compareStates(spec, tensors, files[0]!);
  return { format: draft.format, text, spec, tensors, entries: [...draft.entries, ...initial], warnings: draft.problems.all() };
}

interface Model {
  readonly text: string;
  readonly spec: Spec;
  readonly layerName: (name: string) => string;
}

function plain(draft: Draft, file: string): Model {
  const text = modelText({ draft, layers: draft.layers, blocks: [] });
  return { text, spec: check(text, draft, file), layerName: (name) => name };
}

/** With blocks, where there is something to fold and what is written means the same. */
export function folded(draft: Draft, file = draft.name): Model | undefined {
  const { written, layerName } = foldBlocks(draft);
  if (written.blocks.length === 0) return undefined;
  const text = modelText(written);
  const { spec } = checkSpecText(text, `${draft.name}.yaml`);
  if (spec === undefined || !isExpansion(spec, draft, layerName)) return undefined;
  return { text, spec: check(text, draft, file), layerName };
}

/** Whether the layers of the expanded model are those of the draft, under their new names. */
function isExpansion(spec: Spec, draft: Draft, layerName: (name: string) => string): boolean {
  if (spec.layers.length !== draft.layers.length) return false;
  const layers = new Map(spec.layers.map((layer) => [layer.name, layer]));
  return draft.layers.every(({ name, type, inputs, fields }) => {
    const layer = layers.get(layerName(name));
    if (layer?.type !== type) return false;
    if (
      !isDeepStrictEqual(
        layer.inputs,
        inputs.map((input) => renamed(input, layerName)),
      )
    )
      return false;
    // Layers at the top are written as they are.
    return layerName(name) === name || isDeepStrictEqual({ ...layer.fields }, { ...fields });
  });
}

/** Of `layer.param` or `layer.output` the layer's part. */
function renamed(name: string, layerName: (name: string) => string): string {
  const dot = name.indexOf('.');
  return dot < 0 ? layerName(name) : `${layerName(name.slice(0, dot))}${name.slice(dot)}`;
}

/** Layers that do not fit together are so in the file already: a reader translates them as they stand. */
function check(text: string, draft: Draft, file: string): Spec {
  const { spec, diagnostics } = checkSpecText(text, `${draft.name}.yaml`);
  const found = spec === undefined ? diagnostics : [...diagnostics, ...checkLowered(spec)];
  const errors = found.filter(({ severity }) => severity === 'error');
  if (spec !== undefined && errors.length === 0) return spec;
  const lines = text.split('\n');
  const placeOf = (line: number): Location => {
    const name = /\bname: "?([\w/-]+)/.exec(lines[line - 1] ?? '')?.[1];
    return draft.layers.find((layer) => layer.name === name)?.at ?? startOf(file);
  };
  throw new SpecError(
    errors.map(({ message, code, at }) =>
      importUnsupported(placeOf(at.line), `what it describes is no valid model here: ${message} [${code}]`),
    ),
  );
}

/** The model's tensors that the source leaves as they are; a SpecError where one has another shape. */
function compareStates(spec: Spec, tensors: ReadonlyMap<string, WeightTensor>, file: string): Entry[] {
  if (tensors.size === 0) return [];
  const expected = new Map(modelStates(spec).map((state) => [state.name, state]));
  const problems = [...tensors].flatMap(([name, tensor]) => {
    const state = expected.get(name);
    if (state === undefined) throw new InternalError(`the tensor '${name}' belongs to nothing in the model`);
    if (sameType(state, tensor)) return [];
    const message = `the values of \`${name}\` are ${formatType(tensor)}, the model has ${formatType(state)}`;
    return [weightsMismatch(startOf(file), message)];
  });
  if (problems.length > 0) throw new SpecError(problems);
  return [...expected.keys()]
    .filter((name) => !tensors.has(name))
    .map((name) => ({ kind: 'tensor', source: name, fate: 'initial', to: name }));
}
