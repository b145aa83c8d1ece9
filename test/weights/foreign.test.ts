/** Weights in files of other frameworks: read, matched by name, converted, accounted for; damaged files are refused. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { zipSync } from 'fflate';
import { encodeNpy } from '../../compiler/data/npy';
import { SpecError } from '../../compiler/diagnostics/errors';
import type { Tensors, WeightTensor } from '../../compiler/weights/content';
import { loadWeights, saveWeights, type ExpectedTensor, type LoadOptions } from '../../compiler/weights/files';
import { writeNpz } from '../../compiler/weights/formats/npz';
import { writeSafetensors } from '../../compiler/weights/formats/safetensors';

const dir = mkdtempSync(path.join(tmpdir(), 'dlc-foreign-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));
const at = (name: string): string => path.join(dir, name);

const f32 = (shape: number[], from = 0): WeightTensor => ({
  dtype: 'f32',
  shape,
  data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => i + from),
});
const model: Tensors = new Map([
  ['conv.weight', f32([2, 1, 3, 3])],
  ['conv.bias', f32([2], 100)],
  ['steps.count', { dtype: 'i64', shape: [], data: BigInt64Array.of(7n) }],
]);
const expectedOf = (tensors: Tensors): readonly ExpectedTensor[] =>
  [...tensors].map(([name, { dtype, shape }]) => ({ name, dtype, shape }));

/** A safetensors file written by hand, header as given. */
function raw(name: string, header: unknown, body: Uint8Array): string {
  const text = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  writeFileSync(at(name), Buffer.concat([length, text, body]));
  return at(name);
}

async function problemsOf(file: string, options: LoadOptions = {}): Promise<string[]> {
  const error: unknown = await loadWeights(file, options).catch((thrown: unknown) => thrown);
  if (!(error instanceof SpecError)) throw error;
  return error.diagnostics.map(({ message, hint }) => `${message}${hint === undefined ? '' : ` (${hint})`}`);
}

test.each(['safetensors', 'npz'])('what is written as %s is read back, the same bytes each time', async (format) => {
  const write = (file: string): Promise<void> =>
    format === 'npz' ? writeNpz(file, model) : writeSafetensors(file, model, { model: 'm' });
  await write(at(`a.${format}`));
  await write(at(`b.${format}`));
  expect(readFileSync(at(`a.${format}`))).toEqual(readFileSync(at(`b.${format}`)));
  const { tensors, account } = await loadWeights(at(`a.${format}`), { expected: expectedOf(model) });
  for (const [name, tensor] of model) expect(tensors.get(name)).toEqual(tensor);
  expect(account!.map(({ fate }) => fate)).toEqual(['loaded', 'loaded', 'loaded']);
});

test("PyTorch's names of the same things need no map, and half precision is widened", async () => {
  const half = Uint16Array.of(0x3c00, 0xc000, 0x0001, 0x7c00); // 1, -2, the least denormal, infinity
  const upper = Uint16Array.of(0x3f80, 0xc000); // 1, -2
  const body = Buffer.concat(
    [half, upper, Float32Array.of(3, 4), BigInt64Array.of(5n)].map((a) => Buffer.from(a.buffer)),
  );
  const file = raw(
    'torch.safetensors',
    {
      'features.0.weight': { dtype: 'F16', shape: [2, 2], data_offsets: [0, 8] },
      'features.1.weight': { dtype: 'BF16', shape: [2], data_offsets: [8, 12] },
      'features.1.running_mean': { dtype: 'F32', shape: [2], data_offsets: [12, 20] },
      'features.1.num_batches_tracked': { dtype: 'I64', shape: [], data_offsets: [20, 28] },
    },
    body,
  );
  const expected: readonly ExpectedTensor[] = [
    { name: 'features/0.weight', dtype: 'f32', shape: [2, 2] },
    { name: 'features/1.gamma', dtype: 'f32', shape: [2] },
    { name: 'features/1.mean', dtype: 'f32', shape: [2] },
  ];
  const { tensors, account } = await loadWeights(file, { expected });
  expect([...tensors.get('features/0.weight')!.data]).toEqual([1, -2, 2 ** -24, Infinity]);
  expect([...tensors.get('features/1.gamma')!.data]).toEqual([1, -2]);
  expect([...tensors.get('features/1.mean')!.data]).toEqual([3, 4]);
  expect(account).toEqual([
    { fate: 'renamed', source: 'features.0.weight', target: 'features/0.weight', note: 'F16 became f32' },
    { fate: 'renamed', source: 'features.1.weight', target: 'features/1.gamma', note: 'BF16 became f32' },
    { fate: 'renamed', source: 'features.1.running_mean', target: 'features/1.mean' },
    { fate: 'unused', source: 'features.1.num_batches_tracked', note: 'a counter that nothing here reads' },
  ]);
});

