/** Models of Keras: configurations (.json), whole models and weights (.h5), and archives (.keras). */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { unzip, UnzipError } from '../../../data/unzip';
import { importUnreadable } from '../../../diagnostics/catalogue';
import { SpecError } from '../../../diagnostics/errors';
import type { Location } from '../../../diagnostics/location';
import type { Json } from '../../../frontend/spec';
import type { WeightTensor } from '../../../weights/content';
import { Draft } from '../../draft';
import { readH5, texts, type H5Attributes } from '../../formats/hdf5';
import { isObject, parseJson } from '../../formats/json';
import type { Importer, SourceFile } from '../importer';
import { convert } from './convert';
import { GraphError, readGraph } from './graph';
import { layerGroups, pathStore, type StoredWeight, type WeightStore } from './weights';

const HDF5 = '\u0089HDF\r\n\u001a\n';
const MAX_CONFIG = 64 * 2 ** 20;
/** Members of an archive of weights, which hardly shrink, are together at most so many times its size. */
const MAX_UNPACKED = 8;
const CONFIG = 'config.json';
const WEIGHTS = 'model.weights.h5';

const starts = (file: SourceFile, text: string): boolean =>
  Buffer.from(file.head.subarray(0, text.length)).toString('latin1') === text;
const isZip = (file: SourceFile): boolean => starts(file, 'PK\u0003\u0004');

