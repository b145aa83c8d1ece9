/**
 * A draft as model files: its own, and one for each model inside of it, which stands beside it and is written first.
 * Models that are the same in every word are one file. What is written is loaded again by the frontend, from a folder of
 * its own where there are several files.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { checkLowered } from '../../check';
import { importUnsupported } from '../../diagnostics/catalogue';
import { SpecError } from '../../diagnostics/errors';
import type { Location } from '../../diagnostics/location';
import { checkSpec, checkSpecText, type Checked } from '../../frontend/load';
import type { Spec } from '../../frontend/spec';
import type { WeightTensor } from '../../weights/content';
import type { Draft } from '../draft';
import { cleanName } from '../draft';
import { foldBlocks } from './blocks';
import { startOf } from './importer';
import { modelText } from './write';

export interface Composed {
  readonly text: string;
  readonly spec: Spec;
  /** Under the names of what was written. */
  readonly tensors: ReadonlyMap<string, WeightTensor>;
  /** The models inside, by the names of their files. */
  readonly models: ReadonlyMap<string, string>;
}

export interface ComposeOptions {
  /** Where the source is, for messages. */
  readonly file: string;
  /** Finds repeated structures and writes them as blocks. */
  readonly blocks: boolean;
  /** What the model file will be called, without an extension. */
  readonly base: string;
}

/** Loads what is written under a name. */
type Load = (text: string, name: string) => Checked;

export function compose(draft: Draft, options: ComposeOptions): Composed {
  if (draft.models.length === 0) return new Composer(options, checkSpecText).write(draft, `${draft.name}.yaml`);
  const folder = mkdtempSync(path.join(tmpdir(), 'dlc-import-'));
  try {
    const load: Load = (text, name) => {
      writeFileSync(path.join(folder, name), text);
      return checkSpec(path.join(folder, name));
    };
    return new Composer(options, load).write(draft, `${options.base.slice(0, LONGEST_STEM)}.yaml`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** With blocks, where there is something to fold and what is written means the same. */
export function folded(draft: Draft, load: Load = checkSpecText, name = `${draft.name}.yaml`): Model | undefined {
  const { written, layerName } = foldBlocks(draft);
  if (written.blocks.length === 0) return undefined;
  const text = modelText(written);
  const { spec } = load(text, name);
  return spec === undefined || !isExpansion(spec, draft, layerName) ? undefined : { text, layerName };
}

export interface Model {
  readonly text: string;
  /** The name that a layer of the draft has in what is written. */
  readonly layerName: (name: string) => string;
}

interface WrittenModel {
  readonly file: string;
  readonly written: Composed;
}

/** Of the names of files, before their ending. */
const LONGEST_STEM = 100;
const stemOf = (name: string): string => name.replace(/\.yaml$/, '');

class Composer {
  private readonly models = new Map<string, string>();
  private readonly taken = new Set<string>();
  private readonly written = new Map<Draft, WrittenModel>();

  constructor(
    private readonly options: ComposeOptions,
    private readonly load: Load,
  ) {}

  write(draft: Draft, name: string): Composed {
    const { tensors: inside, models } = this.inside(draft, name);
    const plain = (): Model => ({
      text: modelText({ draft, layers: draft.layers, blocks: [] }),
      layerName: (layer) => layer,
    });
    const { text, layerName } = (this.options.blocks ? folded(draft, this.load, name) : undefined) ?? plain();
    const spec = this.check(text, draft, name);
    const own = [...draft.tensors].map(([tensor, values]) => [renamed(tensor, layerName), values] as const);
    return { text, spec, tensors: new Map([...own, ...inside]), models };
  }

  /** Writes the models inside and tells the layers that stand for them their files. */
  private inside(draft: Draft, name: string): Pick<Composed, 'tensors' | 'models'> {
    const tensors = new Map<string, WeightTensor>();
    for (const { layer, draft: inner, shared } of draft.models) {
      const { file, written } = this.written.get(inner) ?? this.writeInside(inner, `${stemOf(name)}_${layer}`);
      this.written.set(inner, { file, written });
      if (!shared) for (const [tensor, values] of written.tensors) tensors.set(`${layer}/${tensor}`, values);
      const at = draft.layers.findIndex((one) => one.name === layer);
      const found = draft.layers[at]!;
      draft.layers[at] = { ...found, fields: { ...found.fields, file } };
    }
    return { tensors, models: this.models };
  }

  private writeInside(draft: Draft, wish: string): WrittenModel {
    const name = this.fileFor(wish);
    const written = this.write(draft, name);
    const [known] = [...this.models].find(([, text]) => text === written.text) ?? [];
    if (known === undefined) this.models.set(name, written.text);
    return { file: known ?? name, written };
  }

  private fileFor(wish: string): string {
    const stem = cleanName(wish).replaceAll('/', '_').slice(0, LONGEST_STEM);
    let name = `${stem}.yaml`;
    for (let n = 2; this.taken.has(name); n++) name = `${stem}_${n}.yaml`;
    this.taken.add(name);
    return name;
  }

  /** Layers that do not fit together are so in the file already: a reader translates them as they stand. */
  private check(text: string, draft: Draft, name: string): Spec {
    const { spec, diagnostics } = this.load(text, name);
    const found = spec === undefined ? diagnostics : [...diagnostics, ...checkLowered(spec)];
    const errors = found.filter(({ severity }) => severity === 'error');
    if (spec !== undefined && errors.length === 0) return spec;
    const lines = text.split('\n');
    const placeOf = ({ file, line }: Location): Location => {
      const layer = path.basename(file) === name ? /\bname: "?([\w/-]+)/.exec(lines[line - 1] ?? '')?.[1] : undefined;
      return draft.layers.find((one) => one.name === layer)?.at ?? startOf(this.options.file);
    };
    throw new SpecError(
      errors.map(({ message, code, at }) =>
        importUnsupported(placeOf(at), `what it describes is no valid model here: ${message} [${code}]`),
      ),
    );
  }
}

/** Whether the layers of the expanded model are those of the draft, under their new names. */
function isExpansion(spec: Spec, draft: Draft, layerName: (name: string) => string): boolean {
  const inside = (name: string): boolean => draft.models.some(({ layer }) => name.startsWith(`${layer}/`));
  const own = draft.layers.filter(({ type }) => type !== 'model');
  const found = spec.layers.filter(({ name }) => !inside(name));
  if (found.length !== own.length) return false;
  const layers = new Map(found.map((layer) => [layer.name, layer]));
  return own.every(({ name, type, inputs, fields }) => {
    const layer = layers.get(layerName(name));
    if (layer?.type !== type) return false;
    if (
      !isDeepStrictEqual(
        layer.inputs.filter((input) => !inside(input)),
        inputs.filter((input) => draft.resolved(input) === input).map((input) => renamed(input, layerName)),
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
