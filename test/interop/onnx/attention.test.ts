/** Attention and rotary embeddings, as layers and as products. */
import type { OnnxAttribute } from '../../../compiler/interop/formats/onnx/encode';
import { testSingles, type Given, type Single } from './single';

const open = (...shape: readonly number[]): Given => ({ shape, open: true });
const file = (...shape: readonly number[]): Given => ({ shape });
const triangle = (rows: number, columns: number): Given => ({
  shape: [rows, columns],
  dtype: 'bool',
  values: Array.from({ length: rows * columns }, (_, i) => Number((i % columns) - Math.floor(i / columns) < 2)),
});

function attention(
  inputs: Single['inputs'],
  attributes: Readonly<Record<string, OnnxAttribute>> = {},
  further: Single['outputs'] = [],
): Single {
  const rank = inputs[0]!.shape.length;
  return { op: 'Attention', opset: 23, inputs, attributes, outputs: [{ rank }, ...further] };
}

const has =
  (...words: readonly RegExp[]) =>
  ({ text }: { readonly text: string }): void => {
    for (const word of words) expect(text).toMatch(word);
  };

const heads = { q_num_heads: 4, kv_num_heads: 2 };

testSingles([
  ['heads apart', attention([open(2, 3, 4, 8), open(2, 3, 5, 8), open(2, 3, 5, 6)]), has(/type: attention/)],
  [
    'heads side by side, shared keys, causal, a scale',
    attention([open(2, 4, 32), open(2, 4, 16), open(2, 4, 16)], { ...heads, is_causal: 1, scale: { float: 0.5 } }),
    has(/type: attention.*scale: 0.5.*causal: true/),
  ],
  [
    'a mask of truth values for all samples',
    attention([open(2, 3, 4, 8), open(2, 3, 5, 8), open(2, 3, 5, 8), triangle(4, 5)]),
    has(/type: attention.*masks: 1/),
  ],
  [
    'keys before, causal from where they end',
    attention(
      [open(1, 2, 3, 8), open(1, 2, 3, 8), open(1, 2, 3, 8), undefined, open(1, 2, 4, 8), open(1, 2, 4, 8)],
      { is_causal: 1 },
      [{ rank: 4 }, { rank: 4 }],
    ),
    has(/type: attention.*masks: 1/),
  ],
  [
    'scores that are capped, and given out before the mask',
    attention(
      [open(2, 6, 4, 8), open(2, 2, 5, 8), open(2, 2, 5, 8), file(2, 1, 4, 5)],
      { softcap: { float: 0.7 }, qk_matmul_output_mode: 1 },
      [undefined, undefined, { rank: 4 }],
    ),
    has(/tanh/, /type: softmax/),
  ],
  [
    'scores as they are, causal',
    attention([open(2, 2, 4, 8), open(2, 2, 4, 8), open(2, 2, 4, 8)], { is_causal: 1 }, [
      undefined,
      undefined,
      { rank: 4 },
    ]),
    has(/type: softmax/),
  ],
  [
    'rotary by tables that are in the file',
    {
      op: 'RotaryEmbedding',
      opset: 23,
      inputs: [open(2, 3, 24), file(9, 2), file(9, 2), { shape: [2, 3], dtype: 'i64', values: [4, 0, 8], open: true }],
      attributes: { num_heads: 3, rotary_embedding_dim: 4, interleaved: 1 },
      outputs: [{ rank: 3 }],
    },
    has(/type: gather/),
  ],
  [
    'rotary by angles of each sample',
    {
      op: 'RotaryEmbedding',
      opset: 23,
      inputs: [open(2, 3, 4, 8), open(2, 4, 4), open(2, 4, 4)],
      outputs: [{ rank: 4 }],
    },
  ],
]);
