/** What lowering reports: every mistake once, with both sides and their places, and nothing that merely follows from one. */
import { loadSpecText } from '../../compiler/frontend/load';
import { checkModel } from '../../compiler/lower/lower';
import type { Diagnostic } from '../../compiler/diagnostics/diagnostic';

const HEAD = 'inputs: {image: {shape: [N, 3, 8, 8]}, label: {shape: [N], dtype: int32}}\n';

function problemsOf(rest: string, batch = 2): readonly Diagnostic[] {
  return checkModel(loadSpecText(HEAD + rest, 'm.yaml'), batch);
}

test('all problems come together, and dependents of a failed layer are silent', () => {
  const found = problemsOf(`layers:
  - {name: a, type: conv2d, filters: 4, kernel: 9, inputs: image}
  - {name: b, type: relu}
  - {name: c, type: add, inputs: [b, image]}
  - {name: d, type: conv2d, filters: 4, kernel: 3, groups: 2, inputs: image}
outputs: [c, d]
`);
  expect(found.map(({ code, at }) => [code, at.line])).toEqual([
    ['shape-mismatch', 3],
    ['invalid-field', 6],
  ]);
});

test('a mismatch names both sides and where each comes from', () => {
  const [problem] = problemsOf(`layers:
  - {name: a, type: max_pool2d, kernel: 2, inputs: image}
  - {name: b, type: add, inputs: [a, image]}
`);
  expect(problem).toMatchObject({
    code: 'shape-mismatch',
    message: '`b` (add): the inputs differ on axis 2, 4 and 8: `a` is [2, 3, 4, 4], `image` is [2, 3, 8, 8]',
    at: { file: 'm.yaml', line: 4 },
    notes: [{ at: { line: 3 } }, { at: { line: 1 } }],
  });
});

test('a problem inside of a block says how the block was reached', () => {
  const [problem] = problemsOf(`blocks:
  deep: {layers: [{name: c, type: conv2d, filters: 2, kernel: 9}]}
layers:
  - {name: use, type: deep}
`);
  expect(problem?.at.line).toBe(3);
  expect(problem?.notes.map(({ message }) => message)).toContain('in block `deep`, used here');
});

test('a problem of the model is reported once, not once a mode', () => {
  const found =
    problemsOf(`layers: [{name: a, type: conv2d, filters: 2, kernel: 9, inputs: image}, {name: y, type: dense, units: 3}]
losses: [{type: cross_entropy, inputs: [y, label]}]
`);
  expect(found).toHaveLength(1);
});

test('problems of layers that exist only in evaluation are found', () => {
  const found = problemsOf(`layers:
  - {name: odd, type: conv2d, filters: 2, kernel: 9, inputs: image, when: eval}
  - {name: y, type: dense, units: 3}
losses: [{type: cross_entropy, inputs: [y, label]}]
`);
  expect(found.map(({ code }) => code)).toEqual(['shape-mismatch']);
});

test.each([
  ['a parameter', 'layers: [{name: y, type: dense, units: 1000000000, inputs: image}]', 'weight'],
  ['an activation', 'layers: [{name: y, type: pad, padding: 50000, inputs: image}]', 'a tensor of layer `y`'],
])('%s with more elements than can be is an error without an allocation', (_what, layers, owner) => {
  const [problem] = problemsOf(`${layers}\n`);
  expect(problem?.code).toBe('too-large');
  expect(problem?.message).toContain(owner);
});

test('a softmax before the loss is a warning, through layers that change no value, but not in front of accuracy', () => {
  const lint = (layers: string, inputs: string, type = 'cross_entropy'): string[] =>
    problemsOf(
      `layers: [{name: logits, type: dense, units: 3, inputs: image}, ${layers}]\noutputs: [logits, probs]\nlosses: [{type: ${type}, inputs: [${inputs}, label]}]\nmetrics: [{type: accuracy, inputs: [probs, label]}]\n`,
    ).map(({ code }) => code);
  expect(lint('{name: probs, type: softmax}', 'probs')).toEqual(['softmax-before-loss']);
  expect(lint('{name: probs, type: softmax}, {name: i, type: identity}', 'i')).toEqual(['softmax-before-loss']);
  expect(lint('{name: probs, type: dense, units: 3, activation: softmax}', 'probs')).toEqual(['softmax-before-loss']);
  expect(lint('{name: probs, type: softmax}', 'logits')).toEqual([]);
  expect(lint('{name: probs, type: softmax}', 'probs', 'focal, kind: softmax')).toEqual(['softmax-before-loss']);
  expect(lint('{name: probs, type: softmax}', 'probs', 'cross_entropy, from_logits: false')).toEqual([]);
});

test('an initializer named twice is refused', () => {
  const layers =
    'layers: [{name: y, type: dense, units: 3, inputs: image, init: ones, parameters: {weight: {init: zeros}}}]\n';
  expect(problemsOf(layers).map(({ code }) => code)).toEqual(['conflicting-fields']);
});

test('an input without a symbol in front must be as large as the batch', () => {
  const text = (size: number): string => `inputs: {x: {shape: [${size}, 4]}, t: {shape: [N, 1]}}
layers: [{name: y, type: dense, units: 1, inputs: x}]
losses: [{type: mse, inputs: [y, t]}]
`;
  expect(checkModel(loadSpecText(text(8), 'm.yaml'), 8)).toEqual([]);
  const [problem] = checkModel(loadSpecText(text(8), 'm.yaml'), 2);
  expect(problem?.message).toBe('the first dimension of `x` is 8, but a batch holds 2 samples');
});

test('fields of an optimizer that would be ignored are refused', () => {
  const found = (optimizer: string): string[] =>
    problemsOf(`layers: [{name: y, type: dense, units: 3, inputs: image}]
losses: [{type: cross_entropy, inputs: [y, label]}]
train: {batch_size: 2, epochs: 1, optimizer: ${optimizer}}
`).map(({ message }) => message);
  expect(found('{type: sgd, lr: 0.1, nesterov: true}')).toEqual(['`sgd`: Nesterov momentum needs momentum']);
  expect(found('{type: sgd, lr: 0.1, dampening: 0.5}')).toEqual(['`sgd`: dampening needs momentum']);
  expect(found('{type: sgd, lr: 0.1, momentum: 0.9, nesterov: true}')).toEqual([]);
});

test('a batch that is computed in parts is checked by its parts, and evaluation by its own batch', () => {
  // [8192, 40000, 8] would have more elements than a tensor may.
  const text = (accumulate: number, evaluated: string): string =>
    `inputs: {x: {shape: [N, 40000]}, label: {shape: [N], dtype: int32}}
layers: [{name: wide, type: reshape, inputs: x, shape: [N, 40000, 1]}, {name: most, type: tile, repeats: [1, 1, 8]}, {name: mean, type: reduce_mean, axes: 1}, {name: y, type: dense, units: 2}]
losses: [{type: cross_entropy, inputs: [y, label]}]
train: {batch_size: 8192, epochs: 1, optimizer: {type: sgd, lr: 0.1}, accumulate: ${accumulate}, evaluate: {${evaluated}}}
`;
  const codes = (accumulate: number, evaluated: string): readonly string[] =>
    checkModel(loadSpecText(text(accumulate, evaluated), 'm.yaml'), 8192).map(({ code }) => code);
  expect(codes(8, 'batch_size: 64')).toEqual([]);
  expect(codes(1, 'batch_size: 64')).toEqual(['too-large']);
  expect(codes(8, 'batch_size: 8192')).toEqual(['too-large']);
});
