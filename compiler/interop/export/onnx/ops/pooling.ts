/** Windows over images: maxima and averages; the normalization across channels. */
import type { Node } from '../../../../ir/graph';
import { elementCount } from '../../../../ir/types';
import { booleanAttr, integerAttr, integersAttr, numberAttr } from '../../../../ops/attributes';
import type { Emitter, Ref } from '../emitter';
import type { Translations } from '../translate';

export const pooling: Translations = { max_pool: maxPool, avg_pool: averagePool, lrn };

function windowOf(node: Node) {
  const [low, high] = [integersAttr(node.attrs, 'padding_low'), integersAttr(node.attrs, 'padding_high')];
  return {
    kernel_shape: integersAttr(node.attrs, 'kernel'),
    strides: integersAttr(node.attrs, 'stride'),
    pads: [...low, ...high],
  };
}

/** Ours counts within a plane, ONNX from the first plane of the first sample on. */
function maxPool(node: Node, e: Emitter): (Ref | undefined)[] {
  const [x] = node.inputs;
  if (!e.uses.has(node.outputs[1]!)) return [e.op('MaxPool', [e.ref(x!)], windowOf(node)), undefined];
  const [y, at] = e.ops('MaxPool', [e.ref(x!)], windowOf(node), 2);
  const plane = elementCount(x!.type.shape.slice(2));
  return [y, e.cast(e.op('Mod', [at!, e.scalar('i64', plane)]), 'i32')];
}

/** What a window's sum is divided by differs from one to the next where it reaches over the border. */
function averagePool(node: Node, e: Emitter): Ref {
  const x = e.input(node, 0);
  const window = windowOf(node);
  const overhang = integersAttr(node.attrs, 'overhang');
  const include = booleanAttr(node.attrs, 'count_include_pad');
  const divisor = node.attrs['divisor'] === undefined ? undefined : numberAttr(node.attrs, 'divisor');
  const plain = divisor === undefined && (!include || overhang.every((extent) => extent === 0));
  if (plain) return e.op('AveragePool', [x], { ...window, ...(include && { count_include_pad: 1 }) });
  const means = e.op('AveragePool', [x], { ...window, count_include_pad: 1 });
  const area = elementCount(window.kernel_shape);
  if (divisor !== undefined) return e.op('Mul', [means, e.scalar('f32', area / divisor)]);
  return e.op('Mul', [means, shareMap(node, e, area, overhang)]);
}

/** For each window its area by how much of it lies within the padded image. */
function shareMap(node: Node, e: Emitter, area: number, overhang: readonly number[]): Ref {
  const { kernel_shape: kernel, strides, pads } = windowOf(node);
  const extents = node.inputs[0]!.type.shape.slice(2);
  const outputs = node.outputs[0]!.type.shape.slice(2);
  const counts = outputs.map((count, axis) => {
    const end = extents[axis]! + pads[axis]! + pads[axis + extents.length]! - overhang[axis]!;
    return Array.from({ length: count }, (_, i) => Math.min(kernel[axis]!, end - i * strides[axis]!));
  });
  const products = counts.reduce<number[]>((before, axis) => before.flatMap((a) => axis.map((b) => a * b)), [1]);
  const shares = products.map((count) => area / count);
  return e.constant('f32', [1, 1, ...outputs], shares, `${node.origin.layer}/shares`);
}

/**
 * LRN of ONNX is for images; its even windows reach one channel further ahead, ours one further back, and runtimes refuse
 * them. What LRN can't say is a sum of shifted squares.
 */
function lrn(node: Node, e: Emitter): Ref {
  const size = integerAttr(node.attrs, 'size');
  const [alpha, beta, k] = ['alpha', 'beta', 'k'].map((name) => numberAttr(node.attrs, name)) as [
    number,
    number,
    number,
  ];
  const x = e.input(node, 0);
  const { shape, dtype } = node.inputs[0]!.type;
  if (size % 2 === 1 && shape.length === 4) {
    return e.op('LRN', [x], { size, alpha: { float: alpha }, beta: { float: beta }, bias: { float: k } });
  }
  const borders = e.integers([Math.floor(size / 2), Math.floor((size - 1) / 2)]);
  const squares = e.op('Pad', [e.op('Mul', [x, x]), borders, e.scalar(dtype, 0), e.integers([1])]);
  const shifted = Array.from({ length: size }, (_, i) =>
    e.op('Slice', [squares, e.integers([i]), e.integers([i + shape[1]!]), e.integers([1])]),
  );
  const sum = e.op('Sum', shifted);
  const base = e.op('Add', [e.op('Mul', [sum, e.scalar(dtype, alpha / size)]), e.scalar(dtype, k)]);
  return e.op('Div', [x, e.op('Pow', [base, e.scalar(dtype, beta)])]);
}
