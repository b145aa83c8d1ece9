/**
 * Single layers of Keras on recorded numbers (the vectors of keras.js): each case becomes a layer model of TensorFlow.js,
 * built from the words of its heading, is imported, and gives the outputs that were recorded.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { importModel } from '../../../compiler/interop/import/import';
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

interface Case {
  readonly key: string;
  readonly type: string;
  readonly vector: Vector;
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
  const found = text.matchAll(/(\w+)=('[^']*'|\([^)]*\)|-?[\w.]+)/g);
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

/** Where the heading says something else than what was recorded: 1 was cut off, not 4. */
const RECORDED: Readonly<Record<string, Settings>> = { 'convolutional.Cropping2D.5': { cropping: 1 } };
/** The headings of these are empty; the notebook goes through the functions in this order, each behind a Dense layer. */
const FUNCTIONS = [
  ...['softmax', 'elu', 'selu', 'softplus', 'softsign', 'relu', 'tanh', 'sigmoid', 'hard_sigmoid', 'linear'],
];

const unitsOf = ({ expected }: Vector): number => expected.shape.at(-1)!;

/** The layers of a case, one after the other; the weights are those of the first. Undefined where several are joined. */
function layersOf({ key, type, vector }: Case): readonly Layer[] | undefined {
  const text = vector.arguments ?? '';
  const words = { ...keywords(text), ...RECORDED[key] };
  const front = text.split(' on ')[0]!;
  const one = (config: Settings): Layer[] => [{ class_name: type, config }];
  switch (type) {
    case 'Dense': {
      const [, activation = 'linear'] = /(\w+) activation/.exec(text) ?? [];
      return one({ units: unitsOf(vector), activation, use_bias: !text.includes('no bias') });
    }
    case 'Activation':
    case 'Dropout':
    case 'GaussianNoise': {
      const own = {
        Activation: { activation: FUNCTIONS[Number(key.split('.').at(-1))]! },
        Dropout: { rate: 0.5 },
        GaussianNoise: { stddev: 0.5 },
      }[type];
      return [{ class_name: 'Dense', config: { units: unitsOf(vector) } }, ...one({ name: 'behind', ...own })];
    }
    case 'Conv2D':
    case 'Conv3D': {
      const [filters, ...kernel] = numbers(front);
      return one({ ...words, filters, kernel_size: kernel });
    }
    case 'Cropping2D':
    case 'Cropping3D':
      return one({ cropping: amounts(numbers(front), Number(type.at(-2))), ...words });
    case 'ZeroPadding2D':
      return one({ ...words, padding: amounts(numbers(front), 2) });
    case 'UpSampling1D':
    case 'UpSampling2D':
    case 'UpSampling3D': {
      const size = numbers(front.split(' upsampling')[0]!.replace(type, ''));
      return one({ ...words, size: amounts(size, 3) });
    }
    case 'Permute':
      return one({ dims: vector.expected.shape.map((extent) => vector.input.shape.indexOf(extent) + 1) });
    case 'Bidirectional': {
      const [, inner] = /wrap an? (\w+)/.exec(text) ?? [];
      const { merge_mode, ...config } = words;
      return one({ merge_mode, layer: { class_name: inner, config: { name: 'inner', ...config } } });
    }
    default:
      return ['Add', 'Maximum', 'Minimum', 'Concatenate', 'Dot'].includes(type) ? undefined : one(words);
  }
}

/** Several Dense layers on one input, repeated where what is joined has two axes, and what joins them. */
function branches({ type, vector }: Case): Settings {
  const { weights = [], arguments: text, input } = vector;
  const kernels = weights.filter(({ shape }) => shape.length === 2);
  const { axis, axes, normalize } = keywords(text ?? '');
  const flat = !(text ?? '').includes('2D');
  const node = (class_name: string, name: string, config: Settings, ...from: string[]): Settings => ({
    class_name,
    name,
    config: { name, ...config },
    inbound_nodes: from.length === 0 ? [] : [from.map((source) => [source, 0, 0, {}])],
  });
  const parts = kernels.flatMap(({ shape }, i) => [
    node('Dense', `part${i}`, { units: shape[1] }, 'x'),
    ...(flat ? [] : [node('RepeatVector', `rows${i}`, { n: 3 }, `part${i}`)]),
  ]);
  const settings = type === 'Dot' ? { axes, normalize } : type === 'Concatenate' ? { axis } : {};
  const join = node(type, 'all', settings, ...kernels.map((_, i) => `${flat ? 'part' : 'rows'}${i}`));
  const layers = [node('InputLayer', 'x', { batch_input_shape: [null, ...input.shape] }), ...parts, join];
  return { name: 'net', layers, input_layers: [['x', 0, 0]], output_layers: [['all', 0, 0]] };
}

