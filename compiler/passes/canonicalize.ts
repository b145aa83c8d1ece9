/**
 * Brings graphs to a normal form: no-ops removed, movements joined, constants as scalars, one spelling where there
 * are several. A table of small rewrites; adding one is adding a row. Rewrites keep float32 results to the bit but for
 * the sign of a zero, except `x ÷ c`, which is only taken where 1/c is exact.
 */
import type { Node, Value } from '../ir/graph';
import type { RewriteContext } from '../ir/rewrite';
import { elementCount, sameShape, sameType, type TensorType } from '../ir/types';
import { opNamed } from '../ops/registry';
import { OPS } from '../ops/index';
import { definePass } from './define';
import { joinedPads } from './joined_pads';
import {
  applyRewrites,
  constantLike,
  fillOf,
  inputsOf,
  isFilledWith,
  numbers,
  scalar,
  type LocalRewrite,
} from './local';

const ELEMENTWISE = Object.values(OPS)
  .filter((op) => op.traits.elementwise === true && op.native === 'elementwise')
  .map((op) => op.name);

/** `x` where it has the type that the node's output must have: dropping an operand can lose a broadcast. */
function keeping(x: Value | undefined, type: TensorType): Value | undefined {
  return x && sameType(x.type, type) ? x : undefined;
}

/** Whichever of two operands of a commutative op is not filled with `number`. */
function beside(
  number: number,
  inputs: readonly Value[],
  type: TensorType,
  context: RewriteContext,
): Value | undefined {
  const [a, b] = inputs;
  if (isFilledWith(b, number, context)) return keeping(a, type);
  if (isFilledWith(a, number, context)) return keeping(b, type);
  return undefined;
}

/** Applies `map` to the operands; gives a new node if one changed and the result keeps its type. */
function withOperands(
  node: Node,
  context: RewriteContext,
  map: (input: Value) => TensorType | undefined,
  make: (input: Value) => Value,
): Value | undefined {
  const types = node.inputs.map((input) => map(input) ?? input.type);
  if (types.every((type, i) => type === node.inputs[i]?.type)) return undefined;
  const [inferred] = opNamed(node.op).infer(types, node.attrs);
  const [output] = node.outputs;
  if (!inferred || !output || !sameType(inferred, output.type)) return undefined;
  const inputs = node.inputs.map((input, i) => (types[i] === input.type ? input : make(input)));
  return context.op(node.op, inputs, node.attrs);
}

