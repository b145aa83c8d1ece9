/** Published networks with their weights give what another implementation gives for the same photograph. */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { corpusFile, distance, hasCorpus, imported, opened, readNpz } from './corpus';

const there = hasCorpus();
const units = there ? readdirSync(corpusFile('pretrained')) : [];

(there ? test : test.skip).each(there ? units : ['none'])('%s gives its published numbers', async (unit) => {
  const folder = corpusFile(path.join('pretrained', unit));
  const files = readdirSync(folder).filter((file) => /\.(prototxt|caffemodel)$/.test(file));
  const model = await opened(
    await imported(
      files.map((file) => path.join(folder, file)),
      { blocks: true },
    ),
  );
  const golden = await readNpz(path.join(folder, 'golden.npz'));
  const result = Object.values(await model.predict({ [model.inputs[0]!]: golden.get('input')! }));
  model.close();
  const expected = [...golden].filter(([name]) => name.startsWith('output:'));
  expect(result).toHaveLength(expected.length);
  for (const [, tensor] of expected) {
    const shape = [1, ...tensor.shape.slice(1)];
    const same = result.find((output) => String(output.shape) === String(shape));
    expect(distance(same!.data, tensor.data)).toBeLessThan(1e-4);
  }
});
