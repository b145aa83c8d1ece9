/**
 * Attention a head and a block of queries at a time: scores as a matrix product with the keys turned around, their
 * softmax, and the product of that with the values. Heads before positions or behind them are only other strides.
 */
import { booleanAttr, numberAttr } from '../../../../ops/attributes';
import { attentionExtents, NEVER_SCORE, positionAxes, type AttentionExtents } from '../../../../ops/families/attention';
import type { Node } from '../../../../ir/graph';
import type { Shape } from '../../../../ir/types';
import type { Emitter, Step } from '../emitter';
import { sum } from '../text';

/** Queries of a block. */
const BLOCK = 32;

const extentsOf = ({ inputs, attrs }: Node): AttentionExtents =>
  attentionExtents(
    inputs.map(({ type }) => type),
    attrs,
  );

/** Elements between images, heads and positions of a tensor whose positions are on that axis. */
function stridesAt([, first = 0, second = 0, features = 0]: Shape, axis: number) {
  const [inner, outer] = [features, second * features];
  return { image: first * outer, head: axis === 1 ? inner : outer, position: axis === 1 ? outer : inner };
}

/** Index terms of a mask that broadcasts to the scores. */
function maskIndex([, heads = 1, queries = 1, keys = 1]: Shape, batch: number): string {
  const sizes: readonly (readonly [number, number, string])[] = [
    [batch, heads * queries * keys, 'n'],
    [heads, queries * keys, 'h'],
    [queries, keys, '(i0 + r)'],
    [keys, 1, 'j'],
  ];
  return sum(...sizes.flatMap(([extent, stride, name]) => (extent === 1 ? [] : [[stride, name] as const])));
}

export const attention: Emitter = {
  scratch: (node) => {
    const { keys, depth, queries } = extentsOf(node);
    return { f32: keys * depth + Math.min(BLOCK, queries) * keys };
  },
  emit: (step) => {
    const { code, attrs } = step;
    const extents = extentsOf(step.node);
    const { batch, heads, groups, queries, keys, depth, width } = extents;
    const axes = positionAxes(attrs);
    const [q, k, v] = [0, 1, 2].map((i) => stridesAt(step.input(i).shape, axes[i]!));
    const y = stridesAt(step.output(0).shape, axes[3]);
    const madd = step.helper('madd');
    const share = heads / groups;
    code.loop('n', batch, () =>
      code.loop('h', heads, () => {
        const group = share === 1 ? 'h' : `(h / ${share})`;
        code.line(`const float *q = ${step.x(0)} + ${sum([q!.image, 'n'], [q!.head, 'h'])};`);
        code.line(`const float *k = ${step.x(1)} + ${sum([k!.image, 'n'], [k!.head, group])};`);
        code.line(`const float *v = ${step.x(2)} + ${sum([v!.image, 'n'], [v!.head, group])};`);
        code.line(`float *y = ${step.result()} + ${sum([y.image, 'n'], [y.head, 'h'])};`);
        code.line(`float *scores = ${step.floats} + ${keys * depth};`);
        code.line(`for (int d = 0; d < ${depth}; d++)`);
        code.line(`  for (int j = 0; j < ${keys}; j++) ${step.floats}[d * ${keys} + j] = k[j * ${k!.position} + d];`);
        code.block(`for (int i0 = 0; i0 < ${queries}; i0 += ${BLOCK})`, () => {
          code.line(`const int rows = ${queries} - i0 < ${BLOCK} ? ${queries} - i0 : ${BLOCK};`);
          code.line(`memset(scores, 0, (size_t)rows * ${keys} * sizeof(float));`);
          code.line(
            `${madd}(rows, ${keys}, ${depth}, q + i0 * ${q!.position}, ${q!.position}, 1, ${step.floats}, ${keys}, scores, ${keys});`,
          );
          code.loop('r', 'rows', () => weights(step, extents));
          code.line(
            `for (int r = 0; r < rows; r++) memset(y + (i0 + r) * ${y.position}, 0, ${width} * sizeof(float));`,
          );
          code.line(
            `${madd}(rows, ${width}, ${keys}, scores, ${keys}, 1, v, ${v!.position}, y + i0 * ${y.position}, ${y.position});`,
          );
        });
      }),
    );
  },
};

/** Scores of query i0 + r become weights. */
function weights(step: Step, { batch, heads, queries, keys }: AttentionExtents): void {
  const { code, attrs } = step;
  const masks = step.node.inputs.slice(3).map(({ type }, m) => ({ type, x: step.x(3 + m) }));
  const bias = masks.find(({ type }) => type.dtype !== 'bool');
  const mask = masks.find(({ type }) => type.dtype === 'bool');
  const causal = booleanAttr(attrs, 'causal');
  const never = step.number(NEVER_SCORE);
  const at = (of: typeof bias): string => `${of!.x}[${maskIndex(of!.type.shape, of!.type.shape[0] === 1 ? 1 : batch)}]`;
  code.line(`float *s = scores + r * ${keys};`);
  code.line(`float most = -INFINITY;`);
  code.line('double total = 0.0;');
  code.loop('j', keys, () => {
    code.line(`s[j] *= ${step.number(numberAttr(attrs, 'scale'))};`);
    if (bias) code.line(`s[j] += ${at(bias)} > ${never} ? ${at(bias)} : ${never};`);
    const hidden = [...(mask ? [`!${at(mask)}`] : []), ...(causal ? ['j > i0 + r'] : [])].join(' || ');
    if (hidden !== '') code.line(`if (${hidden}) s[j] = ${never};`);
    code.line('most = s[j] > most || s[j] != s[j] ? s[j] : most;');
  });
  code.loop('j', keys, () => {
    code.line('s[j] = expf(s[j] - most);');
    code.line('total += s[j];');
  });
  code.line('const float part = (float)(1.0 / total);');
  if (mask) {
    const hidden = [`!${at(mask)}`, ...(causal ? ['j > i0 + r'] : [])].join(' || ');
    code.line(`for (int j = 0; j < ${keys}; j++) s[j] = ${hidden} ? 0.0f : s[j] * part;`);
  } else {
    code.line(`for (int j = 0; j < ${keys}; j++) s[j] *= part;`);
  }
  const place = sum([heads * queries, 'n'], [queries, 'h'], [1, 'i0'], [1, 'r']);
  const [, most, total] = [0, 1, 2].map((output) => step.y(output));
  if (most !== undefined) code.line(`${most}[${place}] = most;`);
  if (total !== undefined) code.line(`${total}[${place}] = (float)total;`);
}
