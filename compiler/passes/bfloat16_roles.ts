/**
 * Which operands and results of an op may be stored as bfloat16, for the pass `precision`. Ops that are in no table work
 * in float32: element-wise ones widen and round inside of their groups, others get their operands widened before.
 */
import type { Node, Value } from '../ir/graph';
import { isChannelsLast } from '../ops/families/layout';

/** By position. */
export interface Role {
  /** Has to be bfloat16, where it is an activation. */
  readonly wants: readonly number[];
  /** Comes as bfloat16 where what it wants is. */
  readonly gives: readonly number[];
  /** May come as either. */
  readonly chooses: readonly number[];
  /** Inputs and outputs that have one dtype between them, whichever it is. */
  readonly alike?: { readonly inputs: readonly number[]; readonly outputs: readonly number[] };
  /** Inputs that may be of either dtype whatever the rest is. */
  readonly takes?: readonly number[];
  /** The first input and the first output may be bfloat16 together; neither has to be because the other is. */
  readonly together?: boolean;
}

const role = (wants: readonly number[], gives: readonly number[], chooses: readonly number[] = []): Role => ({
  wants,
  gives,
  chooses,
});

const alike = (inputs: readonly number[], outputs: readonly number[] = [0]): Role => ({
  ...role([], []),
  alike: { inputs, outputs },
});

const isImage = ({ inputs: [x], attrs }: Node): boolean => isChannelsLast(attrs) || (x?.type.shape.length ?? 0) <= 2;

const IMAGES: Readonly<Record<string, Role>> = {
  conv: role([0, 3], [0]),
  conv_grad_input: role([0], [0]),
  conv_grad_weight: role([0, 1], []),
  batch_norm_train: alike([0]),
  batch_norm_grad: alike([0, 1]),
};

const ROLES: Readonly<Record<string, Role>> = {
  matmul: role([0, 1], [], [0]),
  max_pool: alike([0]),
  max_pool_grad: alike([0]),
  avg_pool: alike([0]),
  avg_pool_grad: alike([0]),
  layer_norm: alike([0]),
  layer_norm_grad: alike([0, 1]),
  softmax: alike([0]),
  dropout: alike([0]),
  reshape: alike([0]),
  transpose: alike([0]),
  broadcast_to: alike([0]),
  slice: alike([0]),
  pad: alike([0]),
  gather: alike([0]),
  gather_elements: alike([0]),
  reduce_sum: { ...role([], []), takes: [0] },
  reduce_max: { ...role([], []), takes: [0] },
  reduce_min: { ...role([], []), takes: [0] },
  reduce_prod: { ...role([], []), takes: [0] },
  softmax_cross_entropy: { ...role([], []), takes: [0] },
  softmax_cross_entropy_grad: { ...role([], []), together: true },
};

/** Undefined for what is float32 alone. */
export function roleOf(node: Node): Role | undefined {
  if (node.op === 'concat') return alike(node.inputs.map((_, i) => i));
  const image = Object.hasOwn(IMAGES, node.op) ? IMAGES[node.op] : undefined;
  if (image) return isImage(node) ? image : undefined;
  return Object.hasOwn(ROLES, node.op) ? ROLES[node.op] : undefined;
}

/** Both inputs and outputs that are alike. */
export function alikeValues({ inputs, outputs }: Node, { alike: positions }: Role): readonly Value[] {
  if (!positions) return [];
  return [...positions.inputs.flatMap((i) => inputs[i] ?? []), ...positions.outputs.flatMap((i) => outputs[i] ?? [])];
}
