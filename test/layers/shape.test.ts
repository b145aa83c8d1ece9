/** Layers that move, cut and repeat: values by hand and by PyTorch, references to their outputs, what they refuse. */

import { checkSpecText, loadSpecText } from '../../compiler/frontend/load';
import { lowerModel } from '../../compiler/lower/lower';
import { counting, problemOf, runModel, type ModelRun } from '../support/model';

const one = (shape: readonly number[], layer: string): ModelRun => ({
  inputs: { x: counting(shape) },
  layers: `  - {name: y, ${layer}}`,
});
const run = (shape: readonly number[], layer: string): number[] => runModel(one(shape, layer)).values['y']!;
const shapeAfter = (shape: readonly number[], layer: string): readonly number[] =>
  runModel(one(shape, layer)).shapes['y']!;
const problem = (shape: readonly number[], layer: string): string => problemOf(one(shape, layer));

test('permute takes axis i of the output from the input', () => {
  expect(shapeAfter([1, 2, 3, 4], 'type: permute, axes: [0, 2, 3, 1]')).toEqual([1, 3, 4, 2]);
  expect(run([1, 2, 3], 'type: permute, axes: [0, 2, 1]')).toEqual([0, 3, 1, 4, 2, 5]);
  expect(problem([1, 2, 3], 'type: permute, axes: [2, 1]')).toMatch(/2 axes are listed, the input \[1, 2, 3\] has 3/);
  expect(problem([1, 2, 3], 'type: permute, axes: [0, 1, 1]')).toMatch(/axis 1 is named twice/);
  expect(problem([1, 2, 3], 'type: permute, axes: [0, 1, 3]')).toMatch(/axis 3 is not among the axes 0 to 2/);
});

test('squeeze and expand_dims take and put axes of 1', () => {
  expect(shapeAfter([1, 3, 1, 1], 'type: squeeze, axes: [2, 3]')).toEqual([1, 3]);
  expect(problem([1, 3, 1], 'type: squeeze, axes: 1')).toMatch(/axis 1 has extent 3, not 1/);
  expect(shapeAfter([1, 3], 'type: expand_dims')).toEqual([1, 3, 1]);
  expect(shapeAfter([1, 3], 'type: expand_dims, axis: 0')).toEqual([1, 1, 3]);
  expect(problem([1, 3], 'type: expand_dims, axis: 3')).toMatch(/axis 3 is not among the axes 0 to 2 of the output/);
});

test('tile repeats the whole, repeat_elements each, repeat_vector a vector', () => {
  expect(run([1, 2], 'type: tile, repeats: [1, 2]')).toEqual([0, 1, 0, 1]);
  expect(run([1, 2], 'type: repeat_elements, repeats: 2')).toEqual([0, 0, 1, 1]);
  expect(run([2, 2], 'type: repeat_vector, repeats: 2')).toEqual([0, 1, 0, 1, 2, 3, 2, 3]);
  expect(problem([1, 2], 'type: tile, repeats: [2]')).toMatch(/1 numbers for the 2 axes/);
  expect(problem([1, 2, 3], 'type: repeat_vector, repeats: 2')).toMatch(/vectors, of shape \[N, C\]/);
});

