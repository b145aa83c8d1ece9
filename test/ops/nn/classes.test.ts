/** Softmax, cross-entropy and top-k against numbers worked out by hand. */
import { OpDataError } from '../../../compiler/ops/define';
import { tensorType } from '../../../compiler/ir/types';
import { inferOp, tensor, valuesOf } from '../../support/call';

const f32 = (...shape: number[]) => tensorType('f32', shape);
const i32 = (...shape: number[]) => tensorType('i32', shape);
const close = (values: readonly number[]) => values.map((v) => expect.closeTo(v, 12) as number);

/** Logits whose softmax is 1/6, 2/6, 3/6. */
const SIXTHS = [Math.log(1), Math.log(2), Math.log(3)];

describe('softmax', () => {
  test('gives shares of the exponentials', () => {
    expect(valuesOf('softmax', [tensor(SIXTHS, [1, 3])], { axis: 1 })[0]).toEqual(close([1 / 6, 2 / 6, 3 / 6]));
  });

  test('works along any axis', () => {
    const [log1 = 0, log2 = 0, log3 = 0] = SIXTHS;
    const x = tensor([log1, 0, log2, 0, log3, 0], [3, 2]);
    expect(valuesOf('softmax', [x], { axis: 0 })[0]).toEqual(close([1 / 6, 1 / 3, 2 / 6, 1 / 3, 3 / 6, 1 / 3]));
  });

  test('neither overflows nor underflows', () => {
    const far = tensor([1e4, 1e4, -1e4, -1e4], [2, 2]);
    expect(valuesOf('softmax', [far], { axis: 1 })[0]).toEqual([0.5, 0.5, 0.5, 0.5]);
    expect(valuesOf('log_softmax', [tensor([0, 1e4], [1, 2])], { axis: 1 })[0]).toEqual([-1e4, 0]);
  });

  test('wants an axis of the input', () => {
    expect(() => inferOp('softmax', [f32(2, 3)], { axis: 2 })).toThrow(
      "attribute 'axis' is 2, expected an axis of a tensor of rank 2 (0 to 1)",
    );
  });
});

describe('softmax_cross_entropy', () => {
  const logits = tensor(SIXTHS, [1, 3]);
  const plain = { axis: 1, label_smoothing: 0 };

  test('is the surprise at the label', () => {
    const [loss, weight] = valuesOf('softmax_cross_entropy', [logits, tensor([1], [1], 'i32')], plain);
    expect(loss).toEqual(close([Math.log(3)]));
    expect(weight).toEqual([1]);
  });

  test('carries the weight of the label', () => {
    const inputs = [logits, tensor([2], [1], 'i32'), tensor([1, 1, 4], [3])];
    expect(valuesOf('softmax_cross_entropy', inputs, plain)).toEqual([close([4 * Math.log(2)]), [4]]);
  });

  test('spreads the smoothing over all classes, each with its own weight', () => {
    const inputs = [logits, tensor([0], [1], 'i32'), tensor([1, 2, 3], [3])];
    const [loss, weight] = valuesOf('softmax_cross_entropy', inputs, { ...plain, label_smoothing: 0.3 });
    const spread = 1 * Math.log(6) + 2 * Math.log(3) + 3 * Math.log(2);
    expect(loss).toEqual(close([0.7 * Math.log(6) + 0.1 * spread]));
    expect(weight).toEqual([1]);
  });

  test('gives ignored labels neither loss nor weight nor gradient', () => {
    const inputs = [tensor([...SIXTHS, ...SIXTHS], [2, 3]), tensor([-1, 0], [2], 'i32')];
    const attrs = { ...plain, ignore_index: -1 };
    expect(valuesOf('softmax_cross_entropy', inputs, attrs)).toEqual([close([0, Math.log(6)]), [0, 1]]);
    const [dlogits] = valuesOf('softmax_cross_entropy_grad', [...inputs, tensor([1, 1], [2])], attrs);
    expect(dlogits).toEqual(close([0, 0, 0, -5 / 6, 2 / 6, 3 / 6]));
  });

  test('reads a label for each pixel', () => {
    const [log1 = 0, log2 = 0, log3 = 0] = SIXTHS;
    const pixels = tensor([log1, log3, log2, log2, log3, log1], [1, 3, 1, 2]);
    const [loss] = valuesOf('softmax_cross_entropy', [pixels, tensor([0, 0], [1, 1, 2], 'i32')], plain);
    expect(loss).toEqual(close([Math.log(6), Math.log(2)]));
  });

  test.each([
    [[12], 'label 12 at position 0 is outside 0..9'],
    [[0, -1], 'label -1 at position 1 is outside 0..9'],
  ])('refuses the labels %j as a fault of the data', (labels, message) => {
    const inputs = [
      tensor(Array<number>(10 * labels.length).fill(0), [labels.length, 10]),
      tensor(labels, [labels.length], 'i32'),
    ];
    const act = () => valuesOf('softmax_cross_entropy', inputs, plain);
    expect(act).toThrow(OpDataError);
    expect(act).toThrow(message);
  });

  test('says what does not fit', () => {
    const fail = (...given: Parameters<typeof inferOp>) => expect(() => inferOp(...given));
    fail('softmax_cross_entropy', [f32(4, 10), i32(4, 1)], plain).toThrow(
      'the labels are i32[4,1] but the logits f32[4,10] with classes on axis 1 expect [4]',
    );
    fail('softmax_cross_entropy', [f32(4, 10), f32(4)], plain).toThrow(
      'the labels are f32[4], expected class numbers (i32 or i64)',
    );
    fail('softmax_cross_entropy', [f32(4, 10), i32(4), f32(9)], plain).toThrow(
      'the shape of the class weights is [9], expected [10]',
    );
    fail('softmax_cross_entropy', [f32(4, 10), i32(4)], { axis: 1, label_smoothing: 1.5 }).toThrow(
      "attribute 'label_smoothing' is 1.5, expected 0 to 1",
    );
  });
});

describe('in_top_k', () => {
  const logits = tensor([0.1, 0.4, 0.3, 0.2, 5, 5, 5, 5, 1, NaN, 2, 0], [3, 4]);
  const at = (labels: readonly number[], k: number) =>
    valuesOf('in_top_k', [logits, tensor(labels, [3], 'i32')], { axis: 1, k })[0];

  test('counts the classes that stand before the label', () => {
    expect(at([1, 0, 2], 1)).toEqual([1, 1, 0]);
    expect(at([2, 1, 2], 2)).toEqual([1, 1, 1]);
    expect(at([3, 2, 0], 2)).toEqual([0, 0, 0]);
  });

  test('never finds a NaN or a label outside the classes', () => {
    expect(at([4, -1, 1], 4)).toEqual([0, 0, 0]);
  });
});
