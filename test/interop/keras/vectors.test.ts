/**
 * Single layers of Keras on recorded numbers (the vectors of keras.js): each case becomes a layer model of TensorFlow.js,
 * built from the words of its heading, is imported, and gives the outputs that were recorded.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { importModel } from '../../../compiler/interop/import/import';
import { elementCount } from '../../../compiler/ir/types';
import { CORPUS, distance, inOrder, isThere, run } from './corpus';

interface Tensor {
  readonly data: readonly number[];
  readonly shape: readonly number[];
}

interface Vector {
  readonly arguments: string | null;
  readonly input: Tensor;
  readonly weights?: readonly Tensor[];
  readonly expected: Tensor;
}

type Settings = Readonly<Record<string, unknown>>;

interface Layer {
  readonly class_name: string;
  readonly config: Settings;
}

const numbers = (text: string): number[] => Array.from(text.matchAll(/\d+/g), ([digits]) => Number(digits));
const LITERALS: Readonly<Record<string, unknown>> = { True: true, False: false, None: null };

/** `units=4, activation='tanh', strides=(2, 1)`. */
function keywords(text: string): Record<string, unknown> {
  const found = text.matchAll(/(\w+)=('[^']*'|\([^)]*\)|[\w.]+)/g);
  return Object.fromEntries(
    Array.from(found, ([, key, value]): [string, unknown] => {
      if (value!.startsWith("'")) return [key!, value!.slice(1, -1)];
      if (value!.startsWith('(')) return [key!, numbers(value!)];
      return [key!, value! in LITERALS ? LITERALS[value!] : Number(value)];
    }),
  );
}

/** One number, one for each axis, or two for each. */
function amounts(list: readonly number[], axes: number): unknown {
  if (list.length < 2 * axes) return list.length === 1 ? list[0] : list;
  return Array.from({ length: axes }, (_, i) => [list[2 * i]!, list[2 * i + 1]!]);
}

/** A heading that says something else than what was recorded, where 1 was cut off. */
const WRONG = 'cropping 4 on 8x7x6 input';

/** Reads the heading of a case; undefined where it does not say all. */
function layerOf(type: string, vector: Vector): Layer | undefined {
  const text = vector.arguments ?? '';
  if (text.includes('stateful=True') || text.startsWith(WRONG)) return undefined;
  const words = keywords(text);
  const front = text.split(' on ')[0]!;
  switch (type) {
    case 'Conv2D':
    case 'Conv3D': {
      const [filters, ...kernel] = numbers(front);
      return { class_name: type, config: { ...words, filters, kernel_size: kernel } };
    }
    case 'Cropping2D':
    case 'Cropping3D':
      return { class_name: type, config: { ...words, cropping: amounts(numbers(front), Number(type.at(-2))) } };
    case 'ZeroPadding2D':
      return { class_name: type, config: { ...words, padding: amounts(numbers(front), 2) } };
    case 'UpSampling1D':
    case 'UpSampling2D':
    case 'UpSampling3D': {
      const size = numbers(front.split(' upsampling')[0]!.replace(type, ''));
      return { class_name: type, config: { ...words, size: amounts(size, 3) } };
    }
    case 'Permute': {
      const target = vector.expected.shape;
      const dims = target.map((extent) => vector.input.shape.indexOf(extent) + 1);
      return new Set(dims).size === dims.length ? { class_name: type, config: { dims } } : undefined;
    }
    case 'Bidirectional': {
      const [, inner] = /wrap an? (\w+)/.exec(text) ?? [];
      const { merge_mode, ...config } = words;
      return {
        class_name: type,
        config: { merge_mode, layer: { class_name: inner, config: { name: 'inner', ...config } } },
      };
    }
    case 'GRU':
    case 'LSTM':
    case 'SimpleRNN':
      return { class_name: type, config: words };
    default:
      return /Pooling/.test(type) || type === 'Flatten' ? { class_name: type, config: words } : undefined;
  }
}

/** Several Dense layers on one input, and what joins them; for one layer alone, that. */
function branches(type: string, { weights = [], expected }: Vector): Settings | undefined {
  const kernels = weights.filter(({ shape }) => shape.length === 2);
  if (!['Add', 'Maximum', 'Minimum', 'Concatenate'].includes(type) || expected.shape.length !== 1) return undefined;
  const dense = kernels.map(({ shape }, i) => ({
    class_name: 'Dense',
    name: `part${i}`,
    config: { name: `part${i}`, units: shape[1] },
    inbound_nodes: [[['x', 0, 0, {}]]],
  }));
  const inputs = kernels.map((_, i) => [`part${i}`, 0, 0, {}]);
  const input = { class_name: 'InputLayer', name: 'x', config: { batch_input_shape: [null, 6] }, inbound_nodes: [] };
  const join = { class_name: type, name: 'all', config: { name: 'all' }, inbound_nodes: [inputs] };
  return { name: 'net', layers: [input, ...dense, join], input_layers: [['x', 0, 0]], output_layers: [['all', 0, 0]] };
}

/** The model as files; their folder. */
function write(folder: string, type: string, vector: Vector): boolean {
  const layer = layerOf(type, vector);
  const functional = branches(type, vector);
  if (layer === undefined && functional === undefined) return false;
  const first = { name: 'layer', batch_input_shape: [null, ...vector.input.shape] };
  const sequential = {
    name: 'net',
    layers: [{ class_name: layer?.class_name, config: { ...layer?.config, ...first } }],
  };
  const topology =
    functional === undefined
      ? { class_name: 'Sequential', config: sequential }
      : { class_name: 'Model', config: functional };
  const weights = (vector.weights ?? []).map(({ shape }, i) => ({
    name: functional === undefined ? `layer/weight${i}` : `part${i >> 1}/weight${i}`,
    shape,
    dtype: 'float32',
  }));
  const bytes = Buffer.from(Float32Array.from((vector.weights ?? []).flatMap(({ data }) => [...data])).buffer);
  writeFileSync(path.join(folder, 'weights.bin'), bytes);
  const manifest = [{ paths: ['weights.bin'], weights }];
  const model = { modelTopology: { ...topology, keras_version: '2.0.5' }, weightsManifest: manifest };
  writeFileSync(path.join(folder, 'model.json'), JSON.stringify(model));
  return true;
}

const there = isThere();
const VECTORS = path.join(CORPUS, 'kerasjs-vectors');
const files = there ? readdirSync(VECTORS) : [];
const ALL = files.flatMap((name) => {
  const type = name.split('.')[1]!;
  const file = readFileSync(path.join(VECTORS, name, `${type}.json`), 'utf8');
  return Object.entries(JSON.parse(file) as Record<string, Vector>).map(([key, vector]) => ({ key, type, vector }));
});
/** Headings that do not tell all: the function of an activation, a layer in front, the states of calls before. */
const UNTOLD = /^(core\.(Activation|Dense|Dropout)|noise|merge\.(Dot|Concatenate))|stateful=True|cropping 4 on/;

test.each(ALL)('$key', async ({ key, type, vector }) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'dlc-vector-'));
  try {
    const written = write(folder, type, vector);
    if (!written) expect(`${key} ${vector.arguments}`).toMatch(UNTOLD);
    if (!written) return;
    const model = await importModel([path.join(folder, 'model.json')], { blocks: false });
    const tensor = ({ data, shape }: Tensor) =>
      ({ dtype: 'f32', shape: [1, ...shape], data: Float32Array.from(data) }) as const;
    const [output] = await run(model, [tensor(vector.input)]);
    const expected = inOrder(model.text, `output ${model.spec.outputs[0]!}`, tensor(vector.expected));
    expect(output!.shape.slice(1)).toEqual(expected.shape.slice(1));
    expect(elementCount(output!.shape)).toBe(vector.expected.data.length);
    // The numbers were recorded with six decimals.
    expect(distance(output!, expected)).toBeLessThan(5e-5);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('the vectors are there, or their absence was told', () => {
  expect(ALL.length > 0).toBe(there);
});