describe('split', () => {
  const parts = (fields: string, names: readonly string[]): number[][] => {
    const { values } = runModel({
      inputs: { x: counting([1, 6]) },
      layers: `  - {name: parts, type: split, ${fields}}`,
      outputs: names,
    });
    return names.map((name) => values[name]!);
  };

  test('cuts evenly, into sizes, at points', () => {
    expect(parts('sections: 3', ['parts', 'parts.1', 'parts.2'])).toEqual([
      [0, 1],
      [2, 3],
      [4, 5],
    ]);
    expect(parts('sizes: [1, 5]', ['parts', 'parts.1'])).toEqual([[0], [1, 2, 3, 4, 5]]);
    expect(parts('points: [1, 3]', ['parts.2', 'parts', 'parts.1'])).toEqual([[3, 4, 5], [0], [1, 2]]);
  });

  test('calls its first part by number too, whose plain name stays what is stored', () => {
    const text = `
inputs: {x: {shape: [N, 6]}}
layers:
  - {name: parts, type: split, sections: 2}
  - {name: y, type: sub, inputs: [parts.0, parts.1]}
outputs: [y, parts.0]
`;
    const spec = loadSpecText(text, 'model.yaml');
    expect(spec.layers[1]!.inputs).toEqual(['parts', 'parts.1']);
    expect(spec.outputs).toEqual(['y', 'parts']);
    const { graph } = lowerModel(spec, { batch: 2, mode: 'predict' });
    expect(graph.results.map(({ name, value }) => [name, value.type.shape])).toEqual([
      ['y', [2, 3]],
      ['parts', [2, 3]],
    ]);
    // The expanded model is a model again.
    expect(loadSpecText(JSON.stringify(spec.resolved), 'again.json').layers[1]!.inputs).toEqual(['parts', 'parts.1']);
  });

  test('knows how many parts there are before any shape', () => {
    const text = (reference: string): string => `
inputs: {x: {shape: [N, 6]}}
layers:
  - {name: parts, type: split, sizes: [2, 4]}
  - {name: y, type: identity, inputs: ${reference}}
`;
    const found = (reference: string): string =>
      checkSpecText(text(reference), 'model.yaml')
        .diagnostics.map(({ message, hint }) => `${message} ${hint ?? ''}`)
        .join('\n');
    expect(found('parts.1')).not.toMatch(/no output/);
    expect(found('parts.2')).toMatch(/layer `parts` has no output `2` did you mean `0`/);
    expect(found('x.1')).toMatch(/no output `1`/);
  });

  test('knows them with parameters of blocks', () => {
    const text = `
inputs: {x: {shape: [N, 6]}}
blocks:
  last: {params: {count: {type: integer}}, layers: [{name: a, type: split, sections: $count}], outputs: [a.2, a]}
layers: [{name: y, type: last, count: 3}]
`;
    const { graph } = lowerModel(loadSpecText(text, 'model.yaml'), { batch: 1, mode: 'predict' });
    expect(graph.results[0]!.value.type.shape).toEqual([1, 2]);
  });

  test('says what does not fit at the field', () => {
    expect(problem([1, 6], 'type: split')).toMatch(/takes one of sections, sizes, points; none of them is given/);
    expect(problem([1, 6], 'type: split, sections: 2, sizes: [3, 3]')).toMatch(/sections and sizes are given/);
    expect(problem([1, 6], 'type: split, sections: 4')).toMatch(/extent 6 cannot be cut into 4 equal parts/);
    expect(problem([1, 6], 'type: split, sizes: [1, 2]')).toMatch(/add up to 3, the axis has extent 6/);
    expect(problem([1, 6], 'type: split, points: [3, 3]')).toMatch(/have to ascend between 0 and the extent 6/);
    expect(problem([1, 6], 'type: split, points: [6]')).toMatch(/have to ascend/);
  });
});

test('an output that does not exist in a mode is reported where it is missing', () => {
  const text = `
inputs: {x: {shape: [N, 6]}}
layers:
  - {name: parts, type: split, sections: 2, when: train}
  - {name: y, type: identity, inputs: parts.1}
`;
  const spec = loadSpecText(text, 'model.yaml');
  expect(() => lowerModel(spec, { batch: 1, mode: 'predict' })).toThrow(/does not exist in predict/);
  expect(() => lowerModel(spec, { batch: 1, mode: 'predict' })).toThrow(/model.yaml:4/);
});

describe('slice', () => {
  test.each([
    ['start: 1, stop: 4', [1, 2, 3]],
    ['start: -2', [5, 6]],
    ['stop: -5', [0, 1]],
    ['step: 3', [0, 3, 6]],
    ['start: 1, step: 2', [1, 3, 5]],
    ['step: -1', [6, 5, 4, 3, 2, 1, 0]],
    ['step: -3', [6, 3, 0]],
    ['start: 5, stop: 1, step: -2', [5, 3]],
    ['start: 4, stop: -7, step: -1', [4, 3, 2, 1]],
  ])('with %s is as in Python', (fields, expected) => {
    expect(run([1, 7], `type: slice, ${fields}`)).toEqual(expected);
  });

  test('refuses what Python quietly shortens', () => {
    expect(problem([1, 7], 'type: slice, stop: 8')).toMatch(/8 is outside of the axis, whose extent is 7/);
    expect(problem([1, 7], 'type: slice, start: -8')).toMatch(/-8 is outside/);
    expect(problem([1, 7], 'type: slice, start: 3, stop: 3')).toMatch(/nothing lies between 3 and 3/);
    expect(problem([1, 7], 'type: slice, step: 0')).toMatch(/step/);
  });
});

