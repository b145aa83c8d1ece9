/** The examples of docs/add-an-op.md, as a reader would add them: they type-check, compile, and hold what ops owe. */
import { transformSync } from '@swc/core';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { compileFunction } from 'node:vm';
import ts from 'typescript';
import { differentiate } from '../../compiler/autodiff/differentiate';
import type { OpDef } from '../../compiler/ops/define';
import { OPS } from '../../compiler/ops/index';
import { interpret } from '../../compiler/reference/interpret';
import { tensor, valuesOf } from '../support/call';
import { compareDerivatives } from '../support/finite-differences';
import { named, oneOp } from '../support/one-op';
import { sampleInputs } from '../support/samples';

const ROOT = path.join(__dirname, '../..');
const page = readFileSync(path.join(ROOT, 'docs/add-an-op.md'), 'utf8');

/** The code blocks that say which file they would be. */
const blocks = [...page.matchAll(/^```\w+ file=(\S+)\n(.*?)^```$/gms)].map(([, file = '', code = '']) => ({
  file: path.join(ROOT, file),
  code,
}));
const scripts = blocks.filter(({ file }) => file.endsWith('.ts'));
const kernels = blocks.filter(({ file }) => file.endsWith('.cpp'));

type Module = (exports: Record<string, OpDef>, require: (id: string) => unknown) => void;

/** Runs a block as the module that it would be, on the real modules that it imports. */
async function load({ file, code }: (typeof blocks)[number]): Promise<OpDef> {
  const { code: js } = transformSync(code, {
    jsc: { parser: { syntax: 'typescript' }, target: 'es2022' },
    module: { type: 'commonjs' },
  });
  const imported = new Map<string, unknown>();
  for (const [, id = ''] of js.matchAll(/require\("(.*?)"\)/g)) {
    imported.set(id, await import(path.resolve(path.dirname(file), id)));
  }
  const exported: Record<string, OpDef> = {};
  const run = compileFunction(js, ['exports', 'require']) as Module;
  run(exported, (id) => imported.get(id));
  const [def] = Object.values(exported);
  if (!def) throw new TypeError(`${file} exports nothing`);
  return def;
}

const defs: OpDef[] = [];
beforeAll(async () => {
  for (const script of scripts) defs.push(await load(script));
  // The registry of this test file alone.
  for (const def of defs) (OPS as Record<string, OpDef>)[def.name] = def;
});

test('the page shows an element-wise op, an op of its own and a kernel', () => {
  expect(defs.map(({ name, native }) => [name, native])).toEqual([
    ['softsign', 'elementwise'],
    ['running_sum', 'kernel'],
  ]);
  expect(kernels).toHaveLength(1);
});

test('the ops give what their formulas say', () => {
  expect(valuesOf('softsign', [tensor([-3, 0, 1])])).toEqual([[-0.75, 0, 0.5]]);
  expect(valuesOf('running_sum', [tensor([1, 2, 3, 10, 20, 30], [2, 3])], { axis: 1 })).toEqual([
    [1, 3, 6, 10, 30, 60],
  ]);
  expect(valuesOf('running_sum', [tensor([1, 2, 3, 10, 20, 30], [2, 3])], { axis: 0 })).toEqual([
    [1, 2, 3, 11, 22, 33],
  ]);
});

test('the gradients are right on the samples', () => {
  for (const [def, sample] of defs.flatMap((each) => each.samples.map((one) => [each, one] as const))) {
    const { b, inputs, outputs } = oneOp(def, sample);
    const [y] = outputs;
    if (!y) throw new TypeError(`${def.name} has no output`);
    const axes = y.type.shape.map((_, axis) => axis);
    const f = b.op('reduce_sum', [b.op('mul', [y, b.op('sin', [y])])], { axes, keepdims: false });
    b.result('f', f);
    differentiate(b, f, inputs).forEach((gradient, i) => gradient && b.result(`d${i}`, gradient));
    const graph = b.build();
    const tensors = sampleInputs(sample);
    const results = interpret(graph, named(tensors)).results;
    const derivatives = compareDerivatives(
      (given) => interpret(graph, named(given)).results['f']?.data[0] ?? NaN,
      tensors,
      [0],
      [results['d0']?.data],
    );
    expect(derivatives.filter(({ expected, found, allowed }) => !(Math.abs(expected - found) <= allowed))).toEqual([]);
  }
});

test('the TypeScript type-checks where it would stand', () => {
  const config: unknown = JSON.parse(readFileSync(path.join(ROOT, 'tsconfig.json'), 'utf8'));
  const { options } = ts.parseJsonConfigFileContent(config, { ...ts.sys, readDirectory: () => [] }, ROOT);
  const texts = new Map(scripts.map(({ file, code }) => [file, code]));
  const disk = ts.createCompilerHost(options);
  const host: ts.CompilerHost = {
    ...disk,
    fileExists: (file) => texts.has(file) || disk.fileExists(file),
    readFile: (file) => texts.get(file) ?? disk.readFile(file),
    getSourceFile: (file, version, ...rest) => {
      const text = texts.get(file);
      if (text === undefined) return disk.getSourceFile(file, version, ...rest);
      return ts.createSourceFile(file, text, version);
    },
  };
  const program = ts.createProgram([...texts.keys()], options, host);
  const problems = [...texts.keys()].flatMap((file) => {
    const source = program.getSourceFile(file);
    return [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)];
  });
  expect(problems.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'))).toEqual([]);
});

test('the kernel compiles without a warning', () => {
  const [kernel] = kernels;
  const include = ['include', 'src'].map((folder) => `-I${path.join(ROOT, 'runtime-native', folder)}`);
  const flags = [
    '-std=c++20',
    '-Wall',
    '-Wextra',
    '-Wpedantic',
    '-Wshadow',
    '-Werror',
    '-fsyntax-only',
    '-x',
    'c++',
    '-',
  ];
  const result = spawnSync(process.env['CXX'] ?? 'c++', [...include, ...flags], {
    input: kernel?.code ?? '',
    encoding: 'utf8',
  });
  expect([result.error, result.stderr]).toEqual([undefined, '']);
  expect(result.status).toBe(0);
});
