// Running other programs from the setup scripts, with Node's built-ins alone: nothing may be installed yet.
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');

/** Prints a heading with the seconds since the script began. */
const began = Date.now();
export function heading(text) {
  console.log(`[${((Date.now() - began) / 1000).toFixed(0).padStart(3)} s] ${text}`);
}

/** Runs a program in the project's root with its output shown; ends this process where it fails. */
export function run(program, args, options = {}) {
  const result = spawnSync(program, args, { cwd: root, stdio: 'inherit', ...options });
  if (result.error || result.status !== 0) {
    console.error(`\n${program} ${args.join(' ')} failed${result.error ? `: ${result.error.message}` : ''}`);
    process.exit(result.status || 1);
  }
}

/** Runs a program quietly; its output goes to build/logs and is shown only where the program fails. */
export function runQuietly(name, program, args, options = {}) {
  const result = spawnSync(program, args, { cwd: root, encoding: 'utf8', maxBuffer: 1 << 28, ...options });
  const output = `${result.stdout ?? ''}${result.stderr ?? ''}`;
  keepLog(name, output);
  if (result.error || result.status !== 0) {
    fail(`${program} ${args.join(' ')} failed${result.error ? `: ${result.error.message}` : ''}`, output);
  }
}

/**
 * The same for a long build that prints `[ 45%]` before its lines: shows how far it is. Live on a terminal, every
 * quarter elsewhere.
 */
export async function runWithProgress(name, program, args) {
  const child = spawn(program, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  const live = process.stdout.isTTY;
  const started = Date.now();
  let output = '';
  let shown = 0;
  const take = (chunk) => {
    output += chunk;
    const percent = Number([...chunk.matchAll(/\[ *(\d+)%\]/g)].at(-1)?.[1] ?? 0);
    // A build with little to do ends before anybody wonders.
    if (percent < shown + (live ? 1 : 25) || percent === 100 || Date.now() - started < 2000) return;
    shown = percent;
    if (live) process.stdout.write(`\r\x1b[2K        ${percent} %`);
    else heading(`${percent} %`);
  };
  child.stdout.setEncoding('utf8').on('data', take);
  child.stderr.setEncoding('utf8').on('data', take);
  const status = await new Promise((resolve) => child.on('error', () => resolve(1)).on('close', resolve));
  if (live && shown > 0) process.stdout.write('\r\x1b[2K');
  keepLog(name, output);
  if (status !== 0) fail(`${program} ${args.join(' ')} failed`, output);
}

function keepLog(name, output) {
  mkdirSync(path.join(root, 'build/logs'), { recursive: true });
  writeFileSync(path.join(root, 'build/logs', `${name}.log`), output);
}

function fail(message, output) {
  console.error(output.split('\n').slice(-60).join('\n'));
  console.error(`\n${message}`);
  process.exit(1);
}

/** Whether a program can be started. */
export function has(program, args = ['--version']) {
  const result = spawnSync(program, args, { stdio: 'ignore' });
  return !result.error && result.status === 0;
}