test('select takes one slice, unstack all, stack joins them again', () => {
  expect(run([1, 3, 2], 'type: select, axis: 1, index: -1')).toEqual([4, 5]);
  expect(problem([1, 3], 'type: select, index: 3')).toMatch(/3 is outside of axis 1, whose extent is 3/);
  const layers = [
    '  - {name: a, type: unstack, count: 3, axis: -1}',
    '  - {name: y, type: stack, inputs: [a.0, a.1, a.2], axis: 2}',
  ].join('\n');
  const { values, shapes } = runModel({ inputs: { x: counting([1, 2, 3]) }, layers, outputs: ['y', 'a.2'] });
  expect(values['y']).toEqual([0, 1, 2, 3, 4, 5]);
  expect(values['a.2']).toEqual([2, 5]);
  expect(shapes['a.2']).toEqual([1, 2]);
  expect(problem([1, 3], 'type: unstack, count: 2')).toMatch(/axis 1 has extent 3, not 2/);
});

test('crops cut sides, the middle, and to the size of another', () => {
  expect(run([1, 1, 4], 'type: crop1d, cropping: [1, 2]')).toEqual([1]);
  expect(run([1, 1, 3, 3], 'type: crop2d, cropping: 1')).toEqual([4]);
  expect(run([1, 1, 3, 3], 'type: crop2d, cropping: [[0, 2], [1, 0]]')).toEqual([1, 2]);
  expect(shapeAfter([1, 1, 5, 6, 7], 'type: crop3d, cropping: [1, 2, 3]')).toEqual([1, 1, 3, 2, 1]);
  expect(problem([1, 1, 3, 3], 'type: crop2d, cropping: [2, 1]')).toMatch(/cutting 2 \+ 2 off axis 2/);
  expect(problem([1, 3, 3], 'type: crop2d, cropping: 1')).toMatch(/crops 2 axes from axis 2 on/);
  expect(run([1, 1, 4, 5], 'type: center_crop, size: [1, 2]')).toEqual([6, 7]);
  expect(problem([1, 1, 4, 5], 'type: center_crop, size: 5')).toMatch(/5 is more than axis 2 has, 4/);
  const like = (fields: string): ModelRun => ({
    inputs: { x: counting([1, 1, 3, 3]), z: counting([1, 2, 2, 1]) },
    layers: `  - {name: y, type: crop_like, inputs: [x, z]${fields}}`,
  });
  expect(runModel(like(', offset: [1, 2]')).values['y']).toEqual([5, 8]);
  expect(problemOf(like(', offset: 2'))).toMatch(/2 elements from 2 on reach beyond axis 2/);
  expect(problemOf(like(', offset: [1]'))).toMatch(/1 numbers for the 2 axes/);
});

test('flip and roll', () => {
  expect(run([1, 2, 3], 'type: flip, axes: -1')).toEqual([2, 1, 0, 5, 4, 3]);
  expect(run([1, 2, 3], 'type: flip, axes: [1, 2]')).toEqual([5, 4, 3, 2, 1, 0]);
  expect(run([1, 2, 3], 'type: roll, shift: [1, -1], axes: [1, 2]')).toEqual([4, 5, 3, 1, 2, 0]);
  expect(run([1, 3], 'type: roll, shift: -4')).toEqual([1, 2, 0]);
  expect(problem([1, 3], 'type: roll, shift: [1, 1]')).toMatch(/2 shifts for 1 axes/);
});

