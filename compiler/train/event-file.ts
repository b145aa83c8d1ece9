/**
 * TensorBoard event files: framed protobuf records (TFRecord framing, `tensorflow.Event` with a scalar summary).
 * Field numbers are those of event.proto and summary.proto.
 */
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { appendFileSync, closeSync, openSync } from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';
import { writeFault } from './run-folder';

const CRC32C = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  return crc;
});

/** CRC-32C (Castagnoli), masked as the TFRecord format wants it. */
export function maskedCrc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = CRC32C[(crc ^ byte) & 0xff]! ^ (crc >>> 8);
  crc = ~crc >>> 0;
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

function frame(payload: Uint8Array): Buffer {
  const record = Buffer.alloc(payload.length + 16);
  record.writeUInt32LE(payload.length, 0);
  record.writeUInt32LE(maskedCrc32c(record.subarray(0, 8)), 8);
  record.set(payload, 12);
  record.writeUInt32LE(maskedCrc32c(payload), payload.length + 12);
  return record;
}

const EVENT = { wallTime: 1, step: 2, fileVersion: 3, summary: 5 };
const SUMMARY_VALUE = 1;
const VALUE = { tag: 1, simpleValue: 2 };

function scalarEvent(seconds: number, step: number, scalars: Readonly<Record<string, number>>): Uint8Array {
  const event = new BinaryWriter().tag(EVENT.wallTime, WireType.Bit64).double(seconds);
  event.tag(EVENT.step, WireType.Varint).int64(step);
  event.tag(EVENT.summary, WireType.LengthDelimited).fork();
  for (const [tag, value] of Object.entries(scalars)) {
    event.tag(SUMMARY_VALUE, WireType.LengthDelimited).fork();
    event.tag(VALUE.tag, WireType.LengthDelimited).string(tag);
    event.tag(VALUE.simpleValue, WireType.Bit32).float(value);
    event.join();
  }
  return event.join().finish();
}

export class EventFile {
  readonly #fd: number;
  readonly #file: string;

  constructor(dir: string, now: Date) {
    const seconds = Math.floor(now.getTime() / 1000);
    this.#file = path.join(dir, `events.out.tfevents.${seconds}.${hostname()}.${process.pid}`);
    try {
      this.#fd = openSync(this.#file, 'a');
    } catch (error) {
      throw writeFault(this.#file, error);
    }
    const version = new BinaryWriter().tag(EVENT.wallTime, WireType.Bit64).double(seconds);
    this.#write(version.tag(EVENT.fileVersion, WireType.LengthDelimited).string('brain.Event:2').finish());
  }

  /** `scalars` by tag, e.g. `loss/train`. */
  append(now: Date, step: number, scalars: Readonly<Record<string, number>>): void {
    this.#write(scalarEvent(now.getTime() / 1000, step, scalars));
  }

  close(): void {
    closeSync(this.#fd);
  }

  #write(payload: Uint8Array): void {
    try {
      appendFileSync(this.#fd, frame(payload));
    } catch (error) {
      throw writeFault(this.#file, error);
    }
  }
}
