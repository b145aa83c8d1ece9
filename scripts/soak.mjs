// Long campaigns that no test run has the time for: kills at random moments, random graphs and models, damaged files of
// every kind, the whole zoo at any number of threads and in ONNX Runtime.
//   npm run soak -- [--only kill,graphs,models,zoo,items,files,plans,threads,caffe,cuda,keras,onnx_zoo,onnx_vectors,onnx_files] [--seconds N] [--kills N] [--seed N]
// `--seconds` is the time of each fuzzing campaign; `threads`, `cuda` and `onnx_zoo` end when every model is through, `onnx_vectors`
// when every test vector is. Every mistake is printed with the seed that makes it again.
import { fork, spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { heading, root } from './console.mjs';

const CAMPAIGNS = [
  'kill',
  'graphs',
  'models',
  'zoo',
  'items',
  'files',
  'plans',
  'threads',
  'cuda',
  'caffe',
  'keras',
  'onnx_zoo',
  'onnx_vectors',
  'onnx_files',
];
const MAX_REPORTED = 20;
const DLC = path.join(root, 'dist/dlc.js');

const { values: options } = parseArgs({
  options: {
    only: { type: 'string', default: CAMPAIGNS.join(',') },
    seconds: { type: 'string', default: '120' },
    kills: { type: 'string', default: '20' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000_000) },
  },
});
const seconds = Number(options.seconds);
const seed = Number(options.seed);
const wanted = options.only.split(',');
const unknown = wanted.filter((name) => !CAMPAIGNS.includes(name));
if (unknown.length > 0 || !(seconds > 0) || !Number.isSafeInteger(seed)) {
  console.error(`soak takes --only ${CAMPAIGNS.join(',')} --seconds N --kills N --seed N`);
  process.exit(2);
}

const WORKER = path.join(root, 'build/soak/worker.cjs');

async function bundleWorker() {
  const esbuild = await import('esbuild');
  const { version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
  mkdirSync(path.dirname(WORKER), { recursive: true });
  // Programs for threads of their own are looked for beside the bundle.
  for (const name of readdirSync(path.join(root, 'dist')))
    if (name.endsWith('-worker.js')) copyFileSync(path.join(root, 'dist', name), path.join(path.dirname(WORKER), name));
  await esbuild.build({
    absWorkingDir: root,
    entryPoints: ['test/soak/worker.ts'],
    outfile: WORKER,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    external: ['sharp', 'h5wasm', 'h5wasm/node', 'tinyglobby', '*.node'],
    define: { DLC_VERSION: JSON.stringify(version) },
    sourcemap: 'inline',
    logLevel: 'warning',
  });
}

/** A campaign's process, answering one number at a time; `undefined` and a reason where it dies or hangs instead. */
function startWorker(name, scratch) {
  const child = fork(WORKER, [name, scratch], {
    cwd: root,
    execArgv: ['--enable-source-maps', '--max-old-space-size=2048'],
    env: { ...process.env, DLC_CACHE_DIR: path.join(scratch, 'cache') },
  });
  let answer = () => undefined;
  let limit = 60;
  const next = () =>
    new Promise((resolve) => {
      const timer = setTimeout(() => {
        child.kill('SIGKILL');
        answer({ died: `hangs: no answer within ${limit} s` });
      }, limit * 1000);
      answer = (given) => {
        clearTimeout(timer);
        answer = () => undefined;
        resolve(given);
      };
    });
  child.on('message', (message) => answer(message));
  child.on('exit', (code, signal) => answer({ died: `crashes: ${signal ?? `exit code ${code}`}` }));
  return {
    ready: next().then((message) => {
      if (!message.ready) throw new Error(`the campaign ${name} does not start: ${message.died}`);
      limit = message.limit;
      return message.inputs;
    }),
    run(number) {
      const answered = next();
      child.send(number);
      return answered;
    },
    stop: () => child.kill('SIGKILL'),
  };
}

async function fuzz(name) {
  const scratch = mkdtempSync(path.join(tmpdir(), `dlc-soak-${name}-`));
  const outcomes = new Map();
  const mistakes = [];
  let worker = startWorker(name, scratch);
  const inputs = await worker.ready;
  const first = inputs === undefined ? seed : 0;
  const until = Date.now() + seconds * 1000;
  const goesOn = (done) => (inputs === undefined ? Date.now() < until : done < inputs);
  let count = 0;
  let slowest = { ms: 0, seed: first };
  for (; goesOn(count) && mistakes.length < MAX_REPORTED; count++) {
    const began = Date.now();
    const { outcome, mistake, died } = await worker.run(first + count);
    const ms = Date.now() - began;
    if (ms > slowest.ms) slowest = { ms, seed: first + count };
    if (outcome !== undefined) outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    else mistakes.push(`${inputs === undefined ? 'seed' : 'input'} ${first + count}: ${died ?? mistake}`);
    // Where each is tried once, one takes long.
    if (inputs !== undefined) console.log(`  ${count + 1} of ${inputs}\t${outcome ?? 'MISTAKE'}`);
    if (died === undefined) continue;
    worker = startWorker(name, scratch);
    await worker.ready;
  }
  worker.stop();
  rmSync(scratch, { recursive: true, force: true });
  if (inputs === undefined) {
    console.log(`${name}: ${count} inputs from seed ${seed} on, slowest ${slowest.ms} ms (seed ${slowest.seed})`);
    for (const [outcome, times] of [...outcomes].sort((a, b) => b[1] - a[1])) console.log(`  ${times}\t${outcome}`);
  }
  for (const mistake of mistakes) console.log(`  MISTAKE ${mistake}`);
  return mistakes.length;
}

/** A small LeNet run over some epochs with checkpoints every few steps, killed and resumed until it is through. */
const MODEL = ['models/lenet.yaml', 'train.steps=120', 'train.checkpoint.every=7', 'train.evaluate.every=50'];

function train(runDir, resume, killAfter) {
  return new Promise((resolve, reject) => {
    const args = [DLC, 'train', ...MODEL, '--run-dir', runDir, ...(resume ? ['--resume'] : [])];
    const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'ignore', 'pipe'] });
    let stderr = '';
    child.stderr.on('data', (text) => (stderr += text));
    const timer = killAfter === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), killAfter);
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      clearTimeout(timer);
      resolve({ code, killed: signal === 'SIGKILL', stderr });
    });
  });
}

