/** What `npm pack` makes is enough for an application: its types compile, and a trained model loads and predicts. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import * as tar from 'tar';

const ROOT = path.resolve(__dirname, '../..');
const MODULES = path.join(ROOT, 'node_modules');
const TSC = path.join(MODULES, 'typescript/bin/tsc');

const app = mkdtempSync(path.join(tmpdir(), 'dlc-app-'));
const installed = path.join(app, 'node_modules/dlc');

/** Runs a program to a good end and returns what it printed. */
function run(program: string, args: readonly string[], cwd: string): string {
  const result = spawnSync(program, args, { cwd, encoding: 'utf8' });
  if (result.error) throw result.error;
  expect([result.status, result.stderr, result.stdout]).toEqual([0, expect.anything(), expect.anything()]);
  return result.stdout;
}

const node = (...args: string[]): string => run(process.execPath, args, app);

beforeAll(async () => {
  run(process.execPath, [TSC, '-p', 'tsconfig.types.json'], ROOT);
  run('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', app], ROOT);
  const [archive] = readdirSync(app).filter((name) => name.endsWith('.tgz'));
  mkdirSync(installed, { recursive: true });
  await tar.x({ file: path.join(app, archive!), cwd: installed, strip: 1 });
  // What npm would install beside it.
  const { dependencies } = JSON.parse(readFileSync(path.join(installed, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>;
  };
  for (const name of [...Object.keys(dependencies), '@types', 'undici-types']) {
    const link = path.join(app, 'node_modules', name);
    mkdirSync(path.dirname(link), { recursive: true });
    symlinkSync(path.join(MODULES, name), link);
  }
}, 300_000);
afterAll(() => rmSync(app, { recursive: true, force: true }));

const MODEL = `dlc: 1
inputs: {x: {shape: [N, 3]}, y: {shape: [N, 2]}}
layers: [{name: out, type: dense, units: 2, init: ones}]
losses: [{type: mse, inputs: [out, y]}]
data: {train: {type: synthetic, size: 8}}
train: {batch_size: 4, steps: 0, optimizer: {type: sgd, lr: 0.1}}
`;

const APPLICATION = `import { load, SpecError, validate, VERSION, type LoadedModel, type ModelTensor } from 'dlc';

const model: LoadedModel = await load('run/weights.h5', { batch: 2, threads: 1 });
const x: ModelTensor = { dtype: 'f32', shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) };
const { out } = await model.predict({ x });
model.close();
const problems = validate('bad.yaml').map(({ code, at }) => \`\${code} \${at.line}\`);
const fault: unknown = await load('bad.yaml').catch((error: unknown) => error);
console.log(JSON.stringify([model.inputs, out?.shape, [...(out?.data ?? [])], problems, fault instanceof SpecError, VERSION]));
`;

test('holds the two programs, the workers, the add-on and nothing of the build', () => {
  expect(readdirSync(path.join(installed, 'dist')).sort()).toEqual([
    'dlc-main.js',
    'dlc.js',
    'graphviz-worker.js',
    'h5-worker.js',
    'index.js',
    'parquet-worker.js',
    'types',
  ]);
  expect(readdirSync(path.join(installed, 'build/native'))).toEqual(['dlc.node']);
  expect(readdirSync(installed)).toEqual(expect.arrayContaining(['LICENSE', 'README.md', 'models', 'schema']));
});

test('an application compiles against it with every check on, and runs', () => {
  writeFileSync(path.join(app, 'model.yaml'), MODEL);
  writeFileSync(path.join(app, 'bad.yaml'), MODEL.replace('dense', 'densse'));
  writeFileSync(path.join(app, 'app.mts'), APPLICATION);
  node(path.join(installed, 'dist/dlc.js'), 'train', 'model.yaml', '--run-dir', 'run');
  node(TSC, '--module', 'nodenext', '--target', 'es2022', '--strict', '--types', 'node', 'app.mts');
  const { version } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as { version: string };
  expect(JSON.parse(node('app.mjs'))).toEqual([['x'], [2, 2], [6, 6, 15, 15], ['unknown-type 3'], true, version]);
  expect(node('-p', "typeof require('dlc').load + ' ' + require('dlc/dlc.schema.json').title")).toMatch(/^function /);
}, 120_000);
