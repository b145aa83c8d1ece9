// Bundles the TypeScript sources into dist/: one file for the command line, one for the public API, one for the
// worker that holds libhdf5. Packages with binaries of their own stay outside the bundles.
import { chmodSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { root } from './console.mjs';

const ENTRIES = {
  dlc: 'cli/dlc.ts',
  index: 'compiler/index.ts',
  'h5-worker': 'compiler/weights/h5-worker.ts',
};

export async function build() {
  const esbuild = await import('esbuild');
  const { version } = JSON.parse((await import('node:fs')).readFileSync(path.join(root, 'package.json'), 'utf8'));
  await esbuild.build({
    absWorkingDir: root,
    entryPoints: ENTRIES,
    outdir: 'dist',
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    external: ['sharp', 'h5wasm', 'h5wasm/node', 'tinyglobby', '*.node'],
    define: { DLC_VERSION: JSON.stringify(version) },
    minifySyntax: true,
    minifyWhitespace: true,
    keepNames: false,
    sourcemap: 'linked',
    sourcesContent: false,
    logLevel: 'warning',
  });
  chmodSync(path.join(root, 'dist/dlc.js'), 0o755);
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) await build();
