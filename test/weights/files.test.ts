/** Weight files keep every dtype, shape and name, and other HDF5 programs read them. */
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { loadWeights, readAttributes, saveWeights, type WeightContent } from '../../compiler/weights/files';
import { checkpoint, content, expectedOf, Folder, problemsOf, spec, tensor } from './fixtures';

const folder = new Folder();
afterAll(() => folder.remove());

it('reads back every dtype and shape as it was saved', async () => {
  await saveWeights(folder.at('w.h5'), content);
  const loaded = await loadWeights(folder.at('w.h5'), { expected: expectedOf(content) });
  expect(new Map([...loaded.tensors].sort())).toEqual(new Map([...content.tensors].sort()));
  expect(loaded.spec).toEqual(spec);
  expect(loaded.state).toBeUndefined();
});

it('keeps optimizer and progress in a checkpoint, which is also a weight file', async () => {
  await saveWeights(folder.at('c.h5'), checkpoint);
  const full = await loadWeights(folder.at('c.h5'), { checkpoint: true });
  expect(full.optimizer).toEqual(checkpoint.optimizer);
  expect(full.state).toEqual(checkpoint.state);
  const weights = await loadWeights(folder.at('c.h5'), { expected: expectedOf(content) });
  expect(weights.optimizer.size).toBe(0);
  expect(weights.state).toBeUndefined();
});

it('gives the model alone without reading a tensor', async () => {
  const { spec: text, dlcVersion } = await readAttributes(folder.at('w.h5'));
  expect(JSON.parse(text)).toEqual(spec);
  expect(dlcVersion).toMatch(/^\d+\.\d+\.\d+$/);
});

it('writes the same bytes for the same content at another time, in any order', async () => {
  await new Promise((resolve) => setTimeout(resolve, 1100));
  const reversed = { ...checkpoint, tensors: new Map([...checkpoint.tensors].reverse()) };
  await saveWeights(folder.at('d.h5'), reversed);
  expect(readFileSync(folder.at('d.h5')).equals(readFileSync(folder.at('c.h5')))).toBe(true);
});

it('writes tensors larger than a message in parts, along any axis', async () => {
  const large: WeightContent = {
    tensors: new Map([
      ['a.weight', tensor('f32', [3, 1_700_000])],
      ['b.weight', tensor('f32', [1, 2, 4_300_000])],
      ['c.weight', tensor('f64', [2_500_000])],
    ]),
  };
  await saveWeights(folder.at('large.h5'), large);
  const { tensors } = await loadWeights(folder.at('large.h5'));
  for (const [name, { shape, data }] of large.tensors) {
    const loaded = tensors.get(name)!;
    expect(loaded.shape).toEqual(shape);
    expect(Buffer.compare(Buffer.from(loaded.data.buffer), Buffer.from(data.buffer))).toBe(0);
  }
});

it('holds a long spec, many layers, and names beyond ASCII', async () => {
  const many: WeightContent = {
    tensors: new Map(Array.from({ length: 500 }, (_, i) => [`größe/${i}.weight`, tensor('f32', [2], i)])),
    spec: { layers: Array.from({ length: 5000 }, (_, i) => ({ name: `layer ${i}`, type: 'relu' })) },
  };
  await saveWeights(folder.at('many.h5'), many);
  const loaded = await loadWeights(folder.at('many.h5'));
  expect(loaded.tensors.size).toBe(500);
  expect(loaded.tensors.get('größe/499.weight')).toEqual(many.tensors.get('größe/499.weight'));
  expect(loaded.spec).toEqual(many.spec);
});

it('is read by h5dump', () => {
  const dump = spawnSync('h5dump', ['-d', '/weights/stage1/0/conv1/bias', folder.at('w.h5')], { encoding: 'utf8' });
  if (dump.error) {
    console.log('SKIPPED: h5dump (hdf5-tools) is not installed');
    return;
  }
  expect(dump.stdout).toContain('DATATYPE  H5T_IEEE_F32LE');
  expect(dump.stdout).toContain('(0): 1, 2, 3, 4');
});

