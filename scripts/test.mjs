// Runs every group of tests that this machine can run, goes on after a failure, and ends with one line of totals.
// `npm test -- NAME...` runs only the groups of those names; arguments after `--` go to jest.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { has, heading, root } from './console.mjs';
import { buildNative, setup } from './setup.mjs';

const args = process.argv.slice(2);
const split = args.indexOf('--');
const wanted = split < 0 ? args : args.slice(0, split);
const forJest = split < 0 ? [] : args.slice(split + 1);

await setup({ forTests: true });

const bin = (name) => path.join(root, 'node_modules/.bin', name);
const tracked = (...patterns) => {
  const listed = spawnSync('git', ['ls-files', '--', ...patterns], { cwd: root, encoding: 'utf8' });
  return listed.stdout.split('\n').filter((file) => file !== '' && existsSync(path.join(root, file)));
};

function succeeds(program, programArgs, options = {}) {
  const result = spawnSync(program, programArgs, { cwd: root, stdio: 'inherit', ...options });
  return !result.error && result.status === 0;
}

/** A group without a test runner of its own counts as one test. */
const single = (ok) => ({ passed: ok ? 1 : 0, failed: ok ? 0 : 1, skipped: 0 });

function skip(reason) {
  console.log(`SKIPPED: ${reason}`);
  return { passed: 0, failed: 0, skipped: 1 };
}

function ctest(folder) {
  const result = spawnSync('ctest', ['--test-dir', path.join(root, 'build', folder), '--output-on-failure'], {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, ASAN_OPTIONS: 'detect_leaks=1', UBSAN_OPTIONS: 'print_stacktrace=1:halt_on_error=1' },
  });
  process.stdout.write(`${result.stdout}${result.stderr}`);
  const totals = /(\d+) tests? failed out of (\d+)/.exec(result.stdout);
  if (!totals || Number(totals[2]) === 0) return { passed: 0, failed: 1, skipped: 0 };
  const failed = Number(totals[1]);
  return { passed: Number(totals[2]) - failed, failed, skipped: 0 };
}

function jest() {
  const report = path.join(root, 'build/jest.json');
  rmSync(report, { force: true });
  const node = spawnSync(
    process.execPath,
    [bin('jest'), '--json', `--outputFile=${report}`, '--silent=false', ...forJest],
    {
      cwd: root,
      stdio: ['inherit', 'ignore', 'inherit'],
    },
  );
  if (!existsSync(report)) return { passed: 0, failed: 1, skipped: 0 };
  const totals = JSON.parse(readFileSync(report, 'utf8'));
  const broken = totals.numRuntimeErrorTestSuites;
  const failed = totals.numFailedTests + broken;
  return {
    passed: totals.numPassedTests,
    failed: failed || (node.status === 0 ? 0 : 1),
    skipped: totals.numPendingTests,
  };
}

const GROUPS = {
  generated: () => single(succeeds(process.execPath, ['scripts/generate.mjs', '--check'])),
  types: () => single(succeeds(bin('tsc'), ['-p', '.'])),
  eslint: () => single(succeeds(bin('eslint'), ['.'])),
  prettier: () =>
    single(succeeds(bin('prettier'), ['--check', '--log-level', 'warn', ...tracked('*.ts', '*.mjs', '*.js')])),
  'own-rules': () => single(succeeds(process.execPath, ['scripts/own-rules.mjs'])),
  'clang-format': () =>
    has('clang-format')
      ? single(succeeds('clang-format', ['--dry-run', '-Werror', ...tracked('*.cpp', '*.h', '*.c')]))
      : skip('clang-format is not installed'),
  native: () => ctest('native'),
  sanitized: async () => {
    await buildNative('sanitized', ['-DDLC_TESTS=ON', '-DDLC_SANITIZE=ON', '-DCMAKE_BUILD_TYPE=RelWithDebInfo']);
    return ctest('sanitized');
  },
  jest,
};

const unknown = wanted.filter((name) => !(name in GROUPS));
if (unknown.length > 0) {
  console.error(`no test group is called ${unknown.join(', ')}; there are ${Object.keys(GROUPS).join(', ')}`);
  process.exit(2);
}

const totals = { passed: 0, failed: 0, skipped: 0 };
const failing = [];
for (const [name, group] of Object.entries(GROUPS)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  heading(name);
  const counts = await group();
  for (const key of Object.keys(totals)) totals[key] += counts[key];
  if (counts.failed > 0) failing.push(name);
}
heading(failing.length > 0 ? `failed: ${failing.join(', ')}` : 'all groups passed');
console.log(`\n${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`);
process.exit(failing.length > 0 ? 1 : 0);
