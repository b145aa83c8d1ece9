/** Matrix products and convolutions. */
import { InternalError } from '../../../../diagnostics/errors';
import type { Node, Value } from '../../../../ir/graph';
import { booleanAttr, integerAttr, integersAttr } from '../../../../ops/attributes';
import { Untranslatable, type Emitter, type Ref } from '../emitter';
import type { Translations } from '../translate';

export const products: Translations = { matmul, conv, conv_grad_input: transposedConv };

function matmul(node: Node, e: Emitter): Ref {
  const [a, b, bias] = node.inputs;
  const transposed = [booleanAttr(node.attrs, 'transpose_a'), booleanAttr(node.attrs, 'transpose_b')] as const;
  const flat = a!.type.shape.length === 2 && b!.type.shape.length === 2;
  if (flat && (bias ?? (transposed[0] || transposed[1]))) {
    const operands = [e.ref(a!), e.ref(b!), bias && e.ref(bias)];
    const flags = { ...(transposed[0] && { transA: 1 }), ...(transposed[1] && { transB: 1 }) };
    return activated(node, e, e.op('Gemm', operands, flags));
  }
  const left = transposed[0] ? turned(a!, e) : e.ref(a!);
  const right = transposed[1] ? turned(b!, e) : e.ref(b!);
  const product = e.op('MatMul', [left, right]);
  return activated(node, e, bias ? e.op('Add', [product, e.ref(bias)]) : product);
}

/** With its last two axes exchanged; weights that nobody else reads are stored so. */
function turned(value: Value, e: Emitter): Ref {
  const { shape } = value.type;
  const rank = shape.length;
  const tensor = e.known(value);
  if (tensor && rank === 2 && e.isReadOnce(value)) {
    const [rows, columns] = [shape[0]!, shape[1]!];
    const data = tensor.data.slice();
    for (let i = 0; i < data.length; i++) data[(i % columns) * rows + Math.floor(i / columns)] = tensor.data[i]!;
    return e.stored(tensor.name, tensor.dtype, [columns, rows], data);
  }
  const perm = shape.map((_, axis) => (axis < rank - 2 ? axis : 2 * rank - 3 - axis));
  return e.op('Transpose', [e.ref(value)], { perm });
}

function activated(node: Node, e: Emitter, y: Ref): Ref {
  const { activation } = node.attrs;
  if (activation === undefined) return y;
  if (activation !== 'relu') throw new InternalError(`no such activation: ${JSON.stringify(activation)}`);
  return e.op('Relu', [y]);
}

/** What convolution and its transpose have alike. */
function windowOf(node: Node, weight: Value) {
  const [low, high] = [integersAttr(node.attrs, 'padding_low'), integersAttr(node.attrs, 'padding_high')];
  if ([...low, ...high].some((each) => each < 0)) throw new Untranslatable('cuts its input off by a negative padding');
  return {
    kernel_shape: weight.type.shape.slice(2),
    strides: integersAttr(node.attrs, 'stride'),
    dilations: integersAttr(node.attrs, 'dilation'),
    group: integerAttr(node.attrs, 'groups'),
    pads: [...low, ...high],
  };
}

function conv(node: Node, e: Emitter): Ref {
  const inputs = node.inputs.map((input) => e.ref(input));
  return activated(node, e, e.op('Conv', inputs, windowOf(node, node.inputs[1]!)));
}

/** Rows that no window reaches are the padding of the output. */
function transposedConv(node: Node, e: Emitter): Ref {
  const [dy, w] = node.inputs;
  const window = windowOf(node, w!);
  const shape = node.outputs[0]!.type.shape.slice(2);
  const output_padding = shape.map((extent, axis) => {
    const reach = (window.kernel_shape[axis]! - 1) * window.dilations[axis]! + 1;
    const made = window.strides[axis]! * (dy!.type.shape[axis + 2]! - 1) + reach;
    return extent - made + window.pads[axis]! + window.pads[axis + shape.length]!;
  });
  return e.op('ConvTranspose', [e.ref(dy!), e.ref(w!)], { ...window, output_padding });
}