it('is read and written by h5py', async () => {
  const program = `
import h5py, json, sys
with h5py.File(sys.argv[1], "r") as f:
    assert f["weights/fc/weight"].shape == (3, 5) and f["weights/fc/weight"][2, 4] == 15
    assert f["weights/half/weight"].attrs["dtype"] == "bf16"
    assert json.loads(f.attrs["spec"])["name"] == "größe"
    assert json.loads(f["state"].attrs["json"])["step"] == 12
with h5py.File(sys.argv[2], "w") as f:
    f.create_dataset("weights/fc/weight", data=[[1.0, 2.0]], dtype="f4")
    f.create_dataset("weights/fc/bias", data=[3.0], dtype=">f4", compression="gzip", chunks=(1,))`;
  try {
    execFileSync('python3', ['-c', program, folder.at('c.h5'), folder.at('py.h5')], { stdio: 'pipe' });
  } catch (error) {
    if (!/No module named|ENOENT/.test(String(error))) throw error;
    console.log('SKIPPED: Python with h5py is not installed');
    return;
  }
  const { tensors } = await loadWeights(folder.at('py.h5'));
  expect([...tensors.get('fc.weight')!.data]).toEqual([1, 2]);
  expect([...tensors.get('fc.bias')!.data]).toEqual([3]);
});

it('compares a file with the model, tensor by tensor, and says the near miss', async () => {
  const expected = [
    ...expectedOf(content).filter(({ name }) => !name.startsWith('table') && name !== 'mask.keep'),
    { name: 'mask.keeps', dtype: 'bool', shape: [7] },
    { name: 'head.weight', dtype: 'f32', shape: [10, 2] },
  ] as const;
  const changed = expected.map((t) => (t.name === 'fc.weight' ? { ...t, dtype: 'f32' as const } : t));
  const other = changed.map((t) => (t.name === 'stage1/0/conv1.bias' ? { ...t, shape: [5] } : t));
  const file = folder.at('w.h5');
  const problems = await problemsOf(loadWeights(file, { expected: other }));
  expect(problems.every(({ code }) => code === 'weights-mismatch')).toBe(true);
  expect(problems.map(({ message, hint }) => `${message.replaceAll(file, 'FILE')} (${hint ?? ''})`).sort()).toEqual([
    '`FILE` has no weights for `head.weight`, f32[10,2] in the model ()',
    '`FILE` has no weights for `mask.keeps`, bool[7] in the model (it has `mask.keep`, which the model has not)',
    '`FILE` holds weights for `mask.keep`, which the model has not (did you mean `mask.keeps`?)',
    '`FILE`: 3 more tensors do not fit ()',
    '`fc.weight` is f64[3,5] in `FILE` and f32[3,5] in the model (save it as float32)',
    '`stage1/0/conv1.bias` is f32[4] in `FILE` and f32[5] in the model ()',
  ]);
});

it('reports a wholly different model briefly, where the file was named', async () => {
  const expected = Array.from({ length: 90 }, (_, i) => ({ name: `l${i}.w`, dtype: 'f32' as const, shape: [1] }));
  const at = { file: 'somewhere', line: 3, column: 4, length: 5 };
  const problems = await problemsOf(loadWeights(folder.at('w.h5'), { expected, at }));
  expect(problems).toHaveLength(6);
  expect(problems[5]!.message).toContain('94 more tensors do not fit');
  expect(problems[0]!.at).toBe(at);
});

it('wants the optimizer state that the model has, where it is asked for', async () => {
  const problems = await problemsOf(
    loadWeights(folder.at('c.h5'), {
      expected: expectedOf(content),
      expectedSlots: [{ name: 'fc.weight.velocity', dtype: 'f64', shape: [3, 5] }],
    }),
  );
  expect(problems.map(({ message }) => message)).toContainEqual(
    expect.stringContaining('has no optimizer state for `fc.weight.velocity`'),
  );
});
