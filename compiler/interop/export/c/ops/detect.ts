/** Boxes: of those that overlap the one of the highest score, and what an image holds in them. */
import type { Node } from '../../../../ir/graph';
import { booleanAttr, integerAttr, numberAttr } from '../../../../ops/attributes';
import { regionsOf } from '../../../../ops/families/regions_of_interest';
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
    const { batch, classes, boxes, top } = extentsOf(step.node);
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

/** Each point of a bin is read between the four pixels around it; beyond the image it is 0. */
export const roi_align: Emitter = {
  emit: (step) => {
    const { code, attrs } = step;
    const regions = regionsOf(step.input(0), step.input(1), attrs);
    const { batch, channels, height, width, count, binsHigh, binsWide } = regions;
    const ratio = integerAttr(attrs, 'sampling_ratio', 0);
    const aligned = booleanAttr(attrs, 'aligned');
    const side = (k: number, extent: number): string => `box[${k}] * ${extent}.0f${aligned ? ' - 0.5f' : ''}`;
    const bin = (low: string, k: number, extent: number, bins: number): string => {
      const length = `${side(k, extent)} - ${low}`;
      return `${aligned ? `(${length})` : `fmaxf(1.0f, ${length})`} / ${bins}.0f`;
    };
    const bins = binsHigh * binsWide;
    const points = (extent: string): string =>
      ratio > 0 ? String(ratio) : `${extent} > 0.0f ? (int)fminf(ceilf(${extent}), 4096.0f) : 0`;
    code.line(`memset(${step.result()}, 0, ${batch * count * channels * bins} * sizeof(float));`);
    code.loop('n', batch * count, () => {
      code.line(`const float *box = ${step.x(1)} + 4 * n;`);
      code.line(`const float left = ${side(0, width)}, top = ${side(1, height)};`);
      code.line(`const float wide = ${bin('left', 2, width, binsWide)};`);
      code.line(`const float high = ${bin('top', 3, height, binsHigh)};`);
      code.line(`const int across = ${points('wide')}, down = ${points('high')};`);
      code.line('const float share = 1.0f / fmaxf(1.0f, (float)across * (float)down);');
      code.loop('b', bins, () =>
        code.loop('p', 'down * across', () => {
          code.line(`const float i = (float)(p / across), j = (float)(p % across);`);
          code.line(`const float py = top + (float)(b / ${binsWide}) * high + (i + 0.5f) * high / (float)down;`);
          code.line(`const float px = left + (float)(b % ${binsWide}) * wide + (j + 0.5f) * wide / (float)across;`);
          code.line(`if (!(py >= -1.0f && py <= ${height}.0f && px >= -1.0f && px <= ${width}.0f)) continue;`);
          code.line(
            `const float y = fminf(fmaxf(py, 0.0f), ${height - 1}.0f), x = fminf(fmaxf(px, 0.0f), ${width - 1}.0f);`,
          );
          code.line(`const int r = (int)y, c = (int)x;`);
          code.line(`const int below = r + 1 < ${height} ? ${width} : 0, right = c + 1 < ${width} ? 1 : 0;`);
          code.line('const float fy = y - (float)r, fx = x - (float)c;');
          code.loop('k', channels, () => {
            const image = count === 1 ? 'n' : `(n / ${count})`;
            const plane = `${channels === 1 ? image : `(${image} * ${channels} + k)`} * ${height * width}`;
            code.line(`const float *v = ${step.x(0)} + ${plane} + r * ${width} + c;`);
            code.line(`${step.result()}[(n * ${channels} + k) * ${bins} + b] +=`);
            code.line(`  share * ((1.0f - fy) * ((1.0f - fx) * v[0] + fx * v[right]) +`);
            code.line('  fy * ((1.0f - fx) * v[below] + fx * v[below + right]));');
          });
        }),
      );
    });
  },
};
