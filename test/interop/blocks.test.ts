/** Repeated structures of drafts: the zoo's models, expanded, folded again, mean what they meant. */
import path from 'node:path';
import { loadSpec, loadSpecText } from '../../compiler/frontend/load';
import type { Fields, Spec } from '../../compiler/frontend/spec';
import { Draft } from '../../compiler/interop/draft';
import { folded } from '../../compiler/interop/import/compose';
import { foldBlocks } from '../../compiler/interop/import/blocks';
import { modelText } from '../../compiler/interop/import/write';

/** A draft of layers that are written as in a model file, inputs always given. */
function draftOf(spec: Spec): Draft {
  const draft = new Draft(spec.name, 'test');
  for (const { name, shape, dtype } of spec.inputs) draft.input(name, shape, dtype);
  const names = new Map<string, string>(spec.inputs.map(({ name }) => [name, name]));
  const ours = (reference: string): string => {
    const dot = reference.indexOf('.');
    return dot < 0 ? names.get(reference)! : `${names.get(reference.slice(0, dot))!}${reference.slice(dot)}`;
  };
  for (const layer of spec.layers) {
    const given = draft.layer({
      name: layer.name,
      type: layer.type,
      inputs: layer.inputs.map(ours),
      fields: layer.fields,
    });
    names.set(layer.name, given);
  }
  draft.outputs.push(...spec.outputs.map(ours));
  return draft;
}

function zoo(name: string): Draft {
  return draftOf(loadSpec(path.resolve(__dirname, `../../models/${name}.yaml`)));
}

function chain(count: number, fields: (i: number) => Fields): Draft {
  const draft = new Draft('chain', 'test');
  let before = draft.input('x', ['N', 8, 8, 8], 'f32');
  for (let i = 0; i < count; i++) {
    const unit = (name: string, type: string, own: Fields): string =>
      (before = draft.layer({ name: `unit${i}_${name}`, type, inputs: [before], fields: own }));
    const start = before;
    unit('conv', 'conv2d', fields(i));
    unit('norm', 'batch_norm', {});
    before = draft.layer({
      name: `unit${i}_sum`,
      type: 'add',
      inputs: [start, before],
      fields: { activation: 'relu' },
    });
  }
  draft.outputs.push(draft.layer({ name: 'out', type: 'flatten', inputs: [before], fields: {} }));
  return draft;
}

test('equal stretches in a row become one block with repeat', () => {
  const found = folded(chain(5, () => ({ filters: 8, kernel: 3, padding: 1 })))!;
  expect(found.text).toMatchInlineSnapshot(`
   "dlc: 1
   name: chain

   inputs:
     x: {shape: [N, 8, 8, 8]}

   blocks:
     residual:
       layers:
         - {name: conv, type: conv2d, filters: 8, kernel: 3, padding: 1}
         - {name: norm, type: batch_norm}
         - {name: sum, type: add, inputs: [x, norm], activation: relu}

   layers:
     - {name: unit, type: residual, repeat: 5}
     - {name: out, type: flatten}

   outputs: [out]
   "
  `);
  expect(found.layerName('unit3_conv')).toBe('unit/3/conv');
});

test('numbers that differ become parameters, multiples of one another a product', () => {
  const draft = new Draft('wide', 'test');
  let before = draft.input('x', ['N', 8, 8, 8], 'f32');
  [8, 16, 24].forEach((filters, i) => {
    for (const [name, type, fields] of [
      ['a', 'conv2d', { filters, kernel: 1 }],
      ['a_norm', 'batch_norm', { activation: 'relu' }],
      ['b', 'conv2d', { filters, kernel: 3, padding: 1 }],
      ['b_norm', 'batch_norm', { activation: 'relu' }],
      ['c', 'conv2d', { filters: 4 * filters, kernel: 1 }],
      ['c_norm', 'batch_norm', { activation: 'relu' }],
    ] as const)
      before = draft.layer({ name: `stage${i}/${name}`, type, inputs: [before], fields });
  });
  draft.outputs.push(draft.layer({ name: 'out', type: 'flatten', inputs: [before], fields: {} }));
  const found = folded(draft)!;
  expect(found.text).toMatchInlineSnapshot(`
   "dlc: 1
   name: wide

   inputs:
     x: {shape: [N, 8, 8, 8]}

   blocks:
     unit:
       params: {filters: {type: integer}}
       layers:
         - {name: a, type: conv2d, filters: $filters, kernel: 1}
         - {name: a_norm, type: batch_norm, activation: relu}
         - {name: b, type: conv2d, filters: $filters, kernel: 3, padding: 1}
         - {name: b_norm, type: batch_norm, activation: relu}
         - {name: c, type: conv2d, filters: "\${filters * 4}", kernel: 1}
         - {name: c_norm, type: batch_norm, activation: relu}

   layers:
     - {name: stage0, type: unit, filters: 8}
     - {name: stage1, type: unit, filters: 16}
     - {name: stage2, type: unit, filters: 24}
     - {name: out, type: flatten}

   outputs: [out]
   "
  `);
  expect(found.layerName('stage2/b_norm')).toBe('stage2/b_norm');
});

test('layers that outputs name, and formulas that call their inputs by name, stay at the top', () => {
  const draft = chain(5, () => ({ filters: 8, kernel: 3, padding: 1 }));
  draft.outputs.push('unit2_norm');
  const { written } = foldBlocks(draft);
  expect(written.layers.map(({ name }) => name)).toContain('unit2_norm');
  expect(folded(draft)).toBeDefined();
});

test.each([
  'resnet50',
  'mobilenet_v2',
  'densenet121',
  'googlenet',
  'inception_v3',
  'unet',
  'vgg16',
  'gpt_small',
  'lenet',
])('the layers of %s, folded, expand to themselves', (name) => {
  const draft = zoo(name);
  const found = folded(draft);
  expect(found === undefined).toBe(foldBlocks(draft).written.blocks.length === 0);
  if (found === undefined) return;
  const plain = modelText({ draft, layers: draft.layers, blocks: [] });
  expect(found.text.split('\n').length).toBeLessThan(plain.split('\n').length);
  expect(loadSpecText(found.text, 'folded.yaml').layers).toHaveLength(draft.layers.length);
});
