/** Prediction: what arrays fit an input, how many samples are cut into batches, and the library's `load`. */
import fc from 'fast-check';
import type { NpyArray } from '../../compiler/data/npy';
import { SpecError, UsageError } from '../../compiler/diagnostics/errors';
import { loadSpecText } from '../../compiler/frontend/load';
import type { DType } from '../../compiler/ir/types';
import { load, type LoadedModel } from '../../compiler/train/load';
import { interfaceOf } from '../../compiler/train/interface';
import { asBatch, PREDICT_BATCH, predictBatches } from '../../compiler/train/predict';
import { runTraining } from '../../compiler/train/run';
import { ModelFolder, TINY } from '../support/cli';
import { typedArray } from '../../compiler/data/typed_array';
import { elementCount } from '../../compiler/ir/types';
import { input } from '../data/fixtures';
import { loadSpec } from '../../compiler/frontend/load';

const AT = { file: '<command line>', line: 1, column: 1, length: 1 };
const image = input('image', 'f32', ['N', 1, 6, 6]);

function array(dtype: DType, shape: readonly number[]): NpyArray {
  const data = typedArray(dtype, elementCount(shape));
  for (let i = 0; i < data.length; i++) data[i] = dtype === 'i64' ? BigInt(i) : i;
  return { dtype, shape, data };
}

describe('an array for an input [N, 1, 6, 6]', () => {
  it.each([
    ['a batch', [5, 1, 6, 6], [5, 1, 6, 6]],
    ['one sample', [1, 6, 6], [1, 1, 6, 6]],
    ['a batch of pictures without the channel axis', [5, 6, 6], [5, 1, 6, 6]],
  ])('is %s', (_, shape, expected) => {
    const given = array('f32', shape);
    const batch = asBatch(image, given, AT);
    expect(batch.shape).toEqual(expected);
    expect(batch.data).toEqual(given.data);
  });

  it.each([
    ['f64', 'f32', [2, 1, 6, 6]],
    ['u8', 'f32', [2, 1, 6, 6]],
    ['i64', 'i32', [4]],
  ] as const)('of %s becomes %s', (from, to, shape) => {
    const wanted = to === 'f32' ? image : input('label', 'i32', ['N']);
    const batch = asBatch(wanted, array(from, shape), AT);
    expect(batch.dtype).toBe(to);
    expect([...batch.data].map(Number)).toEqual([...batch.data.keys()]);
  });

  it.each([
    ['f32', [5, 1, 6, 7]],
    ['f32', [0, 1, 6, 6]],
    ['f32', []],
    ['f32', [36]],
    ['i32', [5, 1, 6, 6]],
    ['bool', [5, 1, 6, 6]],
  ] as const)('is refused as %s %j, with both sides', (dtype, shape) => {
    expect(() => asBatch(image, array(dtype, shape), AT)).toThrow(SpecError);
    expect(() => asBatch(image, array(dtype, shape), AT)).toThrow(/`image` is f32\[N,1,6,6\], `the array` is /);
  });

  it('never becomes anything but whole samples, whatever its shape', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 7 }), { maxLength: 5 }), (shape) => {
        const given = array('f32', shape);
        try {
          const { shape: found, data } = asBatch(image, given, AT);
          expect(found.slice(1)).toEqual([1, 6, 6]);
          expect(found[0]! * 36).toBe(data.length);
          expect(found[0]).toBeGreaterThan(0);
        } catch (error) {
          expect(error).toBeInstanceOf(SpecError);
        }
      }),
    );
  });
});

test('an input that no output needs is not asked for', () => {
  expect(interfaceOf(loadSpecText(TINY, 'model.yaml')).needed).toEqual(['image']);
});

