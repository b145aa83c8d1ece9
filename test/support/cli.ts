/**
 * Runs the built command line as a user does: a child process in a folder of its own, with a tiny model and data that
 * are made on the spot. Everything about an outcome that a script could see is in what `dlc` returns.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Folder, idxBytes } from '../data/fixtures';

export const ROOT = path.resolve(__dirname, '../..');
export const DLC = path.join(ROOT, 'dist/dlc.js');

export interface Outcome {
  /** 128 + its number where a signal ended the process, as a shell has it. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Called with what has been printed on stderr so far, whenever there is more. */
  readonly onStderr?: (text: string, child: ChildProcess) => void;
}

const SIGNALS: Readonly<Record<string, number>> = { SIGINT: 2, SIGKILL: 9, SIGSEGV: 11, SIGABRT: 6, SIGTERM: 15 };
const LIMIT_MS = 60_000;

/** A program to its end; killed, and so failed with 137, where it takes unreasonably long. */
export function execute(command: string, args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: options.cwd,
      env: { ...process.env, NO_COLOR: '1', ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const timer = setTimeout(() => child.kill('SIGKILL'), LIMIT_MS);
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
      options.onStderr?.(stderr, child);
    });
    child.on('error', reject);
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      resolve({ code: code ?? 128 + (SIGNALS[signal ?? ''] ?? 0), stdout, stderr });
    });
  });
}

export function dlc(args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  return execute(process.execPath, [DLC, ...args], options);
}

/** 6x6 pictures in 3 classes, and a network that uses every kind of state: parameters, buffers, slots, random numbers. */
export const TINY = `dlc: 1
name: tiny
inputs:
  image: {shape: [N, 1, 6, 6]}
  label: {shape: [N], dtype: int32}
layers:
  - {name: conv, type: conv2d, filters: 4, kernel: 3}
  - {name: norm, type: batch_norm, activation: relu}
  - {name: drop, type: dropout, rate: 0.25}
  - {name: logits, type: dense, units: 3}
  - {name: probs, type: softmax}
outputs: [probs]
losses: [{type: cross_entropy, inputs: [logits, label]}]
metrics: [{type: accuracy, inputs: [logits, label]}]
data:
  train: {type: idx, images: images.idx, labels: labels.idx, scale: 0.00390625, shuffle: true}
  eval: {type: idx, images: images.idx, labels: labels.idx, scale: 0.00390625}
train:
  batch_size: 8
  epochs: 2
  optimizer: {type: sgd, lr: 0.05, momentum: 0.9}
`;

/** 43 samples: 6 steps an epoch, the last of 3 samples. */
export const SAMPLES = 43;
export const STEPS_PER_EPOCH = 6;

/** A folder with `model.yaml`, `images.idx` and `labels.idx` in it. */
export class ModelFolder extends Folder {
  constructor(model: string = TINY) {
    super();
    this.write('model.yaml', model);
    const labels = Uint8Array.from({ length: SAMPLES }, (_, i) => (i * 7) % 3);
    const pixels = Uint8Array.from({ length: SAMPLES * 36 }, (_, i) => {
      const sample = Math.floor(i / 36);
      const lit = Math.floor((i % 36) / 12) === labels[sample];
      return (lit ? 160 : 20) + ((i * 2654435761 + sample * 97) % 64);
    });
    this.write('images.idx', idxBytes([SAMPLES, 6, 6], pixels));
    this.write('labels.idx', idxBytes([SAMPLES], labels));
  }

  write(name: string, content: string | Uint8Array): string {
    const file = this.at(name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, content);
    return file;
  }

  read(...parts: string[]): Buffer {
    return readFileSync(this.at(...parts));
  }

  text(...parts: string[]): string {
    return this.read(...parts).toString('utf8');
  }

  list(...parts: string[]): string[] {
    return readdirSync(this.at(...parts)).sort();
  }

  lines(...parts: string[]): Readonly<Record<string, number | string>>[] {
    const lines = this.text(...parts).split('\n');
    return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Record<string, number | string>);
  }

  dlc(args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
    return dlc(args, { cwd: this.path, ...options });
  }

  /** Trains into `runDir` and expects that to work. */
  async train(runDir: string, ...args: string[]): Promise<Outcome> {
    const outcome = await this.dlc(['train', 'model.yaml', '--run-dir', runDir, ...args]);
    expect(outcome).toMatchObject({ code: 0 });
    return outcome;
  }
}
