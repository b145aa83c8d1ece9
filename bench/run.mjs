/**
 * Times training and prediction of bench/cases.mjs in dlc and in its peers, taking turns in one run, and writes JSON and a
 * Markdown table to bench/results/. See bench/README.md. Nothing is asserted.
 *
 *   npm run bench -- [--only mlp,lenet] [--mode train|predict] [--threads 2,1]
 *                    [--precision bfloat16] [--peers settings] [--rounds 5] [--seconds 1] [--busy] [--own] [--name file]
 */
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { buildSync } from 'esbuild';
import { root } from '../scripts/console.mjs';
import { CASES, IMAGES, PEERS } from './cases.mjs';
import { markdown } from './table.mjs';

const { values: options } = parseArgs({
  options: {
    only: { type: 'string' },
    mode: { type: 'string', default: 'train,predict' },
    threads: { type: 'string', default: `${os.availableParallelism()},1` },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '1' },
    precision: { type: 'string', default: 'float32' },
    busy: { type: 'boolean', default: false },
    own: { type: 'boolean', default: false },
    peers: { type: 'string' },
    name: { type: 'string' },
  },
});
if (!['float32', 'bfloat16'].includes(options.precision)) {
  throw new Error(`--precision takes float32 or bfloat16, not '${options.precision}'`);
}
const words = (text) => text.split(',');
const only = options.only && new Set(words(options.only));
const scratch = path.join(root, 'build');
const worker = path.join(scratch, 'bench-worker.js');
/** What a setting may take until it is ready: a compiler works there for minutes. */
const READY_MS = 15 * 60_000;
/** Between turns: threads of the one before may spin on the cores for a while. */
const REST_MS = 400;

function prepare() {
  buildSync({
    entryPoints: [path.join(root, 'bench/worker.ts')],
    bundle: true,
    platform: 'node',
    outfile: worker,
    logLevel: 'error',
    define: { DLC_VERSION: '"bench"' },
  });
  const peak = path.join(scratch, 'bench-peak');
  const flags = ['-O3', '-march=native', '-std=c++20', '-pthread'];
  execFileSync('g++', [...flags, path.join(root, 'bench/peak.cpp'), '-o', peak]);
  return JSON.parse(execFileSync(peak, { encoding: 'utf8' }));
}

/** The line of a stack trace that says what went wrong. */
function lastError(text) {
  const lines = text.trim().split('\n');
  return lines.findLast((line) => /Error/.test(line)) ?? lines.at(-1);
}

/** A process that prepares one case and then measures when told to. */
class Side {
  constructor(setting, command, args) {
    this.setting = setting;
    this.times = [];
    // Some shells tell OpenBLAS of another processor, which halves what uses it.
    const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('OPENBLAS_')));
    this.child = spawn(command, args, { cwd: root, env, stdio: ['pipe', 'pipe', 'pipe'] });
    this.errors = '';
    this.child.stderr.on('data', (data) => (this.errors = (this.errors + data).slice(-2000)));
    this.child.stdin.on('error', () => undefined); // it has ended; the answer says so
    this.lines = createInterface({ input: this.child.stdout })[Symbol.asyncIterator]();
  }

  async answer() {
    const timer = setTimeout(() => this.child.kill('SIGKILL'), READY_MS);
    const { value, done } = await this.lines.next();
    clearTimeout(timer);
    if (done) throw new Error(`${this.setting}: ${lastError(this.errors)}`);
    return JSON.parse(value);
  }

  async ask(command) {
    this.child.stdin.write(`${JSON.stringify(command)}\n`);
    return this.answer();
  }

  async measure(seconds) {
    this.times.push(...(await this.ask({ measure: seconds })).times);
  }

  async end() {
    const { peak, planned } = await this.ask({ end: true });
    this.child.stdin.end();
    const sorted = [...this.times].sort((a, b) => a - b);
    const at = (q) => sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))];
    return { median_ms: at(0.5), p95_ms: at(0.95), calls: sorted.length, peak_rss: peak, planned };
  }
}

function settings(name, mode) {
  if (options.own) return [];
  const wanted = options.peers && words(options.peers);
  return Object.entries(PEERS[mode]).filter(
    ([setting, { nhwc }]) => (!nhwc || IMAGES.has(name)) && (!wanted || wanted.includes(setting)),
  );
}

async function runCase(one, mode, batch, threads) {
  const given = { ...one, mode, batch, threads, precision: options.precision };
  const sides = [new Side('dlc', process.execPath, [worker, JSON.stringify(given)])];
  for (const [setting, { program, ...peer }] of settings(one.name, mode)) {
    const args = [path.join(root, 'bench/peers', program), JSON.stringify({ ...given, ...peer })];
    sides.push(new Side(setting, 'python3', args));
    // One after another: compilers would otherwise share the cores with what is being prepared.
    await ready(sides.at(-1), sides);
  }
  await ready(sides[0], sides);
  const [dlc] = sides;
  for (let round = 0; round < Number(options.rounds); round++) {
    // Turns begin elsewhere each round, so that nobody always follows the same one.
    for (let i = 0; i < sides.length; i++) {
      await delay(REST_MS);
      await sides[(i + round) % sides.length].measure(Number(options.seconds));
    }
  }
  const results = {};
  for (const side of sides) results[side.setting] = await side.end();
  return { model: one.name, mode, batch, threads, flops: dlc.flops, results };
}

/** Drops a side that cannot be prepared, with a word about why; dlc itself has to work. */
async function ready(side, sides) {
  try {
    side.flops = (await side.answer()).flops;
  } catch (error) {
    if (side.setting === 'dlc') throw error;
    console.error(`  without ${error.message}`);
    sides.splice(sides.indexOf(side), 1);
  }
}

async function main() {
  const peak = prepare();
  const machine = { cpu: os.cpus()[0].model.trim(), cores: os.availableParallelism(), memory: os.totalmem(), peak };
  const busy = options.busy && spawn(process.execPath, ['-e', 'for (;;);']);
  const versions = { node: process.version, ...(options.own ? {} : peerVersions()) };
  const rows = [];
  const result = () => ({
    date: new Date().toISOString(),
    machine,
    versions,
    precision: options.precision,
    busy: options.busy,
    rows,
  });
  // After every case: a long run that is cut off has not run for nothing.
  const keep = () => {
    if (!options.name) return;
    const folder = path.join(root, 'bench/results');
    mkdirSync(folder, { recursive: true });
    writeFileSync(path.join(folder, `${options.name}.json`), `${JSON.stringify(result(), null, 1)}\n`);
    writeFileSync(path.join(folder, `${options.name}.md`), markdown(result()));
  };
  try {
    for (const mode of words(options.mode))
      for (const one of CASES.filter(({ name }) => !only || only.has(name)))
        for (const batch of one[mode])
          for (const threads of words(options.threads).map(Number)) {
            console.error(`${one.name} ${mode} ${batch}, ${threads} threads`);
            const row = await runCase(one, mode, batch, threads);
            rows.push(row);
            keep();
            console.error(
              `  ${Object.entries(row.results)
                .map(([k, r]) => `${k} ${r.median_ms.toFixed(3)}`)
                .join(', ')}`,
            );
          }
  } finally {
    if (busy) busy.kill();
  }
  process.stdout.write(markdown(result()));
}

function peerVersions() {
  const script = `import json, importlib.metadata as m
def v(n):
    try: return m.version(n)
    except m.PackageNotFoundError: return None
print(json.dumps({n: v(n) for n in ("torch", "onnxruntime")}))`;
  return JSON.parse(execFileSync('python3', ['-c', script], { encoding: 'utf8' }));
}

await main();