export const KERAS: Importer = {
  format: 'keras',
  summary: 'Keras 1 to 3: .json, .h5, .keras, .weights.h5',
  recognizes(file) {
    if (starts(file, HDF5)) return !/\.caffemodel\.h5$/i.test(file.path);
    if (isZip(file)) return /\.keras$/i.test(file.path);
    const head = Buffer.from(file.head).toString('utf8');
    return /^\s*["{]/.test(head) && /\\?"class_name\\?"\s*:|"modelTopology"/.test(head);
  },
  async read(files) {
    const parts: Parts = {};
    for (const file of files) await readFile(file, parts);
    return build(files[0]!, parts);
  },
};

interface Parts {
  config?: Json;
  /** The text of the configuration, where it is one of a file, for places in messages. */
  text?: string;
  from?: string;
  weights?: WeightStore;
  version?: string;
  backend?: string;
  training?: boolean;
}

function fail(file: string, problem: string): SpecError {
  return new SpecError([importUnreadable({ file, line: 1, column: 1, length: 1 }, `\`${file}\`: ${problem}`)]);
}

async function readFile(file: SourceFile, parts: Parts): Promise<void> {
  if (starts(file, HDF5)) return readWeights(file.path, file.path, file.size, parts);
  if (isZip(file)) return readArchive(file, parts);
  if (file.size > MAX_CONFIG) throw fail(file.path, 'too large for a configuration');
  parts.text = readFileSync(file.path, 'utf8');
  parts.from = file.path;
  parts.config = jsonOf(parts.text, file.path);
}

function jsonOf(text: string, file: string): Json {
  const parsed = parseJson(text);
  if ('problem' in parsed) throw fail(file, parsed.problem);
  return parsed.value;
}

async function readArchive(file: SourceFile, parts: Parts): Promise<void> {
  const folder = mkdtempSync(path.join(tmpdir(), 'dlc-keras-'));
  try {
    const limit = Math.max(file.size * MAX_UNPACKED, MAX_CONFIG);
    const members = unzip(readFileSync(file.path), limit, (name) => [CONFIG, WEIGHTS].includes(name));
    const { [CONFIG]: config, [WEIGHTS]: weights } = members;
    if (config === undefined) throw fail(file.path, `the archive has no ${CONFIG}`);
    parts.from = file.path;
    parts.config = jsonOf(Buffer.from(config).toString('utf8'), file.path);
    if (weights === undefined) return;
    const unpacked = path.join(folder, WEIGHTS);
    writeFileSync(unpacked, weights);
    await readWeights(unpacked, file.path, weights.length, parts);
  } catch (error) {
    if (error instanceof UnzipError) throw fail(file.path, error.message);
    throw error;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function readWeights(file: string, name: string, size: number, parts: Parts): Promise<void> {
  await readH5(file, name, size, async (reader) => {
    const [root = {}, inner = {}] = await reader.attributes(['/', '/model_weights']);
    if (typeof root.model_config === 'string') {
      parts.config = jsonOf(root.model_config, name);
      parts.from ??= name;
    }
    if (root.training_config !== undefined) parts.training = true;
    const whole = chunked(inner, 'layer_names').length > 0;
    const top = whole ? inner : root;
    const version = top.keras_version ?? root.keras_version;
    if (typeof version === 'string') parts.version = version;
    const backend = top.backend ?? root.backend;
    if (typeof backend === 'string') parts.backend = backend;
    const prefix = whole ? '/model_weights/' : '/';
    const layers = chunked(top, 'layer_names');
    const tensors = new Map<string, WeightTensor>();
    for (const dataset of reader.listing.datasets) {
      if (dataset.path.startsWith('/optimizer')) continue;
      const tensor = await reader.tensor(dataset);
      if (tensor !== undefined) tensors.set(dataset.path, tensor);
    }
    if (layers.length === 0) {
      parts.weights = pathStore(tensors);
      parts.version ??= '3';
      return;
    }
    const groups = new Map<string, StoredWeight[]>();
    const attributes = await reader.attributes(layers.map((layer) => `${prefix}${layer}`));
    layers.forEach((layer, i) => {
      const names = chunked(attributes[i] ?? {}, 'weight_names');
      const stored = names.map((weight) => {
        const tensor = tensors.get(`${prefix}${layer}/${weight}`);
        if (tensor === undefined) throw fail(name, `the weight \`${weight}\` of \`${layer}\` is missing`);
        return { name: weight, tensor };
      });
      groups.set(layer, stored);
    });
    parts.weights = layerGroups(groups);
  });
}

/** A list that is cut into several attributes where it is long: `weight_names0`, `weight_names1`. */
function chunked(attributes: H5Attributes, name: string): string[] {
  const all = [...texts(attributes[name])];
  for (let i = 0; attributes[`${name}${i}`] !== undefined; i++) all.push(...texts(attributes[`${name}${i}`]));
  return all;
}

function build(file: SourceFile, parts: Parts): Draft {
  const { config, from = file.path } = parts;
  if (!isObject(config)) throw fail(file.path, 'holds weights alone: give the configuration (.json) with it');
  const written = typeof config.keras_version === 'string' ? config.keras_version : undefined;
  const guessed = JSON.stringify(config).includes('"registered_name"') ? '3' : '2';
  const version = Number.parseInt(written ?? parts.version ?? guessed, 10) || 2;
  const locate = (name: string): Location => placeIn(parts.text, from, name);
  try {
    const model = readGraph(config, version);
    const draft = new Draft(model.name.replace(/[/\\\p{Cc}]/gu, '_') || 'model', 'Keras');
    const flipped = parts.backend === 'theano';
    if (flipped)
      draft.remarks.push('Kernels are flipped: the file was written with Theano, whose convolutions turn them.');
    convert(model, draft, {
      version,
      flipped,
      locate,
      ...(parts.weights === undefined ? {} : { weights: parts.weights }),
    });
    if (parts.training)
      draft.account({
        kind: 'setting',
        source: 'training_config',
        fate: 'dropped',
        reason: 'losses and optimizers of Keras are not read yet',
      });
    return draft;
  } catch (error) {
    if (error instanceof GraphError) throw fail(from, error.message);
    throw error;
  }
}

/** The line that names the layer, or the beginning of the file. */
function placeIn(text: string | undefined, file: string, name: string): Location {
  const at = text?.indexOf(`"${name}"`) ?? -1;
  if (text === undefined || at < 0) return { file, line: 1, column: 1, length: 1 };
  const before = text.slice(0, at).split('\n');
  return { file, line: before.length, column: before[before.length - 1]!.length + 1, length: name.length + 2 };
}
