/** Convolution against sums done by hand; its gradients are tested by finite differences from the registry. */
import { InternalError } from '../../../compiler/diagnostics/errors';
import { Builder } from '../../../compiler/ir/builder';
import type { Attrs } from '../../../compiler/ir/graph';
import { tensorType } from '../../../compiler/ir/types';
import { opNamed } from '../../../compiler/ops/registry';
import { counting, inferOp, tensor, valuesOf } from '../../support/call';

function attrs(changes: Attrs = {}): Attrs {
  return { stride: [1, 1], padding_low: [0, 0], padding_high: [0, 0], dilation: [1, 1], groups: 1, ...changes };
}

const image = counting([1, 1, 3, 3]);
const f32 = (...shape: number[]) => tensorType('f32', shape);

describe('conv', () => {
  test('correlates: the kernel is not flipped', () => {
    const kernel = tensor([1, 2, 3, 4], [1, 1, 2, 2]);
    // 0·1 + 1·2 + 3·3 + 4·4, and so on.
    expect(valuesOf('conv', [image, kernel], attrs())).toEqual([[27, 37, 57, 67]]);
  });

  test('adds the bias of each filter and then cuts at zero', () => {
    const kernels = tensor([...Array<number>(9).fill(1), ...Array<number>(9).fill(-1)], [2, 1, 3, 3]);
    const bias = tensor([0.5, 35], [2]);
    expect(valuesOf('conv', [image, kernels, bias], attrs())).toEqual([[36.5, -1]]);
    expect(valuesOf('conv', [image, kernels, bias], attrs({ activation: 'relu' }))).toEqual([[36.5, 0]]);
  });

  test('with channels last adds a residual behind the bias and holds the sum between bounds', () => {
    const kernels = tensor([1, -1], [2, 1, 1, 1]);
    const given = [tensor([1, 2], [1, 1, 2, 1]), kernels, tensor([0.5, 0.25], [2]), tensor([1, 2, 3, 4], [1, 1, 2, 2])];
    const last = { layout: 'channels_last' };
    expect(valuesOf('conv', given, attrs(last))).toEqual([[2.5, 1.25, 5.5, 2.25]]);
    const bounds = { activation: 'clamp', low: 2, high: 5 };
    expect(valuesOf('conv', given, attrs({ ...last, ...bounds }))).toEqual([[2.5, 2, 5, 2.25]]);
  });

  test('sees zeros outside the image', () => {
    const ones = tensor(Array<number>(9).fill(1), [1, 1, 3, 3]);
    const around = attrs({ padding_low: [1, 1], padding_high: [1, 1] });
    expect(valuesOf('conv', [image, ones], around)).toEqual([[8, 15, 12, 21, 36, 27, 20, 33, 24]]);
  });

  test('pads each side on its own', () => {
    const ones = tensor([1, 1], [1, 1, 1, 2]);
    expect(valuesOf('conv', [image, ones], attrs({ padding_low: [0, 1] }))).toEqual([[0, 1, 3, 3, 7, 9, 6, 13, 15]]);
    expect(valuesOf('conv', [image, ones], attrs({ padding_high: [0, 1] }))).toEqual([[1, 3, 2, 7, 9, 5, 13, 15, 8]]);
  });

  test('strides and dilates', () => {
    const corners = tensor([1, 1, 1, 1], [1, 1, 2, 2]);
    expect(valuesOf('conv', [image, corners], attrs({ dilation: [2, 2] }))).toEqual([[0 + 2 + 6 + 8]]);
    const one = tensor([1], [1, 1, 1, 1]);
    expect(valuesOf('conv', [image, one], attrs({ stride: [2, 2] }))).toEqual([[0, 2, 6, 8]]);
  });

  test('keeps the channels of groups apart', () => {
    const x = tensor([1, 2, 3, 4], [1, 4, 1, 1]);
    const w = tensor([1, 10, 100, 1000], [2, 2, 1, 1]);
    expect(valuesOf('conv', [x, w], attrs({ groups: 2 }))).toEqual([[21, 4300]]);
  });

  test('works on one and three axes', () => {
    const line = { stride: [2], padding_low: [1], padding_high: [0], dilation: [1], groups: 1 };
    expect(valuesOf('conv', [counting([1, 1, 4]), tensor([1, 10], [1, 1, 2])], line)).toEqual([[0, 21]]);
    const zeros = [0, 0, 0];
    const cube = { stride: [1, 1, 1], padding_low: zeros, padding_high: zeros, dilation: [1, 1, 1], groups: 1 };
    const ones = tensor(Array<number>(8).fill(1), [1, 1, 2, 2, 2]);
    expect(valuesOf('conv', [counting([1, 1, 2, 2, 3]), ones], cube)).toEqual([[40, 48]]);
  });

  test('knows the shapes of AlexNet', () => {
    const first = attrs({ stride: [4, 4] });
    expect(inferOp('conv', [f32(1, 3, 227, 227), f32(96, 3, 11, 11)], first)).toEqual([f32(1, 96, 55, 55)]);
    const second = attrs({ padding_low: [2, 2], padding_high: [2, 2], groups: 2 });
    expect(inferOp('conv', [f32(1, 96, 27, 27), f32(256, 48, 5, 5)], second)).toEqual([f32(1, 256, 27, 27)]);
  });

  test('counts a multiplication and an addition for each weight an output sees', () => {
    const inputs = [f32(1, 1, 28, 28), f32(20, 1, 5, 5), f32(20)];
    expect(opNamed('conv').cost(inputs, [f32(1, 20, 24, 24)], attrs()).flops).toBe(2 * 20 * 576 * 25 + 20 * 576);
  });
});

