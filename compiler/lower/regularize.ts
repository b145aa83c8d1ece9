/**
 * Terms of the loss that look at weights alone: l1 · Σ|w|, l2 · Σw², orthogonal · ‖WWᵀ − 1‖². They are part of the
 * figure `loss`, in training and evaluation; weight decay is the optimizer's and is not.
 */
import type { Builder } from '../ir/builder';
import type { Value } from '../ir/graph';
import { elementCount } from '../ir/types';
import { Arithmetic } from '../ops/families/arithmetic';
import type { GroupSpec } from '../frontend/spec';
import type { Parameters } from './parameters';
import { settingsOf, type ParameterSettings } from './settings';
import type { StateInfo } from './states';
import { totalOf } from './terms';

/** The result `penalties/*`: a name that no layer can have. */
export const REGULARIZATION = '*';

function penaltyOf(b: Builder, weight: Value, { l1, l2, orthogonal }: ParameterSettings): Value | undefined {
  const m = new Arithmetic(b, weight.type.dtype);
  const sum = (x: Value): Value => b.op('reduce_sum', [x], { axes: x.type.shape.map((_, i) => i), keepdims: false });
  let total: Value | undefined;
  const add = (part: Value): void => {
    total = total ? m.add(total, part) : part;
  };
  if (l1 !== 0) add(m.mul(sum(b.op('abs', [weight])), l1));
  if (l2 !== 0) add(m.mul(sum(b.op('square', [weight])), l2));
  if (orthogonal !== 0) {
    const rows = weight.type.shape[0] ?? 1;
    const shape = [rows, elementCount(weight.type.shape) / rows];
    const matrix = b.op('reshape', [weight], { shape });
    const products = b.op('matmul', [matrix, matrix], { transpose_a: false, transpose_b: true });
    const identity = Array.from({ length: rows * rows }, (_, i) => (i % (rows + 1) === 0 ? 1 : 0));
    const off = m.sub(products, b.constant(identity, [rows, rows], weight.type.dtype));
    add(m.mul(sum(b.op('square', [off])), orthogonal));
  }
  return total;
}

/** Of those parameters of a model that are not excepted; undefined where nothing is regularized. */
export function penaltiesOf(
  b: Builder,
  parameters: Parameters,
  groups: readonly GroupSpec[],
  counts: (info: StateInfo) => boolean,
): Value | undefined {
  const penalties = [...parameters.infos.values()].flatMap((info) => {
    const settings = settingsOf(info, groups);
    const { l1, l2, orthogonal } = settings;
    if (info.role !== 'parameter' || (l1 === 0 && l2 === 0 && orthogonal === 0) || !counts(info)) return [];
    b.origin = info.origin;
    b.prefix = `${info.value.name}.penalty`;
    const penalty = penaltyOf(b, parameters.currentOf(info), settings);
    return penalty ? [penalty] : [];
  });
  return totalOf(b, penalties);
}

export function reportPenalty(b: Builder, penalty: Value | undefined): void {
  if (!penalty) return;
  b.result(`penalties/${REGULARIZATION}/sum`, penalty);
  b.result(`penalties/${REGULARIZATION}/count`, b.full(1));
}
