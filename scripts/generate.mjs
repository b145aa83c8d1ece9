// Writes the files that are made from the definitions in compiler/: the JSON Schema, the language page and the
// reference. With --check it writes nothing and fails where a committed file is stale.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { build } from 'esbuild';
import { format, resolveConfig } from 'prettier';
import { root } from './console.mjs';

const ENTRY = `
  export { modelSchema, allFieldSchemas } from './compiler/frontend/schema';
  export { documentationPages } from './compiler/docs/index';
  export { commandReference } from './cli/reference';
`;

async function definitions() {
  const outfile = path.join(root, 'node_modules/.cache/dlc-generate.cjs');
  await build({
    stdin: { contents: ENTRY, resolveDir: root, loader: 'ts' },
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    packages: 'external',
    define: { DLC_VERSION: '"0.0.0"' },
    logLevel: 'warning',
  });
  try {
    return createRequire(outfile)(outfile);
  } finally {
    rmSync(outfile, { force: true });
  }
}

async function outputs() {
  const made = await definitions();
  const prettier = await resolveConfig(path.join(root, 'package.json'));
  return {
    'schema/dlc.schema.json': await format(JSON.stringify(made.modelSchema()), { ...prettier, parser: 'json' }),
    ...made.documentationPages(await made.commandReference()),
  };
}

const FOLDER = 'docs/reference';
const check = process.argv.includes('--check');
const made = await outputs();
let stale = 0;
mkdirSync(path.join(root, FOLDER), { recursive: true });
// Pages of what is gone.
for (const name of readdirSync(path.join(root, FOLDER))) {
  if (made[`${FOLDER}/${name}`] !== undefined) continue;
  stale++;
  if (check) console.error(`${FOLDER}/${name} is of nothing that is defined: run npm run generate`);
  else rmSync(path.join(root, FOLDER, name));
}
for (const [file, text] of Object.entries(made)) {
  const target = path.join(root, file);
  let old;
  try {
    old = readFileSync(target, 'utf8');
  } catch {
    old = undefined;
  }
  if (old === text) continue;
  stale++;
  if (check) console.error(`${file} is stale: run npm run generate`);
  else {
    writeFileSync(target, text);
    console.log(`wrote ${file}`);
  }
}
if (check && stale > 0) process.exitCode = 1;
else if (check) console.log('generated files are up to date');
