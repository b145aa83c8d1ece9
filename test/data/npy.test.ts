/** NumPy's format: read and written as NumPy does, and safe against any bytes. */
import { execFileSync } from 'node:child_process';
import { appendFileSync, truncateSync, writeFileSync } from 'node:fs';
import fc from 'fast-check';
import { encodeNpy, readNpy, writeNpy } from '../../compiler/data/npy';
import { typedArray } from '../../compiler/data/typed_array';
import { DTYPES, elementCount } from '../../compiler/ir/types';
import { context, Folder, input, open, problemsOf, rows, section } from './fixtures';

const folder = new Folder();
afterAll(() => folder.remove());

function raw(header: string, data: Uint8Array = new Uint8Array(), version = 1): Buffer {
  const text = Buffer.from(`${header}\n`, 'latin1');
  const size = version === 1 ? Buffer.alloc(2) : Buffer.alloc(4);
  if (version === 1) size.writeUInt16LE(text.length);
  else size.writeUInt32LE(text.length);
  return Buffer.concat([Buffer.from(`\x93NUMPY${String.fromCharCode(version, 0)}`, 'latin1'), size, text, data]);
}

async function reading(bytes: Uint8Array): Promise<string> {
  writeFileSync(folder.at('x.npy'), bytes);
  return await readNpy(folder.at('x.npy')).then(
    ({ dtype, shape }) => `${dtype}[${shape.join()}]`,
    (error: unknown) => (error as Error).message,
  );
}

it('reads back what it wrote, in every dtype NumPy knows and any shape', async () => {
  for (const dtype of DTYPES.filter((known) => known !== 'bf16')) {
    for (const shape of [[], [0], [5], [2, 3], [2, 1, 3, 2]]) {
      const data = typedArray(dtype, elementCount(shape));
      for (let i = 0; i < data.length; i++) data[i] = dtype === 'i64' ? BigInt(i - 2) : i % 2;
      await writeNpy(folder.at('a.npy'), { dtype, shape, data });
      expect(await readNpy(folder.at('a.npy'))).toEqual({ dtype, shape, data });
    }
  }
});

it('aligns the elements to 64 bytes as NumPy does', () => {
  const bytes = encodeNpy({ dtype: 'f32', shape: [3], data: Float32Array.of(1, 2, 3) });
  expect(bytes.length % 64).toBe(12);
  expect(Buffer.from(bytes).toString('latin1', 10, 128)).toMatch(
    /^\{'descr': '<f4', 'fortran_order': False, 'shape': \(3,\), \} +\n$/,
  );
});

it('reads versions 2 and 3 and Fortran order', async () => {
  const data = new Uint8Array(Int32Array.of(1, 4, 2, 5, 3, 6).buffer);
  for (const version of [1, 2, 3]) {
    writeFileSync(folder.at('f.npy'), raw("{'descr': '<i4', 'fortran_order': True, 'shape': (2, 3), }", data, version));
    expect([...(await readNpy(folder.at('f.npy'))).data]).toEqual([1, 2, 3, 4, 5, 6]);
  }
});

it('agrees with NumPy in both directions', async () => {
  const program = `
import numpy as np, sys
a = np.load(sys.argv[1]); assert a.dtype == np.float32 and a.shape == (2, 3), (a.dtype, a.shape)
np.save(sys.argv[2], np.asfortranarray(a * 2)); np.save(sys.argv[3], np.array([True, False]))`;
  await writeNpy(folder.at('to.npy'), { dtype: 'f32', shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) });
  const files = ['to.npy', 'back.npy', 'bool.npy'].map((name) => folder.at(name));
  try {
    execFileSync('python3', ['-c', program, ...files], { stdio: 'pipe' });
  } catch (error) {
    if (!/No module named|ENOENT/.test(String(error))) throw error;
    console.log('SKIPPED: Python with NumPy is not installed');
    return;
  }
  expect([...(await readNpy(files[1]!)).data]).toEqual([2, 4, 6, 8, 10, 12]);
  expect(await readNpy(files[2]!)).toMatchObject({ dtype: 'bool', shape: [2] });
});

it('names what it does not read', async () => {
  expect(await reading(Buffer.from('PK\x03\x04 not an npy file'))).toBe('not a .npy file');
  expect(await reading(raw("{'descr': '>f4', 'fortran_order': False, 'shape': (1,), }"))).toContain('big-endian');
  expect(await reading(raw("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }"))).toContain('Python objects');
  expect(await reading(raw("{'descr': '<f2', 'fortran_order': False, 'shape': (1,), }"))).toContain("type '<f2'");
  expect(await reading(raw("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }"))).toContain('records');
  expect(await reading(raw('{}', new Uint8Array(), 9))).toContain('version 9.0 is not known');
});

