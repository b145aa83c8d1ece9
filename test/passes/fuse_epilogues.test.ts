/** Biases and relus go into the convolution or matrix product before them, where that is the same. */
import { fuse_epilogues } from '../../compiler/passes/fuse_epilogues';
import { after, tidy } from './text';

const CONV = '{stride: [1,1], padding_low: [0,0], padding_high: [0,0], dilation: [1,1], groups: 1';

describe('fuse_epilogues', () => {
  it('gives a convolution its bias, as a vector, and its relu', () => {
    expect(
      after(
        fuse_epilogues,
        `graph g(%x: f32[2,3,5,5], %w: f32[4,3,1,1], %b: f32[4]) {
           %c = conv(%x, %w) ${CONV}} : f32[2,4,5,5]
           %r = reshape(%b) {shape: [1,4,1,1]} : f32[1,4,1,1]
           %s = add(%c, %r) : f32[2,4,5,5]
           %y = relu(%s) : f32[2,4,5,5]
           return %y
         }`,
      ),
    ).toBe(
      tidy(`graph g(%x: f32[2,3,5,5], %w: f32[4,3,1,1], %b: f32[4]) {
        %y = conv(%x, %w, %b) ${CONV}, activation: "relu"} : f32[2,4,5,5]
        return %y
      }`),
    );
  });

  it('gives a matrix product its bias from either side of the addition', () => {
    expect(
      after(
        fuse_epilogues,
        `graph g(%x: f32[2,3], %w: f32[3,4], %b: f32[1,4]) {
           %m = matmul(%x, %w) {transpose_a: false, transpose_b: false} : f32[2,4]
           %y = add(%b, %m) : f32[2,4]
           return %y
         }`,
      ),
    ).toBe(
      tidy(`graph g(%x: f32[2,3], %w: f32[3,4], %b: f32[1,4]) {
        %y.reshape = reshape(%b) {shape: [4]} : f32[4]
        %y = matmul(%x, %w, %y.reshape) {transpose_a: false, transpose_b: false} : f32[2,4]
        return %y
      }`),
    );
  });

  it.each([
    ['someone else reads the value in between', '%y = relu(%m) : f32[4,4]\nreturn %y, %m'],
    ['the addition is no bias along the columns', '%y = add(%m, %column) : f32[4,4]\nreturn %y'],
    ['the addition is of a whole matrix', '%y = add(%m, %x) : f32[4,4]\nreturn %y'],
    ['the product is added to itself', '%y = add(%m, %m) : f32[4,4]\nreturn %y'],
  ])('leaves a product alone where %s', (_reason, rest) => {
    const text = `graph g(%x: f32[4,4], %column: f32[4,1]) {
      %m = matmul(%x, %x) {transpose_a: false, transpose_b: false} : f32[4,4]
      ${rest}
    }`;
    expect(after(fuse_epilogues, text)).toBe(tidy(text));
  });

  it('adds no second bias and applies no bias after a relu', () => {
    const biased = `graph g(%x: f32[4,4], %b: f32[4]) {
      %m = matmul(%x, %x, %b) {transpose_a: false, transpose_b: false} : f32[4,4]
      %y = add(%m, %b) : f32[4,4]
      return %y
    }`;
    expect(after(fuse_epilogues, biased)).toBe(tidy(biased));
    const active = `graph g(%x: f32[4,4], %b: f32[4]) {
      %m = matmul(%x, %x) {transpose_a: false, transpose_b: false, activation: "relu"} : f32[4,4]
      %y = add(%m, %b) : f32[4,4]
      return %y
    }`;
    expect(after(fuse_epilogues, active)).toBe(tidy(active));
  });
});
