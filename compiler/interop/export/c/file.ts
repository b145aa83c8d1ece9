/** The C file and its header: what stands around the steps. */
import { InternalError } from '../../../diagnostics/errors';
import type { Graph } from '../../../ir/graph';
import { elementCount, formatType, type TensorType } from '../../../ir/types';
import { BlockWriter, type FileContext } from './block';
import { programOf } from './memory';
import { BASE, C_TYPE, STORE_BYTES, storeOf, STORES, type Store } from './store';
import { Code, identifier, Names, plainText } from './text';
import { Unit } from './unit';
import type { KnownTensor } from '../prediction';
import { HEADER_BYTES, Weights } from './weights';

export interface FileOptions {
  readonly name: string;
  readonly batch: number;
  /** The caller gives the memory. */
  readonly caller: boolean;
  /** Weights are in a file of their own. */
  readonly binary: boolean;
  /** Lines for the comment at the top. */
  readonly about: readonly string[];
}

export interface CFile {
  readonly source: Iterable<string>;
  readonly header: string;
  readonly weights?: Uint8Array;
  /** Weights that are text. */
  readonly constants: number;
  readonly memoryBytes: number;
}

interface Port {
  readonly name: string;
  readonly type: TensorType;
  readonly what: 'input' | 'output';
  /** The name in the model. */
  readonly source: string;
}

/** Those with the strictest alignment come first. */
const ORDER: readonly Store[] = ['f64', 'i64', 'f32', 'i32', 'u8'];

export function writeC(graph: Graph, tensors: ReadonlyMap<string, KnownTensor>, options: FileOptions): CFile {
  const prefix = identifier(options.name);
  const unit = new Unit(prefix);
  const weights = new Weights(unit, options.binary);
  const file: FileContext = { unit, weights, tensors, failures: [] };
  // Names of the API, of what stands in its functions, and of the memory.
  for (const own of ['predict', 'load', 'message', 'weights', ...STORES]) unit.names.fresh(`${prefix}_${own}`);
  const ports = portsOf(graph);

  const program = programOf(graph);
  const [inputs, outputs] = [
    ports.filter(({ what }) => what === 'input'),
    ports.filter(({ what }) => what === 'output'),
  ];
  const numbers = new Map(program.outputs.map((value, i) => [value, i]));
  const block = new BlockWriter(file, program.needs, {
    operand: (index) => inputs[index]!.name,
    result: (index) => outputs[index]!.name,
    resultOf: (state) => numbers.get(state),
  });
  const body = new Code();
  block.write(body);
  const { sizes } = block.memory;
  const memory = memoryOf(sizes);

  const parts = { prefix, ports, options, memory, failures: file.failures, weights };
  const bin = options.binary ? weights.file() : undefined;
  return {
    header: headerText(parts),
    source: sourceText(parts, unit, sizes, body, bin),
    ...(bin && { weights: bin }),
    constants: weights.constants,
    memoryBytes: memory.bytes,
  };
}

function portsOf(graph: Graph): Port[] {
  const names = new Names();
  // What the function has of its own.
  for (const own of [...Object.values(BASE), 'w', 'workspace', 'bytes', 'size']) names.fresh(own);
  return [
    ...graph.inputs.map(({ name, type }) => ({
      name: names.fresh(identifier(name)),
      type,
      what: 'input' as const,
      source: name,
    })),
    ...graph.results.map(({ name, value }) => ({
      name: names.fresh(identifier(name)),
      type: value.type,
      what: 'output' as const,
      source: name,
    })),
  ];
}

interface Memory {
  /** In bytes, from the start of the caller's memory. */
  readonly offsets: ReadonlyMap<Store, number>;
  readonly bytes: number;
}

function memoryOf(sizes: Readonly<Partial<Record<Store, number>>>): Memory {
  const offsets = new Map<Store, number>();
  let bytes = 0;
  for (const store of ORDER) {
    const count = sizes[store] ?? 0;
    if (count === 0) continue;
    offsets.set(store, bytes);
    bytes += Math.ceil((count * STORE_BYTES[store]) / 64) * 64;
  }
  return { offsets, bytes };
}

