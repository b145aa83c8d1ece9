// Writes the files that are made from the definitions in compiler/: the JSON Schema and the language reference. With --check it writes nothing and fails where a committed file is stale.
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { build } from 'esbuild';
import { format, resolveConfig } from 'prettier';
import { root } from './console.mjs';

const ENTRY = `
  export { modelSchema, allFieldSchemas } from './compiler/frontend/schema';
  export { languageReference } from './compiler/frontend/reference';
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
    'docs/language.md': made.languageReference(),
  };
}

const check = process.argv.includes('--check');
let stale = 0;
for (const [file, text] of Object.entries(await outputs())) {
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
