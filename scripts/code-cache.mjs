// Runs the bundle of the command line on a few models and keeps what V8 compiled of it, for `cli/start.ts`. A process of
// its own, started by build.mjs: node scripts/code-cache.mjs HASH
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { Script } from 'node:vm';
import { root } from './console.mjs';

const [hash] = process.argv.slice(2);
const dist = path.join(root, 'dist');
const filename = path.join(dist, 'dlc-main.js');
const model = path.join(root, 'models/lenet.yaml');
/** What runs here starts fast later: functions that were never called are left for the moment of their first call. */
const COMMANDS = [
  ['validate', model, '--format', 'json'],
  ['inspect', model],
  ['compile', model, '--emit', 'plan', '--output', path.join(os.tmpdir(), `dlc-${process.pid}.plan`)],
];

const script = new Script(readFileSync(filename, 'latin1'), { filename });
const bundle = script.runInThisContext();
let next = 0;
// A command has ended when nothing is left to wait for.
process.on('beforeExit', () => {
  const command = COMMANDS[next++];
  if (command === undefined) return;
  process.argv = [process.execPath, path.join(dist, 'dlc.js'), ...command];
  bundle(createRequire(filename), { exports: {} }, filename, dist);
});
process.on('exit', () => {
  // Renamed into place: a reader sees all of it or none.
  const part = path.join(dist, `dlc-main.cache.${process.pid}`);
  writeFileSync(part, Buffer.concat([Buffer.from(hash, 'latin1'), script.createCachedData()]));
  renameSync(part, path.join(dist, 'dlc-main.cache'));
});
