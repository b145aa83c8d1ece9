/** Images read at other places: maps along one axis (resizing, adaptive averages, mirrored borders), and any points. */
import { axisAttr } from '../../../../ops/attributes';
import { viewAround } from '../../../../ops/families/channels';
import { samplingOf, type SampleBorder } from '../../../../ops/families/image_sampling';
import { mapOf } from '../../../../ops/families/sparse-map';
import type { Emitter, Step } from '../emitter';
import type { HelperName } from '../helpers';
import { sum } from '../text';

export const resample: Emitter = {
  emit: (step) => {
    const { code, attrs } = step;
    const { shape } = step.input(0);
    const axis = axisAttr(attrs, 'axis', shape.length);
    const { outer, extent, inner } = viewAround(shape, axis);
    const { size, taps, indices, weights } = mapOf(attrs, extent);
    const factors = step.table('f32', weights);
    const places = step.table(
      'i32',
      indices.map((index, i) => (weights[i] === 0 ? 0 : index)),
    );
    const type = step.type(step.output(0).dtype);
    code.loop('n', outer, () =>
      code.loop('i', size, () => {
        code.line(`const ${type} *x = ${step.x(0)} + ${sum([extent * inner, 'n'])};`);
        code.line(`${type} *restrict y = ${step.result()} + ${sum([size * inner, 'n'], [inner, 'i'])};`);
        code.line(`for (int j = 0; j < ${inner}; j++) y[j] = 0;`);
        code.loop('t', taps, () => {
          code.line(`const float w = ${factors}[${sum([taps, 'i'], [1, 't'])}];`);
          code.line(`const ${type} *restrict v = x + ${sum([inner, `${places}[${sum([taps, 'i'], [1, 't'])}]`])};`);
          code.line('if (w == 0.0f) continue;');
          code.line(`for (int j = 0; j < ${inner}; j++) y[j] += w * v[j];`);
        });
      }),
    );
  },
};

const PLACES: Readonly<Record<SampleBorder, HelperName>> = {
  constant: 'place_constant',
  edge: 'place_edge',
  reflect: 'place_reflect',
  symmetric: 'place_symmetric',
  wrap: 'place_wrap',
};

export const sample_image: Emitter = {
  emit: (step) => {
    const { code } = step;
    const [x, points] = [step.input(0), step.input(1)];
    const sampling = samplingOf(x, points, step.attrs);
    const { batch, channels, height, width, rows, columns, value } = sampling;
    const place = step.helper(PLACES[sampling.border]);
    const held = step.helper('held');
    const type = step.type(x.dtype);
    const fill = step.literal(value, x.dtype);
    const map = points.shape.length === 2;
    code.loop('n', batch, () =>
      code.loop('i', rows, () =>
        code.loop('j', columns, () => {
          if (map) {
            code.line(`const float *t = ${step.x(1)} + n * 6;`);
            code.line(`const float px = ${held}(t[0] * (float)j + (t[1] * (float)i + t[2]));`);
            code.line(`const float py = ${held}(t[3] * (float)j + (t[4] * (float)i + t[5]));`);
          } else {
            code.line(`const float *t = ${step.x(1)} + ((n * ${rows} + i) * ${columns} + j) * 2;`);
            code.line(`const float px = ${held}(t[0]), py = ${held}(t[1]);`);
          }
          if (sampling.method === 'bilinear') mixed(step, place, [height, width], fill);
          else code.line(`const int r = ${place}((int)rintf(py), ${height}), c = ${place}((int)rintf(px), ${width});`);
          code.loop('k', channels, () => {
            code.line(`const ${type} *plane = ${step.x(0)} + (n * ${channels} + k) * ${height * width};`);
            const to = `${step.result()}[((n * ${channels} + k) * ${rows} + i) * ${columns} + j]`;
            if (sampling.method === 'bilinear') {
              code.line('float s = base;');
              code.line('for (int q = 0; q < 4; q++) if (at[q] >= 0) s += w[q] * plane[at[q]];');
              code.line(`${to} = s;`);
            } else {
              code.line(`${to} = r < 0 || c < 0 ? ${fill} : plane[r * ${width} + c];`);
            }
          });
        }),
      ),
    );
  },
};

/** The four pixels around the point, −1 where there is none or it has no share, their weights, and what the border adds. */
function mixed(step: Step, place: string, [height, width]: readonly [number, number], fill: string): void {
  const { code } = step;
  code.line('const float left = floorf(px), top = floorf(py);');
  code.line('const float fx = px - left, fy = py - top;');
  code.line('const float w[4] = {(1.0f - fy) * (1.0f - fx), (1.0f - fy) * fx, fy * (1.0f - fx), fy * fx};');
  code.line('float base = 0.0f;');
  code.line('int at[4];');
  code.loop('q', 4, () => {
    code.line(`const int r = ${place}((int)top + q / 2, ${height}), c = ${place}((int)left + q % 2, ${width});`);
    code.line(`at[q] = w[q] == 0.0f || r < 0 || c < 0 ? -1 : r * ${width} + c;`);
    code.line(`if (w[q] != 0.0f && at[q] < 0) base += w[q] * ${fill};`);
  });
}
