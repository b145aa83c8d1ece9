/** Fourier transforms as layers with known weights. */
import { testSingles, type Given, type Single } from './single';

const open = (...shape: readonly number[]): Given => ({ shape, open: true });
const whole = (value: number): Given => ({ shape: [], dtype: 'i64', values: [value] });

function dft(shape: readonly number[], attributes: Single['attributes'] = {}, length?: number): Single {
  const inputs = [open(...shape), ...(length === undefined ? [] : [whole(length)])];
  return { op: 'DFT', opset: 17, inputs, attributes, outputs: [{ rank: shape.length }], tolerance: 1e-4 };
}

const has =
  (word: RegExp) =>
  ({ text }: { readonly text: string }): void => {
    expect(text).toMatch(word);
  };

testSingles([
  ['DFT of real numbers', dft([2, 6, 1]), has(/type: dense, units: 12/)],
  ['DFT of complex numbers', dft([2, 7, 2], { axis: 1 })],
  ['DFT of real numbers, one side', dft([2, 7, 1], { axis: 1, onesided: 1 })],
  ['DFT back', dft([2, 5, 2], { inverse: 1 })],
  ['DFT of another length, along an inner axis', dft([2, 5, 3, 1], { axis: 1 }, 8)],
  [
    'STFT under a window',
    {
      op: 'STFT',
      opset: 17,
      inputs: [open(2, 40, 1), whole(5), { shape: [12] }],
      outputs: [{ rank: 4 }],
      tolerance: 1e-4,
    },
    has(/type: conv1d, filters: 14, kernel: 12, stride: 5/),
  ],
]);
