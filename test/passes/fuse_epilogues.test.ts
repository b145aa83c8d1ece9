/** Biases, relus, residuals and clamps go into the convolution or matrix product before them, where that is the same. */
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

  const LAST = `${CONV}, layout: "channels_last"`;

  it('adds a residual behind the bias, then the relu', () => {
    expect(
      after(
        fuse_epilogues,
        `graph g(%x: f32[2,5,5,3], %w: f32[4,3,1,1], %b: f32[4], %r: f32[2,5,5,4]) {
           %c = conv(%x, %w, %b) ${LAST}} : f32[2,5,5,4]
           %s = add(%r, %c) : f32[2,5,5,4]
           %y = relu(%s) : f32[2,5,5,4]
           return %y
         }`,
      ),
    ).toBe(
      tidy(`graph g(%x: f32[2,5,5,3], %w: f32[4,3,1,1], %b: f32[4], %r: f32[2,5,5,4]) {
        %y = conv(%x, %w, %b, %r) ${LAST}, activation: "relu"} : f32[2,5,5,4]
        return %y
      }`),
    );
  });

  it('puts the convolution where what is added to it is there, with a bias of zeros if it has none', () => {
    expect(
      after(
        fuse_epilogues,
        `graph g(%x: f32[2,5,5,3], %w: f32[4,3,1,1], %z: f32[2,5,5,4]) {
           %c = conv(%x, %w) ${LAST}} : f32[2,5,5,4]
           %r = tanh(%z) : f32[2,5,5,4]
           %y = add(%c, %r) : f32[2,5,5,4]
           %also = exp(%y) : f32[2,5,5,4]
           return %y, %also
         }`,
      ),
    ).toBe(
      tidy(`graph g(%x: f32[2,5,5,3], %w: f32[4,3,1,1], %z: f32[2,5,5,4]) {
        %r = tanh(%z) : f32[2,5,5,4]
        %y.constant = constant() {dtype: "f32", shape: [4], values: [0]} : f32[4]
        %y = conv(%x, %w, %y.constant, %r) ${LAST}} : f32[2,5,5,4]
        %also = exp(%y) : f32[2,5,5,4]
        return %y, %also
      }`),
    );
  });

  it('adds one of two convolutions to the other', () => {
    const found = after(
      fuse_epilogues,
      `graph g(%x: f32[2,5,5,3], %w: f32[4,3,1,1], %b: f32[4]) {
         %c = conv(%x, %w, %b) ${LAST}} : f32[2,5,5,4]
         %d = conv(%x, %w, %b) ${LAST}} : f32[2,5,5,4]
         %y = add(%c, %d) : f32[2,5,5,4]
         return %y
       }`,
    );
    expect(found).toBe(
      tidy(`graph g(%x: f32[2,5,5,3], %w: f32[4,3,1,1], %b: f32[4]) {
        %d = conv(%x, %w, %b) ${LAST}} : f32[2,5,5,4]
        %y = conv(%x, %w, %b, %d) ${LAST}} : f32[2,5,5,4]
        return %y
      }`),
    );
  });

  it('holds the result of a convolution between constants', () => {
    expect(
      after(
        fuse_epilogues,
        `graph g(%x: f32[2,5,5,3], %w: f32[4,3,1,1]) {
           %low = constant() {dtype: "f32", shape: [], values: [0]} : f32[]
           %high = constant() {dtype: "f32", shape: [], values: [6]} : f32[]
           %c = conv(%x, %w) ${LAST}} : f32[2,5,5,4]
           %y = clamp(%c, %low, %high) : f32[2,5,5,4]
           return %y
         }`,
      ),
    ).toBe(
      tidy(`graph g(%x: f32[2,5,5,3], %w: f32[4,3,1,1]) {
        %y = conv(%x, %w) ${LAST}, activation: "clamp", low: 0, high: 6} : f32[2,5,5,4]
        return %y
      }`),
    );
  });

  it.each([
    ['has channels first', CONV, '%y = add(%c, %r) : f32[2,4,4,4]\nreturn %y'],
    ['is read by someone else', LAST, '%y = add(%c, %r) : f32[2,4,4,4]\nreturn %y, %c'],
    ['has an activation', `${LAST}, activation: "relu"`, '%y = add(%c, %r) : f32[2,4,4,4]\nreturn %y'],
    ['is smaller than the sum', LAST, '%y = add(%c, %more) : f32[3,2,4,4,4]\nreturn %y'],
    ['has a residual already', LAST, '%y = add(%e, %r) : f32[2,4,4,4]\nreturn %y'],
    ['is held between values', LAST, '%y = clamp(%c, %least, %most) : f32[2,4,4,4]\nreturn %y'],
  ])('leaves a convolution alone that %s', (_reason, attrs, rest) => {
    const e = rest.includes('%e')
      ? `%e = conv(%x, %w, %b, %r) ${LAST}} : f32[2,4,4,4]`
      : `%c = conv(%x, %w) ${attrs}} : f32[2,4,4,4]`;
    const text = `graph g(%x: f32[2,4,4,4], %w: f32[4,4,1,1], %b: f32[4], %r: f32[2,4,4,4], %more: f32[3,2,4,4,4], %least: f32[], %most: f32[]) {
      ${e}
      ${rest}
    }`;
    expect(after(fuse_epilogues, text)).toBe(tidy(text));
  });
});
