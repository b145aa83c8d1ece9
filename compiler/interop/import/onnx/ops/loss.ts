/** Losses as part of a graph: what training scripts leave behind in the models that they export. */
import { ELEM } from '../../../formats/onnx/types';
import type { Emitter } from '../emitter';
import { refuse, type Handler, type Handlers, type Node } from '../node';
import type { Value } from '../value';
import { softmax } from './norm';

interface Picking {
  /** Logarithms of probabilities, [N, C, …]. */
  readonly scores: Value;
  /** Classes, [N, …]. */
  readonly target: Value;
  /** One for each class. */
  readonly weight: Value | undefined;
}

/** What the right classes' logarithms make, by the weights of those classes, brought together as the node says. */
function picked(node: Node, { scores, target, weight }: Picking): Value {
  const { e } = node;
  const [samples, classes, ...rest] = scores.shape as [number, number, ...number[]];
  if (target.shape.join() !== [samples, ...rest].join())
    refuse(`takes classes of [${e.show(target.shape)}] for scores of [${e.show(scores.shape)}]`);
  const ignored = node.has('ignore_index') ? node.int('ignore_index', 0) : undefined;
  const whole = e.index(target);
  const inside = { ...whole, elem: target.elem };
  // The place of what is ignored may be outside of the classes.
  const safe =
    ignored === undefined || (ignored >= 0 && ignored < classes)
      ? inside
      : { ...e.expr(`where(x == ${ignored}, 0, x)`, [inside], target.elem), dtype: whole.dtype };
  const at = e.reshape(safe, [samples, 1, ...rest]);
  const chosen = e.reshape(e.layer('gather_elements', [scores, at], {}, { shape: at.shape }), target.shape);
  const weights =
    weight &&
    e.layer('gather', [e.float(weight), safe], { axis: 0, batch_dims: 0 }, { shape: target.shape, elem: scores.elem });
  const counted = ignored === undefined ? weights : masked(e, ignored, inside, weights);
  const losses = counted === undefined ? e.unary('neg', chosen) : e.expr('-a * b', [chosen, counted]);
  const all = target.shape.map((_, axis) => axis);
  const sum = (value: Value): Value => e.reduce('reduce_sum', value, all, false);
  const how = node.text('reduction', 'mean');
  if (how === 'none') return losses;
  if (how === 'sum') return sum(losses);
  if (how !== 'mean') refuse(`has the reduction ${how}`);
  return counted === undefined
    ? e.reduce('reduce_mean', losses, all, false)
    : e.merge('div', [sum(losses), sum(counted)]);
}

/** The weights, 0 where the class is the ignored one. */
function masked(e: Emitter, ignored: number, target: Value, weights: Value | undefined): Value {
  const differs = e.layer('not_equal', [target], { value: ignored }, { shape: target.shape, elem: ELEM.bool });
  const mask = e.cast(differs, ELEM.float);
  return weights === undefined ? mask : e.merge('mul', [weights, mask]);
}

const nll: Handler = (node) => {
  const [scores, target] = [node.e.float(node.in(0)), node.in(1)];
  return { ...picked(node, { scores, target, weight: node.maybe(2) }), elem: node.in(0).elem };
};

const crossEntropy: Handler = (node) => {
  const { e } = node;
  const { elem } = node.in(0);
  const scores = softmax(e, 'log_softmax', e.float(node.in(0)), 1);
  const loss = picked(node, { scores, target: node.in(1), weight: node.maybe(2) });
  return [
    { ...loss, elem },
    { ...scores, elem },
  ];
};

export const LOSSES: Handlers = { NegativeLogLikelihoodLoss: nll, SoftmaxCrossEntropyLoss: crossEntropy };
