/** Models of sound: spoken digits from the waveform, and characters from a made-up speech without an alignment. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { generator } from '../support/samples';
import { npyData, publicData, trainZoo } from './training';

jest.setTimeout(120_000);

/** The files of a tar archive, by name. */
function* untar(archive: Buffer): Generator<readonly [string, Buffer]> {
  for (let at = 0; at + 512 <= archive.length && archive[at] !== 0;) {
    const size = parseInt(archive.toString('latin1', at + 124, at + 136), 8);
    yield [archive.toString('latin1', at, at + 100).replace(/\0.*$/s, ''), archive.subarray(at + 512, at + 512 + size)];
    at += 512 * (1 + Math.ceil(size / 512));
  }
}

/** Samples of a mono recording of 16 bits, in the middle of `length`. */
function waveOf(file: Buffer, length: number): Float32Array {
  const at = file.indexOf('data', 12, 'latin1') + 8;
  const count = Math.floor((file.length - at) / 2);
  const wave = new Float32Array(length);
  const first = Math.max(0, Math.floor((count - length) / 2));
  const place = Math.max(0, Math.floor((length - count) / 2));
  for (let i = 0; i < Math.min(count, length); i++) wave[place + i] = file.readInt16LE(at + 2 * (first + i)) / 32768;
  return wave;
}

test('wav_cnn hears spoken digits: 60 % after eight epochs of 900 recordings of half a second', async () => {
  const folder = publicData('fsdd');
  if (folder === undefined) return;
  const LENGTH = 4000;
  const parts = {
    train: [] as { wave: Float32Array; label: number }[],
    eval: [] as { wave: Float32Array; label: number }[],
  };
  for (const [name, file] of untar(gunzipSync(readFileSync(path.join(folder, 'recordings.tar.gz'))))) {
    const [, digit, index] = /(\d)_\w+_(\d+)\.wav$/.exec(name) ?? [];
    if (digit === undefined || Number(index) >= 20) continue;
    // The first five of each are the official test.
    parts[Number(index) < 5 ? 'eval' : 'train'].push({ wave: waveOf(file, LENGTH), label: Number(digit) });
  }
  const data = (['train', 'eval'] as const).map((mode) => {
    const rows = parts[mode];
    const values = new Float32Array(rows.length * LENGTH);
    rows.forEach(({ wave }, i) => values.set(wave, i * LENGTH));
    const label = rows.map((row) => row.label);
    return npyData(mode, {
      wave: { dtype: 'f32', shape: [rows.length, 1, LENGTH], values },
      label: { dtype: 'i32', shape: [rows.length], values: label },
    });
  });
  expect(parts.train).toHaveLength(900);
  const small = [1, 2, 3, 4].map((stage) => `layers.stage${stage}.filters=${[32, 32, 64, 128][stage - 1]}`);
  const { figures } = await trainZoo('wav_cnn', [
    `inputs.wave.shape=[N,1,${LENGTH}]`,
    ...data,
    ...small,
    'train.epochs=8',
    'train.optimizer.lr=0.003',
    'train.schedule={type: one_cycle}',
  ]);
  expect(figures['accuracy']).toBeGreaterThan(0.6);
});

describe('characters without an alignment', () => {
  const [FRAMES, BANDS, LETTERS] = [48, 16, 6];

  /** Each letter sounds in two bands of its own for 6 to 9 frames; silence before, behind and at times between. */
  function speech(mode: 'train' | 'eval', count: number): string {
    const random = generator(mode === 'train' ? 7 : 8);
    const features = new Float32Array(count * FRAMES * BANDS);
    const frames: number[] = [];
    const text: number[] = [];
    for (let i = 0; i < count; i++) {
      const letters: number[] = [];
      let t = Math.floor(4 * random());
      while (letters.length < 5) {
        const letter = 1 + Math.floor(LETTERS * random());
        const long = 6 + Math.floor(4 * random());
        const gap = letters.at(-1) === letter ? 5 : Math.floor(3 * random());
        if (t + gap + long > FRAMES) break;
        t += gap;
        for (const end = t + long; t < end; t++) {
          for (const band of [2 * letter, 2 * letter + 2]) features[(i * FRAMES + t) * BANDS + band] = 2;
        }
        letters.push(letter);
      }
      frames.push(Math.min(FRAMES, t + 2));
      text.push(...Array.from({ length: 5 }, (_, k) => letters[k] ?? 0));
    }
    features.forEach((energy, i) => (features[i] = energy + random() - 0.5));
    return npyData(mode, {
      features: { dtype: 'f32', shape: [count, 1, FRAMES, BANDS], values: features },
      frames: { dtype: 'i32', shape: [count], values: frames },
      text: { dtype: 'i32', shape: [count, 5], values: text },
    });
  }

  const SHAPES = [`inputs.features.shape=[N,1,${FRAMES},${BANDS}]`, 'inputs.text.shape=[N,5]', 'layers.logits.units=7'];

  test.each([
    [
      'deep_speech',
      ['conv1', 'conv2']
        .map((name) => `layers.${name}.filters=8`)
        .concat('layers.memory.units=32', 'layers.memory.layers=1', 'train.optimizer.lr=0.005'),
    ],
    [
      'conformer_lite',
      [
        'layers.conv1.filters=16',
        'layers.conv2.filters=16',
        'layers.conv1.stride=[2,2]',
        'layers.conv2.stride=[1,2]',
        'layers.sequence.units=32',
        ...['units=32', 'repeat=2', 'kernel=7'].map((setting) => `layers.conformer.${setting}`),
        'train.optimizer.lr=0.005',
        'train.schedule.warmup.epochs=1',
      ],
    ],
  ])('%s spells: fewer than 10 %% of the characters are wrong', async (name, small) => {
    const data = [speech('train', 600), speech('eval', 100)].map((override) =>
      name === 'deep_speech' ? override : override.replace(/, frames: [^,]*/, ''),
    );
    const { figures } = await trainZoo(name, [...SHAPES, ...data, ...small, 'train.epochs=8']);
    expect(figures['character_error_rate']).toBeLessThan(0.1);
  });
});