describe('conv says what is wrong', () => {
  const cases: [string, Parameters<typeof inferOp>[1], Attrs, string][] = [
    [
      'channels',
      [f32(1, 3, 8, 8), f32(4, 16, 3, 3)],
      attrs(),
      'input has 3 channels but the weight expects 16 (groups 1)',
    ],
    [
      'channels in groups',
      [f32(1, 6, 8, 8), f32(4, 2, 3, 3)],
      attrs({ groups: 2 }),
      'input has 6 channels but the weight expects 4 (groups 2)',
    ],
    [
      'filters in groups',
      [f32(1, 4, 8, 8), f32(3, 2, 3, 3)],
      attrs({ groups: 2 }),
      '3 filters cannot be split into 2 groups',
    ],
    [
      'a kernel too large',
      [f32(1, 1, 3, 3), f32(1, 1, 5, 5)],
      attrs(),
      'kernel 5×5 is larger than the padded input 3×3',
    ],
    [
      'a dilated kernel too large',
      [f32(1, 1, 4, 4), f32(1, 1, 3, 3)],
      attrs({ dilation: [2, 2] }),
      'kernel 3×3 (5×5 with dilation 2×2) is larger than the padded input 4×4',
    ],
    [
      'a missing spatial axis',
      [f32(4, 3), f32(1, 3, 1, 1)],
      attrs(),
      'the input is f32[4,3], expected [N, C] and one to three spatial axes',
    ],
    [
      'ranks that differ',
      [f32(1, 3, 8), f32(1, 3, 1, 1)],
      attrs(),
      'the weight has a 1×1 kernel for an input of 8: their ranks differ',
    ],
    [
      'a bias of another size',
      [f32(1, 1, 3, 3), f32(2, 1, 1, 1), f32(3)],
      attrs(),
      'the shape of the bias is [3], expected [2]',
    ],
    [
      'integers',
      [tensorType('i32', [1, 1, 3, 3]), tensorType('i32', [1, 1, 1, 1])],
      attrs(),
      'expected floating-point numbers as input, found i32[1,1,3,3]',
    ],
    [
      'dtypes that differ',
      [f32(1, 1, 3, 3), tensorType('f64', [1, 1, 1, 1])],
      attrs(),
      'the dtypes of the input f32[1,1,3,3] and the weight f64[1,1,1,1] differ',
    ],
    [
      'a stride of 0',
      [f32(1, 1, 3, 3), f32(1, 1, 1, 1)],
      attrs({ stride: [0, 1] }),
      "attribute 'stride' is [0, 1], expected numbers of at least 1",
    ],
    [
      'a stride for one axis only',
      [f32(1, 1, 3, 3), f32(1, 1, 1, 1)],
      attrs({ stride: [1] }),
      "attribute 'stride' is [1], expected 2 numbers",
    ],
    [
      'no stride',
      [f32(1, 1, 3, 3), f32(1, 1, 1, 1)],
      { groups: 1 },
      "attribute 'stride' is missing, expected a list of integers",
    ],
    [
      'padding beyond all bounds',
      [f32(1, 1, 3, 3), f32(1, 1, 1, 1)],
      attrs({ padding_low: [1e9, 1e9] }),
      'the output [1,1,1000000003,1000000003] has too many elements',
    ],
    [
      'another activation',
      [f32(1, 1, 3, 3), f32(1, 1, 1, 1)],
      attrs({ activation: 'tanh' }),
      "attribute 'activation' is 'tanh', expected 'relu'",
    ],
    [
      'bounds without channels last',
      [f32(1, 1, 3, 3), f32(1, 1, 1, 1)],
      attrs({ activation: 'clamp', low: 0, high: 6 }),
      "attribute 'activation' is 'clamp', expected 'relu'",
    ],
    [
      'bounds that cross',
      [f32(1, 3, 3, 1), f32(1, 1, 1, 1)],
      attrs({ layout: 'channels_last', activation: 'clamp', low: 1, high: 0 }),
      "attribute 'low' is 1, expected no more than 'high', 0",
    ],
    [
      'a residual without channels last',
      [f32(1, 1, 3, 3), f32(1, 1, 1, 1), f32(1), f32(1, 1, 3, 3)],
      attrs(),
      'found 4 inputs, expected 2 to 3 inputs',
    ],
    [
      'a residual of another dtype',
      [f32(1, 3, 3, 1), f32(1, 1, 1, 1), f32(1), tensorType('bf16', [1, 3, 3, 1])],
      attrs({ layout: 'channels_last' }),
      'residual',
    ],
    ['an input too few', [f32(1, 1, 3, 3)], attrs(), 'found 1 input, expected 2 to 3 inputs'],
  ];
  test.each(cases)('%s', (_title, inputs, given, message) => {
    expect(() => inferOp('conv', inputs, given)).toThrow(message);
  });

  test('a gradient of another shape than the output', () => {
    const dy = f32(1, 4, 5, 5);
    const message = 'the shape of the gradient is [1,4,5,5], expected [1,4,6,6]';
    const input = { ...attrs(), input_shape: [1, 3, 8, 8] };
    expect(() => inferOp('conv_grad_input', [dy, f32(4, 3, 3, 3)], input)).toThrow(message);
    const weight = { ...attrs(), weight_shape: [4, 3, 3, 3] };
    expect(() => inferOp('conv_grad_weight', [f32(1, 3, 8, 8), dy], weight)).toThrow(message);
  });
});

test('a convolution with a fused relu refuses to be differentiated', () => {
  const b = new Builder('fused');
  const x = b.input('x', f32(1, 1, 3, 3));
  const w = b.input('w', f32(1, 1, 1, 1));
  const y = b.op('conv', [x, w], attrs({ activation: 'relu' }));
  const [node] = b.nodes;
  if (!node) throw new InternalError('the builder lost its node');
  const context = { b, node, outputGrads: [y], wants: [true, true], extend: () => [] };
  expect(() => opNamed('conv').grad?.(context)).toThrow(InternalError);
});
