/** The examples of docs/add-a-layer.md, as a reader would add them: they type-check, and learn what they promise. */
import { transformSync } from '@swc/core';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { compileFunction } from 'node:vm';
import ts from 'typescript';
import { ACTIVATIONS } from '../../compiler/layers/activations/index';
import type { LayerDef } from '../../compiler/layers/define';
import { LAYERS } from '../../compiler/layers/index';
import { expectClose, runLayer } from '../support/layer';

const ROOT = path.join(__dirname, '../..');
const page = readFileSync(path.join(ROOT, 'docs/add-a-layer.md'), 'utf8');

const blocks = [...page.matchAll(/^```ts file=(\S+)\n(.*?)^```$/gms)].map(([, file = '', code = '']) => ({
  file: path.join(ROOT, file),
  code,
}));

type Module = (exports: Record<string, LayerDef>, require: (id: string) => unknown) => void;

/** Runs a block as the module that it would be, on the real modules that it imports. */
async function load({ file, code }: (typeof blocks)[number]): Promise<LayerDef> {
  const { code: js } = transformSync(code, {
    jsc: { parser: { syntax: 'typescript' }, target: 'es2022' },
    module: { type: 'commonjs' },
  });
  const imported = new Map<string, unknown>();
  for (const [, id = ''] of js.matchAll(/require\("(.*?)"\)/g)) {
    imported.set(id, await import(path.resolve(path.dirname(file), id)));
  }
  const exported: Record<string, LayerDef> = {};
  (compileFunction(js, ['exports', 'require']) as Module)(exported, (id) => imported.get(id));
  const [def] = Object.values(exported);
  if (!def) throw new TypeError(`${file} exports nothing`);
  return def;
}

beforeAll(async () => {
  // The lists of this test file alone.
  for (const block of blocks) {
    const def = await load(block);
    (LAYERS as Record<string, LayerDef>)[def.type] = def;
    if (block.file.includes('activations')) (ACTIVATIONS as Record<string, LayerDef>)[def.type] = def;
  }
});

test('the activation works as a layer and as an activation', () => {
  const x = [-2, 0, 1.5];
  const direct = runLayer({ x, shape: [1, 3], layers: 'type: serf' }).values;
  // x · erf(softplus(x)), computed with C's erf.
  expectClose(direct, [-0.28491497, 0, 1.47581831], 7);
  expect(runLayer({ x, shape: [1, 3], layers: 'type: identity, activation: serf' }).values).toEqual(direct);
});

test('the layer lifts each channel by a step of its own', () => {
  const run = { x: [-1, 1, -1, 1], shape: [1, 2, 2], layers: 'type: flexible_relu', states: { 'y.step': [0.5, 0.1] } };
  const { values, gradient } = runLayer(run);
  expectClose(values, [0.5, 1.5, 0.1, 1.1]);
  expectClose(gradient, [0, 1, 0, 1]);
});

test('the code type-checks where it would stand', () => {
  const config: unknown = JSON.parse(readFileSync(path.join(ROOT, 'tsconfig.json'), 'utf8'));
  const { options } = ts.parseJsonConfigFileContent(config, { ...ts.sys, readDirectory: () => [] }, ROOT);
  const texts = new Map(blocks.map(({ file, code }) => [file, code]));
  const disk = ts.createCompilerHost(options);
  const host: ts.CompilerHost = {
    ...disk,
    fileExists: (file) => texts.has(file) || disk.fileExists(file),
    readFile: (file) => texts.get(file) ?? disk.readFile(file),
    getSourceFile: (file, version, ...rest) => {
      const text = texts.get(file);
      return text === undefined ? disk.getSourceFile(file, version, ...rest) : ts.createSourceFile(file, text, version);
    },
  };
  const program = ts.createProgram([...texts.keys()], options, host);
  const problems = [...texts.keys()].flatMap((file) => {
    const source = program.getSourceFile(file);
    return [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)];
  });
  expect(problems.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'))).toEqual([]);
});
