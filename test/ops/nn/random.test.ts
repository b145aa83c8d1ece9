/** Dropout and random draws: which numbers they take from the stream, and what they refuse. */
import { tensorType } from '../../../compiler/ir/types';
import { normals, uniforms } from '../../../compiler/random/philox';
import { inferOp, tensor, valuesOf } from '../../support/call';

const rng = tensor([42, 7], [2], 'i64');
const RNG = rng.type;
const stream = { seed: 42, step: 7, stream: 5 };

describe('dropout', () => {
  test('keeps an element where its draw is at least the rate, and scales it up', () => {
    const [y] = valuesOf('dropout', [tensor(Array<number>(8).fill(3), [8]), rng], { rate: 0.25, stream: 5 });
    expect(y).toEqual([...uniforms(8, stream)].map((u) => (u >= 0.25 ? 4 : 0)));
  });

  test('drops about as many as asked', () => {
    const [y = []] = valuesOf('dropout', [tensor(Array<number>(10000).fill(1), [10000]), rng], {
      rate: 0.3,
      stream: 5,
    });
    expect(Math.abs(y.filter((value) => value === 0).length / 10000 - 0.3)).toBeLessThan(0.02);
  });

  test('changes nothing at rate 0 and refuses rate 1', () => {
    expect(valuesOf('dropout', [tensor([1, 2, 3], [3]), rng], { rate: 0, stream: 5 })).toEqual([[1, 2, 3]]);
    expect(() => inferOp('dropout', [tensorType('f32', [3]), RNG], { rate: 1, stream: 5 })).toThrow(
      "attribute 'rate' is 1, expected at least 0 and below 1",
    );
  });
});

describe('random draws', () => {
  test('scale the uniform draws into their range', () => {
    const [y] = valuesOf('random_uniform', [rng], { shape: [2, 3], low: -2, high: 2, stream: 5 });
    expect(y).toEqual([...uniforms(6, stream)].map((u) => 4 * u - 2));
  });

  test('scale the normal draws by mean and deviation', () => {
    const attrs = { shape: [50], mean: 1, std: 0.5, stream: 5, truncated: true };
    const [y = []] = valuesOf('random_normal', [rng], attrs);
    expect(y).toEqual([...normals(50, stream, true)].map((z) => 1 + 0.5 * z));
    expect(y.every((value) => value >= 0 && value <= 2)).toBe(true);
  });

  test('say what is wrong', () => {
    const uniform = { shape: [2], low: 0, high: 1, stream: 5 };
    expect(() => inferOp('random_uniform', [tensorType('i32', [2])], uniform)).toThrow(
      'rng is i32[2], expected i64[2]: seed and step',
    );
    expect(() => inferOp('random_uniform', [RNG], { ...uniform, low: 2 })).toThrow(
      "attribute 'low' is 2, above 'high' 1",
    );
    expect(() => inferOp('random_uniform', [RNG], { ...uniform, stream: 2 ** 32 })).toThrow(
      "attribute 'stream' is 4294967296, expected an integer below 2^32",
    );
    const normal = { mean: 0, std: 1, stream: 5, truncated: false };
    expect(() => inferOp('random_normal', [RNG], { ...normal, shape: [65536, 65537] })).toThrow(
      '[65536,65537] has more elements than one stream has numbers',
    );
    expect(() => inferOp('random_normal', [RNG], { ...normal, shape: [1], std: -1 })).toThrow(
      "attribute 'std' is -1, expected at least 0",
    );
  });
});
