/** Whether the label is among the k best classes: what accuracy counts. */
import { elementCount, tensorType } from '../ir/types';
import { axisAttr, inputAt, integerAttr, requireArity, requireFloat } from './attributes';
import { defineOp } from './define';
import { forEachLine, viewAround, withoutAxis } from './families/channels';
import { requireLabels } from './families/cross-entropy';

export const in_top_k = defineOp({
  name: 'in_top_k',
  doc:
    'y = fewer than k classes stand before the label: those of a greater logit, or an equal one and a lower index. ' +
    'A NaN stands before every number; a label whose own logit is NaN, or that is outside 0..C−1, gives false. ' +
    'Logits of any rank; labels and y have their shape without axis. With k = 1, argmax(logits) = label.',
  inputs: ['logits', 'labels'],
  outputs: ['y'],
  native: 'kernel',
  traits: { foldable: true },

  infer(inputs, attrs) {
    requireArity(inputs, 2);
    const logits = inputAt(inputs, 0, 'logits');
    requireFloat(logits, 'logits');
    const axis = axisAttr(attrs, 'axis', logits.shape.length);
    requireLabels(logits, inputAt(inputs, 1, 'labels'), axis);
    integerAttr(attrs, 'k', 1);
    return [tensorType('bool', withoutAxis(logits.shape, axis))];
  },

  evaluate(inputs, attrs) {
    const logits = inputAt(inputs, 0, 'logits');
    const labels = inputAt(inputs, 1, 'labels').data;
    const k = integerAttr(attrs, 'k');
    const view = viewAround(logits.type.shape, integerAttr(attrs, 'axis'));
    const result = new Float64Array(labels.length);
    forEachLine(view, (start, step, line) => {
      const label = labels[line] as number;
      if (!(label >= 0 && label < view.extent)) return;
      const own = logits.data[start + label * step] as number;
      let before = 0;
      for (let c = 0; c < view.extent; c++) {
        const other = logits.data[start + c * step] as number;
        const behind = other < own || (other === own && c >= label);
        if (c !== label && !behind) before++;
      }
      result[line] = before < k && !Number.isNaN(own) ? 1 : 0;
    });
    return [result];
  },

  cost(inputs) {
    return { flops: elementCount(inputAt(inputs, 0, 'logits').shape) };
  },

  samples: [
    {
      name: 'best of five',
      inputs: [tensorType('f32', [6, 5]), tensorType('i32', [6])],
      attrs: { axis: 1, k: 1 },
      values: { 1: [0, 1, 2, 3, 4, 0] },
    },
    {
      name: 'best three of ten',
      inputs: [tensorType('f32', [5, 10]), tensorType('i32', [5])],
      attrs: { axis: 1, k: 3 },
      values: { 1: [9, 0, 4, 5, 1] },
    },
    {
      name: 'ties go to the lower class',
      inputs: [tensorType('f32', [4, 3]), tensorType('i32', [4])],
      attrs: { axis: 1, k: 1 },
      values: { 0: [1, 1, 0, 1, 1, 0, 2, 2, 2, 0, 1, 1], 1: [0, 1, 2, 1] },
    },
    {
      name: 'labels outside the classes',
      inputs: [tensorType('f32', [3, 4]), tensorType('i32', [3])],
      attrs: { axis: 1, k: 4 },
      values: { 1: [-1, 4, 2] },
    },
    {
      name: 'a label for each pixel',
      inputs: [tensorType('f32', [2, 3, 2, 2]), tensorType('i32', [2, 2, 2])],
      attrs: { axis: 1, k: 2 },
      values: { 1: [0, 1, 2, 0, 1, 2, 0, 1] },
    },
    {
      name: 'one class, more wanted than there are',
      inputs: [tensorType('f32', [2, 1]), tensorType('i64', [2])],
      attrs: { axis: 1, k: 5 },
      values: { 1: [0, 0] },
    },
  ],
});
