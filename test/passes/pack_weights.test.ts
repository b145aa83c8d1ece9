/** Weights of convolutions are packed apart from them in graphs that change no state. */
import { pack_weights } from '../../compiler/passes/pack_weights';
import { after, tidy } from './text';

const ATTRS = 'stride: [1,1], padding_low: [0,0], padding_high: [0,0], dilation: [1,1], groups: 1';
const STATE = 'state @w: f32[20,3,3,3] parameter';

describe('pack_weights', () => {
  it('packs what depends on states alone', () => {
    expect(
      after(
        pack_weights,
        `graph g(%x: f32[2,3,5,5]) {
           ${STATE}
           %y = conv(%x, @w) {${ATTRS}, activation: "relu"} : f32[2,20,3,3]
           return %y
         }`,
      ),
    ).toBe(
      tidy(`graph g(%x: f32[2,3,5,5]) {
        ${STATE}
        %y.pack_conv_weights = pack_conv_weights(@w) {${ATTRS}, input_shape: [2,3,5,5]} : f32[864]
        %y = conv(%x, %y.pack_conv_weights) {${ATTRS}, activation: "relu", weight_shape: [20,3,3,3]} : f32[2,20,3,3]
        return %y
      }`),
    );
  });

  it.each([
    [
      'the weights come with the input',
      `graph g(%x: f32[2,3,5,5], %w: f32[20,3,3,3]) {
         %y = conv(%x, %w) {${ATTRS}} : f32[2,20,3,3]
         return %y
       }`,
    ],
    [
      'a state changes',
      `graph g(%x: f32[2,3,5,5]) {
         ${STATE}
         %y = conv(%x, @w) {${ATTRS}} : f32[2,20,3,3]
         %v = neg(@w) : f32[20,3,3,3]
         update @w = %v
         return %y
       }`,
    ],
    [
      'the convolution is depthwise',
      `graph g(%x: f32[2,3,5,5]) {
         state @w: f32[3,1,3,3] parameter
         %y = conv(%x, @w) {${ATTRS.replace('groups: 1', 'groups: 3')}} : f32[2,3,3,3]
         return %y
       }`,
    ],
  ])('leaves it alone where %s', (_why, text) => {
    expect(after(pack_weights, text)).toBe(tidy(text));
  });
});