/** The model as files in the folder. */
function write(folder: string, one: Case): void {
  const { vector } = one;
  const layers = layersOf(one);
  const [first, ...behind] = layers ?? [];
  const named = { name: 'layer', batch_input_shape: [null, ...vector.input.shape] };
  const topology =
    first === undefined
      ? { class_name: 'Model', config: branches(one) }
      : {
          class_name: 'Sequential',
          config: { name: 'net', layers: [{ ...first, config: { ...first.config, ...named } }, ...behind] },
        };
  const weights = (vector.weights ?? []).map(({ shape }, i) => ({
    name: first === undefined ? `part${i >> 1}/weight${i}` : `layer/weight${i}`,
    shape,
    dtype: 'float32',
  }));
  const bytes = Buffer.from(Float32Array.from((vector.weights ?? []).flatMap(({ data }) => [...data])).buffer);
  writeFileSync(path.join(folder, 'weights.bin'), bytes);
  const manifest = [{ paths: ['weights.bin'], weights }];
  const model = { modelTopology: { ...topology, keras_version: '2.0.5' }, weightsManifest: manifest };
  writeFileSync(path.join(folder, 'model.json'), JSON.stringify(model));
}

/**
 * States that are kept from call to call were recorded in the second of two calls on the same input. Here states start
 * from zeros in every call, which the import says; what is compared is one call on the steps of both.
 */
const isStateful = ({ vector }: Case): boolean => (vector.arguments ?? '').includes('stateful=True');

function twice({ key, type, vector }: Case): Case {
  const { data, shape } = vector.input;
  return { key, type, vector: { ...vector, input: { data: [...data, ...data], shape: [2 * shape[0]!, shape[1]!] } } };
}

const there = isThere();
const VECTORS = path.join(CORPUS, 'kerasjs-vectors');
const files = there ? readdirSync(VECTORS) : [];
const ALL = files.flatMap((name): Case[] => {
  const type = name.split('.')[1]!;
  const file = readFileSync(path.join(VECTORS, name, `${type}.json`), 'utf8');
  return Object.entries(JSON.parse(file) as Record<string, Vector>).map(([key, vector]) => ({ key, type, vector }));
});

test.each(ALL)('$key', async (one) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'dlc-vector-'));
  try {
    const stateful = isStateful(one);
    const { vector } = stateful ? twice(one) : one;
    write(folder, { ...one, vector });
    const model = await importModel([path.join(folder, 'model.json')], { blocks: false });
    if (stateful) expect(JSON.stringify(model.entries)).toMatch(/stateful.*states start from zeros in every call/);
    const tensor = ({ data, shape }: Tensor) =>
      ({ dtype: 'f32', shape: [1, ...shape], data: Float32Array.from(data) }) as const;
    const [output] = await run(model, [tensor(vector.input)]);
    const expected = inOrder(model.text, `output ${model.spec.outputs[0]!}`, tensor(vector.expected));
    // Of the steps of two calls those of the second were recorded.
    const found = output!.data.slice(stateful ? -vector.expected.data.length : 0) as Float32Array;
    if (!stateful) expect(output!.shape.slice(1)).toEqual(expected.shape.slice(1));
    expect(found.length).toBe(vector.expected.data.length);
    // The numbers were recorded with six decimals.
    expect(distance({ ...expected, data: found }, expected)).toBeLessThan(5e-5);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('every vector was compared, or the absence of all was told', () => {
  expect(ALL.length).toBe(there ? 190 : 0);
});