export const CANONICAL: readonly LocalRewrite[] = [
  // Arithmetic with neutral elements.
  {
    name: 'x + 0 → x',
    ops: ['add'],
    replace: ({ inputs, outputs: [y] }, context) => y && beside(0, inputs, y.type, context),
  },
  {
    name: 'x · 1 → x',
    ops: ['mul'],
    replace: ({ inputs, outputs: [y] }, context) => y && beside(1, inputs, y.type, context),
  },
  {
    name: 'x − 0 → x',
    ops: ['sub'],
    replace: ({ inputs: [x, c], outputs: [y] }, context) =>
      y && isFilledWith(c, 0, context) ? keeping(x, y.type) : undefined,
  },
  {
    name: 'x ÷ 1, x ^ 1 → x',
    ops: ['div', 'pow'],
    replace: ({ inputs: [x, c], outputs: [y] }, context) =>
      y && isFilledWith(c, 1, context) ? keeping(x, y.type) : undefined,
  },
  {
    name: 'x ^ 2 → x²',
    ops: ['pow'],
    replace: ({ inputs: [x, c], outputs: [y] }, context) =>
      x && y && isFilledWith(c, 2, context) && sameType(x.type, y.type) ? context.op('square', [x]) : undefined,
  },
  {
    name: 'x ÷ c → x · (1/c), where 1/c is exact',
    ops: ['div'],
    replace: ({ inputs: [x, c], outputs: [y] }, context) => {
      const divisor = fillOf(c && context.definition(c));
      if (!x || !c || y?.type.dtype !== 'f32' || divisor === undefined || !isPowerOfTwo(divisor)) return undefined;
      return context.op('mul', [x, constantOf(context, 1 / divisor, c)]);
    },
  },
  // Signs.
  {
    name: 'x · −1 → −x',
    ops: ['mul'],
    replace: ({ inputs, outputs: [y] }, context) => {
      const x = y && beside(-1, inputs, y.type, context);
      return x && context.op('neg', [x]);
    },
  },
  {
    name: '0 − x → −x',
    ops: ['sub'],
    replace: ({ inputs: [c, x], outputs: [y] }, context) => {
      const kept = y && isFilledWith(c, 0, context) ? keeping(x, y.type) : undefined;
      return kept && context.op('neg', [kept]);
    },
  },
  {
    name: '−(−x) → x, ¬(¬x) → x',
    ops: ['neg', 'not'],
    replace: ({ op, inputs: [x] }, context) => inputsOf(x, op, context)?.[0],
  },
  {
    name: 'x + (−z) → x − z',
    ops: ['add'],
    replace: ({ inputs: [a, b] }, context) => {
      const [right] = inputsOf(b, 'neg', context) ?? [];
      if (a && right) return context.op('sub', [a, right]);
      const [left] = inputsOf(a, 'neg', context) ?? [];
      return b && left && context.op('sub', [b, left]);
    },
  },
  {
    name: 'x − (−z) → x + z',
    ops: ['sub'],
    replace: ({ inputs: [a, b] }, context) => {
      const [z] = inputsOf(b, 'neg', context) ?? [];
      return a && z && context.op('add', [a, z]);
    },
  },
  // One spelling.
  {
    name: 'max(x, 0) → relu(x)',
    ops: ['maximum'],
    replace: ({ inputs, outputs: [y] }, context) => {
      const x = y && beside(0, inputs, y.type, context);
      return x && x.type.dtype !== 'u8' ? context.op('relu', [x]) : undefined;
    },
  },
  {
    name: 'relu(relu(x)) → relu(x), |(|x|)| → |x|',
    ops: ['relu', 'abs'],
    replace: ({ op, inputs: [x] }, context) => (inputsOf(x, op, context) ? x : undefined),
  },
  {
    name: 'where(constant, a, b) → a or b',
    ops: ['where'],
    replace: ({ inputs: [condition, a, b], outputs: [y] }, context) => {
      const fill = fillOf(condition && context.definition(condition));
      if (fill === undefined || !y) return undefined;
      return keeping(fill !== 0 ? a : b, y.type);
    },
  },
  // Casts and views.
  {
    // Gradients have been made by now.
    name: 'stop_gradient(x), scale_gradient(x), clip_gradient(x) → x',
    ops: ['stop_gradient', 'scale_gradient', 'clip_gradient'],
    replace: ({ inputs: [x] }) => x,
  },
  {
    name: 'cast to its own dtype, reshape to its own shape → x',
    ops: ['cast', 'reshape', 'broadcast_to'],
    replace: ({ inputs: [x], outputs: [y] }) => y && keeping(x, y.type),
  },
  {
    // Nothing is lost on the way.
    name: 'cast of x, bf16, to f32 and back → x',
    ops: ['cast'],
    replace: ({ inputs: [wide], outputs: [y] }, context) => {
      const [x] = (wide?.type.dtype === 'f32' && inputsOf(wide, 'cast', context)) || [];
      return x?.type.dtype === 'bf16' ? y && keeping(x, y.type) : undefined;
    },
  },
  {
    name: 'reshape(reshape(x)) → reshape(x)',
    ops: ['reshape', 'broadcast_to'],
    replace: ({ op, inputs: [x], attrs }, context) => {
      const [from] = inputsOf(x, op, context) ?? [];
      return from && context.op(op, [from], attrs);
    },
  },
  {
    name: 'a movement of a filled constant → a filled constant',
    ops: ['reshape', 'broadcast_to', 'transpose', 'slice'],
    replace: ({ inputs: [x], outputs: [y] }, context) => {
      const fill = fillOf(x && context.definition(x));
      return y && fill !== undefined ? constantLike(context, fill, y) : undefined;
    },
  },
  {
    name: 'transpose(transpose(x)) → transpose(x)',
    ops: ['transpose'],
    replace: ({ inputs: [x], attrs }, context) => {
      const inner = x && context.definition(x);
      if (inner?.op !== 'transpose') return undefined;
      const perm = numbers(inner.attrs.perm);
      return context.op('transpose', inner.inputs, { perm: numbers(attrs.perm).map((axis) => perm[axis] as number) });
    },
  },
  {
    name: 'transpose in order → x',
    ops: ['transpose'],
    replace: ({ inputs: [x], attrs }) => (numbers(attrs.perm).every((axis, i) => axis === i) ? x : undefined),
  },
  {
    name: 'transpose that only moves axes of extent 1 → reshape',
    ops: ['transpose'],
    replace: ({ inputs: [x], outputs: [y], attrs }, context) => {
      const moved = numbers(attrs.perm).filter((axis) => x?.type.shape[axis] !== 1);
      const inOrder = moved.every((axis, i) => i === 0 || axis > (moved[i - 1] as number));
      return x && y && inOrder ? context.op('reshape', [x], { shape: y.type.shape }) : undefined;
    },
  },
  {
    name: 'slice of everything, concat of one, pad by nothing → x',
    ops: ['slice', 'concat', 'pad'],
    replace: ({ op, inputs, outputs: [y], attrs }) => {
      if (!y || inputs.length !== 1) return undefined;
      // A reversal-free slice or a pad that keeps the shape keeps every element, as extents only shrink or only grow.
      const unmoved = op !== 'pad' || [...numbers(attrs.low), ...numbers(attrs.high)].every((extent) => extent === 0);
      return unmoved ? keeping(inputs[0], y.type) : undefined;
    },
  },
  {
    name: 'reduction over nothing or over extents of 1 → reshape',
    ops: ['reduce_sum', 'reduce_max', 'reduce_min', 'reduce_prod'],
    replace: ({ inputs: [x], outputs: [y] }, context) =>
      x && y && isAsMany(x, y) && x.type.dtype === y.type.dtype
        ? context.op('reshape', [x], { shape: y.type.shape })
        : undefined,
  },
  {
    name: 'pad(x) + pad(z) + …, side by side → concat(x, z, …)',
    ops: ['add'],
    replace: (node, context) => joinedPads(node, context),
  },
  {
    name: 'concat(concat(x, y), z) → concat(x, y, z)',
    ops: ['concat'],
    replace: ({ inputs, attrs }, context) => {
      const parts = inputs.map((input) => {
        const inner = context.uses(input) === 1 ? context.definition(input) : undefined;
        return inner?.op === 'concat' && inner.attrs['axis'] === attrs['axis'] ? inner.inputs : [input];
      });
      return parts.every(({ length }) => length === 1) ? undefined : context.op('concat', parts.flat(), attrs);
    },
  },
  // Element-wise ops broadcast by themselves.
  {
    name: 'f(broadcast_to(x)) → f(x)',
    ops: ELEMENTWISE,
    replace: (node, context) => {
      const source = (input: Value): Value | undefined => inputsOf(input, 'broadcast_to', context)?.[0];
      return withOperands(
        node,
        context,
        (input) => source(input)?.type,
        (input) => source(input) ?? input,
      );
    },
  },
  {
    name: 'f(filled constant) → f(scalar)',
    ops: ELEMENTWISE,
    replace: (node, context) => {
      const fill = (input: Value): number | undefined =>
        input.type.shape.length > 0 ? fillOf(context.definition(input)) : undefined;
      return withOperands(
        node,
        context,
        (input) => (fill(input) === undefined ? undefined : { dtype: input.type.dtype, shape: [] }),
        (input) => scalar(context, fill(input) ?? 0, input.type.dtype),
      );
    },
  },
  // Products take transposed operands as they are.
  {
    name: 'matmul(transpose(a), b) → matmul(a, b) {transpose_a}',
    ops: ['matmul'],
    replace: ({ inputs: [a, b, ...bias], attrs }, context) => {
      const left = a && swapped(a, context);
      const right = b && swapped(b, context);
      if (!a || !b || (!left && !right)) return undefined;
      return context.op('matmul', [left ?? a, right ?? b, ...bias], {
        ...attrs,
        transpose_a: (attrs.transpose_a === true) !== (left !== undefined),
        transpose_b: (attrs.transpose_b === true) !== (right !== undefined),
      });
    },
  },
];

/** x of a transpose that swaps the last two axes and nothing else. */
function swapped(value: Value, context: RewriteContext): Value | undefined {
  const node = context.definition(value);
  if (node?.op !== 'transpose') return undefined;
  const perm = numbers(node.attrs.perm);
  const wanted = perm.map((_, i) => (i < perm.length - 2 ? i : 2 * perm.length - 3 - i));
  return sameShape(perm, wanted) ? node.inputs[0] : undefined;
}

function constantOf(context: RewriteContext, fill: number, like: Value): Value {
  return context.intermediate('constant', [], { dtype: like.type.dtype, shape: like.type.shape, values: [fill] });
}

function isPowerOfTwo(x: number): boolean {
  const exponent = Math.log2(Math.abs(x));
  return Number.isInteger(exponent) && Math.abs(exponent) < 126;
}

export const canonicalize = definePass({
  name: 'canonicalize',
  doc: 'Removes no-ops, joins movements and casts, makes filled constants scalars and spellings one.',
  run: (graph) => applyRewrites(graph, CANONICAL),
});

/** Neither has nothing. */
function isAsMany(x: Value, y: Value): boolean {
  return elementCount(x.type.shape) === elementCount(y.type.shape) && elementCount(x.type.shape) > 0;
}
