/** `type: model`: another file's layers, until and from a layer, its weights, and what keeps it closed. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { checkSpec, checkSpecText } from '../../compiler/frontend/load';
import { lowerModel } from '../../compiler/lower/lower';

const BODY = `inputs:
  image: {shape: [N, 1, 8, 8]}
  label: {shape: [N], dtype: int32}
blocks:
  unit: {params: {f: {type: integer}}, layers: [{name: c, type: conv2d, filters: $f, kernel: 3, padding: 1}, {name: r, type: relu}]}
layers:
  - {name: stem, type: unit, f: 2}
  - {name: stage, type: unit, f: 2, repeat: 2}
  - {name: pool, type: global_avg_pool2d}
  - {name: head, type: dense, units: 10}
losses: [{type: cross_entropy, inputs: [head, label]}]
weights: [{file: own.h5}]
`;

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'dlc-nested-'));
  writeFileSync(path.join(folder, 'body.yaml'), BODY);
});
afterEach(() => rmSync(folder, { recursive: true }));

function check(use: string, rest = ''): ReturnType<typeof checkSpec> {
  const file = path.join(folder, 'outer.yaml');
  const text = `inputs: {picture: {shape: [N, 1, 8, 8]}}\nlayers:\n  - {name: backbone, type: model, file: body.yaml, inputs: picture, ${use}}\n  - {name: out, type: relu}\n${rest}`;
  writeFileSync(file, text);
  return checkSpec(file);
}

test('takes the layers that its last one needs, under its own name', () => {
  const { spec, diagnostics } = check('until: pool, frozen: true');
  expect(diagnostics).toEqual([]);
  expect(spec!.layers.map(({ name, inputs }) => [name, inputs[0]])).toEqual([
    ['backbone/stem/c', 'picture'],
    ['backbone/stem/r', 'backbone/stem/c'],
    ['backbone/stage/0/c', 'backbone/stem/r'],
    ['backbone/stage/0/r', 'backbone/stage/0/c'],
    ['backbone/stage/1/c', 'backbone/stage/0/r'],
    ['backbone/stage/1/r', 'backbone/stage/1/c'],
    ['backbone/pool', 'backbone/stage/1/r'],
    ['out', 'backbone/pool'],
  ]);
  expect(spec!.layers[0]!.fields['frozen']).toBe(true);
  expect(spec!.weights.map(({ file, into }) => ({ file, into }))).toEqual([{ file: 'own.h5', into: 'backbone/' }]);
});

test('a block of it can be where it ends, and a layer where it begins', () => {
  const { spec } = check('until: stage, from: stage/1/c, weights: other.h5');
  expect(spec!.layers.map(({ name }) => name)).toEqual(['backbone/stage/1/c', 'backbone/stage/1/r', 'out']);
  expect(spec!.weights.map(({ file }) => file)).toEqual(['other.h5']);
});

test('layers inside of it can be referred to, and the expanded model is the same', () => {
  const { spec, diagnostics } = check(
    '',
    '  - {name: early, type: tanh, inputs: backbone/stem}\n  - {name: middle, type: tanh, inputs: backbone/stage/0/r}\noutputs: [out, early, middle]\n',
  );
  expect(diagnostics).toEqual([]);
  const again = checkSpecText(JSON.stringify(spec!.resolved), 'again.json');
  expect(again.diagnostics).toEqual([]);
  const [first, second] = [spec!, again.spec!].map((one) => lowerModel(one, { batch: 2, mode: 'predict' }).graph);
  expect(second!.nodes.map(({ op, attrs }) => [op, attrs])).toEqual(first!.nodes.map(({ op, attrs }) => [op, attrs]));
});

test.each([
  ['until: pol', 'unknown-reference', /`pol`/],
  ['inputs: [picture, picture]', 'duplicate-key', /inputs/],
  ['file: missing.yaml', 'duplicate-key', /file/],
  ['until: pool, size: 3', 'unknown-field', /`size`/],
])('%s is refused', (use, code, message) => {
  const { diagnostics } = check(use);
  expect(diagnostics.map((problem) => problem.code)).toContain(code);
  expect(diagnostics.map((problem) => problem.message).join('\n')).toMatch(message);
});

test('a model that nests itself, is not there or lies outside is refused at the file', () => {
  writeFileSync(
    path.join(folder, 'body.yaml'),
    'inputs: {x: {shape: [N, 1]}}\nlayers: [{type: model, file: body.yaml}]\n',
  );
  expect(check('').diagnostics[0]).toMatchObject({
    code: 'include',
    message: expect.stringMatching(/itself/) as string,
  });
  writeFileSync(
    path.join(folder, 'body.yaml'),
    'inputs: {x: {shape: [N, 1]}}\nlayers: [{type: model, file: ../x.yaml}]\n',
  );
  expect(check('').diagnostics[0]).toMatchObject({ code: 'include' });
});

test('a second use shares the weights of the first, inside of loops too', () => {
  writeFileSync(
    path.join(folder, 'body.yaml'),
    `inputs: {image: {shape: [N, 1, 8, 8]}}
layers:
  - {name: conv, type: conv2d, filters: 2, kernel: 3}
  - {name: rows, type: reshape, shape: [N, 12, 6]}
  - {name: steps, type: scan, inputs: rows, body: {layers: [{name: d, type: dense, units: 3}]}}
weights: [{file: own.h5}]
`,
  );
  const second =
    '  - {name: twin, type: model, file: body.yaml, inputs: picture, share: backbone}\noutputs: [out, twin]\n';
  const { spec, diagnostics } = check('', second);
  expect(diagnostics.filter(({ severity }) => severity === 'error')).toEqual([]);
  const shares = spec!.layers.filter(({ name }) => name.startsWith('twin/')).map(({ fields }) => fields['share']);
  expect(shares).toEqual(['backbone/conv', undefined, 'backbone/steps']);
  expect(
    lowerModel(spec!, { batch: 1, mode: 'predict' })
      .graph.states.map(({ value }) => value.name)
      .sort(),
  ).toEqual(['backbone/conv.bias', 'backbone/conv.weight', 'backbone/steps/d.bias', 'backbone/steps/d.weight']);
  // What is shared has its weights from there.
  expect(spec!.weights.map(({ into }) => into)).toEqual(['backbone/']);
  const wrong = check('', second.replace('share: backbone', 'share: out')).diagnostics;
  expect(wrong.map(({ code }) => code)).toContain('unknown-reference');
});

test('what is wrong in it is shown there, with where it is nested', () => {
  writeFileSync(path.join(folder, 'body.yaml'), 'inputs: {x: {shape: [N, 1]}}\nlayers: [{type: relux}]\n');
  const [problem] = check('').diagnostics;
  expect(problem).toMatchObject({ code: 'unknown-type' });
  expect(problem!.at.file).toMatch(/body\.yaml$/);
  expect(problem!.notes.some(({ message, at }) => message === 'nested here' && at?.file.endsWith('outer.yaml'))).toBe(
    true,
  );
});

test('a block that exists in some modes alone passes its input on in the others', () => {
  const text = `inputs: {x: {shape: [N, 4]}}
blocks: {noisy: {layers: [{name: n, type: gaussian_noise, std: 0.5}, {name: d, type: dense, units: 4}]}}
layers: [{name: b, type: noisy, when: train}, {name: out, type: tanh}]
`;
  const { spec, diagnostics } = checkSpecText(text, 'm.yaml');
  expect(diagnostics).toEqual([]);
  const ops = (mode: 'train' | 'predict'): string[] =>
    lowerModel(spec!, { batch: 2, mode, everyLayer: false }).graph.nodes.map(({ op }) => op);
  expect(ops('predict')).toEqual(['tanh']);
});

test('a repeated layer sees its number, also in its condition', () => {
  const text = `inputs: {x: {shape: [N, 4]}}
layers: [{name: d, type: dense, repeat: 3, units: "\${2 ** (index + 1)}", when: "index != 1"}]
`;
  const { spec, diagnostics } = checkSpecText(text, 'm.yaml');
  expect(diagnostics).toEqual([]);
  expect(spec!.layers.map(({ name, fields }) => [name, fields['units']])).toEqual([
    ['d/0', 2],
    ['d/2', 8],
  ]);
});
