/** Poolings, a row of outputs at a time: each tap of the window is one pass over the row. */
import { elementCount } from '../../../../ir/types';
import { averagingOf } from '../../../../ops/families/averaging';
import { isChannelsLast } from '../../../../ops/families/layout';
import { poolWindow, spatialOf, type Window } from '../../../../ops/families/spatial';
import type { Emitter, Step } from '../emitter';
import { sum } from '../text';

const problem: Emitter['problem'] = ({ attrs }) =>
  isChannelsLast(attrs) ? 'its images are in an order of the native kernels' : undefined;

/**
 * Loops over planes `n`, output rows `y` and the taps that lie in the image; `tap` writes the pass over columns `from` to
 * `to`, where column j reads `x[at + j * stride]`.
 */
function eachRow(
  step: Step,
  window: Window,
  planes: number,
  first: () => void,
  tap: (from: string, to: string) => void,
  last: () => void,
) {
  const { code } = step;
  const [depth, height, width] = window.output;
  const [id, ih, iw] = window.input;
  const [kd, kh, kw] = window.kernel;
  const [sd, sh, sw] = window.stride;
  const [ld, lh, lw] = window.low;
  const columns = Array.from({ length: kw }, (_, t) => t - lw);
  const from = columns.map((shift) => Math.min(width, Math.max(0, Math.ceil(-shift / sw))));
  const to = columns.map((shift, t) => Math.max(from[t]!, Math.min(width, Math.floor((iw - 1 - shift) / sw) + 1)));
  const plain = from.every((start) => start === 0) && to.every((end) => end === width);
  const depths = window.rank === 3;
  const outside = [
    ...(depths ? [`u < 0 || u >= ${id}`] : []),
    ...(lh === 0 && (height - 1) * sh + kh <= ih ? [] : [`v < 0 || v >= ${ih}`]),
  ].join(' || ');
  code.loop('n', planes, () => {
    code.line(`const float *restrict x = ${step.x(0)} + n * ${elementCount(window.input)};`);
    code.loop('z', depth, () =>
      code.loop('h', height, () => {
        const plane = depths ? `(n * ${depth} + z)` : 'n';
        code.line(`const int row = ${sum([height * width, plane], [width, 'h'])};`);
        first();
        code.loop('r', kd * kh, () => {
          if (depths) code.line(`const int u = z * ${sd} - ${ld} + r / ${kh};`);
          code.line(`const int v = h * ${sh} - ${lh} + ${depths ? `r % ${kh}` : 'r'};`);
          if (outside !== '') code.line(`if (${outside}) continue;`);
          code.loop('t', kw, () => {
            code.line(`const int at = ${depths ? `(u * ${ih} + v)` : 'v'} * ${iw} + t - ${lw};`);
            if (!plain) {
              code.line(`const int from = ${step.table('i32', from)}[t];`);
              code.line(`const int to = ${step.table('i32', to)}[t];`);
            }
            tap(plain ? '0' : 'from', plain ? String(width) : 'to');
          });
        });
        last();
      }),
    );
  });
}

export const max_pool: Emitter = {
  problem,
  emit: (step) => {
    const { code } = step;
    const { shape } = step.input(0);
    const window = poolWindow(spatialOf(step.input(0), 'input'), step.attrs);
    const width = window.output[2];
    const [y, index] = [step.y(0), step.y(1)];
    const value = `x[${sum([1, 'at'], [window.stride[2], 'j'])}]`;
    eachRow(
      step,
      window,
      elementCount(shape.slice(0, 2)),
      () => {
        if (index === undefined) {
          code.line(`float *restrict y = ${step.result()} + row;`);
          code.line(`for (int j = 0; j < ${width}; j++) y[j] = -INFINITY;`);
          return;
        }
        // The place of the largest so far; the image tells what it is.
        code.line(`int *restrict best = ${index} + row;`);
        code.line(`for (int j = 0; j < ${width}; j++) best[j] = -1;`);
      },
      (from, to) => {
        code.block(`for (int j = ${from}; j < ${to}; j++)`, () => {
          code.line(`const float v1 = ${value};`);
          if (index === undefined) {
            code.line('y[j] = v1 > y[j] || v1 != v1 ? v1 : y[j];');
            return;
          }
          code.line('const float v0 = best[j] < 0 ? -INFINITY : x[best[j]];');
          code.line(
            `if (best[j] < 0 || v1 > v0 || (v1 != v1 && v0 == v0)) best[j] = ${sum([1, 'at'], [window.stride[2], 'j'])};`,
          );
        });
      },
      () => {
        if (index === undefined || y === undefined) return;
        code.line(`for (int j = 0; j < ${width}; j++) ${y}[row + j] = x[best[j]];`);
      },
    );
  },
};

export const avg_pool: Emitter = {
  problem,
  emit: (step) => {
    const { code } = step;
    const { shape } = step.input(0);
    const { window, divisors } = averagingOf(shape.slice(2), step.attrs);
    const [, height, width] = window.output;
    const even = divisors.every((divisor) => divisor === divisors[0]);
    const factors = even ? undefined : step.table('f32', Array.from(divisors));
    const divisor = factors === undefined ? step.number(divisors[0] ?? 1) : 'd[j]';
    eachRow(
      step,
      window,
      elementCount(shape.slice(0, 2)),
      () => {
        code.line(`float *restrict y = ${step.result()} + row;`);
        code.line(`for (int j = 0; j < ${width}; j++) y[j] = 0.0f;`);
      },
      (from, to) =>
        code.line(`for (int j = ${from}; j < ${to}; j++) y[j] += x[${sum([1, 'at'], [window.stride[2], 'j'])}];`),
      () => {
        if (factors !== undefined) {
          code.line(`const float *restrict d = ${factors} + ${sum([height * width, 'z'], [width, 'h'])};`);
        }
        code.line(`for (int j = 0; j < ${width}; j++) y[j] /= ${divisor};`);
      },
    );
  },
};
