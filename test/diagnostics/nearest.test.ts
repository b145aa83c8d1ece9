/** Did-you-mean: which known word a mistyped one is near to. */
import fc from 'fast-check';
import { editDistance, nearest } from '../../compiler/diagnostics/nearest';

describe('the edit distance', () => {
  test.each([
    ['kernel', 'kernal', 1],
    ['kernel', 'kenrel', 1],
    ['kernel', 'kernel', 0],
    ['', 'abc', 3],
    ['flaw', 'lawn', 2],
  ])('of %j and %j is %i', (a, b, distance) => {
    expect(editDistance(a, b, 10)).toBe(distance);
    expect(editDistance(b, a, 10)).toBe(distance);
  });

  test('is cut off above the limit', () => {
    expect(editDistance('abcdef', 'uvwxyz', 2)).toBe(3);
    fc.assert(
      fc.property(fc.string({ maxLength: 8 }), fc.string({ maxLength: 8 }), fc.nat(8), (a, b, limit) => {
        expect(editDistance(a, b, limit)).toBe(Math.min(editDistance(a, b, 20), limit + 1));
      }),
    );
  });
});

describe('did-you-mean', () => {
  test.each([
    ['kernal', ['filters', 'kernel'], 'kernel'],
    ['Conv2D', ['conv2d', 'dense'], 'conv2d'],
    ['batchnorm', ['batch_norm'], 'batch_norm'],
    ['strides', ['stride', 'padding'], 'stride'],
    ['entirely', ['conv2d', 'dense'], undefined],
    ['x', ['y', 'units'], 'y'],
    ['linear', ['conv2d', 'dense'], 'dense'],
    ['num_output', ['units'], 'units'],
    ['num_output', ['filters'], 'filters'],
    ['linear', ['conv2d'], undefined],
    ['constructor', ['conv2d'], undefined],
  ])('%j among %j is %j', (word, known, expected) => {
    expect(nearest(word, known)).toBe(expected);
  });
});
