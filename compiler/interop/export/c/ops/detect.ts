/** Of boxes that overlap, the one of the highest score. */
import type { Node } from '../../../../ir/graph';
import { booleanAttr, integerAttr, numberAttr } from '../../../../ops/attributes';
import type { Emitter } from '../emitter';

function extentsOf({ inputs, attrs }: Node) {
  const [batch = 0, classes = 0, boxes = 0] = inputs[1]!.type.shape;
  return { batch, classes, boxes, top: Math.min(boxes, integerAttr(attrs, 'top_k', 1)) };
}

export const non_max_suppression: Emitter = {
  // The candidates that are kept so far, and behind them all of one class.
  scratch: (node) => {
    const { classes, boxes, top } = extentsOf(node);
    return { f32: classes * top + boxes, i32: classes * top + boxes };
  },
  emit: (step) => {
    const { code, attrs, floats, ints } = step;
    const { batch, classes, boxes } = extentsOf(step.node);
    const { top } = extentsOf(step.node);
    const most = integerAttr(attrs, 'max_outputs', 1);
    const background = integerAttr(attrs, 'background', -1);
    const joint = booleanAttr(attrs, 'joint');
    const [rank, suppress] = [step.helper('rank'), step.helper('suppress')];
    const iou = step.number(numberAttr(attrs, 'iou_threshold'));
    const [index, kind, count] = [0, 1, 2].map((output) => step.y(output));
    code.loop('n', batch, () => {
      code.line(`const float *boxes = ${step.x(0)} + n * ${4 * boxes};`);
      code.line('int kept = 0;');
      code.loop('c', classes, () => {
        if (background >= 0) code.line(`if (c == ${background}) continue;`);
        code.line(`const float *scores = ${step.x(1)} + (n * ${classes} + c) * ${boxes};`);
        code.line(`float *s = ${floats} + kept;`, `int *p = ${ints} + kept;`, 'int found = 0;');
        code.block(`for (int i = 0; i < ${boxes}; i++)`, () => {
          code.line(`if (!(scores[i] > ${step.number(numberAttr(attrs, 'score_threshold'))})) continue;`);
          code.line('s[found] = scores[i];', `p[found++] = c * ${boxes} + i;`);
        });
        code.line(`${rank}(s, p, found);`);
        code.line(`if (found > ${top}) found = ${top};`);
        code.line(joint ? 'kept += found;' : `kept += ${suppress}(boxes, ${boxes}, ${iou}, s, p, found, found);`);
      });
      code.line(`${rank}(${floats}, ${ints}, kept);`);
      if (joint) code.line(`kept = ${suppress}(boxes, ${boxes}, ${iou}, ${floats}, ${ints}, kept, ${most});`);
      else code.line(`if (kept > ${most}) kept = ${most};`);
      if (count !== undefined) code.line(`${count}[n] = kept;`);
      const write = (y: string | undefined, part: string): void => {
        if (y === undefined) return;
        code.line(`for (int k = 0; k < ${most}; k++) ${y}[n * ${most} + k] = k < kept ? ${ints}[k] ${part} : -1;`);
      };
      write(index, `% ${boxes}`);
      write(kind, `/ ${boxes}`);
    });
  },
};
