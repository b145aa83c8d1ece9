/**
 * Packs the weights of convolutions and matrix products by ops of their own where they stay the same, instead of in every
 * run of the kernel: in graphs that change no state, what depends on weights alone is computed once; and a matrix that a
 * loop multiplies with in each step is packed once before the loop, in training too. So is the right side of a product of
 * many rows, which its kernel would pack again for each block of them.
 */
import type { Builder } from '../ir/builder';
import type { Attrs, Node, Value } from '../ir/graph';
import { fixedValues, rewriteNodes, type RewriteContext } from '../ir/rewrite';
import { bytesOf, elementCount } from '../ir/types';
import { MOST_DEPTH } from '../ops/fused_matmul';
import { sharedAttrs } from '../ops/families/convolution';
import { scanParts, type ScanParts } from '../ops/families/regions';
import { definePass } from './define';

/** Packing takes as long as a step's own; that has to be worth the memory. */
const LEAST_STEPS = 4;

/** A product of so many rows, in sums that `fuse_updates` does not want, has blocks enough; a copy stays in bounds. */
const LEAST_ROWS = 256;
const MOST_BYTES = 2 ** 26;

type Fixed = ReadonlySet<Value>;

export const pack_weights = definePass({
  name: 'pack_weights',
  doc: 'Packs the weights of convolutions and matrix products apart from them, where they do not change or one product would pack them many times.',
  run(graph) {
    const fixed: Fixed = graph.updates.length > 0 ? new Set() : fixedValues(graph);
    const packings = new Map<string, Value>();
    return rewriteNodes(graph, (node, context) => {
      if (node.op === 'scan') return packedLoop(node, fixed, context.b);
      if (node.attrs['weight_shape'] !== undefined) return undefined;
      if (node.op === 'conv') return packedConv(node, fixed, context);
      return node.op === 'matmul' ? packedProduct(node, fixed, packings, context) : undefined;
    });
  },
});

function packedConv({ inputs, attrs, outputs }: Node, fixed: Fixed, context: RewriteContext): Value | undefined {
  const [x, w, ...rest] = inputs;
  const [y] = outputs;
  if (!x || !w || !y || !fixed.has(w)) return undefined;
  // Kernels of depthwise convolutions take weights as they are.
  if (w.type.shape[1] === 1 && attrs['groups'] === w.type.shape[0]) return undefined;
  const packed = context.intermediate('pack_conv_weights', [w], {
    ...sharedAttrs(attrs),
    ...(attrs['layout'] !== undefined && { layout: attrs['layout'] }),
    ...(x.type.dtype === 'bf16' && { dtype: x.type.dtype }),
    input_shape: x.type.shape,
  });
  return context.op('conv', [x, packed, ...rest], { ...attrs, weight_shape: w.type.shape });
}

function packedProduct(
  node: Node,
  fixed: Fixed,
  packings: Map<string, Value>,
  context: RewriteContext,
): Value | undefined {
  const [x, w, ...rest] = node.inputs;
  if (!x || !w || !isPackable(node) || !(fixed.has(w) || isTall(x, w, node.attrs))) return undefined;
  const attrs = packingOf(node);
  // Gradients of several products of one value are made one after the other.
  const key = JSON.stringify([w.name, attrs]);
  const packed = packings.get(key) ?? context.intermediate('pack_matmul_weights', [w], attrs);
  packings.set(key, packed);
  return context.op('matmul', [x, packed, ...rest], { ...node.attrs, weight_shape: w.type.shape });
}

/** A product with one matrix for the whole batch, of values that the kernel packs. */
function isPackable({ op, inputs: [x, w], attrs }: Node): boolean {
  const dtypes = [x?.type.dtype, w?.type.dtype];
  if (op !== 'matmul' || w?.type.shape.length !== 2 || attrs['weight_shape'] !== undefined) return false;
  return dtypes.every((dtype) => dtype === 'f32' || dtype === 'bf16');
}

function isTall({ type: { shape } }: Value, w: Value, { transpose_a: turned }: Attrs): boolean {
  const [last = 0, before] = [shape.at(-1), shape.slice(0, -1)];
  const [rows, depth] = turned === true ? [last, before.at(-1) ?? 0] : [elementCount(before), last];
  return rows >= LEAST_ROWS && depth > MOST_DEPTH && bytesOf(w.type) <= MOST_BYTES;
}

/** Attributes of the packing op. */
function packingOf({ inputs, attrs }: Node): Attrs {
  const bf16 = inputs.slice(0, 2).some(({ type }) => type.dtype === 'bf16');
  return { transpose_b: attrs['transpose_b'] === true, ...(bf16 ? { dtype: 'bf16' } : {}) };
}

function packedLoop(node: Node, fixed: Fixed, b: Builder): readonly Value[] | undefined {
  const parts = scanParts(node);
  const wholeOf = ({ inputs }: Node): Value => parts.consts[parts.constInputs.indexOf(inputs[1] as Value)] as Value;
  const worthIt = (each: Node): boolean => parts.length >= LEAST_STEPS || fixed.has(wholeOf(each));
  const products = parts.body.nodes.filter(
    (each) => isPackable(each) && parts.constInputs.includes(each.inputs[1] as Value) && worthIt(each),
  );
  if (products.length === 0) return undefined;
  const names = namesOf(parts);
  const packings = new Map<string, { readonly outer: Value; readonly inner: Value }>();
  const packedOf = (product: Node): Value => {
    const weight = product.inputs[1] as Value;
    const attrs = packingOf(product);
    const key = JSON.stringify([weight.name, attrs]);
    const known = packings.get(key);
    if (known) return known.inner;
    const whole = wholeOf(product);
    const outer = b.op('pack_matmul_weights', [whole], attrs, `${whole.name}.packed`);
    const inner = { name: names(`${weight.name}.packed`), type: outer.type };
    packings.set(key, { outer, inner });
    return inner;
  };
  const replaced = new Map(
    products.map((product): [Node, Node] => {
      const [x, weight, ...rest] = product.inputs as readonly [Value, Value, ...Value[]];
      const attrs = { ...product.attrs, weight_shape: weight.type.shape };
      return [product, { ...product, inputs: [x, packedOf(product), ...rest], attrs }];
    }),
  );
  const nodes = parts.body.nodes.map((each) => replaced.get(each) ?? each);
  // Matrices that nobody reads as they are any more stay outside.
  const read = new Set([...nodes.flatMap(({ inputs }) => inputs), ...parts.body.results.map(({ value }) => value)]);
  const kept = parts.constInputs.map((input) => read.has(input));
  const made = [...packings.values()];
  const inputs = [...made.map(({ inner }) => inner), ...parts.body.inputs.filter((_, i) => kept[i] !== false)];
  const operands = [...made.map(({ outer }) => outer), ...node.inputs.filter((_, i) => kept[i] !== false)];
  const attrs = { ...node.attrs, consts: made.length + kept.filter(Boolean).length };
  return b.ops('scan', operands, attrs, node.outputs[0]?.name, [{ ...parts.body, inputs, nodes }]);
}

/** Gives names that the body does not have yet. */
function namesOf({ body }: ScanParts): (wanted: string) => string {
  const taken = new Set([...body.inputs, ...body.nodes.flatMap(({ outputs }) => outputs)].map(({ name }) => name));
  return (wanted) => {
    let name = wanted;
    for (let i = 1; taken.has(name); i++) name = `${wanted}_${i}`;
    taken.add(name);
    return name;
  };
}