interface Parts {
  readonly prefix: string;
  readonly ports: readonly Port[];
  readonly options: FileOptions;
  readonly memory: Memory;
  readonly failures: readonly string[];
  readonly weights: Weights;
}

function signature({ prefix, ports, options }: Parts): string {
  const parameters = ports.map(({ name, type, what }) => {
    const own = C_TYPE[storeOf(type.dtype)];
    return `${what === 'input' ? 'const ' : ''}${own} *${name}`;
  });
  if (options.caller) parameters.push('void *workspace');
  return `int ${prefix}_predict(${parameters.join(', ')})`;
}

/** Sizes and functions, for the header and for the file itself. */
function declarations(parts: Parts): string[] {
  const { prefix, ports, options, memory, weights } = parts;
  const upper = prefix.toUpperCase();
  const sizes = new Names();
  const define = (name: string, value: number): string => `#define ${upper}_${sizes.fresh(name)} ${value}`;
  const lines = [
    '/* Samples of one call. */',
    define('BATCH', options.batch),
    '/* Elements of each input and output, of all samples together. */',
    ...ports.map(({ name, type }) => define(`${name.toUpperCase()}_SIZE`, elementCount(type.shape))),
    '/* Bytes of memory that a call works in. */',
    define('MEMORY_BYTES', memory.bytes),
    '',
    '/*',
    ' * Computes the outputs. Tensors are row major and must not overlap:',
    ...ports.map(
      ({ name, type, what, source }) =>
        ` *   ${plainText(`${what} ${name}: ${formatType(type)}${identifier(source) === source ? '' : ` (${source})`}`)}`,
    ),
    ` * Returns 0, or the code of what went wrong (${prefix}_message).`,
  ];
  if (options.caller) {
    lines.push(
      ` * workspace: ${upper}_MEMORY_BYTES bytes, aligned as malloc aligns them; calls with a workspace each may`,
      ' * run at the same time.',
    );
  } else {
    lines.push(' * Works in static memory: one call at a time.');
  }
  lines.push(' */', `${signature(parts)};`, '');
  if (options.binary) {
    lines.push(
      define('WEIGHTS_BYTES', HEADER_BYTES + 4 * weights.floats),
      '/*',
      ' * Takes the bytes of the weight file, which stay where they are, aligned for floats, and checks their size, their',
      ' * sum and the order of bytes of this machine. Returns 0, or a code. To be called once, before anything else.',
      ' */',
      `int ${prefix}_load(const void *bytes, size_t size);`,
      '',
    );
  }
  lines.push('/* What a code means. */', `const char *${prefix}_message(int code);`);
  return lines;
}

function about({ options }: Parts, what: string): string[] {
  return ['/*', ...[what, ...options.about].map((line) => ` * ${plainText(line)}`), ' */'];
}

function headerText(parts: Parts): string {
  const guard = `${parts.prefix.toUpperCase()}_H`;
  return [
    ...about(parts, `The model ${parts.options.name}: what its C file offers.`),
    `#ifndef ${guard}`,
    `#define ${guard}`,
    '',
    ...(parts.options.binary ? ['#include <stddef.h>', ''] : []),
    '#ifdef __cplusplus',
    'extern "C" {',
    '#endif',
    '',
    ...declarations(parts),
    '',
    '#ifdef __cplusplus',
    '}',
    '#endif',
    '',
    '#endif',
    '',
  ].join('\n');
}

