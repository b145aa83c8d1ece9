/** The remainder of a division. */
import { defineMerge } from '../merge/merge';

export const mod = defineMerge({
  type: 'mod',
  arity: [2, 2],
  summary: 'The remainder of the first input by the second, with the sign of the second.',
  details: 'As in Python, NumPy and torch.remainder: −7 mod 3 is 2.',
  example: '{name: rest, type: mod, inputs: [left, right]}',
  integers: true,
  samples: [
    {
      inputs: [
        { shape: ['N', 7], dtype: 'int32', range: [-9, 9] },
        { shape: ['N', 7], dtype: 'int32', range: [1, 4] },
      ],
    },
  ],
});
