/** Scaled dot-product attention, without the scores in memory: made by a pass, never by a layer. */
import { elementCount, tensorType, type TensorType } from '../ir/types';
import { inputAt, requireArity, requireSameDtype } from './attributes';
import { defineOp, type OpSample } from './define';
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
} from './families/attention';
import { withBfloat16 } from './families/images-samples';

export const attention = defineOp({
  name: 'attention',
  doc:
    'y = softmax(scale · q · kᵀ + bias) · v for each head, a query being averaged with its own largest score subtracted: ' +
    '`most` is that score and `sum` that of the exponentials, of which the gradient makes the weights again. ' +
    'Tensors are [N, H, T, D], or [N, T, H, D] where `position_axis` (of q, k, v, y) is 1; consecutive heads of queries ' +
    'share one of keys. Behind v come a bias (f32, at least −1e30) and a mask (bool), which broadcast to [N, H, Tq, Tk]; ' +
    'where the mask is false, or with `causal` a key later than its query, the score is −1e30. A mask makes the weights ' +
    'that it rules out 0, in an empty row too. Vaswani et al., "Attention is all you need" (2017); by blocks as in Dao, ' +
    '"FlashAttention-2" (2023). Exists only after differentiation.',
  inputs: ['q', 'k', 'v', 'masks*'],
  outputs: ['y', 'most', 'sum'],
  native: 'kernel',
  traits: {},
  infer(inputs, attrs) {
    requireArity(inputs, 3, 5);
    requireSameDtype(inputs.slice(0, 3), ['query', 'key', 'value']);
    const extents = attentionExtents(inputs, attrs);
    requireMasks(inputs.slice(3), extents);
    const { batch, heads, queries, width } = extents;
    const { dtype } = inputAt(inputs, 0, 'query');
    const shape = headShape(positionAxes(attrs)[3], batch, heads, queries, width);
    return [{ dtype, shape }, statistics(extents), statistics(extents)];
  },
  evaluate(inputs, attrs, [yType]) {
    const types = inputs.map(({ type }) => type);
    const extents = attentionExtents(types, attrs);
    const { heads, groups, width } = extents;
    const v = inputAt(inputs, 2, 'value');
    const y: Float64Array = new Float64Array(elementCount(yType?.shape ?? []));
    const [most, sum] = [0, 0].map(() => new Float64Array(elementCount(statistics(extents).shape)));
    const valueAt = rowReader(v, positionAxes(attrs)[2]);
    const to = rowReader({ type: yType as TensorType, data: y }, positionAxes(attrs)[3]);
    eachQuery(extents, (n, h, i, row) => {
      const scored = scoredRow(inputs, inputs.slice(3), attrs, extents, [n, h, i]);
      most![row] = scored.most;
      sum![row] = scored.sum;
      scored.weights.forEach((weight, j) => {
        const from = valueAt(n, Math.floor(h / (heads / groups)), j);
        for (let e = 0; e < width; e++) y[to(n, h, i) + e]! += weight * (v.data[from + e] as number);
      });
    });
    return [y, most!, sum!];
  },
  cost(inputs, _outputs, attrs) {
    const extents = attentionExtents(inputs, attrs);
    return { flops: scoreFlops(extents, attrs) * (extents.depth + extents.width + 6) };
  },
  samples: attentionSamples(),
});

/** Sizes around the blocks of the kernel, every attribute, and both masks; q, k and v first. */
export function attentionSamples(): readonly OpSample[] {
  const f32 = (...shape: readonly number[]): TensorType => tensorType('f32', shape);
  const attrs = { scale: 0.5, causal: false, position_axis: [2, 2, 2, 2] };
  const mask = [1, 0, 1, 1, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1];
  const samples: readonly (OpSample & { readonly name: string })[] = [
    { name: 'one', inputs: [f32(1, 1, 1, 1), f32(1, 1, 1, 1), f32(1, 1, 1, 1)], attrs },
    { name: 'crossed', inputs: [f32(2, 3, 5, 7), f32(2, 3, 4, 7), f32(2, 3, 4, 3)], attrs },
    {
      name: 'causal, positions first',
      inputs: [f32(2, 19, 3, 5), f32(2, 19, 3, 5), f32(2, 19, 3, 5)],
      attrs: { ...attrs, causal: true, position_axis: [1, 1, 1, 1] },
    },
    {
      name: 'causal with more queries than keys, heads that share keys',
      inputs: [f32(1, 4, 9, 3), f32(1, 2, 5, 3), f32(1, 5, 2, 6)],
      attrs: { ...attrs, causal: true, position_axis: [2, 2, 1, 2] },
    },
    {
      name: 'a mask that empties a row',
      inputs: [f32(1, 2, 3, 4), f32(1, 2, 5, 4), f32(1, 2, 5, 4), tensorType('bool', [1, 1, 3, 5])],
      attrs: { ...attrs, position_axis: [2, 2, 2, 1] },
      values: { 3: mask },
    },
    {
      name: 'a bias, causal',
      inputs: [f32(2, 2, 4, 3), f32(2, 2, 4, 3), f32(2, 2, 4, 3), f32(1, 2, 4, 4)],
      attrs: { ...attrs, causal: true },
    },
    {
      name: 'a bias that empties rows, a mask, causal',
      inputs: [f32(1, 1, 3, 4), f32(1, 1, 5, 4), f32(1, 1, 5, 4), f32(1, 1, 3, 1), tensorType('bool', [1, 1, 3, 5])],
      attrs: { ...attrs, causal: true },
      values: { 3: [-1e38, 0.5, -2e30], 4: mask },
    },
    {
      name: 'several blocks',
      inputs: [f32(1, 1, 150, 17), f32(1, 1, 140, 17), f32(1, 1, 140, 18)],
      attrs: { ...attrs, causal: true },
    },
  ];
  return [
    ...samples.map((sample) => ({ ...sample, wrt: [] })),
    ...samples.slice(1, 4).map((sample) => withBfloat16(sample, [0, 1, 2])),
  ];
}
