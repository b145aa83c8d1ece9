/** Models of sound: spoken digits from the waveform, and characters from a made-up speech without an alignment. */
import { generator } from '../support/samples';
import { npyData, publicData, trainZoo } from './training';

jest.setTimeout(120_000);

test('wav_cnn hears spoken digits: 60 % after eight epochs of 900 recordings of half a second', async () => {
  const folder = publicData('fsdd');
  if (folder === undefined) return;
  // Of each speaker and digit the first five are for the test; fifteen more are enough to learn from.
  const some = Array.from({ length: 15 }, (_, i) => i + 5).join(', ');
  const data = ['train', 'eval'].flatMap((mode) => [
    `data.${mode}.path=${folder}/recordings.tar.gz`,
    `data.${mode}.list=${folder}/split.csv`,
  ]);
  const small = [1, 2, 3, 4].map((stage) => `layers.stage${stage}.filters=${[32, 32, 64, 128][stage - 1]}`);
  const { figures } = await trainZoo('wav_cnn', [
    'inputs.wave.shape=[N,1,4000]',
    ...data,
    `data.train.where={index: [${some}]}`,
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
      wave: { dtype: 'f32', shape: [count, 1, FRAMES, BANDS], values: features },
      samples: { dtype: 'i32', shape: [count], values: frames },
      text: { dtype: 'i32', shape: [count, 5], values: text },
    });
  }

  /** What comes in are features, in the place of the wave that the model makes them of. */
  const SHAPES = [
    ...[`inputs.wave.shape=[N,1,${FRAMES},${BANDS}]`, 'inputs.text.shape=[N,5]', 'layers.logits.units=7'],
    'layers.features={name: features, type: identity, inputs: wave}',
    'layers.plane={name: plane, type: identity}',
  ];

  test.each([
    [
      'deep_speech',
      ['conv1', 'conv2']
        .map((name) => `layers.${name}.filters=8`)
        .concat(
          'layers.half.expr=(samples + 1) // 2',
          'layers.memory.units=32',
          'layers.memory.layers=1',
          'train.optimizer.lr=0.005',
        ),
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
      name === 'deep_speech' ? override : override.replace(/, samples: [^,}]*/, ''),
    );
    const { figures } = await trainZoo(name, [...SHAPES, ...data, ...small, 'train.epochs=8']);
    expect(figures['character_error_rate']).toBeLessThan(0.1);
  });
});
