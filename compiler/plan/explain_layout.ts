/**
 * Why the images of a step lie as they do, for `dlc compile --explain`: what its kernel is expected to take either way
 * (costs.ts). A region has one order, so that a kernel may have the slower one for the sake of its neighbours.
 */
import type { Shape } from '../ir/types';
import { integersAttr } from '../ops/attributes';
import { channelsFirst, isChannelsLast } from '../ops/families/layout';
import { convolutionCosts, type ConvolutionOp } from './costs';
import type { PlanBlock, PlanStep } from './plan';

/** The position of the convolution's output and of its weights: inputs from 0 on, the result behind them. */
const PLACES: Readonly<Record<ConvolutionOp, { readonly y: 'result' | number; readonly w: 'result' | number }>> = {
  conv: { y: 'result', w: 1 },
  conv_grad_input: { y: 0, w: 1 },
  conv_grad_weight: { y: 1, w: 'result' },
};

function isConvolution(op: string): op is ConvolutionOp {
  return Object.hasOwn(PLACES, op);
}

/** Undefined for kernels whose speed is the same. */
export function whyLayout(block: PlanBlock, step: PlanStep): string | undefined {
  const { op, attrs } = step;
  if (op === 'transpose') return whyTurned(integersAttr(attrs, 'perm'));
  if (!isConvolution(op)) return undefined;
  const shapeAt = (place: 'result' | number): Shape => {
    const tensor = place === 'result' ? step.outputs[0] : step.inputs[place];
    return block.tensors[tensor ?? -1]?.shape ?? [];
  };
  const last = isChannelsLast(attrs);
  const { y, w } = PLACES[op];
  const output = last ? channelsFirst(shapeAt(y)) : shapeAt(y);
  const weight = attrs['weight_shape'] === undefined ? shapeAt(w) : integersAttr(attrs, 'weight_shape');
  const costs = convolutionCosts(op, output, weight, attrs, block.tensors[step.outputs[0] ?? -1]?.dtype === 'bf16');
  const [own, other] = last ? [costs.last, costs.first] : [costs.first, costs.last];
  const sake = own > other ? ': for the sake of what is around it' : '';
  return `channels ${last ? 'last' : 'first'}, ${times(own)} expected instead of ${times(other)}${sake}`;
}

function whyTurned(perm: readonly number[]): string | undefined {
  const axes = perm.map((_, axis) => axis);
  const isLast = channelsFirst(perm).every((axis, i) => axis === axes[i]);
  if (perm.length < 3 || perm.length > 5) return undefined;
  if (isLast) return 'what comes has channels first, what follows takes them last';
  return channelsFirst(axes).every((axis, i) => axis === perm[i])
    ? 'what comes has channels last, what follows takes them first'
    : undefined;
}

function times(seconds: number): string {
  return seconds < 1e-3 ? `${(seconds * 1e6).toPrecision(2)} µs` : `${(seconds * 1e3).toPrecision(3)} ms`;
}
