/** Exported C: compiled with what this machine has, run as a process of its own, tensors crossing as bytes. */
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { TypedArray } from '../../compiler/data/define';
import { bytesIn, typedArray } from '../../compiler/data/typed_array';
import { elementCount, type TensorType } from '../../compiler/ir/types';

export const STRICT = ['-std=c99', '-Wall', '-Wextra', '-Werror', '-pedantic', '-Wconversion'];

/** The C compilers of this machine, of those that the export is tried with. */
export const COMPILERS: readonly string[] = ['gcc', 'clang', 'clang-14'].filter(
  (name) => spawnSync(name, ['--version']).status === 0,
);

export interface Program {
  /** Without the suffix. */
  readonly file: string;
  readonly inputs: readonly TensorType[];
  readonly outputs: readonly TensorType[];
}

export const C_TYPE: Readonly<Record<string, string>> = {
  f32: 'float',
  f64: 'double',
  i32: 'int',
  i64: 'long long',
  u8: 'unsigned char',
  bool: 'unsigned char',
};

/** A main that reads the inputs, calls `predict` `times` times and writes the outputs and the best time. */
function mainText(prefix: string, { inputs, outputs, file }: Program, caller: boolean, binary: boolean): string {
  const upper = prefix.toUpperCase();
  const declare = ({ dtype, shape }: TensorType, name: string): string =>
    `static ${C_TYPE[dtype]!} ${name}[${Math.max(1, elementCount(shape))}];`;
  const transfer = (call: string, types: readonly TensorType[], letter: string, stream: string): string =>
    types
      .map(({ shape }, i) => {
        const count = elementCount(shape);
        return `if (${call}(${letter}${i}, sizeof ${letter}${i}[0], ${count}, ${stream}) != ${count}) return 4;`;
      })
      .join('\n  ');
  const args = [...inputs.map((_, i) => `x${i}`), ...outputs.map((_, i) => `y${i}`), ...(caller ? ['space'] : [])];
  return `#define _POSIX_C_SOURCE 199309L
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include "${path.basename(file)}.h"
${inputs.map((type, i) => declare(type, `x${i}`)).join('\n')}
${outputs.map((type, i) => declare(type, `y${i}`)).join('\n')}
static double now(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec; }
int main(int argc, char **argv)
{
  int code = 0;
  double best = 1e9;
  ${caller ? `void *space = malloc(${upper}_MEMORY_BYTES + 1);` : ''}
  ${
    binary
      ? `static float weights[(${upper}_WEIGHTS_BYTES + 3) / 4]; FILE *w = fopen(argv[4], "rb");
  size_t read = w ? fread(weights, 1, sizeof weights, w) : 0; if (w) fclose(w);
  code = ${prefix}_load(weights, read); if (code) { puts(${prefix}_message(code)); return 3; }`
      : ''
  }
  FILE *in = fopen(argv[1], "rb"), *out = fopen(argv[2], "wb");
  if (argc < 4 || !in || !out) return 2;
  ${transfer('fread', inputs, 'x', 'in')}
  for (int i = 0; i < atoi(argv[3]) && !code; i++) {
    const double start = now();
    code = ${prefix}_predict(${args.join(', ')});
    if (now() - start < best) best = now() - start;
  }
  ${transfer('fwrite', outputs, 'y', 'out')}
  fclose(in);
  fclose(out);
  ${caller ? 'free(space);' : ''}
  if (code) { puts(${prefix}_message(code)); return 3; }
  printf("%.9f\\n", best);
  return 0;
}
`;
}

export interface BuildOptions {
  readonly compiler?: string;
  readonly flags?: readonly string[];
  readonly caller?: boolean;
  readonly binary?: boolean;
}

/** Compiles the export, strictly, with a main; gives the executable. */
export function buildC(program: Program, prefix: string, options: BuildOptions = {}): string {
  const { compiler = 'gcc', flags = ['-O1'], caller = false, binary = false } = options;
  const { file } = program;
  writeFileSync(`${file}.main.c`, mainText(prefix, program, caller, binary));
  execFileSync(compiler, [...STRICT, ...flags, '-c', `${file}.c`, '-o', `${file}.o`], { stdio: 'pipe' });
  execFileSync(compiler, ['-std=c99', ...flags, `${file}.main.c`, `${file}.o`, '-o', `${file}.run`, '-lm'], {
    stdio: 'pipe',
  });
  return `${file}.run`;
}

export interface RunOfC {
  readonly outputs: readonly TypedArray[];
  /** Of the fastest call. */
  readonly seconds: number;
}

/** Throws what the program said where it gave no 0. */
export function runC(program: Program, inputs: readonly TypedArray[], times = 1, weights?: string): RunOfC {
  const { file } = program;
  writeFileSync(`${file}.in`, Buffer.concat(inputs.map(bytesIn)));
  const run = spawnSync(
    `${file}.run`,
    [`${file}.in`, `${file}.out`, String(times), ...(weights === undefined ? [] : [weights])],
    { encoding: 'utf8' },
  );
  if (run.status !== 0) throw new Error(`exit ${run.status}: ${run.stdout}${run.stderr}`);
  const bytes = readFileSync(`${file}.out`);
  let at = 0;
  const outputs = program.outputs.map(({ dtype, shape }) => {
    const array = typedArray(dtype, elementCount(shape));
    bytesIn(array).set(bytes.subarray(at, at + array.byteLength));
    at += array.byteLength;
    return array;
  });
  return { outputs, seconds: Number(run.stdout) };
}
