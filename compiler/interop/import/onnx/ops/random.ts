/** Numbers drawn at random: of the same distributions, but not the same numbers. */
import type { Fields } from '../../../../frontend/spec';
import { ELEM } from '../../../formats/onnx/types';
import { differing } from '../emitter';
import { refuse, type Handler, type Handlers, type Node } from '../node';
import type { Value } from '../value';

/** No model comes near. */
const MOST = 2 ** 28;

function drawn(node: Node, type: string, fields: Fields, like: Value | undefined): Value {
  const { e } = node;
  node.around.note('draws by the seed of the model: other numbers than elsewhere');
  if (like !== undefined) {
    const elem = node.int('dtype', like.elem);
    return e.cast(e.layer(type, [e.float(like)], fields, { shape: like.shape, elem: ELEM.float }), elem);
  }
  const shape = node.ints('shape') ?? refuse('lacks its shape');
  const size = shape.reduce((product, extent) => product * extent, 1);
  if (shape.some((extent) => !(extent >= 1)) || !(size <= MOST)) refuse(`draws [${shape.join(', ')}]`);
  const own = shape.length === 0 ? [1] : shape;
  const made = e.layer(type, [], { shape: [...own], ...fields }, { shape: own, elem: ELEM.float });
  return e.cast(e.reshape(made, shape), node.int('dtype', ELEM.float));
}

const normal =
  (like: boolean): Handler =>
  (node) => {
    const fields = differing({ mean: node.float('mean', 0), std: node.float('scale', 1) }, { mean: 0, std: 1 });
    return drawn(node, 'random_normal', fields, like ? node.in(0) : undefined);
  };

const uniform =
  (like: boolean): Handler =>
  (node) => {
    const fields = differing({ low: node.float('low', 0), high: node.float('high', 1) }, { low: 0, high: 1 });
    return drawn(node, 'random_uniform', fields, like ? node.in(0) : undefined);
  };

/** 1 with the probability that the input says. */
const bernoulli: Handler = (node) => {
  const { e } = node;
  const x = e.float(node.in(0));
  node.around.note('draws by the seed of the model: other numbers than elsewhere');
  return e.cast(e.unary('bernoulli', x), node.int('dtype', node.in(0).elem));
};

export const RANDOMS: Handlers = {
  RandomNormal: normal(false),
  RandomNormalLike: normal(true),
  RandomUniform: uniform(false),
  RandomUniformLike: uniform(true),
  Bernoulli: bernoulli,
};
