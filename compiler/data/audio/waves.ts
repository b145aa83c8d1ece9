/** Recordings as waves of one length: decoded, mixed, resampled and brought to a level once, placed when they are read. */
import { readFile } from 'node:fs/promises';
import { keyOf, philox4x32 } from '../../random/philox';
import type { ReadContext, TypedArray } from '../define';
import type { ImageFile } from '../image_files';
import { DataFileError } from '../idx_file';
import { reasonOf } from '../paths';
import { resample } from './resample';
import { decodeWav } from './wav';

/** The Philox stream of random places: "wave". */
const STREAM = 0x77617665;

export interface WaveFormat {
  readonly rate: number;
  readonly channels: number;
  /** Samples of a wave. */
  readonly length: number;
  readonly level: 'as_is' | 'peak' | 'rms';
  readonly place: 'start' | 'center' | 'end' | 'random';
}

export async function decodeRecording(file: ImageFile, format: WaveFormat): Promise<readonly Float32Array[]> {
  const bytes =
    typeof file.source === 'string'
      ? await readFile(file.source).catch((error: unknown) => {
          throw new DataFileError(reasonOf(error));
        })
      : file.source;
  const { rate, channels } = decodeWav(bytes);
  const mixed = format.channels === 1 ? [mix(channels)] : channels;
  if (mixed.length !== format.channels)
    throw new DataFileError(`has ${channels.length} channels, the input ${format.channels}`);
  const waves = mixed.map((samples) => levelled(resample(samples, rate, format.rate), format.level));
  // What can never be read need not be kept.
  return format.place === 'random' ? waves : waves.map((wave) => cut(wave, format));
}

function mix(channels: readonly Float32Array[]): Float32Array {
  const [first] = channels;
  if (channels.length === 1) return first!;
  return first!.map((_, i) => channels.reduce((sum, samples) => sum + samples[i]!, 0) / channels.length);
}

function levelled(wave: Float32Array, level: WaveFormat['level']): Float32Array {
  if (level === 'as_is' || wave.length === 0) return wave;
  const size =
    level === 'peak'
      ? wave.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
      : Math.sqrt(wave.reduce((sum, value) => sum + value * value, 0) / wave.length) * 10;
  return size > 0 ? wave.map((value) => value / size) : wave;
}

function startOf(surplus: number, place: WaveFormat['place']): number {
  return place === 'start' ? 0 : place === 'end' ? surplus : Math.floor(surplus / 2);
}

function cut(wave: Float32Array, { length, place }: WaveFormat): Float32Array {
  const surplus = wave.length - length;
  if (surplus <= 0) return wave;
  const first = startOf(surplus, place);
  return wave.slice(first, first + length);
}

/** Writes a recording into a row of zeros. */
export function writeWave(
  waves: readonly Float32Array[],
  format: WaveFormat,
  random: (ReadContext & { readonly sample: number }) | undefined,
  into: TypedArray,
  at: number,
): void {
  const { length, place } = format;
  const gap = length - (waves[0]?.length ?? 0);
  const draw = random && philox4x32([random.sample >>> 0, 0, STREAM, random.epoch >>> 0], keyOf(random.seed))[0];
  const start = draw === undefined ? startOf(Math.abs(gap), place) : Math.floor((draw / 2 ** 32) * (Math.abs(gap) + 1));
  for (const [channel, wave] of waves.entries()) {
    const row = into.subarray(at + channel * length, at + (channel + 1) * length) as Float32Array;
    row.fill(0);
    if (gap >= 0) row.set(wave, start);
    else row.set(wave.subarray(start, start + length));
  }
}
