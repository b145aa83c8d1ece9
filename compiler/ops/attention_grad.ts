/** The gradient of attention, by weights that are made again: made by a pass, never by a layer. */
import { elementCount, type Shape, type TensorType } from '../ir/types';
import { inputAt, requireArity, requireSameDtype, requireShape } from './attributes';
import { attentionSamples } from './attention';
import { defineOp, type OpSample, type RefTensor } from './define';
import {
  attentionExtents,
  eachQuery,
  headShape,
  positionAxes,
  requireMasks,
  rowReader,
  scoredRow,
  scoreFlops,
  statistics,
  type AttentionExtents,
} from './families/attention';

const NAMES = ['query', 'key', 'value', 'output', 'gradient of the output', 'largest scores', 'sums'] as const;

/** Into how many slices keys are cut, and by how many (runtime-native/src/cpu/attention_grad.cpp). */
const KEY_BLOCK = 128;
const FEW_HEADS = 16;
const MOST_SLICES = 8;

function slicesOf({ batch, groups, keys }: AttentionExtents): number {
  const blocks = Math.max(Math.ceil(keys / KEY_BLOCK), 1);
  const slices = Math.min(blocks, Math.ceil(FEW_HEADS / Math.max(batch * groups, 1)), MOST_SLICES);
  return Math.ceil(blocks / Math.ceil(blocks / slices));
}

export const attention_grad = defineOp({
  name: 'attention_grad',
  doc:
    'The gradients of q, k and v: with the weights w = exp(score − most) / sum, dv = wᵀ · dy, and the gradient of a score ' +
    'is w · (dy · v − Σ dy·y), 0 where a mask or causality has replaced it. Inputs, attributes and masks as of attention.',
  inputs: ['q', 'k', 'v', 'y', 'dy', 'most', 'sum', 'masks*'],
  outputs: ['dq', 'dk', 'dv'],
  native: 'kernel',
  traits: {},
  infer(inputs, attrs) {
    requireArity(inputs, 7, 9);
    requireSameDtype(inputs.slice(0, 5), NAMES);
    const extents = attentionExtents(inputs, attrs);
    const { batch, heads, queries, width } = extents;
    const result = headShape(positionAxes(attrs)[3], batch, heads, queries, width);
    for (const i of [3, 4]) requireShape(inputAt(inputs, i, NAMES[i]!), result, NAMES[i]!);
    for (const i of [5, 6]) requireShape(inputAt(inputs, i, NAMES[i]!), statistics(extents).shape, NAMES[i]!);
    requireSameDtype([...inputs.slice(5, 7), statistics(extents)], ['largest scores', 'sums', 'statistics']);
    requireMasks(inputs.slice(7), extents);
    return inputs.slice(0, 3);
  },
  evaluate(inputs, attrs) {
    const extents = attentionExtents(
      inputs.map(({ type }) => type),
      attrs,
    );
    const { heads, groups, depth, width } = extents;
    const [q, k, v, y, dy, most, sum] = inputs as RefTensor[] & { length: 7 };
    const axes = positionAxes(attrs);
    const [qAt, kAt, vAt, yAt] = [q!, k!, v!, y!].map((x, i) => rowReader(x, axes[i]!));
    const [dq, dk, dv] = [q!, k!, v!].map(({ data }) => new Float64Array(data.length));
    const scale = Number(attrs['scale']);
    eachQuery(extents, (n, h, i, row) => {
      const scored = scoredRow(inputs, inputs.slice(7), attrs, extents, [n, h, i]);
      const group = Math.floor(h / (heads / groups));
      const [from, out] = [qAt!(n, h, i), yAt!(n, h, i)];
      let delta = 0;
      for (let e = 0; e < width; e++) delta += dy!.data[out + e]! * y!.data[out + e]!;
      scored.scores.forEach((score, j) => {
        const [key, value] = [kAt!(n, group, j), vAt!(n, group, j)];
        // What a mask rules out has no weight; what causality alone does may have one, in an empty row.
        const weight = scored.weights[j] === 0 ? 0 : Math.exp(score - most!.data[row]!) / sum!.data[row]!;
        let dweight = 0;
        for (let e = 0; e < width; e++) {
          dweight += dy!.data[out + e]! * v!.data[value + e]!;
          dv![value + e]! += weight * dy!.data[out + e]!;
        }
        if (scored.allowed[j] !== true) return;
        const dscore = weight * (dweight - delta) * scale;
        for (let d = 0; d < depth; d++) {
          dq![from + d]! += dscore * k!.data[key + d]!;
          dk![key + d]! += dscore * q!.data[from + d]!;
        }
      });
    });
    return [dq!, dk!, dv!];
  },
  cost(inputs, _outputs, attrs) {
    const extents = attentionExtents(inputs, attrs);
    return { flops: scoreFlops(extents, attrs) * (3 * extents.depth + 2 * extents.width + 8) };
  },
  // Where keys are cut into slices, or gradients are bfloat16: the parts of dq.
  workspace(inputs, _outputs, attrs) {
    const q = inputAt(inputs, 0, 'query');
    const slices = slicesOf(attentionExtents(inputs, attrs));
    return slices > 1 || q.dtype === 'bf16' ? 4 * slices * elementCount(q.shape) : 0;
  },
  samples: attentionSamples().map(withGradient),
});

/** A sample of attention as one of its gradient, with statistics that could be those of its rows. */
function withGradient(sample: OpSample): OpSample {
  const [q, k, v, ...masks] = sample.inputs;
  const attrs = sample.attrs ?? {};
  const { dtype } = q!;
  const extents = attentionExtents(sample.inputs, attrs);
  const { batch, heads, queries, width } = extents;
  const shape: Shape = headShape(positionAxes(attrs)[3], batch, heads, queries, width);
  const like: TensorType = { dtype, shape };
  const { 3: first, 4: second } = sample.values ?? {};
  const unit: readonly [number, number] = [-1, 1];
  return {
    ...sample,
    inputs: [q!, k!, v!, like, like, statistics(extents), statistics(extents), ...masks],
    range: [unit, unit, unit, unit, unit, unit, [1, 3], ...masks.map(() => unit)],
    values: { ...(first && { 7: first }), ...(second && { 8: second }) },
  };
}
