/** Connectionist temporal classification: probabilities of alignments added up by hand, and each message of inference. */
import { tensorType } from '../../../compiler/ir/types';
import { inferOp, tensor, valuesOf } from '../../support/call';

const f32 = (...shape: number[]) => tensorType('f32', shape);
const i32 = (...shape: number[]) => tensorType('i32', shape);
const PLAIN = { blank: 0, zero_infinity: false };

/** Two frames of a blank and a label, with probabilities 1/4, 3/4 and 1/3, 2/3. */
const LOGITS = tensor([Math.log(1), Math.log(3), Math.log(1), Math.log(2)], [1, 2, 2]);
const integers = (values: readonly number[], shape: readonly number[]) => ({
  type: tensorType('i32', shape),
  data: Float64Array.from(values),
});
const ONE_LABEL = [integers([1], [1, 1]), integers([2], [1]), integers([1], [1])];

test('adds up the paths of a label: all but blank, blank', () => {
  const [loss] = valuesOf('ctc_loss', [LOGITS, ...ONE_LABEL], PLAIN);
  expect(loss).toEqual([expect.closeTo(-Math.log(1 - 1 / 12), 12)]);
});

test('its gradient is the softmax minus the share of the paths', () => {
  const [dlogits] = valuesOf('ctc_loss_grad', [LOGITS, ...ONE_LABEL, tensor([2], [1])], PLAIN);
  // Of 11/12: the label in the first frame has 3/4, in the second 2/3.
  const share = [1 - 9 / 11, 9 / 11, 1 - 8 / 11, 8 / 11];
  const softmax = [1 / 4, 3 / 4, 1 / 3, 2 / 3];
  expect(dlogits).toEqual(softmax.map((p, i) => expect.closeTo(2 * (p - share[i]!), 12) as number));
});

test('a sequence without a path has no gradient, and a loss of infinity or 0', () => {
  const inputs = [LOGITS, integers([1, 1], [1, 2]), integers([2], [1]), integers([2], [1])];
  expect(valuesOf('ctc_loss', inputs, PLAIN)[0]).toEqual([Infinity]);
  expect(valuesOf('ctc_loss', inputs, { blank: 0, zero_infinity: true })[0]).toEqual([0]);
  expect(valuesOf('ctc_loss_grad', [...inputs, tensor([1], [1])], PLAIN)[0]).toEqual([0, 0, 0, 0]);
});

test.each([
  [[f32(2, 3), i32(2, 1), i32(2), i32(2)], 'the logits are f32[2,3], expected [N, T, C]'],
  [[i32(2, 3, 4), i32(2, 1), i32(2), i32(2)], 'expected floating-point numbers as logits'],
  [[f32(2, 3, 4), i32(3, 1), i32(2), i32(2)], 'the labels are i32[3,1], expected [2, L]'],
  [[f32(2, 3, 4), f32(2, 1), i32(2), i32(2)], 'the labels are f32[2,1], expected i32 or i64'],
  [[f32(2, 3, 4), i32(2, 1), i32(3), i32(2)], 'the shape of the input lengths is [3], expected [2]'],
  [[f32(2, 3, 4), i32(2, 1), i32(2), f32(2)], 'the label lengths are f32[2], expected i32 or i64'],
  [[f32(2, 3, 4), i32(2, 1), i32(2)], 'found 3 inputs, expected 4 inputs'],
])('refuses what is not a batch of sequences: %#', (inputs, message) => {
  expect(() => inferOp('ctc_loss', inputs, PLAIN)).toThrow(message);
});

test('refuses a blank that is no class, and a gradient of another shape', () => {
  const inputs = [f32(2, 3, 4), i32(2, 1), i32(2), i32(2)];
  expect(() => inferOp('ctc_loss', inputs, { ...PLAIN, blank: 4 })).toThrow("attribute 'blank' is 4");
  expect(() => inferOp('ctc_loss_grad', [...inputs, f32(3)], PLAIN)).toThrow('the shape of the gradient is [3]');
});
