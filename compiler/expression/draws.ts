/** Random numbers in formulas, of the shape of a tensor, and the end of gradients. */
import { argumentsOf, type TensorFunction } from './arguments';
import { tensor } from './tensors';

/** Each call in a formula draws from a stream of its own. */
const draw =
  (op: string, attrs: Readonly<Record<string, number | boolean>>): TensorFunction =>
  (lowering, call) => {
    const [like] = argumentsOf(lowering, call, ['like']);
    const { value, axes } = lowering.asTensor(like);
    const { context, b } = lowering;
    const stream = context.stream(`${call.name}@${call.at.offset}`);
    return tensor(b.op(op, [context.rng()], { shape: value.type.shape, stream, ...attrs }), axes);
  };

const bernoulli: TensorFunction = (lowering, call) => {
  const [p] = argumentsOf(lowering, call, ['p']);
  const { value, axes } = lowering.float(p);
  const { context, b } = lowering;
  const stream = context.stream(`${call.name}@${call.at.offset}`);
  const uniform = b.op('random_uniform', [context.rng()], { shape: value.type.shape, stream, low: 0, high: 1 });
  return tensor(b.op('cast', [b.op('less', [uniform, value])], { dtype: 'f32' }), axes);
};

const stopGradient: TensorFunction = (lowering, call) => {
  const [x] = argumentsOf(lowering, call, ['x']);
  return x.kind === 'scalar' ? x : lowering.map('stop_gradient', x);
};

export const DRAWS: readonly (readonly [string, TensorFunction])[] = [
  ['uniform', draw('random_uniform', { low: 0, high: 1 })],
  ['normal', draw('random_normal', { mean: 0, std: 1, truncated: false })],
  ['bernoulli', bernoulli],
  ['stop_gradient', stopGradient],
];