function* sourceText(
  parts: Parts,
  unit: Unit,
  sizes: Readonly<Partial<Record<Store, number>>>,
  body: Code,
  bin: Uint8Array | undefined,
): Generator<string> {
  const { prefix, options, memory, weights } = parts;
  yield `${about(parts, `The model ${options.name} in C99.`).join('\n')}\n\n`;
  yield '#include <math.h>\n#include <string.h>\n\n';
  yield `${declarations(parts).join('\n')}\n\n`;
  yield `/* Fails to compile where an int or a float has another size. */\ntypedef char ${prefix}_check[sizeof(int) == 4 && sizeof(float) == 4 && sizeof(long long) == 8 ? 1 : -1];\n\n`;
  for (const text of weights.text()) yield text;
  if (options.binary) yield `static const float *${prefix}_weights;\n\n`;
  yield `\n${unit.text()}\n\n`;
  const code = new Code(0);
  if (!options.caller) {
    for (const store of STORES) {
      if ((sizes[store] ?? 0) > 0) code.line(`static ${C_TYPE[store]} ${prefix}_${store}[${sizes[store]!}];`);
    }
    code.line('');
  }
  code.block(`${signature(parts)}\n`, () => {
    for (const store of STORES) {
      const offset = memory.offsets.get(store);
      if (offset === undefined) continue;
      const type = C_TYPE[store];
      const from = options.caller ? `(${type} *)(void *)((char *)workspace + ${offset})` : `${prefix}_${store}`;
      code.line(`${type} *const ${BASE[store]} = ${from};`);
    }
    if (options.caller && memory.bytes === 0) code.line('(void)workspace;');
    if (options.binary) {
      code.line(`const float *const w = ${prefix}_weights;`, `if (!w) return ${parts.failures.length + 1};`);
    }
  });
  // The body's lines stand in the same function.
  const end = code.lines.pop();
  if (end !== '}') throw new InternalError('a function does not end');
  yield unit.named(`${code.lines.join('\n').replace('\n {', '\n{')}\n${body.lines.join('\n')}\n  return 0;\n}\n\n`);
  if (bin) yield loaderText(prefix, bin, parts.failures.length);
  yield messageText(parts);
}

/** The codes behind those of the steps. */
const WEIGHT_PROBLEMS = [
  'the weights are not loaded',
  'the weights have another size than this model',
  'the weights are not aligned for floats',
  'the weights are not those of this model, or this machine has another order of bytes',
  'the weights are damaged: their sum differs',
];

function loaderText(prefix: string, bin: Uint8Array, codes: number): string {
  const header = Array.from(bin.subarray(0, HEADER_BYTES), String);
  const code = (i: number): number => codes + 1 + i;
  return `int ${prefix}_load(const void *bytes, size_t size)
{
  static const unsigned char header[${HEADER_BYTES}] = {
    ${header.slice(0, 32).join(', ')},
    ${header.slice(32).join(', ')}
  };
  const unsigned char *const b = (const unsigned char *)bytes;
  const float one = 1.0f;
  unsigned long long sum = 0xcbf29ce484222325ULL, stored = 0;
  if (size != ${bin.length}) return ${code(1)};
  if ((size_t)b % sizeof(float) != 0) return ${code(2)};
  if (memcmp(b, header, ${HEADER_BYTES}) != 0 || memcmp(b + 24, &one, sizeof(one)) != 0) return ${code(3)};
  for (size_t i = ${HEADER_BYTES}; i < size; i++) sum = (sum ^ b[i]) * 0x100000001b3ULL;
  for (int i = 7; i >= 0; i--) stored = stored << 8 | b[16 + i];
  if (sum != stored) return ${code(4)};
  ${prefix}_weights = (const float *)(const void *)(b + ${HEADER_BYTES});
  return 0;
}

`;
}

function messageText({ prefix, failures, options }: Parts): string {
  const messages = ['no error', ...failures, ...(options.binary ? WEIGHT_PROBLEMS : [])];
  return `const char *${prefix}_message(int code)
{
  static const char *const messages[${messages.length}] = {
${messages.map((message) => `    "${message}"`).join(',\n')}
  };
  return code >= 0 && code < ${messages.length} ? messages[code] : "unknown code";
}
`;
}
