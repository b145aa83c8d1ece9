/** Whole models: imported, run natively, compared with what came with them. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { ELEM } from '../../../compiler/interop/formats/onnx/types';
import { readModel } from '../../../compiler/interop/formats/onnx/wire';
import type { ImportSettings } from '../../../compiler/interop/import/importer';
import { CORPUS, differences, goldenOf, hasCorpus, importOnnx, tensorFile, type Sample } from './corpus';

/** Models that are not quite what they should be, and what is said of them. */
const WARNINGS: Readonly<Record<string, readonly RegExp[]>> = {
  sm_cnn: [/^import-approximate: the file names no operator set; .*opset 1, the newest of IR version 1/],
};

const folders = hasCorpus()
  ? ['light', 'small', 'real'].flatMap((group) =>
      readdirSync(path.join(CORPUS, 'models', group)).map((name): [string, string] => [
        name,
        path.join(CORPUS, 'models', group, name),
      ]),
    )
  : [];

async function sampleOf(folder: string): Promise<Sample | undefined> {
  const { graph } = readModel(readFileSync(path.join(folder, 'model.onnx')));
  const golden = path.join(folder, 'golden.npz');
  if (existsSync(golden))
    return goldenOf(
      golden,
      graph!.outputs.map(({ name }) => name),
    );
  const expected = path.join(folder, 'expected_output_0.pb');
  if (!existsSync(expected)) return undefined;
  const initial = new Set(graph!.initializers.map(({ name }) => name));
  const input = graph!.inputs.find(({ name }) => !initial.has(name))!;
  const shape = input.type.shape as number[];
  const size = shape.reduce((product, extent) => product * extent, 1);
  const data = Float32Array.from({ length: size }, (_, i) => i / size);
  return { inputs: new Map([[input.name, { elem: ELEM.float, shape, data }]]), outputs: [tensorFile(expected)] };
}

test('there are models to import, or none of the corpus', () => {
  expect(folders.length === 0 || folders.length === 16).toBe(true);
});

for (const [name, folder] of folders) {
  test(`${name} is imported and gives the same numbers`, async () => {
    const sample = await sampleOf(folder);
    // Some say a batch that would not fit into memory, or none of their extents.
    const own = name.endsWith('_pytorch') || name.startsWith('silero');
    const shapes = own && sample ? [...sample.inputs].map(([input, { shape }]) => [input, shape] as const) : [];
    const settings: ImportSettings = { inputs: new Map(shapes) };
    const imported = await importOnnx(path.join(folder, 'model.onnx'), settings);
    if (sample) expect(await differences(imported, sample)).toEqual([]);
    const warned = imported.warnings.map(({ code, message }) => `${code}: ${message}`);
    expect(warned).toEqual(WARNINGS[name]?.map((warning) => expect.stringMatching(warning) as unknown) ?? []);
    // Nothing is dropped but what nothing reads.
    const dropped = imported.entries.filter(({ fate }) => fate === 'dropped');
    for (const { reason } of dropped) expect(reason).toMatch(/nothing reads it/);
  }, 180_000);
}
