/** Blocks become plain layers: names, parameters, conditions, repeats and nesting. */
import { mkdtempSync, rmSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { checkSpec, loadSpec } from '../../compiler/frontend/load';
import { found, INPUTS, layersOf, specOf, wiring } from './support';

const unit = (layers: string, more = ''): string => `${INPUTS}layers:
${layers}
blocks:
  unit:
    params: {filters: {type: integer, default: 8}, stride: {type: integer, default: 1}}
    inputs: [x]
    layers:
      - {name: conv, type: conv2d, inputs: x, filters: $filters, kernel: 3, stride: $stride, padding: 1}
      - {name: skip, type: conv2d, inputs: x, filters: "\${filters}", kernel: 1, stride: $stride, when: "$stride != 1", else: x}
      - {name: sum, type: add, inputs: [conv, skip]}
${more}`;

describe('blocks', () => {
  test('within blocks have a limit, however many there are', () => {
    const chain = Array.from({ length: 3000 }, (_, i) => `  b${i}: {layers: [{type: b${i + 1}}]}\n`).join('');
    const text = `${INPUTS}layers: [{type: b0}]\nblocks:\n${chain}  b3000: {layers: [{type: relu}]}\n`;
    expect(found(text).filter((line) => line.endsWith('too-deep'))).toHaveLength(1);
  });

  test('expand into layers with full names and parameters filled in', () => {
    const layers = layersOf(unit('  - {name: a, type: unit, filters: 8, stride: 2}'));
    expect(layers.map((layer) => [layer.name, layer.type, layer.inputs])).toEqual([
      ['a/conv', 'conv2d', ['image']],
      ['a/skip', 'conv2d', ['image']],
      ['a/sum', 'add', ['a/conv', 'a/skip']],
    ]);
    expect(layers[1]!.fields).toEqual({ filters: 8, kernel: 1, stride: 2 });
  });

  test('leave out a layer whose condition does not hold, and let `else` take its place', () => {
    expect(wiring(unit('  - {name: a, type: unit}'))).toEqual(['a/conv(image)', 'a/sum(a/conv, image)']);
  });

  test('repeat in a row, each fed by the one before, and the name means the last', () => {
    expect(wiring(unit('  - {name: a, type: unit, repeat: 2}\n  - {name: end, type: relu, inputs: a}'))).toEqual([
      'a/0/conv(image)',
      'a/0/sum(a/0/conv, image)',
      'a/1/conv(a/0/sum)',
      'a/1/sum(a/1/conv, a/0/sum)',
      'end(a/1/sum)',
    ]);
  });

  test('repeated no times pass their input on', () => {
    expect(
      wiring(unit('  - {name: a, type: unit, repeat: 0}\n  - {name: end, type: relu}\n  - {name: u, type: unit}'))[0],
    ).toBe('end(image)');
  });

  test('can be looked into by path', () => {
    const text = unit('  - {name: a, type: unit, repeat: 2}\n  - {name: end, type: add, inputs: [a/0, a/1/conv]}');
    expect(wiring(text).at(-1)).toBe('end(a/0/sum, a/1/conv)');
  });

  test('have further outputs by name', () => {
    const text = `${INPUTS}layers:
  - {name: a, type: two}
  - {name: end, type: add, inputs: [a, a.second]}
blocks:
  two: {layers: [{name: first, type: relu}, {name: second, type: tanh}], outputs: [first, second]}
`;
    expect(wiring(text)).toEqual(['a/first(image)', 'a/second(a/first)', 'end(a/first, a/second)']);
  });

  test('nest, with parameters handed on', () => {
    const text = `${INPUTS}layers:
  - {name: a, type: outer, n: 2}
blocks:
  outer: {params: {n: {type: integer}}, layers: [{name: in, type: inner, units: "\${n * 4}", repeat: $n}]}
  inner: {params: {units: {type: integer}}, layers: [{name: fc, type: dense, units: $units}]}
`;
    const layers = layersOf(text);
    expect(layers.map((layer) => layer.name)).toEqual(['a/in/0/fc', 'a/in/1/fc']);
    expect(layers[0]!.fields).toEqual({ units: 8 });
    expect(layers[0]!.origin.via.map((use) => [use.block, use.at.line])).toEqual([
      ['outer', 5],
      ['inner', 7],
    ]);
  });

  test('take several inputs', () => {
    const text = `${INPUTS}layers:
  - {name: l, type: relu}
  - {name: r, type: tanh, inputs: image}
  - {name: m, type: merge, inputs: [l, r]}
blocks:
  merge: {inputs: [left, right], layers: [{name: sum, type: add, inputs: [right, left]}]}
`;
    expect(wiring(text)[2]).toBe('m/sum(r, l)');
  });

  test('freeze and share everything inside', () => {
    const text = `${INPUTS}layers:
  - {name: a, type: tower, inputs: image}
  - {name: b, type: tower, inputs: image, share: a, frozen: true}
  - {name: sum, type: add, inputs: [a, b]}
blocks:
  tower: {layers: [{name: fc, type: dense, units: 4}, {name: act, type: relu}]}
`;
    const layers = layersOf(text);
    expect(layers.find((layer) => layer.name === 'b/fc')!.fields).toEqual({ units: 4, share: 'a/fc', frozen: true });
    expect(layers.find((layer) => layer.name === 'b/act')!.fields).toEqual({});
  });

  test('share with a repeated block, instance by instance', () => {
    const text = `${INPUTS}layers:
  - {name: a, type: tower, inputs: image, repeat: 2}
  - {name: b, type: tower, inputs: image, repeat: 2, share: a}
  - {name: sum, type: add, inputs: [a, b]}
blocks:
  tower: {layers: [{name: fc, type: dense, units: 4}]}
`;
    const shares = layersOf(text).map((layer) => [layer.name, layer.fields['share']]);
    expect(shares).toEqual([
      ['a/0/fc', undefined],
      ['a/1/fc', undefined],
      ['b/0/fc', 'a/0/fc'],
      ['b/1/fc', 'a/1/fc'],
      ['sum', undefined],
    ]);
  });

  test('write values into longer texts, and `$$` is a dollar', () => {
    const text = unit('  - {name: a, type: unit}').replace('$filters, kernel', '"${8 if stride == 1 else 16}", kernel');
    expect(layersOf(text)[0]!.fields['filters']).toBe(8);
  });

  test('mistakes inside are reported once, with the way there', () => {
    const text = unit('  - {name: a, type: unit, filters: 0, repeat: 3}');
    const { diagnostics } = checkText(text);
    expect(diagnostics.map((diagnostic) => diagnostic.at.line)).toEqual([11, 12]);
    expect(diagnostics[0]!.notes.map((note) => [note.message, note.at?.line])).toEqual([
      ['in block `unit`, used here', 5],
      ['the same in 2 other expansions of it', undefined],
    ]);
  });

  test('ten thousand layers expand in well under two seconds', () => {
    // Processor time, so that a busy machine does not decide.
    const start = process.cpuUsage();
    expect(layersOf(unit('  - {name: a, type: unit, repeat: 5000}'))).toHaveLength(10_000);
    const { user, system } = process.cpuUsage(start);
    expect((user + system) / 1000).toBeLessThan(2000);
  });
});

function checkText(text: string) {
  const folder = mkdtempSync(path.join(tmpdir(), 'dlc-blocks-'));
  try {
    const file = path.join(folder, 'model.yaml');
    writeFileSync(file, text);
    return checkSpec(file);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe('phases', () => {
  test('limit a layer to some modes and keep what stands in for it', () => {
    const [, noise] = layersOf(`${INPUTS}layers:
  - {name: a, type: relu}
  - {name: noise, type: dropout, rate: 0.5, when: train|eval, else: image}
  - {name: b, type: relu}
`);
    expect(noise).toMatchObject({ modes: ['train', 'eval'], otherwise: 'image' });
  });

  test('are spelled as a word, words with | or a list', () => {
    const modes = (when: string) => layersOf(`${INPUTS}layers: [{type: relu, when: ${when}}]`)[0]!.modes;
    expect(modes('train')).toEqual(['train']);
    expect(modes('"predict | train"')).toEqual(['train', 'predict']);
    expect(modes('[eval]')).toEqual(['eval']);
  });
});

describe('includes', () => {
  let folder: string;
  const write = (name: string, text: string): string => {
    const file = path.join(folder, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, text);
    return file;
  };
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'dlc-include-'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  const USES = `${INPUTS}layers: [{name: a, type: act}]\n`;
  const ACT = 'blocks:\n  act: {layers: [{name: relu, type: relu}]}\n  other: {layers: [{type: tanh}]}\n';

  test('bring blocks, also through files that include others, each file once', () => {
    write('deep/act.yaml', ACT);
    write('parts/one.yaml', 'include: ../deep/act.yaml\n');
    write('parts/two.yaml', 'include: ../deep/act.yaml\n');
    const file = write('model.yaml', `include: [parts/one.yaml, parts/two.yaml]\n${USES}`);
    const { spec, diagnostics } = checkSpec(file);
    expect(spec!.layers.map((layer) => layer.name)).toEqual(['a/relu']);
    // A library may hold more blocks than one model uses.
    expect(diagnostics.map((diagnostic) => diagnostic.code)).toEqual(['unused-input']);
  });

  test('name the included file in messages', () => {
    write('parts/act.yaml', ACT.replace('type: relu', 'type: rely'));
    const file = write('model.yaml', `include: parts/act.yaml\n${USES}`);
    const [problem] = checkSpec(file).diagnostics;
    expect(problem).toMatchObject({ code: 'unknown-type', at: { file: path.join(folder, 'parts/act.yaml'), line: 2 } });
  });

  test('stay inside of the folder, links included, unless allowed', () => {
    const outside = write('elsewhere/act.yaml', ACT);
    mkdirSync(path.join(folder, 'home'));
    symlinkSync(outside, path.join(folder, 'home/link.yaml'));
    for (const name of ['../elsewhere/act.yaml', 'link.yaml', outside]) {
      const file = write('home/model.yaml', `include: ${name}\n${USES}`);
      expect(checkSpec(file).diagnostics.map((diagnostic) => diagnostic.code)).toContain('include');
      expect(loadSpec(file, { allowOutside: true }).layers).toHaveLength(1);
    }
  });

  test('cannot be used by a model that came without a file', () => {
    expect(found(`include: a.yaml\n${USES}`)).toEqual(['1:10 include', '5:26 unknown-type']);
  });

  test('do not stay in the resolved model', () => {
    write('act.yaml', ACT);
    const file = write('model.yaml', `include: act.yaml\n${USES}`);
    const { resolved } = loadSpec(file);
    expect(Object.keys(resolved)).toEqual(['dlc', 'name', 'inputs', 'layers', 'outputs']);
    expect(specOf(JSON.stringify(resolved)).resolved).toEqual(resolved);
  });
});

describe('a file of blocks alone', () => {
  const BLOCKS = 'blocks:\n  double: {layers: [{name: sum, type: add, inputs: [x, x]}]}\n';

  test('is fine where files of blocks are looked at, too', () => {
    expect(found(BLOCKS, { blockFiles: true })).toEqual([]);
    expect(found(`${BLOCKS}${INPUTS}`, { blockFiles: true })).toEqual(['1:1 missing-field']);
    expect(found(BLOCKS)).toEqual(['1:1 missing-field', '1:1 missing-field']);
  });

  test('is checked', () => {
    const strange = BLOCKS.replace('layers:', 'layer:');
    expect(found(strange, { blockFiles: true })).toEqual(expect.arrayContaining(['2:12 unknown-field']));
    expect(found(`${BLOCKS}outputs: [x]\n`, { blockFiles: true })).toEqual(['3:1 unknown-field']);
  });
});