async function kill() {
  const dir = mkdtempSync(path.join(tmpdir(), 'dlc-soak-kill-'));
  const kills = Number(options.kills);
  let mistakes = 0;
  const began = Date.now();
  const whole = await train(path.join(dir, 'whole'), false);
  const span = Date.now() - began;
  if (whole.code !== 0) throw new Error(`the uninterrupted run failed: ${whole.stderr}`);
  const files = ['weights.h5', 'metrics.jsonl'];
  const expected = files.map((name) => readFileSync(path.join(dir, 'whole', name)));
  let state = seed >>> 0;
  // A linear congruence is random enough for moments.
  const random = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;
  let done = 0;
  let runs = 0;
  while (done < kills) {
    const runDir = path.join(dir, `run-${runs++}`);
    const moments = [];
    let result;
    for (;;) {
      // The last try of a run is left alone, or a slow machine would never be through.
      const last = done >= kills || moments.length >= 6;
      const moment = last ? undefined : Math.round(random() * span);
      result = await train(runDir, moments.length > 0, moment);
      if (!result.killed) break;
      moments.push(moment);
      done++;
    }
    const same =
      result.code === 0 && files.every((name, i) => readFileSync(path.join(runDir, name)).equals(expected[i]));
    console.log(
      `  run ${runs}: killed after ${moments.join(', ') || 'nothing'} ms; ${same ? 'same bytes' : 'MISTAKE'}`,
    );
    if (!same) {
      mistakes++;
      console.log(result.code === 0 ? `  ${files.join(' or ')} differ from the uninterrupted run's` : result.stderr);
    }
  }
  if (mistakes === 0) rmSync(dir, { recursive: true, force: true });
  else console.log(`  kept: ${dir}`);
  console.log(`kill: ${done} kills in ${runs} runs from seed ${seed}, ${mistakes} of them ended in other bytes`);
  return mistakes;
}

/** Random graphs or models of the ordinary tests, from another seed and for about as long as a campaign takes. */
const A_SECOND = { graphs: 60, models: 3 };

function properties(name) {
  const env = {
    ...process.env,
    DLC_PROPERTY_RUNS: String(Math.ceil(A_SECOND[name] * seconds)),
    DLC_PROPERTY_SEED: String(seed % 1e6),
  };
  const jest = path.join(root, 'node_modules/jest/bin/jest.js');
  const child = spawn(process.execPath, [jest, `test/property/${name}`], { cwd: root, env, stdio: 'inherit' });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code) => resolve(code === 0 ? 0 : 1));
  });
}

function headingOf(name) {
  if (name === 'threads') return 'threads: every model of the zoo';
  if (name === 'cuda') return 'cuda: every model of the zoo, compiled for a card';
  return name === 'kill' ? `kill: ${options.kills} kills` : `${name}: ${seconds} s`;
}

let mistakes = 0;
await bundleWorker();
for (const name of wanted) {
  heading(headingOf(name));
  mistakes += await (name === 'kill' ? kill() : name in A_SECOND ? properties(name) : fuzz(name));
}
heading(mistakes === 0 ? 'no mistakes' : `${mistakes} mistakes`);
process.exit(mistakes === 0 ? 0 : 1);
