/** What a caller meets: codes and their messages, weights in a file of their own, several models in one program. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { COMPILERS, STRICT } from '../../support/c';
import { compareInC, modelInC } from '../../support/c-model';

const folder = mkdtempSync(path.join(tmpdir(), 'dlc-c-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const TEXTS = `dlc: 1
name: words
inputs: {text: {shape: [N, 3], dtype: int32}}
layers:
  - {name: embed, type: embedding, vocabulary: 5, units: 2}
  - {name: "flat", type: flatten}
  - {name: out, type: dense, units: 2}
outputs: [out]
`;
const NUMBERS = `dlc: 1
name: int
inputs: {x: {shape: [N, 2]}}
layers:
  - {name: float, type: dense, units: 2}
  - {name: predict, type: dense, units: 2}
  - {name: main, type: softmax}
outputs: [main, float]
`;

async function exported(text: string, name: string, binary = false): Promise<string> {
  const file = path.join(folder, `${name}.yaml`);
  writeFileSync(file, text);
  return (await modelInC(file, folder, { binary, most: 2 })).program.file;
}

/** What a main with that body prints, linked with the exports. */
function said(body: string, exports: readonly string[]): string {
  const main = path.join(folder, 'main.c');
  const includes = exports.map((file) => `#include "${file}.h"`);
  const reader = `static float w[64];
static size_t size;
static void readAll(const char *name) { FILE *f = fopen(name, "rb"); if (f) { size = fread(w, 1, sizeof w, f); fclose(f); } }`;
  const lines = [
    '#include <stdio.h>',
    ...includes,
    reader,
    'int main(int argc, char **argv)',
    '{',
    body,
    'return 0;',
    '}',
  ];
  writeFileSync(main, `${lines.join('\n')}\n`);
  const sources = exports.map((file) => `${file}.c`);
  execFileSync(COMPILERS[0]!, [...STRICT, '-Wno-unused', main, ...sources, '-o', `${main}.run`, '-lm'], {
    stdio: 'pipe',
  });
  return execFileSync(`${main}.run`, [`${exports[0]!}.bin`], { encoding: 'utf8' });
}

const withCompiler = (name: string, body: () => Promise<void>): void =>
  test(name, async () => {
    if (COMPILERS.length === 0) {
      console.log('skipped: there is no C compiler here');
      return;
    }
    await body();
  });

withCompiler('an index that names nothing is a code, and the message names the layer', async () => {
  const file = await exported(TEXTS, 'words');
  const call = 'float y[2]; int good[3] = {0, 1, 4}, bad[3] = {0, 5, 1};';
  const body = `(void)argc; (void)argv; (void)readAll; ${call}
printf("%d ", words_predict(good, y));
puts(words_message(words_predict(bad, y)));`;
  expect(said(body, [file])).toBe('0 embed (words.yaml:5): an index is outside 0..4\n');
});

withCompiler('weights that are missing, cut, damaged or misplaced are not taken', async () => {
  const file = await exported(TEXTS, 'words', true);
  const body = `(void)argc; float y[2]; int x[3] = {0, 1, 2};
puts(words_message(words_predict(x, y)));
readAll(argv[1]);
puts(words_message(words_load(w, size - 1)));
puts(words_message(words_load((const char *)w + 1, size)));
((char *)w)[70] ^= 1;
puts(words_message(words_load(w, size)));
((char *)w)[70] ^= 1;
((char *)w)[0] ^= 1;
puts(words_message(words_load(w, size)));
((char *)w)[0] ^= 1;
printf("%d ", words_load(w, size));
printf("%d\\n", words_predict(x, y));`;
  expect(said(body, [file]).split('\n')).toEqual([
    'the weights are not loaded',
    'the weights have another size than this model',
    'the weights are not aligned for floats',
    'the weights are damaged: their sum differs',
    'the weights are not those of this model, or this machine has another order of bytes',
    '0 0',
    '',
  ]);
});

withCompiler('models stand beside each other in a program, whatever they are called', async () => {
  const files = [await exported(TEXTS, 'words'), await exported(NUMBERS, 'numbers')];
  const body = `(void)argc; (void)argv; (void)readAll;
float x[2] = {1.0f, 2.0f}, a[2], b[2], y[2]; int i[3] = {0, 1, 2};
const int first = words_predict(i, y), second = int__predict(x, a, b);
printf("%d %d %d\\n", first, second, a[0] + a[1] > 0.99f);`;
  expect(said(body, files)).toBe('0 0 1\n');
});

/** Outputs that are inputs, that other outputs are made of, that are learned; a product whose right side is an output. */
const HANDED_ON = `dlc: 1
name: handed
inputs: {x: {shape: [3, 4]}, q: {shape: [5, 4]}}
layers:
  - {name: p, type: parameter, shape: [3]}
  - {name: y, type: relu, inputs: [x]}
  - {name: z, type: matmul, inputs: [q, y], transpose_b: true}
outputs: [x, y, p, z]
`;
const COPIED = `dlc: 1
name: copied
inputs: {x: {shape: [N, 2]}}
layers:
  - {name: y, type: identity}
outputs: [y]
`;

withCompiler('outputs may be inputs, weights and what others are made of', async () => {
  for (const [name, text] of Object.entries({ handed: HANDED_ON, copied: COPIED })) {
    const file = path.join(folder, `${name}.yaml`);
    writeFileSync(file, text);
    const flags = ['-O1', '-fsanitize=address,undefined', '-fno-sanitize-recover=all'];
    expect(compareInC(await modelInC(file, folder), { flags }).worst).toBeLessThan(1e-6);
  }
});

test('the same model gives the same bytes', async () => {
  const [first, second] = [await exported(TEXTS, 'words', true), await exported(TEXTS, 'words', true)];
  for (const suffix of ['.c', '.h', '.bin']) {
    expect(readFileSync(`${first}${suffix}`)).toEqual(readFileSync(`${second}${suffix}`));
  }
});
