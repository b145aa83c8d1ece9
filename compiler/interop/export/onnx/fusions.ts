/** What ONNX has one operator for, and we compose: activations, means. Steps that nobody reads any more are left out. */
import type { Node } from '../../../ir/graph';
import { sameShape } from '../../../ir/types';
import { booleanAttr, integersAttr } from '../../../ops/attributes';
import type { Emitter, MadeNode, Ref } from './emitter';
import { matchNode, number, op, type Composition, type Match } from './pattern';

interface Fusion {
  readonly onnx: string;
  /** The version of the operators that it came with, where that is above the lowest that we write. */
  readonly since?: number;
  readonly pattern: Composition;
  /** What it takes, by name; `x` has the shape of the result. */
  readonly inputs: readonly string[];
  readonly attributes?: (numbers: Match['numbers']) => MadeNode['attributes'];
}

/** Of a share of 1 that has been through float32. */
const CLOSE = 1e-6;

const float = (value: number | undefined) => ({ float: value ?? 0 });

const positive = op('greater', 'x', 0);
/** eˣ − 1 below 0. */
const exponential = op('expm1', op('where', positive, 0, 'x'));
const softplus = op('add', op('relu', 'x'), op('log1p', op('exp', op('neg', op('abs', 'x')))));
const hardSigmoid = op('clamp', op('add', op('mul', 'x', number('alpha')), number('beta')), 0, 1);
const sixth = op('clamp', op('add', op('mul', 'x', 1 / 6), 0.5), 0, 1);
const cubic = op('add', 'x', op('mul', op('mul', op('square', 'x'), 'x'), 0.044715));
const gelu = (inner: Composition): Composition => op('mul', op('mul', 'x', 0.5), op('add', inner, 1));

/** The larger ones first. */
const FUSIONS: readonly Fusion[] = [
  { onnx: 'Gelu', since: 20, pattern: gelu(op('erf', op('mul', 'x', Math.SQRT1_2))), inputs: ['x'] },
  {
    ...{ onnx: 'Gelu', since: 20, inputs: ['x'], attributes: () => ({ approximate: 'tanh' }) },
    pattern: gelu(op('tanh', op('mul', cubic, Math.sqrt(2 / Math.PI)))),
  },
  { onnx: 'Mish', pattern: op('mul', 'x', op('tanh', softplus)), inputs: ['x'] },
  { onnx: 'HardSwish', pattern: op('mul', 'x', sixth), inputs: ['x'] },
  {
    ...{ onnx: 'HardSigmoid', pattern: hardSigmoid, inputs: ['x'] },
    attributes: ({ alpha, beta }) => ({ alpha: float(alpha), beta: float(beta) }),
  },
  {
    onnx: 'Selu',
    pattern: op('mul', op('where', positive, 'x', op('mul', exponential, number('alpha'))), number('gamma')),
    inputs: ['x'],
    attributes: ({ alpha, gamma }) => ({ alpha: float(alpha), gamma: float(gamma) }),
  },
  { onnx: 'Elu', pattern: op('where', positive, 'x', exponential), inputs: ['x'] },
  {
    onnx: 'Elu',
    pattern: op('where', positive, 'x', op('mul', exponential, number('alpha'))),
    inputs: ['x'],
    attributes: ({ alpha }) => ({ alpha: float(alpha) }),
  },
  {
    onnx: 'LeakyRelu',
    pattern: op('where', positive, 'x', op('mul', 'x', number('alpha'))),
    inputs: ['x'],
    attributes: ({ alpha }) => ({ alpha: float(alpha) }),
  },
  { onnx: 'PRelu', pattern: op('where', positive, 'x', op('mul', 'x', 'slope')), inputs: ['x', 'slope'] },
  { onnx: 'Softplus', pattern: softplus, inputs: ['x'] },
  { onnx: 'Softsign', pattern: op('div', 'x', op('add', op('abs', 'x'), 1)), inputs: ['x'] },
];

/** The result has the shape of x: a slope is spread over it and not the other way round. */
function fits(node: Node, { values }: Match): boolean {
  return sameShape(values['x']!.type.shape, node.outputs[0]!.type.shape);
}

/** The one operator for what the node is the last step of. */
export function fused(node: Node, e: Emitter): Ref | undefined {
  const { dtype } = node.outputs[0]!.type;
  if (dtype !== 'f32') return undefined;
  for (const { onnx, since = 0, pattern, inputs, attributes } of FUSIONS) {
    const match = matchNode(pattern, node, e);
    if (!match || !fits(node, match) || !e.needs(since)) continue;
    return e.op(
      onnx,
      inputs.map((name) => e.ref(match.values[name]!)),
      attributes?.(match.numbers),
    );
  }
  return node.op === 'mul' ? mean(node, e) : undefined;
}

/** A sum that is multiplied by one over how many there are, at every batch size. */
function mean(node: Node, e: Emitter): Ref | undefined {
  const [sum, share] = node.inputs.map((input) => e.definition(input));
  const [reduction, constant] = sum?.op === 'reduce_sum' ? [sum, share] : [share, sum];
  if (reduction?.op !== 'reduce_sum' || constant?.op !== 'constant') return undefined;
  const axes = integersAttr(reduction.attrs, 'axes');
  const isMean = [
    [reduction, constant],
    [e.extents.other(reduction), e.extents.other(constant)],
  ].every(([whole, part]) => {
    const { shape } = whole!.inputs[0]!.type;
    const count = axes.reduce((product, axis) => product * shape[axis]!, 1);
    const factors = part!.attrs['values'] as readonly number[];
    return factors.length === 1 && Math.abs(factors[0]! * count - 1) < CLOSE;
  });
  if (!isMean || axes.length === 0) return undefined;
  const [x] = reduction.inputs;
  const keepdims = booleanAttr(reduction.attrs, 'keepdims');
  const { shape } = x!.type;
  const isPool = keepdims && shape.length > 2 && axes.length === shape.length - 2 && axes.every((axis) => axis > 1);
  if (isPool) return e.op('GlobalAveragePool', [e.ref(x!)]);
  return e.op('ReduceMean', [e.ref(x!), e.integers(axes)], { keepdims: keepdims ? 1 : 0 });
}
