// Bundles the TypeScript sources into dist/: one file for the command line and a small one that starts it, one for the
// public API, one for the worker that holds libhdf5. Packages with binaries of their own stay outside the bundles.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { root } from './console.mjs';

const ENTRIES = {
  index: 'compiler/index.ts',
  'h5-worker': 'compiler/weights/h5-worker.ts',
  'parquet-worker': 'compiler/data/table/parquet_worker.ts',
  'graphviz-worker': 'compiler/picture/graphviz_worker.ts',
};

export async function build() {
  const esbuild = await import('esbuild');
  const { version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
  const options = {
    absWorkingDir: root,
    outdir: 'dist',
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    external: ['sharp', 'h5wasm', 'h5wasm/node', 'tinyglobby', '@viz-js/viz', '*.node'],
    define: { DLC_VERSION: JSON.stringify(version) },
    minifySyntax: true,
    minifyWhitespace: true,
    keepNames: false,
    sourcemap: 'linked',
    sourcesContent: false,
    logLevel: 'warning',
  };
  // With its lines: Node prints the line of an error that an application does not catch.
  await esbuild.build({ ...options, minifyWhitespace: false, entryPoints: ENTRIES });
  await buildCommandLine(esbuild, options);
}

/** The bundle as a function expression, the file that runs it, and its compiled code (`cli/start.ts` says why). */
async function buildCommandLine(esbuild, options) {
  await esbuild.build({
    ...options,
    entryPoints: { 'dlc-main': 'cli/dlc.ts' },
    banner: { js: '(function (require, module, __filename, __dirname) {' },
    footer: { js: '})' },
    // A script that no loader made has no `import()`.
    supported: { 'dynamic-import': false },
  });
  const bundle = readFileSync(path.join(root, 'dist/dlc-main.js'));
  const hash = createHash('sha256').update(bundle).digest('hex');
  await esbuild.build({
    ...options,
    entryPoints: { dlc: 'cli/start.ts' },
    banner: { js: '#!/usr/bin/env node' },
    define: { DLC_BUNDLE: JSON.stringify(hash) },
    sourcemap: false,
  });
  rmSync(path.join(root, 'dist/dlc.js.map'), { force: true });
  chmodSync(path.join(root, 'dist/dlc.js'), 0o755);
  compileAhead(hash);
}

/** Nothing depends on it but the time that a command takes to start. */
function compileAhead(hash) {
  const cache = path.join(root, 'dist/dlc-main.cache');
  if (existsSync(cache) && readFileSync(cache).toString('latin1', 0, hash.length) === hash) return;
  rmSync(cache, { force: true });
  const made = spawnSync(process.execPath, ['scripts/code-cache.mjs', hash], { cwd: root, encoding: 'utf8' });
  if (made.status !== 0) console.warn(`dlc will start more slowly, its code was not compiled ahead:\n${made.stderr}`);
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) await build();
