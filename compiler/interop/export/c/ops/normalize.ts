/** Normalizations by what is computed of the data itself: of rows, of channels, across neighbouring channels. */
import { axisAttr, booleanAttr, numberAttr } from '../../../../ops/attributes';
import { viewAround } from '../../../../ops/families/channels';
import { isChannelsLast } from '../../../../ops/families/layout';
import { responseOf } from '../../../../ops/families/response';
import { rowsOf } from '../../../../ops/families/rows';
import type { Emitter } from '../emitter';
import { sum } from '../text';

export const layer_norm: Emitter = {
  emit: (step) => {
    const { code, attrs } = step;
    const { rows, width } = rowsOf(step.input(0), attrs);
    const [, mean, rstd] = step.node.outputs.map((_, i) => step.y(i));
    const affine = step.node.inputs.length;
    code.loop('n', rows, () => {
      code.line(`const float *x = ${step.x(0)} + n * ${width};`);
      const centered = booleanAttr(attrs, 'center');
      if (centered) code.line(`const float m = (float)(${step.helper('total')}(x, ${width}) / ${width});`);
      else code.line('const float m = 0.0f;');
      const squares = `${step.helper('squares')}(x, m, ${width}) / ${width}`;
      code.line(
        `const float r = (float)(1.0 / sqrt(${squares} + ${step.literal(numberAttr(attrs, 'epsilon'), 'f64')}));`,
      );
      if (step.y(0) !== undefined) {
        code.line(`float *y = ${step.result()} + n * ${width};`);
        const factor = affine > 1 ? ` * ${step.x(1)}[j]` : '';
        const term = affine > 2 ? ` + ${step.x(2)}[j]` : '';
        code.line(`for (int j = 0; j < ${width}; j++) y[j] = (x[j] - m) * r${factor}${term};`);
      }
      if (mean !== undefined) code.line(`${mean}[n] = m;`);
      if (rstd !== undefined) code.line(`${rstd}[n] = r;`);
    });
  },
};

export const batch_norm_train: Emitter = {
  problem: ({ attrs }) => (isChannelsLast(attrs) ? 'its images are in an order of the native kernels' : undefined),
  emit: (step) => {
    const { code, attrs } = step;
    const { outer, extent, inner } = viewAround(step.input(0).shape, 1);
    const [y, mean, variance] = step.node.outputs.map((_, i) => step.y(i));
    const plane = sum([extent * inner, 'n'], [inner, 'c']);
    code.loop('c', extent, () => {
      code.line('double s = 0.0, q = 0.0;');
      code.line(`for (int n = 0; n < ${outer}; n++) s += ${step.helper('total')}(${step.x(0)} + ${plane}, ${inner});`);
      code.line(`const float m = (float)(s / ${outer * inner});`);
      code.line(
        `for (int n = 0; n < ${outer}; n++) q += ${step.helper('squares')}(${step.x(0)} + ${plane}, m, ${inner});`,
      );
      code.line(`const double v = q / ${outer * inner};`);
      if (y !== undefined) {
        const epsilon = step.literal(numberAttr(attrs, 'epsilon'), 'f64');
        code.line(`const float scale = (float)(${step.x(1)}[c] / sqrt(v + ${epsilon}));`);
        code.line(`const float shift = ${step.x(2)}[c];`);
        code.loop('n', outer, () => {
          code.line(`for (int j = 0; j < ${inner}; j++)`);
          code.line(`  ${y}[${plane} + j] = scale * (${step.x(0)}[${plane} + j] - m) + shift;`);
        });
      }
      if (mean !== undefined) code.line(`${mean}[c] = m;`);
      if (variance !== undefined) code.line(`${variance}[c] = (float)v;`);
    });
  },
};

export const lrn: Emitter = {
  scratch: ({ inputs }) => ({ f32: viewAround(inputs[0]!.type.shape, 1).inner }),
  emit: (step) => {
    const { code } = step;
    const { size, alpha, beta, k } = responseOf(step.input(0), step.attrs);
    const { outer, extent, inner } = viewAround(step.input(0).shape, axisAttr({ axis: 1 }, 'axis', 2));
    const factor = step.number(alpha / size);
    code.loop('n', outer, () =>
      code.loop('c', extent, () => {
        code.line(`const float *x = ${step.x(0)} + n * ${extent * inner};`);
        code.line(`float *y = ${step.result()} + ${sum([extent * inner, 'n'], [inner, 'c'])};`);
        code.line(`const int first = c < ${Math.floor(size / 2)} ? 0 : c - ${Math.floor(size / 2)};`);
        const last = Math.floor((size - 1) / 2);
        code.line(`const int last = c + ${last} < ${extent} ? c + ${last} : ${extent - 1};`);
        code.line(`for (int j = 0; j < ${inner}; j++) ${step.floats}[j] = 0.0f;`);
        code.line('for (int i = first; i <= last; i++)');
        const element = `x[${sum([inner, 'i'], [1, 'j'])}]`;
        code.line(`  for (int j = 0; j < ${inner}; j++) ${step.floats}[j] += ${element} * ${element};`);
        const base = `${step.number(k)} + ${factor} * ${step.floats}[j]`;
        code.line(`for (int j = 0; j < ${inner}; j++)`);
        code.line(`  y[j] = x[${sum([inner, 'c'], [1, 'j'])}] * powf(${base}, ${step.number(-beta)});`);
      }),
    );
  },
};