test("depth_to_space is PyTorch's PixelShuffle in one order, TensorFlow's in the other, and undone by space_to_depth", () => {
  const crd = 'block: 2, order: column_row_depth';
  const shuffled = [0, 2, 1, 3, 4, 6, 5, 7, 8, 10, 9, 11, 12, 14, 13, 15];
  expect(run([1, 8, 1, 2], `type: depth_to_space, ${crd}`)).toEqual(shuffled);
  expect(run([1, 2, 2, 4], `type: space_to_depth, ${crd}`)).toEqual(shuffled);
  // DCR: channel k of [N, 8, 1, 1] is position k div 2 of channel k mod 2.
  expect(run([1, 8, 1, 1], 'type: depth_to_space')).toEqual([0, 2, 4, 6, 1, 3, 5, 7]);
  const back = '  - {name: a, type: depth_to_space}\n  - {name: y, type: space_to_depth}';
  const { values } = runModel({ inputs: { x: counting([1, 8, 3, 2]) }, layers: back });
  expect(values['y']).toEqual(counting([1, 8, 3, 2]).values);
  expect(problem([1, 6, 2, 2], 'type: depth_to_space')).toMatch(/6 channels do not divide into blocks of 2×2/);
  expect(problem([1, 1, 3, 4], 'type: space_to_depth')).toMatch(/3×4 pixels cannot be cut/);
});

test("channel_shuffle and unfold are PyTorch's", () => {
  expect(run([1, 6, 1, 1], 'type: channel_shuffle, groups: 3')).toEqual([0, 2, 4, 1, 3, 5]);
  expect(problem([1, 6], 'type: channel_shuffle, groups: 4')).toMatch(/6 channels cannot be cut into 4 groups/);
  expect(run([1, 1, 3, 4], 'type: unfold, kernel: [2, 3], padding: [1, 0], stride: [2, 1]')).toEqual([
    0, 0, 4, 5, 0, 0, 5, 6, 0, 0, 6, 7, 0, 1, 8, 9, 1, 2, 9, 10, 2, 3, 10, 11,
  ]);
  expect(problem([1, 1, 3, 4], 'type: unfold, kernel: 4')).toMatch(/kernel 4×4 does not fit into 3×4/);
});

test('broadcast_to stretches extents of 1', () => {
  expect(run([2, 1], 'type: broadcast_to, shape: [-1, 2]')).toEqual([0, 0, 1, 1]);
  expect(shapeAfter([2, 1], 'type: broadcast_to, shape: [3, 2, 4]')).toEqual([3, 2, 4]);
  expect(problem([2, 3], 'type: broadcast_to, shape: [2, 4]')).toMatch(
    /axis 1 has extent 3, which does not stretch to 4/,
  );
  expect(problem([2, 3], 'type: broadcast_to, shape: [-1, 2, 3]')).toMatch(/a new axis has no extent/);
  expect(problem([2, 3], 'type: broadcast_to, shape: [3]')).toMatch(/more axes/);
});

test("flatten and reshape have Caffe's fields", () => {
  expect(shapeAfter([2, 3, 4, 5], 'type: flatten, end_axis: 2')).toEqual([2, 12, 5]);
  expect(problem([2, 3, 4], 'type: flatten, axis: 2, end_axis: 1')).toMatch(/axis 1 comes before axis 2/);
  expect(shapeAfter([2, 6, 4], 'type: reshape, shape: [0, 3, -1]')).toEqual([2, 3, 8]);
  expect(shapeAfter([2, 6, 4], 'type: reshape, shape: [3, -1], axis: 1, num_axes: 1')).toEqual([2, 3, 2, 4]);
  expect(shapeAfter([2, 6], 'type: reshape, shape: [1, 1], axis: 2, num_axes: 0')).toEqual([2, 6, 1, 1]);
  expect(problem([2, 6], 'type: reshape, shape: [2, 6, 0]')).toMatch(/the input has no axis 2 to take it from/);
  expect(problem([2, 6], 'type: reshape, shape: [5, -1], axis: 1')).toMatch(
    /does not hold the 6 elements of its axes 1 to 1/,
  );
  expect(problem([2, 6], 'type: reshape, shape: [6], axis: 1, num_axes: 2')).toMatch(/more than the input has, 2/);
  expect(problem([2, 6], 'type: reshape, shape: [3, 2]')).toMatch(/does not hold the 12 elements of the input/);
});

test('batch_reindex picks samples, each gradient going back to where they came from', () => {
  const { values, gradients } = runModel({
    inputs: { x: counting([2, 2]), picks: { shape: [3], values: [1, 1, 0], dtype: 'int32' } },
    layers: '  - {name: y, type: batch_reindex, inputs: [x, picks]}',
  });
  expect(values['y']).toEqual([2, 3, 2, 3, 0, 1]);
  expect(gradients['x']).toEqual([0, 1, 4, 6]);
});
