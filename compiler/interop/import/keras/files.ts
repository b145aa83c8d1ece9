/** The files of a Keras model, whatever they are: what they say of its configuration, weights and training. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { unzip, UnzipError } from '../../../data/unzip';
import { importUnreadable } from '../../../diagnostics/catalogue';
import { SpecError } from '../../../diagnostics/errors';
import type { Json } from '../../../frontend/spec';
import type { WeightTensor } from '../../../weights/content';
import { readH5, texts, type H5Attributes } from '../../formats/hdf5';
import { isObject, parseJson } from '../../formats/json';
import { startOf, type SourceFile } from '../importer';
import { isShard, readManifest } from './tfjs';
import { layerGroups, pathStore, type StoredWeight, type WeightStore } from './weights';

const HDF5 = '\u0089HDF\r\n\u001a\n';
const MAX_CONFIG = 64 * 2 ** 20;
/** Members of an archive of weights, which hardly shrink, are together at most so many times its size. */
const MAX_UNPACKED = 8;
const CONFIG = 'config.json';
const WEIGHTS = 'model.weights.h5';

/** What the files say. */
export interface Parts {
  config?: Json;
  /** The text of the configuration, where it is one of a file, for places in messages. */
  text?: string;
  from?: string;
  weights?: WeightStore;
  version?: string;
  backend?: string;
  training?: Json;
}

const starts = (file: SourceFile, text: string): boolean =>
  Buffer.from(file.head.subarray(0, text.length)).toString('latin1') === text;
const isZip = (file: SourceFile): boolean => starts(file, 'PK\u0003\u0004');

export function recognizes(file: SourceFile): boolean {
  if (starts(file, HDF5)) return !/\.caffemodel\.h5$/i.test(file.path);
  if (isZip(file)) return /\.keras$/i.test(file.path);
  if (isShard(file.path)) return true;
  const head = Buffer.from(file.head).toString('utf8');
  return /^\s*["{]/.test(head) && /\\?"class_name\\?"\s*:|"modelTopology"/.test(head);
}

export function fail(file: string, problem: string): SpecError {
  return new SpecError([importUnreadable(startOf(file), `\`${file}\`: ${problem}`)]);
}

export async function readFiles(files: readonly SourceFile[]): Promise<Parts> {
  const parts: Parts = {};
  const shards = files.filter(({ path: name }) => isShard(name)).map(({ path: name }) => name);
  for (const file of files) {
    if (starts(file, HDF5)) await readWeights(file.path, file.path, file.size, parts);
    else if (isZip(file)) await readArchive(file, parts);
    else if (!isShard(file.path)) readConfig(file, shards, parts);
  }
  return parts;
}

function jsonOf(text: string, file: string): Json {
  const parsed = parseJson(text);
  if ('problem' in parsed) throw fail(file, parsed.problem);
  return parsed.value;
}

function readConfig(file: SourceFile, shards: readonly string[], parts: Parts): void {
  if (file.size > MAX_CONFIG) throw fail(file.path, 'too large for a configuration');
  parts.text = readFileSync(file.path, 'utf8');
  parts.from = file.path;
  const json = jsonOf(parts.text, file.path);
  if (!isObject(json) || !isObject(json.modelTopology)) {
    parts.config = json;
    return;
  }
  if (json.format === 'graph-model')
    throw fail(file.path, 'a graph of TensorFlow operations; of TensorFlow.js only layer models are read');
  const topology = json.modelTopology;
  parts.config = isObject(topology.model_config) ? topology.model_config : topology;
  const training = json.trainingConfig ?? topology.training_config;
  if (training !== undefined) parts.training = training;
  if (json.weightsManifest !== undefined)
    parts.weights = readManifest(json.weightsManifest, file.path, shards, (problem) => fail(file.path, problem));
}

async function readArchive(file: SourceFile, parts: Parts): Promise<void> {
  const folder = mkdtempSync(path.join(tmpdir(), 'dlc-keras-'));
  try {
    const limit = Math.max(file.size * MAX_UNPACKED, MAX_CONFIG);
    const members = unzip(readFileSync(file.path), limit, (name) => [CONFIG, WEIGHTS].includes(name));
    const { [CONFIG]: config, [WEIGHTS]: weights } = members;
    if (config === undefined) throw fail(file.path, `the archive has no ${CONFIG}`);
    parts.from = file.path;
    parts.version ??= '3';
    const json = jsonOf(Buffer.from(config).toString('utf8'), file.path);
    parts.config = json;
    if (isObject(json) && isObject(json.compile_config)) parts.training = json.compile_config;
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
    if (typeof root.training_config === 'string') parts.training = jsonOf(root.training_config, name);
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
