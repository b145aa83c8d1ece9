/** Recordings as waves: every sample format, other rates, places, labels from names, folders and tables, transcripts. */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { resample } from '../../compiler/data/audio/resample';
import { nameReader } from '../../compiler/data/audio/names';
import { decodeWav } from '../../compiler/data/audio/wav';
import type { Dataset } from '../../compiler/data/define';
import { DataFileError } from '../../compiler/data/idx_file';
import type { Learned } from '../../compiler/data/learned';
import type { Fields, InputSpec, Mode } from '../../compiler/frontend/spec';
import { context, Folder, input, open, problemsOf, rows, section } from './fixtures';

const folder = new Folder();
afterAll(() => folder.remove());

interface Wave {
  readonly rate?: number;
  readonly channels?: number;
  readonly bits?: 8 | 16 | 24 | 32 | 64;
  readonly float?: boolean;
}

/** Interleaved samples in [−1, 1) as a WAV file with a chunk that nobody knows in front of the data. */
function wav(samples: readonly number[], { rate = 8000, channels = 1, bits = 16, float = false }: Wave = {}): Buffer {
  const width = bits / 8;
  const data = Buffer.alloc(samples.length * width);
  samples.forEach((value, i) => {
    if (float && bits === 64) data.writeDoubleLE(value, i * width);
    else if (float) data.writeFloatLE(value, i * width);
    else if (bits === 8) data.writeUInt8(Math.round(value * 128) + 128, i);
    else data.writeIntLE(Math.round(value * 2 ** (bits - 1)), i * width, width);
  });
  const format = Buffer.alloc(16);
  format.writeUInt16LE(float ? 3 : 1, 0);
  format.writeUInt16LE(channels, 2);
  format.writeUInt32LE(rate, 4);
  format.writeUInt16LE(bits, 14);
  const chunk = (name: string, body: Buffer): Buffer => {
    const head = Buffer.alloc(8);
    head.write(name, 'latin1');
    head.writeUInt32LE(body.length, 4);
    return Buffer.concat([head, body, Buffer.alloc(body.length % 2)]);
  };
  const body = Buffer.concat([chunk('fmt ', format), chunk('LIST', Buffer.from('abc')), chunk('data', data)]);
  return Buffer.concat([Buffer.from('RIFF'), Buffer.from([0, 0, 0, 0]), Buffer.from('WAVE'), body]);
}

const SAMPLES = [0, 0.5, -0.25, -1, 0.75];

it.each<Wave>([
  ...([8, 16, 24, 32] as const).map((bits) => ({ bits })),
  ...([32, 64] as const).map((bits) => ({ bits, float: true })),
])('decodes %j', (how) => {
  const { rate, channels } = decodeWav(wav(SAMPLES, how));
  expect([rate, channels.map((samples) => [...samples])]).toEqual([8000, [SAMPLES]]);
});

it('decodes channels, and says what it does not read', () => {
  expect(decodeWav(wav([0, 0.5, 0.25, -0.5], { channels: 2 })).channels.map((c) => [...c])).toEqual([
    [0, 0.25],
    [0.5, -0.5],
  ]);
  const good = wav(SAMPLES);
  const law = Buffer.from(good);
  law.writeUInt16LE(6, 20);
  expect(() => decodeWav(law)).toThrow('format 6');
  expect(() => decodeWav(good.subarray(0, -2))).toThrow('ends early');
  expect(() => decodeWav(Buffer.from('RIFX'))).toThrow('not a WAV file');
});

it('survives damage', () => {
  const good = wav(SAMPLES);
  fc.assert(
    fc.property(fc.nat(good.length - 1), fc.nat(255), fc.nat(good.length), (at, byte, length) => {
      const bad = Buffer.from(good.subarray(0, length));
      if (at < bad.length) bad[at] = byte;
      try {
        for (const samples of decodeWav(bad).channels) expect(samples.length).toBeLessThanOrEqual(good.length);
      } catch (error) {
        expect(error).toBeInstanceOf(DataFileError);
      }
    }),
    { numRuns: 300 },
  );
});

it.each([
  [8000, 16000],
  [16000, 8000],
  [44100, 16000],
  [8000, 11025],
])('resamples %i to %i', (from, to) => {
  const tone = (rate: number): Float32Array =>
    Float32Array.from({ length: rate / 10 }, (_, i) => Math.sin((2 * Math.PI * 440 * i) / rate));
  const [made, exact] = [resample(tone(from), from, to), tone(to)];
  expect(Math.abs(made.length - exact.length)).toBeLessThanOrEqual(1);
  for (let i = 100; i < exact.length - 100; i++) expect(Math.abs(made[i]! - exact[i]!)).toBeLessThan(0.004);
});

it('takes away what a lower rate cannot hold', () => {
  const high = Float32Array.from({ length: 1600 }, (_, i) => Math.sin((2 * Math.PI * 6500 * i) / 16000));
  for (const value of resample(high, 16000, 8000).subarray(50, 750)) expect(Math.abs(value)).toBeLessThan(0.02);
});

it('takes names apart', () => {
  const read = nameReader('{label}_{speaker}_{index}.wav');
  expect(read('7_lucas_12.wav')).toEqual({ label: '7', speaker: 'lucas', index: '12' });
  expect(read('7_lucas.wav')).toBeUndefined();
  expect(read('7_lucas_12.mp3')).toBeUndefined();
  expect(() => nameReader('{a}{b}')).toThrow('between two parts');
  expect(() => nameReader('plain.wav')).toThrow('braces');
});