test('a map renames, exchanges axes and leaves out', async () => {
  const file = at('map.safetensors');
  await writeSafetensors(
    file,
    new Map([
      ['net.3.kernel', f32([2, 3])],
      ['net.4.kernel', f32([3])],
      ['junk', f32([1])],
    ]),
    {},
  );
  const expected: readonly ExpectedTensor[] = [
    { name: 'fc3.weight', dtype: 'f32', shape: [3, 2] },
    { name: 'fc4.gain', dtype: 'f32', shape: [3] },
  ];
  const map = { 'net.3.*': { to: 'fc3.weight', transpose: [1, 0] }, 'net.*.kernel': 'fc*.gain', junk: null };
  const { tensors, account } = await loadWeights(file, { expected, map });
  expect([...tensors.get('fc3.weight')!.data]).toEqual([0, 3, 1, 4, 2, 5]);
  expect(account!.map(({ fate, source, target }) => [fate, source, target])).toEqual([
    ['unused', 'junk', undefined],
    ['transposed', 'net.3.kernel', 'fc3.weight'],
    ['renamed', 'net.4.kernel', 'fc4.gain'],
  ]);
});

test('nothing is passed over: what is missing, superfluous or of another shape is said, with a way out', async () => {
  const file = at('strict.safetensors');
  await writeSafetensors(
    file,
    new Map([
      ['fc.weigth', f32([2])],
      ['turned.weight', f32([2, 3])],
    ]),
    {},
  );
  const expected: readonly ExpectedTensor[] = [
    { name: 'fc.weight', dtype: 'f32', shape: [2] },
    { name: 'turned.weight', dtype: 'f32', shape: [3, 2] },
  ];
  expect(await problemsOf(file, { expected })).toEqual([
    `\`${file}\`: the file holds \`fc.weigth\`, which the model has not (did you mean \`fc.weight\`?)`,
    `\`${file}\`: \`turned.weight\` is F32[2,3] in the file, and \`turned.weight\` f32[3,2] in the model (map it with its axes exchanged: \`turned.weight: {to: turned.weight, transpose: [1, 0]}\`)`,
    `\`${file}\`: the file has nothing for \`fc.weight\`, f32[2] in the model (it has \`fc.weigth\`, which the model has not: map it with \`fc.weigth: fc.weight\`)`,
  ]);
  expect(await problemsOf(file, { expected, map: { nothing: 'fc.weight' } })).toContain(
    `\`${file}\`: nothing in the file fits \`nothing\` of the map`,
  );
});

test.each([
  [
    'a header longer than the file',
    '\xff\xff\xff\x02\0\0\0\0{',
    'the header says it has 50331647 bytes, the file has 9',
  ],
])('%s is refused', async (_, bytes, message) => {
  writeFileSync(at('bad.safetensors'), Buffer.from(bytes, 'latin1'));
  expect((await problemsOf(at('bad.safetensors')))[0]).toContain(message);
});

test.each([
  [{ a: { dtype: 'F32', shape: [2 ** 30, 2 ** 30], data_offsets: [0, 8] } }, 'in 8 bytes'],
  [{ a: { dtype: 'F32', shape: [2], data_offsets: [0, 8000] } }, 'lies at bytes 0 to 8000 of 8'],
  [
    { a: { dtype: 'F32', shape: [1], data_offsets: [0, 4] }, b: { dtype: 'F32', shape: [2], data_offsets: [0, 8] } },
    '`b` overlaps another tensor',
  ],
  [{ a: { dtype: 'F32', shape: [1], data_offsets: [4, 8] } }, '`a` leaves a gap before it'],
  [{ a: { dtype: 'F32', shape: [1], data_offsets: [0, 4] } }, 'the tensors end at byte 4'],
  [{ a: { dtype: 'F128', shape: [1], data_offsets: [0, 8] } }, 'is of type "F128", which is not known'],
  [{ a: null }, 'is of type nothing'],
  ['{"a": ', 'the header is not JSON'],
])('a header that lies is refused before anything is allocated: %j', async (header, message) => {
  expect((await problemsOf(raw('lie.safetensors', header, new Uint8Array(8))))[0]).toContain(message);
});

