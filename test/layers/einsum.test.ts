/** Einsum and what is made of it, against sums over every combination of indices. */
import { generator } from '../support/samples';
import { expectClose, modelOf, runLayer, shapeOf } from '../support/layer';

interface Tensor {
  readonly axes: string;
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

const lettersOf = (text: string): string[] => Array.from(text);

/** The definition of einsum, one term at a time. */
function sumOfProducts(operands: readonly Tensor[], output: string, extents: ReadonlyMap<string, number>): number[] {
  const letters = [...new Set([output, ...operands.map(({ axes }) => axes)].flatMap(lettersOf))];
  const shape = lettersOf(output).map((letter) => extents.get(letter) ?? 1);
  const result = new Array<number>(shape.reduce((a, b) => a * b, 1)).fill(0);
  const flat = (axes: string, at: ReadonlyMap<string, number>): number =>
    lettersOf(axes).reduce((index, letter) => index * (extents.get(letter) ?? 1) + (at.get(letter) ?? 0), 0);
  const walk = (depth: number, at: ReadonlyMap<string, number>): void => {
    const letter = letters[depth];
    if (letter === undefined) {
      const term = operands.reduce((product, { axes, data }) => product * (data[flat(axes, at)] ?? NaN), 1);
      result[flat(output, at)]! += term;
      return;
    }
    for (let i = 0; i < (extents.get(letter) ?? 1); i++) walk(depth + 1, new Map([...at, [letter, i]]));
  };
  walk(0, new Map());
  return result;
}

/** A layer list: constants for all but the first operand, which is the model's input. */
function einsumOf(operands: readonly Tensor[], equation: string): string {
  const constants = operands.slice(1).map(({ shape, data }, i) => {
    const [extents, values] = [shape.join(', '), data.join(', ')];
    return `  - {name: c${i}, type: constant, shape: [${extents}], values: [${values}]}\n`;
  });
  const inputs = operands.map((_, i) => (i === 0 ? 'x' : `c${i - 1}`)).join(', ');
  return `${constants.join('')}  - {name: y, type: einsum, inputs: [${inputs}], equation: '${equation}'}`;
}

/** Axes of each operand and of the output, with extents of 1 to 3, all by a seed. */
function randomCase(seed: number): { operands: Tensor[]; output: string; extents: Map<string, number> } {
  const random = generator(seed);
  const below = (n: number): number => Math.floor(random() * n);
  const extents = new Map(lettersOf('abcdef').map((letter) => [letter, 1 + below(3)]));
  const count = 1 + below(4);
  const operands = Array.from({ length: count }, (_, i) => {
    const axes = Array.from({ length: below(i === 0 ? 3 : 4) + 1 }, () => 'abcdef'[below(6)]).join('');
    const shape = lettersOf(axes).map((letter) => extents.get(letter) ?? 1);
    const size = shape.reduce((a, b) => a * b, 1);
    return { axes, shape, data: Array.from({ length: size }, () => Math.round(8 * random() - 4) / 2) };
  });
  const used = [...new Set(operands.flatMap(({ axes }) => lettersOf(axes)))];
  const output = used.filter(() => random() < 0.5).sort(() => random() - 0.5);
  return { operands, output: output.join(''), extents };
}

test.each(Array.from({ length: 60 }, (_, seed) => seed))('random equation %i is the sum of its products', (seed) => {
  const { operands, output, extents } = randomCase(seed);
  const [x] = operands as [Tensor];
  const equation = `${operands.map(({ axes }) => axes).join(',')}->${output}`;
  const run = (data: readonly number[]): number[] =>
    sumOfProducts([{ ...x, data }, ...operands.slice(1)], output, extents);
  const found = runLayer({ x: x.data, shape: x.shape, layers: einsumOf(operands, equation) });
  expect(found.shape).toEqual(lettersOf(output).map((letter) => extents.get(letter)));
  expectClose(found.values, run(x.data));
  // Linear in x: what one more unit adds is the derivative.
  const total = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
  const base = total(run(x.data));
  const slopes = x.data.map((_, i) => total(run(x.data.map((value, k) => (k === i ? value + 1 : value)))) - base);
  expectClose(found.gradient, slopes);
});

test('axes under the ellipsis broadcast, matched from the last', () => {
  const x = Array.from({ length: 12 }, (_, i) => i - 5);
  const k = [1, -1, 2, 0.5];
  const layers = (equation: string): string =>
    `  - {name: k, type: constant, shape: [1, 2, 2], values: [${k.join(', ')}]}\n  - {name: y, type: einsum, inputs: [x, k], equation: '${equation}'}`;
  const found = runLayer({ x, shape: [2, 3, 2], layers: layers('...ij,...jk->...ik') });
  expect(found.shape).toEqual([2, 3, 2]);
  const expected = Array.from({ length: 6 }, (_, row) =>
    [0, 1].map((column) => x[2 * row]! * k[column]! + x[2 * row + 1]! * k[2 + column]!),
  );
  expectClose(found.values, expected.flat());
});

test('without an arrow the output has what stands once, in alphabetical order', () => {
  expect(shapeOf([2, 3, 5], 'type: einsum, equation: nba')).toEqual([5, 3, 2]);
  expect(shapeOf([2, 3, 3], 'type: einsum, equation: nii')).toEqual([2]);
  expect(shapeOf([2, 3, 5], 'type: einsum, equation: ...a')).toEqual([2, 3, 5]);
});

test('products run in the order that multiplies least', () => {
  const layers = [
    '{name: a, type: constant, shape: [16, 16], value: 1}',
    '{name: v, type: constant, shape: [16], value: 1}',
    "{name: y, type: einsum, inputs: [x, a, v], equation: 'ni,ij,j->n'}",
  ];
  const model = modelOf([20, 16], layers.map((layer) => `  - ${layer}`).join('\n'), 'predict');
  model.lowerLayers(['y']);
  // The vector first: 16 · 16 products, and then 20 · 16; the other way round it would be 20 · 16 · 16.
  const products = model.b.nodes.filter(({ op }) => op === 'matmul').map(({ outputs }) => outputs[0]?.type.shape);
  expect(products).toEqual([
    [16, 1],
    [20, 1],
  ]);
});

test('a matrix product needs no transposition', () => {
  for (const equation of ['ni,nj->ij', 'ij,kj->ik', 'ij,ik->jk', 'ij,jk->ik']) {
    const model = modelOf([3, 3], `type: einsum, inputs: [x, x], equation: '${equation}'`, 'predict');
    model.lowerLayers(['y']);
    expect(model.b.nodes.map(({ op }) => op)).toEqual(['matmul']);
  }
});

test.each([
  ['ij,jk->ik', 'the equation has 2 inputs, the layer 1'],
  ['ni->nk', '`k` of the output is not in an input'],
  ['ni->nn', 'the output names `n` twice'],
  ['n1->n', '`n1` is no list of axes'],
  ['n..i->n', '`n..i` is no list of axes'],
  ['ni->n->i', 'there is more than one `->`'],
  ['...i->i', 'the output has no `...`, though an input has'],
  ['nij->n', 'the equation has `nij` for input 1, which has 2 axes'],
  ['n->n', 'the equation has `n` for input 1, which has 2 axes'],
  ['nn->n', '`n` is 2 in one place and 3 in another'],
])('%s is refused: %s', (equation, message) => {
  expect(shapeOf([2, 3], `type: einsum, equation: '${equation}'`)).toContain(message);
});

test('matmul broadcasts what comes before the matrices', () => {
  const k = (shape: string, fields: string): string =>
    `  - {name: k, type: constant, shape: [${shape}], value: 1}\n  - {name: y, type: matmul, ${fields}}`;
  expect(shapeOf([2, 3, 5], k('5, 7', 'inputs: [x, k]'))).toEqual([2, 3, 7]);
  expect(shapeOf([2, 3, 5], k('7, 3', 'inputs: [k, x]'))).toEqual([2, 7, 5]);
  expect(shapeOf([2, 1, 3, 5], k('4, 7, 5', 'inputs: [x, k], transpose_b: true'))).toEqual([2, 4, 3, 7]);
  expect(shapeOf([2, 3, 5], k('3, 7', 'inputs: [x, k]'))).toMatch(/the axes that run together are 5 and 3 long/);
  expect(shapeOf([2, 3, 5], k('4, 5, 7', 'inputs: [x, k]'))).toMatch(/differ before the matrices, 2 and 4/);
  expect(shapeOf([2, 3, 5], k('5', 'inputs: [x, k]'))).toMatch(/both inputs need at least 2 axes/);
  const values = runLayer({
    x: [1, 2, 3, 4],
    shape: [1, 2, 2],
    layers: 'type: matmul, inputs: [x, x], transpose_a: true',
  });
  expect(values.values).toEqual([10, 14, 14, 20]);
});

test('bilinear gives what torch.nn.Bilinear gives', () => {
  const layers =
    '  - {name: k, type: constant, shape: [1, 3], values: [3, 1, -1]}\n  - {name: y, type: bilinear, inputs: [x, k], units: 2}';
  const states = {
    'y.weight': Array.from({ length: 12 }, (_, i) => i / 10),
    'y.bias': [0.5, -0.5],
  };
  const found = runLayer({ x: [1, -2], shape: [1, 2], layers, states });
  expectClose(found.values, [-1.2, -4]);
  expectClose(found.gradient, [1.6, 3.4]);
  expect(shapeOf([2, 3, 5], 'type: bilinear, inputs: [x, x], units: 4')).toEqual([2, 3, 4]);
  const other =
    '  - {name: k, type: constant, shape: [2, 5], value: 1}\n  - {name: y, type: bilinear, inputs: [x, k], units: 2}';
  expect(shapeOf([2, 3, 5], other)).toMatch(/the same but for their last axis/);
});

test('einsum_dense takes the shape of its weight from equation, input and output_shape', () => {
  const statesOf = (fields: string, shape: readonly number[]): Record<string, readonly number[]> => {
    const model = modelOf(shape, `type: einsum_dense, ${fields}`, 'predict');
    model.lowerLayers(['y']);
    model.problems.throwIfErrors();
    return Object.fromEntries(model.b.states.map(({ value }) => [value.name, value.type.shape]));
  };
  expect(statesOf("equation: 'abc,cde->abde', output_shape: [3, 5], bias_axes: ed", [2, 7, 4])).toEqual({
    'y.weight': [4, 3, 5],
    'y.bias': [3, 5],
  });
  expect(statesOf("equation: '...x,xy->...y', output_shape: 3, bias_axes: y", [2, 7, 4])).toEqual({
    'y.weight': [4, 3],
    'y.bias': [3],
  });
  expect(statesOf("equation: 'abc,cbd->adb', output_shape: [5, null], bias_axes: b", [2, 7, 4])).toEqual({
    'y.weight': [4, 7, 5],
    'y.bias': [7],
  });
  const states = { 'y.weight': [1, 2, 3, 4, 5, 6], 'y.bias': [10, 20, 30] };
  const layers = "type: einsum_dense, equation: 'abc,cd->abd', output_shape: 3, bias_axes: d";
  expectClose(runLayer({ x: [1, -1], shape: [1, 1, 2], layers, states }).values, [7, 17, 27]);
});

test.each([
  ["equation: 'abc->ab'", 'of the form `input,weight->output`'],
  ["equation: 'abc,cd'", 'of the form `input,weight->output`'],
  ["equation: 'abc,...d->ab...'", 'the weight cannot have `...`'],
  ["equation: 'abc,cc->ab'", 'the weight names `c` twice'],
  ["equation: 'abc,cd->abd'", 'nothing says how long `d` of the weight is'],
  ["equation: 'abc,cd->ab'", 'nothing says how long `d` of the weight is'],
  ["equation: 'abc,cd->abd', output_shape: [9, 5]", '`b` is 3 in the input, not 9'],
  ["equation: 'abc,cd->abd', output_shape: [1, 2, 3, 4]", 'it lists 4 extents for 3 axes of the output'],
  ["equation: 'abc,cd->abd', output_shape: 2, bias_axes: c", '`c` is no axis of the output'],
  ["equation: 'abc,cd->abd', output_shape: 2, bias_axes: dd", '`d` is listed twice'],
])('einsum_dense refuses %s', (fields, message) => {
  expect(shapeOf([2, 3, 4], `type: einsum_dense, ${fields}`)).toContain(message);
});

test('dense keeps its weight turned over on demand', () => {
  const states = { 'y.weight': [1, 10, 100, 1000], 'y.bias': [0, 0] };
  const run = (fields: string): readonly number[] =>
    runLayer({ x: [1, 2], shape: [1, 2], layers: `type: dense, units: 2${fields}`, states }).values;
  expect(run('')).toEqual([21, 2100]);
  expect(run(', transpose: true')).toEqual([201, 2010]);
});

test('locally connected layers are convolutions with weights for each place', () => {
  const x = [1, 2, 3, 4, 5, 6, 7, 8, 9];
  const image = { x, shape: [1, 1, 3, 3] };
  // The same kernel at each of four places is a convolution; [places, filters, channels, kernel].
  const kernel = [1, -1, 2, 0.5];
  const states = { 'y.weight': [kernel, kernel, kernel, kernel].flat(), 'y.bias': [0, 10, 20, 30] };
  const local = runLayer({ ...image, layers: 'type: locally_connected2d, filters: 1, kernel: 2', states });
  const conv = runLayer({
    ...image,
    layers: 'type: conv2d, filters: 1, kernel: 2, bias: false',
    states: { 'y.weight': kernel },
  });
  expectClose(
    local.values,
    conv.values.map((value, i) => value + 10 * i),
  );
  expectClose(local.gradient, conv.gradient);
  const own = { 'y.weight': [1, 0, 0, 2], 'y.bias': [0, 0] };
  const sequence = { x: [1, 2, 3], shape: [1, 1, 3], states: own };
  expectClose(runLayer({ ...sequence, layers: 'type: locally_connected1d, filters: 1, kernel: 2' }).values, [1, 6]);
  expect(shapeOf([2, 3, 7], 'type: locally_connected1d, filters: 5, kernel: 3, stride: 2, padding: same')).toEqual([
    2, 5, 4,
  ]);
  expect(shapeOf([2, 3, 7], 'type: locally_connected1d, filters: 5, kernel: 8')).toMatch(/does not fit into/);
});
