/** What detectors end in: the best of boxes that overlap, and regions of feature maps. */
import type { Node } from '../../../../ir/graph';
import { booleanAttr, integerAttr, numberAttr } from '../../../../ops/attributes';
import type { Emitter, Ref } from '../emitter';
import type { Extent } from '../extents';
import type { Translations } from '../translate';
import { productOf } from './indexing';

export const detection: Translations = { non_max_suppression: suppression, roi_align: regions };

const NEVER = -Infinity;

/**
 * NonMaxSuppression lists what is kept in no order that helps, and as many as there are: scores of the others become −∞,
 * and the best of all classes are taken by TopK, which orders equal scores by class, then place.
 */
function suppression(node: Node, e: Emitter): Ref[] {
  const { attrs } = node;
  const most = integerAttr(attrs, 'max_outputs');
  const [boxes, scores] = node.inputs;
  const [batch, classes, count] = e.extents.shape(scores!) as [Extent, number, number];
  const joint = booleanAttr(attrs, 'joint') && classes > 1;
  const candidates = bestOf(node, e, e.ref(scores!), classes, count);
  const all = classes * count;
  const shape = joint ? [batch, 1, all] : [batch, classes, count];
  const listed = joint ? e.reshape(candidates, [batch, classes, count], shape) : candidates;
  const each = joint
    ? e.op(
        'Concat',
        Array.from({ length: classes }, () => e.ref(boxes!)),
        { axis: 1 },
      )
    : e.ref(boxes!);
  const kept = e.op('NonMaxSuppression', [
    each,
    listed,
    e.integers([Math.min(most, joint ? all : count)]),
    e.constant('f32', [1], [numberAttr(attrs, 'iou_threshold')]),
    e.constant('f32', [1], [numberAttr(attrs, 'score_threshold')]),
  ]);
  // Rows of (sample, class, box) into a field of what is there at all.
  const values = e.op('GatherND', [listed, kept]);
  const nothing = e.filled('f32', shape, NEVER);
  const field = e.op('ScatterND', [nothing, kept, values]);
  const flat = e.reshape(field, shape, [batch, all]);
  const taken = Math.min(most, all);
  const [best, places] = e.ops('TopK', [flat, e.integers([taken])], { axis: 1 }, 2) as [Ref, Ref];
  const there = e.op('Greater', [best, e.scalar('f32', NEVER)]);
  const widened = (ref: Ref): Ref => {
    const whole = e.cast(e.op('Where', [there, ref, e.scalar('i64', -1)]), 'i32');
    if (taken === most) return whole;
    return e.op('Pad', [whole, e.integers([0, most - taken]), e.scalar('i32', -1), e.integers([1])]);
  };
  const size = e.scalar('i64', count);
  const number = e.op('ReduceSum', [e.cast(there, 'i32'), e.integers([1])], { keepdims: 0 });
  return [widened(e.op('Mod', [places, size])), widened(e.op('Div', [places, size])), number];
}

/** Of each class but the background those that come in; the others get −∞. */
function bestOf(node: Node, e: Emitter, scores: Ref, classes: number, count: number): Ref {
  const [batch] = e.extents.shape(node.inputs[1]!) as [Extent];
  const top = integerAttr(node.attrs, 'top_k');
  const background = integerAttr(node.attrs, 'background');
  let made = scores;
  if (top < count) {
    const [values, places] = e.ops('TopK', [scores, e.integers([top])], { axis: 2 }, 2) as [Ref, Ref];
    const nothing = e.filled('f32', [batch, classes, count], NEVER);
    made = e.op('ScatterElements', [nothing, places, values], { axis: 2 });
  }
  if (background < 0 || background >= classes) return made;
  const listed = Array.from({ length: classes }, (_, c) => (c === background ? 1 : 0));
  const hidden = e.constant('bool', [1, classes, 1], listed, `${node.origin.layer}/background`);
  return e.op('Where', [hidden, e.scalar('f32', NEVER), made]);
}

/** RoiAlign takes regions of all images in one list, in pixels. */
function regions(node: Node, e: Emitter): Ref {
  const { attrs } = node;
  const [x, boxes] = node.inputs;
  const [batch, count] = e.extents.shape(boxes!) as [Extent, Extent];
  const [, , height, width] = x!.type.shape as [number, number, number, number];
  const total = productOf([batch, count]);
  const listed = e.reshape(e.ref(boxes!), [batch, count, 4], [total, 4]);
  const scaled = e.op('Mul', [listed, e.constant('f32', [4], [width, height, width, height])]);
  const [zero, one] = [e.scalar('i64', 0), e.scalar('i64', 1)];
  const images = e.op('Range', [zero, e.op('Squeeze', [e.shape([batch])]), one]);
  const spread = e.op('Expand', [e.op('Unsqueeze', [images, e.integers([1])]), e.shape([batch, count])]);
  const aligned = booleanAttr(attrs, 'aligned');
  const made = e.op('RoiAlign', [e.ref(x!), scaled, e.reshape(spread, [batch, count], [total])], {
    output_height: integerAttr(attrs, 'output_height'),
    output_width: integerAttr(attrs, 'output_width'),
    sampling_ratio: integerAttr(attrs, 'sampling_ratio'),
    coordinate_transformation_mode: aligned ? 'half_pixel' : 'output_half_pixel',
  });
  const shape = e.extents.shape(node.outputs[0]!);
  return e.reshape(made, [total, ...shape.slice(2)], shape);
}
