/** Patterns over names of weights, and what kind a weight is of. */
import { loadSpecText } from '../../compiler/frontend/load';
import { freeze } from '../../compiler/lower/freeze';
import { matcherOf, pathOf } from '../../compiler/lower/patterns';
import { statesOf } from '../../compiler/lower/settings';

test.each([
  ['conv1', ['conv1/weight', 'conv1/bias'], ['conv10/weight', 'a/conv1/weight']],
  ['conv*', ['conv1/weight', 'conv10/bias', 'conv/x/y'], ['aconv/weight']],
  ['*/bias', ['conv1/bias'], ['stage/conv1/bias', 'conv1/weight']],
  ['**/bias', ['conv1/bias', 'stage/0/conv1/bias'], ['conv1/biases', 'bias_net/weight']],
  ['stage/**/weight', ['stage/weight', 'stage/0/conv/weight'], ['stage/0/conv/bias', 'other/stage/weight']],
  ['stage*/[0]', ['stage1/[0]/w'], ['stage1/0/w']],
  ['**', ['anything/at/all'], []],
  ['stage/', ['stage/conv/weight'], ['stages/conv/weight']],
] as const)('%s', (pattern, fitting, others) => {
  const matches = matcherOf([pattern]);
  expect(fitting.filter((path) => !matches(path))).toEqual([]);
  expect(others.filter((path) => matches(path))).toEqual([]);
});

const NET = loadSpecText(
  `inputs: {x: {shape: [N, 3, 8, 8]}, y: {shape: [N], dtype: int32}, word: {shape: [N], dtype: int32}}
layers:
  - {name: body/conv, type: conv2d, filters: 4, kernel: 3, inputs: x}
  - {name: body/bn, type: batch_norm}
  - {name: plain, type: batch_norm, scale: false, center: false}
  - {name: again, type: conv2d, filters: 4, kernel: 3, inputs: x, share: body/conv}
  - {name: act, type: prelu, inputs: body/bn}
  - {name: head, type: dense, units: 3, inputs: act}
losses: [{type: cross_entropy, inputs: [head, y]}]
train: {batch_size: 2, steps: 1, optimizer: {type: sgd, lr: 1}}
`,
  'net.yaml',
);

test('weights are biases, scales and shifts of normalizations, or weights', () => {
  const kinds = statesOf(NET).flatMap((info) => (info.role === 'parameter' ? [[pathOf(info), info.kind]] : []));
  expect(Object.fromEntries(kinds)).toEqual({
    'body/conv/weight': 'weight',
    'body/conv/bias': 'bias',
    'body/bn/gamma': 'norm',
    'body/bn/beta': 'norm',
    'act/slope': 'weight',
    'head/weight': 'weight',
    'head/bias': 'bias',
  });
});

test('freezing marks whole layers, those that share them, normalizations without weights, and single weights', () => {
  const frozen = freeze(NET, { groups: [], frozen: ['body', 'plain', 'head/bias'], trainNorms: false });
  const marks = frozen.layers.map(({ name, fields }) => [name, fields['frozen'] ?? fields['parameters'] ?? false]);
  expect(Object.fromEntries(marks)).toEqual({
    'body/conv': true,
    'body/bn': true,
    plain: true,
    again: true,
    act: false,
    head: { bias: { frozen: true } },
  });
  const learning = freeze(NET, { groups: [], frozen: ['body', 'plain'], trainNorms: true });
  expect(learning.layers.filter(({ fields }) => fields['frozen'] === true).map(({ name }) => name)).toEqual([
    'body/conv',
    'again',
  ]);
  expect(freeze(NET, { groups: [], frozen: [], trainNorms: false })).toBe(NET);
});
