/** The files that grow while a run trains, metrics.jsonl and the event file, and those that are replaced as a whole. */
import { spawnSync } from 'node:child_process';
import { appendFileSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import { RuntimeFault } from '../../compiler/diagnostics/errors';
import { EventFile, maskedCrc32c } from '../../compiler/train/event-file';
import { MetricsLog, readMetrics, type MetricsLine } from '../../compiler/train/metrics-log';
import { createRunFolder, newestRunFolder, replaceFile, writeFault } from '../../compiler/train/run-folder';
import { Folder } from '../data/fixtures';

const folder = new Folder();
afterAll(() => folder.remove());

const line = (step: number, split: MetricsLine['split'] = 'train'): MetricsLine => ({
  step,
  epoch: 1,
  split,
  loss: 1 / step,
});
const upTo = (step: number) => (candidate: MetricsLine) => candidate.step <= step;

describe('metrics.jsonl', () => {
  const write = (name: string, steps: readonly number[]): string => {
    const file = folder.at(name);
    const log = new MetricsLog(file, upTo(0));
    log.append(steps.map((step) => line(step)));
    log.close();
    return file;
  };

  it('reads back what was appended, to the bit', () => {
    const file = write('plain.jsonl', [1, 2, 3]);
    expect(readMetrics(file)).toEqual([line(1), line(2), line(3)]);
    expect(readMetrics(folder.at('none.jsonl'))).toEqual([]);
  });

  it.each([
    ['torn in the middle', '{"step":4,"epo'],
    ['whole but for its end of line', JSON.stringify(line(4))],
    ['not JSON', 'nothing\n'],
  ])('cuts off a last line that is %s, and goes on behind it', (_, tail) => {
    const file = write('torn.jsonl', [1, 2, 3]);
    appendFileSync(file, tail);
    expect(readMetrics(file)).toHaveLength(3);
    const log = new MetricsLog(file, upTo(9));
    log.append([line(4), line(4, 'eval')]);
    log.close();
    expect(readMetrics(file)).toEqual([line(1), line(2), line(3), line(4), line(4, 'eval')]);
  });

  it('drops the steps that the checkpoint does not know, and leaves the bytes of the others alone', () => {
    const file = write('cut.jsonl', [1, 2, 3, 4, 5]);
    const before = readFileSync(file, 'utf8');
    new MetricsLog(file, upTo(3)).close();
    expect(readFileSync(file, 'utf8')).toBe(before.split('\n').slice(0, 3).join('\n') + '\n');
  });

  it('says which file it cannot write', () => {
    expect(() => new MetricsLog(folder.at('none', 'm.jsonl'), upTo(0))).toThrow(RuntimeFault);
  });
});

/** TFRecord framing undone, each checksum compared. */
function recordsOf(bytes: Buffer): Uint8Array[] {
  const records: Uint8Array[] = [];
  for (let at = 0; at < bytes.length;) {
    const length = bytes.readUInt32LE(at);
    expect(bytes.readUInt32LE(at + 4)).toBe(0);
    expect(bytes.readUInt32LE(at + 8)).toBe(maskedCrc32c(bytes.subarray(at, at + 8)));
    const payload = bytes.subarray(at + 12, at + 12 + length);
    expect(bytes.readUInt32LE(at + 12 + length)).toBe(maskedCrc32c(payload));
    records.push(payload);
    at += length + 16;
  }
  return records;
}

type Fields = Map<number, (number | Uint8Array)[]>;

/** A protobuf message by field numbers, without a schema. */
function fieldsOf(payload: Uint8Array): Fields {
  const reader = new BinaryReader(payload);
  const fields: Fields = new Map();
  while (reader.pos < reader.len) {
    const [field, wire] = reader.tag();
    const value =
      wire === WireType.Bit64
        ? reader.double()
        : wire === WireType.Bit32
          ? reader.float()
          : wire === WireType.Varint
            ? Number(reader.int64())
            : reader.bytes();
    fields.set(field, [...(fields.get(field) ?? []), value]);
  }
  return fields;
}

const text = (value: unknown): string => Buffer.from(value as Uint8Array).toString('utf8');

describe('the event file', () => {
  const dir = folder.at('events');
  const write = (): string => {
    mkdirSync(dir, { recursive: true });
    const events = new EventFile(dir, new Date(1_700_000_000_000));
    events.append(new Date(1_700_000_001_500), 1, { 'loss/train': 2.5, 'lr/train': 0.125 });
    events.append(new Date(1_700_000_002_000), 3_000_000_000, { 'loss/eval': 0.25 });
    events.close();
    return folder.at('events', readdirSync(dir)[0]!);
  };

  it('has the checksum of the CRC-32C standard, masked', () => {
    const unmask = (masked: number): number => {
      const rotated = (masked - 0xa282ead8) >>> 0;
      return ((rotated >>> 17) | (rotated << 15)) >>> 0;
    };
    expect(unmask(maskedCrc32c(Buffer.from('123456789')))).toBe(0xe3069283);
    expect(unmask(maskedCrc32c(new Uint8Array(32)))).toBe(0x8a9136aa);
    expect(unmask(maskedCrc32c(new Uint8Array(32).fill(0xff)))).toBe(0x62a8ab43);
  });

  it('holds records that parse back, steps beyond 32 bits and all', () => {
    const file = write();
    expect(file).toContain('events.out.tfevents.1700000000.');
    const [version, first, second] = recordsOf(readFileSync(file)).map(fieldsOf);
    expect(text(version!.get(3)![0])).toBe('brain.Event:2');
    expect([first!.get(1), first!.get(2)]).toEqual([[1_700_000_001.5], [1]]);
    const values = (fieldsOf(first!.get(5)![0] as Uint8Array).get(1) ?? []).map((v) => fieldsOf(v as Uint8Array));
    expect(values.map((value) => [text(value.get(1)![0]), value.get(2)![0]])).toEqual([
      ['loss/train', 2.5],
      ['lr/train', 0.125],
    ]);
    expect(second!.get(2)).toEqual([3_000_000_000]);
  });

  it("is read by TensorBoard's own reader, where there is one", () => {
    const script = [
      'import sys',
      'from tensorboard.backend.event_processing.event_file_loader import EventFileLoader',
      'for event in EventFileLoader(sys.argv[1]).Load():',
      '    for value in event.summary.value:',
      '        print(event.step, value.tag, value.simple_value or value.tensor.float_val[0])',
    ].join('\n');
    const file = folder.at('events', readdirSync(dir)[0]!);
    const { status, stdout, stderr } = spawnSync('python3', ['-c', script, file], { encoding: 'utf8' });
    if (status !== 0 && /ModuleNotFoundError|ENOENT/.test(stderr || 'ENOENT')) {
      console.log('skipped: Python has no tensorboard here');
      return;
    }
    expect([status, stdout]).toEqual([0, '1 loss/train 2.5\n1 lr/train 0.125\n3000000000 loss/eval 0.25\n']);
  });
});

describe('the run folder', () => {
  it('is named by the time, never taken twice, and the newest is found again', () => {
    const root = folder.at('runs');
    expect(newestRunFolder(root, 'net')).toBeUndefined();
    const now = new Date('2026-03-04T05:06:07Z');
    const names = Array.from({ length: 11 }, () => createRunFolder(root, 'net', now).dir);
    expect(names[0]).toBe(folder.at('runs', 'net', '20260304-050607'));
    expect(new Set(names).size).toBe(11);
    mkdirSync(folder.at('runs', 'net', 'mine'));
    mkdirSync(folder.at('runs', 'net', '20260304-050607-12'));
    expect(createRunFolder(root, 'net', now).dir).toBe(folder.at('runs', 'net', '20260304-050607-13'));
    expect(newestRunFolder(root, 'net')!.dir).toBe(folder.at('runs', 'net', '20260304-050607-13'));
    const later = createRunFolder(root, 'net', new Date('2026-03-04T05:06:08Z'));
    expect(newestRunFolder(root, 'net')!.dir).toBe(later.dir);
  });

  it.each([
    ['../../etc', 'runs'],
    ['..', 'runs'],
    ['a/b', 'runs'],
  ])('of a model called %s stays below its root', (name) => {
    const { dir } = createRunFolder(folder.at('runs'), name, new Date());
    expect(dir.startsWith(`${folder.at('runs')}/`)).toBe(true);
    expect(dir.slice(folder.at('runs').length + 1).split('/')).toHaveLength(2);
  });

  it('keeps the old file where a new one cannot be written', () => {
    const file = folder.at('kept', 'run.json');
    mkdirSync(folder.at('kept'));
    replaceFile(file, 'old');
    replaceFile(file, 'new');
    expect(readFileSync(file, 'utf8')).toBe('new');
    // A folder in the place of the temporary file: not even root can write there.
    mkdirSync(`${file}.tmp`);
    expect(() => replaceFile(file, 'newer')).toThrow(RuntimeFault);
    expect(readFileSync(file, 'utf8')).toBe('new');
  });

  it('says in words what the system says in codes', () => {
    const full = Object.assign(new TypeError('x'), { code: 'ENOSPC' });
    expect(writeFault('a.h5', full).code).toBe('disk-full');
    expect(writeFault('a.h5', full).message).toContain('a.h5');
    expect(writeFault('a.h5', new TypeError('no'))).toMatchObject({ code: 'cannot-write' });
  });
});
