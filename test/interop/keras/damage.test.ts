/**
 * Damaged and hostile Keras files: whatever is wrong with them, the end is a located error (or a model, where the damage
 * says nothing), soon and without more memory than the file warrants.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { zipSync } from 'fflate';
import { SpecError } from '../../../compiler/diagnostics/errors';
import { importModel } from '../../../compiler/interop/import/import';
import { CORPUS, isThere } from './corpus';

const folder = mkdtempSync(path.join(tmpdir(), 'dlc-keras-damage-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const MUTATIONS = Number(process.env.DLC_PROPERTY_RUNS ?? 25);
const SOON_MS = 10_000;

/** The first error's code and message; undefined where the import succeeded. Anything else than a SpecError is a bug. */
async function errorOf(name: string, bytes: Uint8Array | string): Promise<string | undefined> {
  const file = path.join(folder, name);
  writeFileSync(file, bytes);
  const began = Date.now();
  const error: unknown = await importModel([file], { blocks: true, from: 'keras' }).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(Date.now() - began).toBeLessThan(SOON_MS);
  if (error === undefined) return undefined;
  expect(error).toBeInstanceOf(SpecError);
  const [first] = (error as SpecError).diagnostics;
  expect(first!.at.file).toBe(file);
  return `${first!.code}: ${first!.message}`;
}

/** Numbers from a seed, below `limit`. */
function dice(seed: number): (limit: number) => number {
  let state = seed >>> 0;
  return (limit) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state % limit;
  };
}

/** Some bytes changed, or the end cut off. */
function damaged(bytes: Buffer, roll: (limit: number) => number): Buffer {
  const copy = Buffer.from(bytes);
  if (roll(4) === 0) return copy.subarray(0, roll(copy.length));
  const extremes = [0, 1, 0x7f, 0x80, 0xff];
  for (let i = 0; i <= roll(8); i++) copy[roll(copy.length)] = roll(2) === 0 ? roll(256) : extremes[roll(5)]!;
  return copy;
}

const WORDS = ['-1', '0', '1e999', '4611686018427387904', 'null', '[]', '{}', '"x"', 'true', '[[[[]]]]', '0.5'];

/** A value of a configuration replaced by something else. */
function twisted(text: string, roll: (limit: number) => number): string {
  const places = Array.from(text.matchAll(/: ?(-?[\d.e+-]+|"[^"]*"|null|true|false|\[[^[\]]*\])/g));
  let result = text;
  for (let i = 0; i <= roll(3); i++) {
    const { index, 0: whole } = places[roll(places.length)]!;
    if (result.slice(index, index + whole.length) === whole)
      result = `${result.slice(0, index)}:${WORDS[roll(WORDS.length)]!}${result.slice(index + whole.length)}`;
  }
  return result;
}

const sequential = (...layers: object[]): string => JSON.stringify({ class_name: 'Sequential', config: { layers } });
const input = (...shape: (number | null)[]): object => ({
  class_name: 'InputLayer',
  config: { name: 'x', batch_input_shape: [null, ...shape] },
});
const layer = (class_name: string, config: object): object => ({ class_name, config: { name: 'l', ...config } });

test.each<[string, string, RegExp]>([
  ['no JSON', '{"class_name": ', /import-unreadable.*not JSON/],
  ['a list', '[]', /import-unreadable/],
  ['deep nesting', '[{"a":'.repeat(5000), /nested deeper/],
  ['a class of the user', '{"class_name": "MyModel", "config": {}}', /meaning is Python code/],
  ['no layers', sequential(), /has no layers/],
  ['no shape', sequential(layer('Dense', { units: 3 })), /does not say the shape/],
  [
    'code',
    sequential(input(3), layer('Lambda', { function: ['cos\nsystem', null, null] })),
    /Python code, which is never run/,
  ],
  ['a size of 2^60', sequential(input(3), layer('Dense', { units: 2 ** 60 })), /import-unsupported/],
  ['a negative size', sequential(input(3), layer('Dense', { units: -4 })), /integer of at least 1/],
  ['an empty output', sequential(input(4, 4, 1), layer('Conv2D', { filters: 2, kernel_size: 9 })), /would be empty/],
  [
    'a loop',
    '{"class_name":"Model","config":{"name":"m","layers":[{"class_name":"ReLU","name":"a","config":{"name":"a"},"inbound_nodes":[[["a",0,0]]]}],"input_layers":[],"output_layers":[["a",0,0]]}}',
    /do not follow from its inputs/,
  ],
  [
    'weights outside',
    JSON.stringify({
      modelTopology: JSON.parse(sequential(input(3), layer('Dense', { units: 1 }))) as object,
      weightsManifest: [{ paths: ['../x.bin'], weights: [] }],
    }),
    /not a path beside it/,
  ],
  [
    'weights that are more than there is',
    JSON.stringify({
      modelTopology: JSON.parse(sequential(input(3), layer('Dense', { units: 1 }))) as object,
      weightsManifest: [{ paths: [], weights: [{ name: 'l/kernel', shape: [2 ** 40, 2 ** 12], dtype: 'float32' }] }],
    }),
    /more than there is/,
  ],
])('%s', async (name, text, expected) => {
  expect(await errorOf(`${name.replace(/\W/g, '_')}.json`, text)).toMatch(expected);
});

test('an archive that says it holds more than it can, and one without a configuration', async () => {
  const bomb = Buffer.from(zipSync({ 'config.json': new Uint8Array(200 * 2 ** 20) }));
  expect(await errorOf('bomb.keras', bomb)).toMatch(/import-unreadable.*holds more than/);
  expect(await errorOf('empty.keras', zipSync({ 'metadata.json': new Uint8Array(2) }))).toMatch(/has no config.json/);
  expect(await errorOf('cut.keras', bomb.subarray(0, 1000))).toMatch(/import-unreadable/);
});

const there = isThere();
const FILES = [
  'dl4j-weights/simpleconv2d/simpleconv2d.hdf5',
  'recurrent-golden/simple_rnn_tf_keras_2/simple_rnn_tf_keras_2_model.h5',
  'trained/keras3_nested_container/pre_pr22362_nested_container.keras',
];
const CONFIGS = [
  'configs/keras1-mlp_fapi_multiloss_config/mlp_fapi_multiloss_config.json',
  'configs/keras2-model_seq2seq_5549/model_seq2seq_5549.json',
  'configs/keras2-permute_retina_unet/permute_retina_unet.json',
];

test.each(there ? FILES : [])(
  '%s, damaged',
  async (file) => {
    const roll = dice(7);
    const bytes = readFileSync(path.join(CORPUS, file));
    for (let i = 0; i < MUTATIONS; i++) {
      const error = await errorOf(`damaged${path.extname(file)}`, damaged(bytes, roll));
      expect(error ?? 'import-').toMatch(/^(import-|weights-)/);
    }
  },
  600_000,
);

test.each(there ? CONFIGS : [])(
  '%s, twisted',
  async (file) => {
    const roll = dice(11);
    const text = readFileSync(path.join(CORPUS, file), 'utf8');
    for (let i = 0; i < 2 * MUTATIONS; i++) {
      const error = await errorOf('twisted.json', twisted(text, roll));
      expect(error ?? 'import-').toMatch(/^(import-|weights-)/);
    }
  },
  600_000,
);