it('believes no hostile header', async () => {
  const shaped = (shape: string): Buffer => raw(`{'descr': '<f4', 'fortran_order': False, 'shape': (${shape}), }`);
  expect(await reading(shaped('1000000000, 1000'))).toMatch(/^says f32\[1000000000,1000\], .* but holds 0$/);
  expect(await reading(shaped('99999999999999999999999,'))).toContain('out of range');
  expect(await reading(shaped('4294967296, 4294967296, 4294967296'))).toContain('out of range');
  expect(await reading(shaped('1, '.repeat(40)))).toContain('out of range');
  expect(await reading(shaped('-1,'))).toContain('not that of a .npy file');
  const lying = raw('', new Uint8Array(), 2);
  lying.writeUInt32LE(0xffffffff, 8);
  expect(await reading(lying)).toBe('the header is cut off');
});

it('survives any mutation of a good file', async () => {
  const good = encodeNpy({ dtype: 'f32', shape: [4, 4], data: new Float32Array(16) });
  await fc.assert(
    fc.asyncProperty(fc.nat(good.length - 1), fc.nat(255), fc.nat(good.length), async (at, byte, end) => {
      const bytes = good.slice(0, Math.max(end, 1));
      if (at < bytes.length) bytes[at] = byte;
      expect(await reading(bytes)).toMatch(/./);
    }),
    { numRuns: 200 },
  );
});

describe('as a data source', () => {
  const inputs = [input('x', 'f32', ['N', 2]), input('y', 'i32', ['N'])];
  beforeAll(async () => {
    await writeNpy(folder.at('x32.npy'), { dtype: 'f32', shape: [3, 2], data: Float32Array.of(0, 1, 2, 3, 4, 5) });
    await writeNpy(folder.at('x64.npy'), { dtype: 'f64', shape: [3, 2], data: Float64Array.of(0, 1, 2, 3, 4, 5) });
    await writeNpy(folder.at('y.npy'), { dtype: 'i64', shape: [3], data: BigInt64Array.of(5n, 6n, -7n) });
    await writeNpy(folder.at('y2.npy'), { dtype: 'i64', shape: [2], data: BigInt64Array.of(5n, 2n ** 40n) });
  });

  it('reads rows in any order, float64 and int64 for their narrower inputs', async () => {
    const fortran = raw(
      "{'descr': '<f4', 'fortran_order': True, 'shape': (3, 2), }",
      new Uint8Array(Float32Array.of(0, 2, 4, 1, 3, 5).buffer),
    );
    writeFileSync(folder.at('xf.npy'), fortran);
    for (const x of ['x32.npy', 'x64.npy', 'xf.npy']) {
      const dataset = await open(section('npy', { arrays: { x, y: 'y.npy' } }), context(folder, inputs));
      const read = await rows(dataset, [2, 0]);
      expect([[...read.x!], [...read.y!]]).toEqual([
        [4, 5, 0, 1],
        [-7, 5],
      ]);
      dataset.close();
    }
  });

  it('reads rows of a file that is too large to keep', async () => {
    const count = 9_000_000;
    const header = (type: string, shape: string): Buffer =>
      raw(`{'descr': '${type}', 'fortran_order': False, 'shape': (${shape}), }`);
    // A hole but for its last row: no more than a block of it is on the disk.
    const sparse = (name: string, start: Buffer, size: number, last: Uint8Array): void => {
      writeFileSync(folder.at(name), start);
      truncateSync(folder.at(name), start.length + count * size - last.length);
      appendFileSync(folder.at(name), last);
    };
    sparse('x-large.npy', header('<f4', `${count}, 2`), 8, new Uint8Array(Float32Array.of(1.5, -2).buffer));
    sparse('y-large.npy', header('<i8', `${count},`), 8, new Uint8Array(BigInt64Array.of(-7n).buffer));
    const arrays = { x: 'x-large.npy', y: 'y-large.npy' };
    const dataset = await open(section('npy', { arrays }), context(folder, inputs));
    const read = await rows(dataset, [count - 1, 0]);
    expect([[...read.x!], [...read.y!]]).toEqual([
      [1.5, -2, 0, 0],
      [-7, 0],
    ]);
    dataset.close();
  });

  it('reports every file that does not fit', async () => {
    const how = context(folder, inputs);
    const texts = async (arrays: object): Promise<string[]> =>
      (await problemsOf(open(section('npy', { arrays: arrays as never }), how))).map(({ message }) => message);
    expect(await texts({ x: 'y.npy', z: 'y.npy' })).toEqual([
      expect.stringContaining('there is no model input `z`'),
      expect.stringContaining('does not fit the input `x`: `y.npy` is i64[3], `x` is f32[N,2]'),
      expect.stringContaining('nothing in the data goes to the input `y`'),
    ]);
    expect(await texts({ x: 'x32.npy', y: 'y2.npy' })).toEqual([
      expect.stringContaining('different numbers of samples'),
    ]);
    expect(await texts({ x: 'none.npy', y: 'y.npy' })).toEqual([expect.stringContaining('there is no such file')]);
  });

  it('refuses a label that does not fit into its input', async () => {
    const dataset = await open(section('npy', { arrays: { y: 'y2.npy' } }), context(folder, [inputs[1]!]));
    const problems = await problemsOf(rows(dataset, [1]));
    expect(problems[0]!.message).toContain('1099511627776 does not fit an int32 input');
    dataset.close();
  });
});