test('a folder of .npy files at any depth is read, and a single one', async () => {
  mkdirSync(at('arrays/conv'), { recursive: true });
  writeFileSync(at('arrays/conv/weight.npy'), encodeNpy(f32([2, 1, 3, 3])));
  writeFileSync(at('arrays/conv.bias.npy'), encodeNpy(f32([2], 100)));
  writeFileSync(at('arrays/README.txt'), 'not a tensor');
  const { tensors, account } = await loadWeights(at('arrays'), { expected: expectedOf(model).slice(0, 2) });
  for (const name of ['conv.weight', 'conv.bias']) expect(tensors.get(name)).toEqual(model.get(name));
  expect(account).toEqual([
    { fate: 'loaded', source: 'conv.bias', target: 'conv.bias' },
    { fate: 'renamed', source: 'conv/weight', target: 'conv.weight' },
  ]);
  const half = Buffer.from(encodeNpy({ dtype: 'f32', shape: [1], data: Float32Array.of(0) }));
  const text = half.toString('latin1').replace("'<f4'", "'<f2'").replace('(1,)', '(2,)');
  const halves = Buffer.concat([Buffer.from(text, 'latin1').subarray(0, -4), Buffer.from([0, 0x3c, 0, 0xc0])]);
  writeFileSync(at('fc.bias.npy'), halves);
  writeFileSync(at('half.npz'), zipSync({ 'fc.bias.npy': halves }));
  for (const file of ['fc.bias.npy', 'half.npz']) {
    const read = await loadWeights(at(file), { expected: [{ name: 'fc.bias', dtype: 'f32', shape: [2] }] });
    expect([...read.tensors.get('fc.bias')!.data]).toEqual([1, -2]);
  }
  const single = await loadWeights(at('arrays/conv.bias.npy'), { expected: expectedOf(model).slice(1, 2) });
  expect(single.tensors.get('conv.bias')).toEqual(model.get('conv.bias'));
  writeFileSync(at('arrays/cut.npy'), Buffer.from(encodeNpy(f32([4]))).subarray(0, 100));
  expect((await problemsOf(at('arrays')))[0]).toContain('`cut.npy`:');
  rmSync(at('arrays/cut.npy'));
  symlinkSync(__filename, at('arrays/conv/other.npy'));
  expect((await problemsOf(at('arrays')))[0]).toContain('`conv/other.npy` is a link');
});

describe('a changed head', () => {
  const old: Tensors = new Map([
    ['body.weight', f32([3, 2])],
    ['head.weight', f32([10, 3])],
    ['gone.weight', f32([1])],
  ]);
  const expected: readonly ExpectedTensor[] = [
    { name: 'body.weight', dtype: 'f32', shape: [3, 2] },
    { name: 'head.weight', dtype: 'f32', shape: [4, 3] },
    { name: 'fresh.weight', dtype: 'f32', shape: [2] },
  ];

  test.each(['npz', 'h5'])('is left out of a %s with `partial`, and every tensor is told of', async (format) => {
    const file = at(`head.${format}`);
    await (format === 'npz' ? writeNpz(file, old) : saveWeights(file, { tensors: old }));
    const { tensors, account } = await loadWeights(file, { expected, partial: true });
    expect([...tensors]).toEqual([['body.weight', old.get('body.weight')]]);
    expect(account!.map(({ fate, source, target }) => [fate, source ?? target]).sort()).toEqual([
      ['initial', 'fresh.weight'],
      ['initial', 'head.weight'],
      ['loaded', 'body.weight'],
      ['unused', 'gone.weight'],
      ['unused', 'head.weight'],
    ]);
    const { note } = account!.find(({ fate, source }) => fate === 'unused' && source === 'head.weight')!;
    expect(note).toMatch(/\[10,3\] does not fit f32\[4,3\] of the model/);
    expect(await problemsOf(file, { expected })).not.toEqual([]);
    const other: readonly ExpectedTensor[] = [{ name: 'else.weight', dtype: 'f32', shape: [1] }];
    expect((await problemsOf(file, { expected: other, partial: true }))[0]).toContain('nothing in the file fits');
    // What a map says is meant: it has to fit.
    const map = { 'gone.weight': 'fresh.weight' };
    expect((await problemsOf(file, { expected, partial: true, map }))[0]).toContain('`gone.weight` is');
  });
});