function put(name: string, content: Buffer | string): void {
  mkdirSync(path.dirname(folder.at(name)), { recursive: true });
  writeFileSync(folder.at(name), content);
}

put('rec/1_ann_0.wav', wav([0.5, 0.25]));
put('rec/0_ann_1.wav', wav([0.25, 0.5, -0.5, 0.75, 0.125]));
put('rec/1_bob_0.wav', wav([0.5, 0, 0.25, 0.25, -0.5, 0.5], { channels: 2 }));

const X = input('x', 'f32', ['N', 1, 4]);
const LABEL = input('label', 'i32', ['N']);

function audio(
  fields: Fields,
  inputs: readonly InputSpec[] = [X, LABEL],
  mode: Mode = 'train',
  learned?: Learned,
): Promise<Dataset> {
  const how = context(folder, inputs, mode);
  const given = section('audio_folder', { path: 'rec', rate: 8000, ...fields });
  return open(given, learned ? { ...how, learned } : how);
}

async function all(dataset: Dataset, name: string, width: number): Promise<number[][]> {
  const indices = Array.from({ length: dataset.size }, (_, i) => i);
  const values = Array.from((await rows(dataset, indices))[name]!, Number);
  return indices.map((i) => values.slice(i * width, (i + 1) * width));
}

const NAME = '{label}_{who}_{take}.wav';

it('fills up, cuts and mixes; labels by name', async () => {
  const dataset = await audio({ name: NAME });
  expect(await all(dataset, 'x', 4)).toEqual([
    [0.25, 0.5, -0.5, 0.75],
    [0.5, 0.25, 0, 0],
    [0.25, 0.25, 0, 0],
  ]);
  expect(await all(dataset, 'label', 1)).toEqual([[0], [1], [1]]);
  const end = await audio({ name: NAME, place: 'end', where: { who: 'ann' }, level: 'peak' });
  expect(await all(end, 'x', 4)).toEqual([
    [0.5, -0.5, 0.75, 0.125].map((value) => Math.fround(value / 0.75)),
    [0, 0, 1, 0.5],
  ]);
  const learned = { learned: dataset.learned! }.learned;
  const eval_ = await audio({ name: NAME, where: { take: 0 } }, [X, LABEL], 'eval', learned);
  expect(await all(eval_, 'label', 1)).toEqual([[1], [1]]);
});

it('places at random in training, the same for the same seed and epoch', async () => {
  const dataset = await audio({ name: NAME, place: 'random', where: { who: 'ann', take: 1 } });
  const seen = new Set<string>();
  for (let epoch = 0; epoch < 20; epoch++) {
    const { x } = await rows(dataset, [0], { seed: 1, epoch });
    expect(x).toEqual((await rows(dataset, [0], { seed: 1, epoch })).x);
    seen.add(Array.from(x!, Number).join());
  }
  expect([...seen].sort()).toEqual(['0.25,0.5,-0.5,0.75', '0.5,-0.5,0.75,0.125']);
});

it('takes files, labels and transcripts from a table', async () => {
  put('list.csv', 'file,word,said\n1_ann_0.wav,one,ba\n1_bob_0.wav,two,abba\n');
  const inputs = [X, LABEL, input('said', 'i32', ['N', 3]), input('n', 'i32', ['N']), input('t', 'i32', ['N'])];
  const bind = { token_lengths: 'n', wave_lengths: 't' };
  const fields = { list: 'list.csv', label: 'word', transcript: 'said', bind };
  const dataset = await audio(fields, inputs);
  expect(dataset.classes).toEqual(['one', 'two']);
  // 0 is the blank; a 1, b 2.
  expect(await all(dataset, 'said', 3)).toEqual([
    [2, 1, 0],
    [1, 2, 2],
  ]);
  expect(await all(dataset, 'n', 1)).toEqual([[2], [3]]);
  expect(await all(dataset, 't', 1)).toEqual([[2], [3]]);
  const again = await audio(fields, inputs, 'eval', dataset.learned);
  expect(await all(again, 'said', 3)).toEqual(await all(dataset, 'said', 3));
  put('list.csv', 'file,word,said\nnone.wav,one,ba\n');
  expect((await problemsOf(audio(fields, inputs)))[0]!.message).toContain('`list.csv:2`: there is no recording');
});

it('says what is wrong and where', async () => {
  const message = async (fields: Fields, inputs?: readonly InputSpec[]): Promise<string> =>
    (await problemsOf(audio(fields, inputs)))[0]!.message;
  expect(await message({})).toContain('it has no label');
  expect(await message({ name: NAME, where: { when: 1 } })).toContain('`name` has no part `when`');
  expect(await message({ where: { who: 1 } })).toContain('has no effect without a `list`');
  expect(await message({ name: NAME }, [X, LABEL, input('said', 'i32', ['N', 3])])).toContain('no transcripts');
  expect(await message({ name: NAME }, [input('x', 'f32', ['N', 2, 4]), LABEL])).toContain(
    'has 1 channels, the input 2',
  );
  put('bad/a/x.wav', wav(SAMPLES).subarray(0, 30));
  expect(await message({ path: 'bad' })).toContain('`bad/a/x.wav`');
});
