// How long one waits for dlc before it works: medians for checking one file and a thousand, for the time from the command
// to the first finished training step, and for a model of 10,000 layers, with the peak memory where the command ends by
// itself. Prints and asserts nothing. `node bench/startup.mjs [REPEATS]`; name the machine where you quote it.
import { spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { root } from '../scripts/console.mjs';

const repeats = Number(process.argv[2] ?? 7);
const dlc = path.join(root, 'dist/dlc.js');
const scratch = mkdtempSync(path.join(os.tmpdir(), 'dlc-startup-'));
const POLL_MS = 1;

const model = (name) => path.join(root, 'models', `${name}.yaml`);
const median = (numbers) => [...numbers].sort((a, b) => a - b)[numbers.length >> 1];
const hasText = (file) => (statSync(file, { throwIfNoEntry: false })?.size ?? 0) > 0;

/** Put before the command line: only the process itself can say what it used. */
const usage = path.join(scratch, 'usage.json');
const hook = path.join(scratch, 'usage.cjs');
writeFileSync(
  hook,
  `const { writeFileSync } = require('node:fs');
   process.on('exit', () => {
     const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
     writeFileSync(${JSON.stringify(usage)}, JSON.stringify({ cpu: (userCPUTime + systemCPUTime) / 1000, mib: maxRSS / 1024 }));
   });`,
);

/** Milliseconds of a command; with `until`, of its beginning until that comes true, and then it is ended. */
function measure(args, until) {
  return new Promise((resolve, reject) => {
    rmSync(usage, { force: true });
    const began = performance.now();
    const child = spawn(process.execPath, ['--require', hook, dlc, ...args], { cwd: scratch, stdio: 'ignore' });
    let wall;
    const timer =
      until &&
      setInterval(() => {
        if (!until()) return;
        wall = performance.now() - began;
        clearInterval(timer);
        child.kill('SIGKILL');
      }, POLL_MS);
    child.on('error', reject);
    child.on('exit', (code) => {
      if (timer) clearInterval(timer);
      if (wall !== undefined) return resolve({ wall });
      if (code !== 0 || until) return reject(new Error(`dlc ${args.join(' ')} ended with exit code ${code}`));
      resolve({ wall: performance.now() - began, ...JSON.parse(readFileSync(usage, 'utf8')) });
    });
  });
}

async function show(what, times, run) {
  await run(0);
  const found = [];
  for (let i = 1; i <= times; i++) found.push(await run(i));
  const of = (key, unit) =>
    found[0][key] === undefined ? '' : `  ${median(found.map((f) => f[key])).toFixed(0)} ${unit}`;
  console.log(`${what.padEnd(46)}${of('wall', 'ms').padStart(10)}${of('cpu', 'ms of CPU')}${of('mib', 'MiB')}`);
}

/** Small models, and every twentieth a deep one, as a repository of models would hold. */
function thousandFiles() {
  const folder = path.join(scratch, 'many');
  mkdirSync(folder);
  const small = ['lenet', 'mlp', 'cifar10_quick', 'resnet20'];
  for (let i = 0; i < 1000; i++) {
    copyFileSync(model(i % 20 === 19 ? 'resnet152' : small[i % small.length]), path.join(folder, `${i}.yaml`));
  }
  return folder;
}

/** Convolutions, normalizations and shortcuts, every layer written out. */
function deepModel(count) {
  const layers = Array.from({ length: count - 2 }, (_, i) => {
    if (i % 4 === 0) return `{name: l${i}, type: conv2d, filters: 4, kernel: 3, padding: same}`;
    if (i % 4 === 1) return `{name: l${i}, type: batch_norm, activation: relu}`;
    if (i % 4 === 2) return `{name: l${i}, type: conv2d, filters: 4, kernel: 1, bias: false}`;
    return `{name: l${i}, type: add, inputs: [l${i - 1}, l${i - 3}]}`;
  });
  const file = path.join(scratch, 'deep.yaml');
  writeFileSync(
    file,
    `dlc: 1
inputs: {image: {shape: [N, 4, 8, 8]}, label: {shape: [N], dtype: int32}}
layers:
${[...layers, '{name: logits, type: dense, units: 10}', '{name: probs, type: softmax}'].map((l) => `  - ${l}`).join('\n')}
outputs: [probs]
losses: [{type: cross_entropy, inputs: [logits, label]}]
train: {batch_size: 2, epochs: 1, optimizer: {type: sgd, lr: 0.01, momentum: 0.9}}
`,
  );
  return file;
}

try {
  console.log(
    `${os.cpus()[0]?.model}, ${os.cpus().length} cores, load ${os.loadavg()[0]?.toFixed(1)}, Node ${process.version}\n`,
  );
  await show('dlc --version', repeats, () => measure(['--version']));
  await show('validate one file (lenet)', repeats, () => measure(['validate', model('lenet')]));
  await show('train lenet until the first step is done', repeats, (i) => {
    const run = path.join(scratch, `run${i}`);
    return measure(['train', model('lenet'), '--run-dir', run], () => hasText(path.join(run, 'metrics.jsonl')));
  });
  const few = Math.min(repeats, 3);
  const many = thousandFiles();
  await show('validate 1,000 files', few, () => measure(['validate', many]));
  const deep = deepModel(10_000);
  await show('validate 10,000 layers', few, () => measure(['validate', deep]));
  await show('inspect 10,000 layers', few, () => measure(['inspect', deep]));
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
