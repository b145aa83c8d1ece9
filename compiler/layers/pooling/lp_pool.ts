/** Pooling by a power norm: between the sum of magnitudes (1) and their maximum (∞). */
import type { Value } from '../../ir/graph';
import type { LayerDef, LowerContext } from '../define';
import { defineLayer } from '../define';
import { numberOf } from '../fields';
import type { Rank } from '../window';
import { pooledText, poolingFields, poolingOf, sampleOn } from './pooling';

function defineLpPool(rank: Rank): LayerDef {
  const type = `lp_pool${rank}d`;
  return defineLayer({
    type,
    summary: 'The power norm of each window: with `norm: 2` its Euclidean length.',
    details: [
      `y = (Σ|x|^norm)^(1/norm). ${pooledText(rank)} The padding holds zeros.`,
      'PyTorch\'s LPPool leaves out the magnitude, which differs for odd norms of negative numbers, and with `ceil_mode` scales up what windows over the edge hold. Where a window holds nothing but zeros the gradient is 0, as there. Gulcehre et al., "Learned-norm pooling" (2014).',
    ].join('\n\n'),
    example: `{name: pool1, type: ${type}, kernel: 2}`,
    fields: {
      ...poolingFields(rank),
      norm: {
        description: 'Power of the norm: 1 adds magnitudes up, large ones come near the maximum.',
        type: 'number',
        minimum: 1,
        default: 2,
      },
    },
    required: ['kernel'],
    arity: [1, 1],
    activates: true,
    lower(context, inputs) {
      const { attrs, overhang } = poolingOf(context, inputs[0]!, rank);
      const pooling = { ...attrs, overhang, count_include_pad: true, divisor: 1 };
      const sum = context.b.op('avg_pool', [power(context, inputs[0]!)], pooling);
      return root(context, sum);
    },
    samples: [
      sampleOn(rank, { kernel: 2 }, false),
      sampleOn(rank, { kernel: 3, stride: 2, padding: 1, ceil_mode: true, norm: 3 }, false),
      sampleOn(rank, { kernel: 2, padding: 'same', norm: 1 }, false),
    ],
  });
}

function power({ b, fields }: LowerContext, x: Value): Value {
  const norm = numberOf(fields, 'norm');
  if (norm === 2) return b.op('square', [x]);
  const magnitude = b.op('abs', [x]);
  return norm === 1 ? magnitude : b.op('pow', [magnitude, b.full(norm)]);
}

/** A root has no slope at 0: there it is cut off. */
function root({ b, fields }: LowerContext, sum: Value): Value {
  const norm = numberOf(fields, 'norm');
  if (norm === 1) return sum;
  const some = b.op('greater', [sum, b.full(0)]);
  const safe = b.op('where', [some, sum, b.full(1)]);
  const rooted = norm === 2 ? b.op('sqrt', [safe]) : b.op('pow', [safe, b.full(1 / norm)]);
  return b.op('where', [some, rooted, b.full(0)]);
}

export const lpPool1d = defineLpPool(1);
export const lpPool2d = defineLpPool(2);
export const lpPool3d = defineLpPool(3);