test('neither is one that only layers of other modes read', () => {
  const layers = `layers:
  - {name: mix, type: mixup, inputs: [image, label], classes: 4, when: [train, eval], else: image}
  - {name: logits, type: dense, units: 4}`;
  const inputs = 'inputs: {image: {shape: [N, 1, 6, 6]}, label: {shape: [N], dtype: int32}}';
  const losses = 'losses: [{type: cross_entropy, inputs: [logits, mix.labels]}]';
  expect(interfaceOf(loadSpecText(`${inputs}\n${layers}\n${losses}`, 'model.yaml')).needed).toEqual(['image']);
});

test('any number of samples is cut into compiled batches', () => {
  const spec = loadSpecText(TINY, 'model.yaml');
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 500 }), (count) => {
      const sizes = predictBatches(spec, count);
      const full = Math.min(count, PREDICT_BATCH);
      expect(sizes).toEqual(count % full === 0 ? [full] : [full, count % full]);
    }),
  );
});

describe('load', () => {
  const folder = new ModelFolder();
  let model: LoadedModel;
  beforeAll(async () => {
    const nothing = (): void => undefined;
    await runTraining(
      loadSpec(folder.at('model.yaml')),
      {
        machine: { threads: 1 },
        runRoot: folder.path,
        runDir: folder.at('run'),
        resume: false,
        allowOutside: false,
        command: '',
      },
      {
        onStart: nothing,
        onWarnings: nothing,
        onData: nothing,
        onProgress: nothing,
        onEvaluation: nothing,
        onEvaluationProgress: nothing,
        onCheckpoint: nothing,
        shouldStop: () => false,
      },
    );
    model = await load(folder.at('run', 'weights.h5'), { threads: 1, batch: 2 });
  });
  afterAll(() => {
    model.close();
    folder.remove();
  });

  const pictures = (first: number): NpyArray => {
    const data = Float32Array.from({ length: 72 }, (_, i) => ((i + first) % 36 < 12 ? 0.8 : 0.1));
    return { dtype: 'f32', shape: [2, 1, 6, 6], data };
  };

  it('knows the model inside the weight file', () => {
    expect([model.spec.name, model.inputs]).toEqual(['tiny', ['image']]);
  });

  it('takes calls at any time and answers each as if it were alone', async () => {
    const alone: unknown[] = [];
    for (const first of [0, 12, 24]) alone.push(await model.predict({ image: pictures(first) }));
    const together = await Promise.all([0, 12, 24].map((first) => model.predict({ image: pictures(first) })));
    expect(together).toEqual(alone);
    expect(together[0]!['probs']).toMatchObject({ dtype: 'f32', shape: [2, 3] });
    expect(together[0]!['probs']).not.toEqual(together[1]!['probs']);
  });

  it('refuses what does not fit, and goes on', async () => {
    await expect(model.predict({})).rejects.toThrow(UsageError);
    await expect(model.predict({ image: array('f32', [3, 1, 6, 6]) })).rejects.toThrow('holds 3 samples');
    await expect(model.predict({ image: array('f32', [2, 1, 5, 6]) })).rejects.toThrow(SpecError);
    const short = { ...pictures(0), data: new Float32Array(71) };
    await expect(model.predict({ image: short })).rejects.toThrow('its data is a Float32Array of 72');
    const bytes = { ...pictures(0), data: new Uint8Array(72) };
    await expect(model.predict({ image: bytes })).rejects.toThrow(UsageError);
    const nan = { ...pictures(0), data: new Float32Array(72).fill(NaN) };
    await model.predict({ image: nan }).catch((error: unknown) => expect(error).toBeInstanceOf(SpecError));
    expect(await model.predict({ image: pictures(0) })).toHaveProperty('probs');
  });

  it('says so when it is closed already', async () => {
    const other = await load(folder.at('run', 'weights.h5'), { batch: 2 });
    other.close();
    await expect(other.predict({ image: pictures(0) })).rejects.toThrow(new UsageError('the model is closed'));
  });

  it('says what is wrong with a weight file', async () => {
    await expect(load(folder.at('none.h5'))).rejects.toThrow('there is no such file');
    await expect(load(folder.at('images.idx'))).rejects.toThrow(SpecError);
  });
});
