/**
 * Every op that has a C, on the samples of its definition, against the float64 reference: all of them in one program,
 * with the sanitizers that stop at what C leaves undefined.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TypedArray } from '../../../compiler/data/define';
import { bytesIn, typedArray } from '../../../compiler/data/typed_array';
import { writeC } from '../../../compiler/interop/export/c/file';
import { problemsOf } from '../../../compiler/interop/export/c/model';
import type { Graph } from '../../../compiler/ir/graph';
import { elementCount, type TensorType } from '../../../compiler/ir/types';
import { interpret } from '../../../compiler/reference/interpret';
import type { OpSample, RefTensor } from '../../../compiler/ops/define';
import { C_TYPE, COMPILERS, STRICT } from '../../support/c';
import { difference, toNative } from '../../support/native';
import { named, oneOpGraph } from '../../support/one-op';
import { allOps, sampleInputs, sampleTitle } from '../../support/samples';

const folder = mkdtempSync(path.join(tmpdir(), 'dlc-c-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Case {
  readonly op: string;
  readonly title: string;
  readonly prefix: string;
  readonly graph: Graph;
  readonly sample: OpSample;
}

const CASES: Case[] = [];
const WITHOUT = new Set<string>();
for (const [op, def] of allOps()) {
  def.samples.forEach((sample, i) => {
    const graph = oneOpGraph(def, sample);
    const widths = [...sample.inputs, ...graph.results.map(({ value }) => value.type)].map(({ dtype }) => dtype);
    if (widths.includes('bf16') || sample.attrs?.['layout'] === 'channels_last') return;
    if (problemsOf(graph).length > 0) WITHOUT.add(op);
    else if (graph.nodes.length > 0)
      CASES.push({ op, title: sampleTitle(sample), prefix: `${op}_at_${i}`, graph, sample });
  });
}

/** Of training, of random numbers and of the native kernels. */
const NEVER_IN_C =
  /_grad|_slope|loss|entropy|random|dropout|rng|^fused_batch_norm|fused_matmul|^pack_|match_boxes|in_top_k|accumulate|check_finite|orthonormalize/;

test('every op that predicts has a C', () => {
  expect([...WITHOUT].filter((op) => !NEVER_IN_C.test(op))).toEqual([]);
});

const inputsOf = (graph: Graph): readonly TensorType[] => graph.inputs.map(({ type }) => type);
const outputsOf = (graph: Graph): readonly TensorType[] => graph.results.map(({ value }) => value.type);

/** Reads all inputs of all cases, computes, and writes all outputs. */
function programText(): string {
  const declare = (name: string, { dtype, shape }: TensorType): string =>
    `static ${C_TYPE[dtype]!} ${name}[${Math.max(1, elementCount(shape))}];`;
  const move = (call: string, name: string, { shape }: TensorType, stream: string): string =>
    `if (${call}(${name}, sizeof *${name}, ${elementCount(shape)}, ${stream}) != ${elementCount(shape)}) return 2;`;
  const cases = CASES.map(({ prefix, graph }) => {
    const [inputs, outputs] = [inputsOf(graph), outputsOf(graph)];
    const names = [...inputs.map((_, i) => `${prefix}_x${i}`), ...outputs.map((_, i) => `${prefix}_y${i}`)];
    return {
      arrays: [...inputs, ...outputs].map((type, i) => declare(names[i]!, type)),
      steps: [
        ...inputs.map((type, i) => move('fread', names[i]!, type, 'stdin')),
        `if (${prefix}_predict(${names.join(', ')}) != 0) return 3;`,
        ...outputs.map((type, i) => move('fwrite', names[inputs.length + i]!, type, 'stdout')),
      ],
    };
  });
  const sources = CASES.map(({ graph, prefix }) => {
    const { source } = writeC(graph, new Map(), { name: prefix, batch: 1, caller: false, binary: false, about: [] });
    return [...source].join('');
  });
  return [
    '#include <stdio.h>',
    ...sources,
    ...cases.flatMap(({ arrays }) => arrays),
    'int main(void)',
    '{',
    ...cases.flatMap(({ steps }) => steps),
    'return 0;',
    '}',
    '',
  ].join('\n');
}

const results = new Map<Case, TypedArray[]>();
const expected = new Map<Case, RefTensor[]>();

beforeAll(() => {
  const compiler = COMPILERS.at(-1);
  if (compiler === undefined) return;
  const file = path.join(folder, 'ops.c');
  writeFileSync(file, programText());
  for (const other of COMPILERS) execFileSync(other, [...STRICT, '-fsyntax-only', file], { stdio: 'pipe' });
  const flags = [...STRICT, '-O0', '-fsanitize=address,undefined', '-fno-sanitize-recover=all'];
  execFileSync(compiler, [...flags, file, '-o', `${file}.run`, '-lm'], { stdio: 'pipe' });
  const fed = CASES.map((each) => {
    const inputs = sampleInputs(each.sample);
    expected.set(each, Object.values(interpret(each.graph, named(inputs)).results));
    return Buffer.concat(inputs.map((tensor) => bytesIn(toNative(tensor))));
  });
  writeFileSync(`${file}.in`, Buffer.concat(fed));
  execFileSync('/bin/sh', ['-c', `"${file}.run" < "${file}.in" > "${file}.out"`], { stdio: 'pipe' });
  const bytes = readFileSync(`${file}.out`);
  let at = 0;
  for (const each of CASES) {
    const read = ({ dtype, shape }: TensorType) => {
      const array = typedArray(dtype, elementCount(shape));
      bytesIn(array).set(bytes.subarray(at, at + array.byteLength));
      at += array.byteLength;
      return array;
    };
    results.set(each, outputsOf(each.graph).map(read));
  }
}, 300_000);

test.each([...new Set(CASES.map(({ op }) => op))])('%s', (op) => {
  if (COMPILERS.length === 0) {
    console.log('skipped: there is no C compiler here');
    return;
  }
  const apart = CASES.filter((each) => each.op === op).flatMap((each) =>
    expected.get(each)!.flatMap((tensor, i) => {
      const found = difference(results.get(each)![i], tensor, each.sample.tolerance ?? 1e-5);
      return found === undefined ? [] : [`${each.title}, output ${i}: ${found}`];
    }),
  );
  expect(apart).toEqual([]);
});
