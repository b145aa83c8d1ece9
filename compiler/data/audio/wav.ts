/**
 * WAV files: RIFF chunks with integer samples of 8 to 32 bits or floats of 32 or 64, to floats in [−1, 1). The header may
 * say anything; what is allocated is bounded by the bytes that are there.
 */
import { DataFileError } from '../idx_file';

export interface Sound {
  /** Samples a second. */
  readonly rate: number;
  /** One array for each channel. */
  readonly channels: readonly Float32Array[];
}

const MAX_CHANNELS = 64;
const PCM = 1;
const FLOAT = 3;
const EXTENSIBLE = 0xfffe;

interface Format {
  readonly code: number;
  readonly channels: number;
  readonly rate: number;
  readonly bits: number;
}

export function decodeWav(bytes: Uint8Array): Sound {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (file.length < 12 || file.toString('latin1', 0, 4) !== 'RIFF' || file.toString('latin1', 8, 12) !== 'WAVE')
    throw new DataFileError('not a WAV file');
  let format: Format | undefined;
  for (let at = 12; at + 8 <= file.length;) {
    const name = file.toString('latin1', at, at + 4);
    const size = file.readUInt32LE(at + 4);
    const body = file.subarray(at + 8, at + 8 + size);
    if (name === 'fmt ') format = readFormat(body);
    if (name === 'data') {
      if (!format) throw new DataFileError('its samples come before its format');
      // Recorders that were cut off leave 0 or the greatest number for the size.
      const unknown = size === 0 || size === 0xffffffff;
      if (!unknown && body.length < size) throw new DataFileError('the file ends early');
      return samplesOf(unknown ? file.subarray(at + 8) : body, format);
    }
    at += 8 + size + (size % 2);
  }
  throw new DataFileError('holds no samples');
}

function readFormat(body: Buffer): Format {
  if (body.length < 16) throw new DataFileError('the file ends early');
  const written = body.readUInt16LE(0);
  const code = written === EXTENSIBLE && body.length >= 26 ? body.readUInt16LE(24) : written;
  const format = { code, channels: body.readUInt16LE(2), rate: body.readUInt32LE(4), bits: body.readUInt16LE(14) };
  const known = code === PCM ? [8, 16, 24, 32] : code === FLOAT ? [32, 64] : [];
  if (!known.includes(format.bits))
    throw new DataFileError(`its samples are of format ${code} with ${format.bits} bits; PCM and floats are read`);
  if (format.channels < 1 || format.channels > MAX_CHANNELS || format.rate < 1)
    throw new DataFileError(`says it has ${format.channels} channels and ${format.rate} samples a second`);
  return format;
}

function samplesOf(data: Buffer, { code, channels, rate, bits }: Format): Sound {
  const width = bits / 8;
  const count = Math.floor(data.length / (width * channels));
  const read = readerOf(code, bits, data);
  const decoded = Array.from({ length: channels }, () => new Float32Array(count));
  decoded.forEach((samples, channel) => {
    for (let i = 0; i < count; i++) samples[i] = read((i * channels + channel) * width);
  });
  return { rate, channels: decoded };
}

function readerOf(code: number, bits: number, data: Buffer): (at: number) => number {
  if (code === FLOAT) return bits === 32 ? (at) => data.readFloatLE(at) : (at) => data.readDoubleLE(at);
  // Eight bits are without a sign, by custom.
  if (bits === 8) return (at) => (data.readUInt8(at) - 128) / 128;
  const scale = 2 ** (1 - bits);
  return (at) => data.readIntLE(at, bits / 8) * scale;
}
