// Running other programs from the setup scripts, with Node's built-ins alone: nothing may be installed yet.
import { spawnSync } from 'node:child_process';
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
  mkdirSync(path.join(root, 'build/logs'), { recursive: true });
  const output = `${result.stdout ?? ''}${result.stderr ?? ''}`;
  writeFileSync(path.join(root, 'build/logs', `${name}.log`), output);
  if (result.error || result.status !== 0) {
    console.error(output.split('\n').slice(-60).join('\n'));
    console.error(`\n${program} ${args.join(' ')} failed${result.error ? `: ${result.error.message}` : ''}`);
    process.exit(result.status || 1);
  }
}

/** Whether a program can be started. */
export function has(program, args = ['--version']) {
  const result = spawnSync(program, args, { stdio: 'ignore' });
  return !result.error && result.status === 0;
}
