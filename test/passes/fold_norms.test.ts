/** What scales and shifts the channels of a product goes into its weights and bias, where they are made of states. */
import { fold_norms } from '../../compiler/passes/fold_norms';
import { after, tidy } from './text';

const CONV = '{stride: [1,1], padding_low: [1,1], padding_high: [1,1], dilation: [1,1], groups: 1}';
const PLAIN = '{transpose_a: false, transpose_b: false}';
const TURNED = '{transpose_a: false, transpose_b: true}';
const STATES = `state @w: f32[4,3,3,3] parameter
  state @b: f32[4] parameter
  state @s: f32[4] parameter
  state @c: f32[4] buffer`;

describe('fold_norms', () => {
  it('scales the weights of a convolution and shifts its bias', () => {
    expect(
      after(
        fold_norms,
        `graph g(%x: f32[2,3,5,5]) {
           ${STATES}
           %p = conv(%x, @w, @b) ${CONV} : f32[2,4,5,5]
           %r = reshape(@s) {shape: [1,4,1,1]} : f32[1,4,1,1]
           %m = mul(%p, %r) : f32[2,4,5,5]
           %q = reshape(@c) {shape: [1,4,1,1]} : f32[1,4,1,1]
           %y = add(%q, %m) : f32[2,4,5,5]
           return %y
         }`,
      ),
    ).toBe(
      tidy(`graph g(%x: f32[2,3,5,5]) {
        ${STATES}
        %y.reshape = reshape(@s) {shape: [4,1,1,1]} : f32[4,1,1,1]
        %w.scaled = mul(@w, %y.reshape) : f32[4,3,3,3]
        %b.scaled = mul(@b, @s) : f32[4]
        %b.shifted = add(%b.scaled, @c) : f32[4]
        %y = conv(%x, %w.scaled, %b.shifted) ${CONV} : f32[2,4,5,5]
        return %y
      }`),
    );
  });

  it.each([
    ['as it lies', PLAIN, '[3,4]', '[1,4]'],
    ['transposed', TURNED, '[4,3]', '[4,1]'],
  ])('scales the columns of a matrix %s, and the shift becomes its bias', (_how, flags, shape, across) => {
    const states = `state @w: f32${shape} parameter\nstate @s: f32[4] parameter\nstate @c: f32[4] parameter`;
    expect(
      after(
        fold_norms,
        `graph g(%x: f32[2,3]) {
           ${states}
           %p = matmul(%x, @w) ${flags} : f32[2,4]
           %q = mul(@s, %p) : f32[2,4]
           %y = add(%q, @c) : f32[2,4]
           return %y
         }`,
      ),
    ).toBe(
      tidy(`graph g(%x: f32[2,3]) {
        ${states}
        %y.reshape = reshape(@s) {shape: ${across}} : f32${across}
        %w.scaled = mul(@w, %y.reshape) : f32${shape}
        %y = matmul(%x, %w.scaled, @c) ${flags} : f32[2,4]
        return %y
      }`),
    );
  });

  it.each([
    ['the scale is of the input', '%m = mul(%p, %x) : f32[4,4]\n%y = add(%m, @s) : f32[4,4]\nreturn %y'],
    ['the shift is of the input', '%m = mul(%p, @s) : f32[4,4]\n%y = add(%m, %x) : f32[4,4]\nreturn %y'],
    ['there is no shift', '%y = mul(%p, @s) : f32[4,4]\nreturn %y'],
    ['there is no scale', '%y = add(%p, @s) : f32[4,4]\nreturn %y'],
    [
      'the scale is a number of the model',
      '%k = constant() {dtype: "f32", shape: [], values: [3]} : f32[]\n%m = mul(%p, %k) : f32[4,4]\n%y = add(%m, @s) : f32[4,4]\nreturn %y',
    ],
    [
      'the scale runs along the rows',
      '%r = reshape(@s) {shape: [4,1]} : f32[4,1]\n%m = mul(%p, %r) : f32[4,4]\n%y = add(%m, @s) : f32[4,4]\nreturn %y',
    ],
    [
      'there is more of the result',
      '%r = reshape(@s) {shape: [4,1,1]} : f32[4,1,1]\n%m = mul(%p, @s) : f32[4,4]\n%y = add(%m, %r) : f32[4,4,4]\nreturn %y',
    ],
    ['someone else reads the product', '%m = mul(%p, @s) : f32[4,4]\n%y = add(%m, @s) : f32[4,4]\nreturn %y, %p'],
    ['someone else reads what is scaled', '%m = mul(%p, @s) : f32[4,4]\n%y = add(%m, @s) : f32[4,4]\nreturn %y, %m'],
    [
      'an activation comes between',
      '%t = tanh(%p) : f32[4,4]\n%m = mul(%t, @s) : f32[4,4]\n%y = add(%m, @s) : f32[4,4]\nreturn %y',
    ],
    [
      'a state is updated',
      '%m = mul(%p, @s) : f32[4,4]\n%y = add(%m, @s) : f32[4,4]\n%n = neg(@s) : f32[4]\nupdate @s = %n\nreturn %y',
    ],
    [
      'the weights are of the input',
      '%i = matmul(%p, %x) {transpose_a: false, transpose_b: false} : f32[4,4]\n%m = mul(%i, @s) : f32[4,4]\n%y = add(%m, @s) : f32[4,4]\nreturn %y',
    ],
  ])('leaves a product alone where %s', (_reason, rest) => {
    const text = `graph g(%x: f32[4,4]) {
      state @w: f32[4,4] parameter
      state @s: f32[4] parameter
      %p = matmul(%x, @w) ${PLAIN} : f32[4,4]
      ${rest}
    }`;
    expect(after(fold_norms, text)).toBe(tidy(text));
  });
});