test('weights are saved and read by a path from where the process is', async () => {
  const file = path.relative('', at('relative.h5'));
  await saveWeights(file, { tensors: model });
  expect((await loadWeights(file)).tensors).toEqual(model);
});

test('a map renames what is in a file of our own, and the map of a model does not', async () => {
  const file = at('own.h5');
  await saveWeights(file, { tensors: model });
  const expected = expectedOf(model).map((tensor) => ({ ...tensor, name: tensor.name.replace('conv.', 'stem.') }));
  const map = { 'conv.*': 'stem.*' };
  const { tensors, account } = await loadWeights(file, { expected, map });
  expect(tensors.get('stem.bias')).toEqual(model.get('conv.bias'));
  expect(account!.map(({ fate }) => fate).sort()).toEqual(['loaded', 'renamed', 'renamed']);
  expect((await loadWeights(file, { expected: expectedOf(model), foreignMap: map })).tensors.size).toBe(3);
});

test('models of other frameworks are no weights, and the message says what reads them', async () => {
  writeFileSync(at('zip'), zipSync({ 'config.json': Uint8Array.of(123), 'model.weights.h5': Uint8Array.of(1) }));
  for (const file of ['net.onnx', 'net.caffemodel', 'net.keras']) writeFileSync(at(file), 'anything');
  for (const file of ['net.onnx', 'net.caffemodel', 'net.keras', 'zip'])
    expect((await problemsOf(at(file)))[0]).toMatch(/a model of (ONNX|Caffe|Keras).*`dlc import FILES/);
});

test('pickles are never read, and the message says how to convert them', async () => {
  writeFileSync(at('old.pt'), Buffer.from([0x80, 2, 0x7d, 0x71, 0, 0x2e]));
  writeFileSync(at('new.pt'), zipSync({ 'archive/data.pkl': Uint8Array.of(0x80, 2) }));
  for (const file of ['old.pt', 'new.pt'])
    expect((await problemsOf(at(file)))[0]).toMatch(/a pickle of Python objects.*safetensors\.torch/s);
});

test('archives that say more than they hold, or hold other things, are refused', async () => {
  writeFileSync(at('text.npz'), zipSync({ 'readme.txt': Uint8Array.of(1) }));
  expect((await problemsOf(at('text.npz')))[0]).toContain('`readme.txt` in it is not a .npy file');
  const bytes = Buffer.from(zipSync({ 'a.npy': encodeNpy(f32([4])) }, { level: 0 }));
  const directory = bytes.lastIndexOf('PK\x01\x02');
  bytes.writeUInt32LE(0x7fffffff, directory + 24);
  writeFileSync(at('bomb.npz'), bytes);
  expect((await problemsOf(at('bomb.npz')))[0]).toContain('cannot be true');
});

test('files with any damage give an error or the tensors, never anything else', async () => {
  for (const format of ['safetensors', 'npz', 'npy'] as const) {
    const file = at(`whole.${format}`);
    if (format === 'npy') writeFileSync(file, encodeNpy(f32([2, 3])));
    else await (format === 'npz' ? writeNpz(file, model) : writeSafetensors(file, model, {}));
    const whole = readFileSync(file);
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length - 1), fc.nat(255), fc.boolean(), async (place, byte, cut) => {
        const damaged = cut ? whole.subarray(0, place) : Buffer.from(whole);
        if (!cut) damaged[place] = byte;
        writeFileSync(at('damaged'), damaged);
        await loadWeights(at('damaged'), { expected: expectedOf(model) }).catch((error: unknown) => {
          if (!(error instanceof SpecError)) throw error;
        });
      }),
      { numRuns: 80 },
    );
  }
}, 60_000);
