/**
 * Convolutions and their transposes. Most are matrix products of the weights with panels of the image, made for a few
 * output rows and channels at a time (a 1×1 convolution multiplies the image itself); where a filter sees one channel
 * alone, its taps are written out and run along rows.
 */
import type { Node } from '../../../../ir/graph';
import { elementCount, tensorType, type TensorType } from '../../../../ir/types';
import { integersAttr } from '../../../../ops/attributes';
import { convolutionOf, type Convolution } from '../../../../ops/families/convolution';
import { isChannelsLast } from '../../../../ops/families/layout';
import type { Emitter, Step } from '../emitter';
import type { Code } from '../text';
import { sum } from '../text';
import { relu } from './fill';

/** Elements of a panel's row, and terms of a panel, that are made at a time: some hundred KiB together. */
const PANEL_COLUMNS = 256;
const PANEL_TERMS = 256;
/** Filters of one channel with more taps than this are no long expression. */
const MOST_TAPS = 64;

interface Geometry extends Convolution {
  readonly images: number;
  /** Channels and filters of a group. */
  readonly channels: number;
  readonly filters: number;
  readonly taps: number;
  /** Elements of a plane. */
  readonly plane: number;
  readonly outputPlane: number;
  /** Output rows, over all axes but the last, and how many of them a panel has; channels of a panel. */
  readonly rows: number;
  readonly panelRows: number;
  readonly panelChannels: number;
}

function geometryOf(x: TensorType, w: TensorType, node: Node): Geometry {
  const convolution = convolutionOf(x, w, node.attrs);
  const { window, groups } = convolution;
  const [depth, height, width] = window.output;
  const taps = elementCount(window.kernel);
  const channels = w.shape[1] ?? 0;
  const rows = depth * height;
  return {
    ...convolution,
    images: x.shape[0] ?? 0,
    channels,
    filters: (w.shape[0] ?? 0) / groups,
    taps,
    plane: elementCount(window.input),
    outputPlane: elementCount(window.output),
    rows,
    panelRows: Math.min(rows, Math.max(1, Math.floor(PANEL_COLUMNS / width))),
    panelChannels: Math.min(channels, Math.max(1, Math.floor(PANEL_TERMS / taps))),
  };
}

const forwardGeometry = (node: Node): Geometry => geometryOf(node.inputs[0]!.type, node.inputs[1]!.type, node);

function transposedGeometry(node: Node): Geometry {
  const shape = integersAttr(node.attrs, 'input_shape');
  return geometryOf(tensorType('f32', shape), node.inputs[1]!.type, node);
}

/** The panel is the image itself. */
function isPointwise({ window, taps, plane, outputPlane }: Geometry): boolean {
  const plain = [...window.low, ...window.high].every((pad) => pad === 0);
  return taps === 1 && plain && plane === outputPlane;
}

const isDirect = (g: Geometry): boolean => g.channels === 1 && g.filters < 4 && g.taps <= MOST_TAPS;

function panelSize(g: Geometry): number {
  return isPointwise(g) ? 0 : g.panelChannels * g.taps * g.panelRows * g.window.output[2];
}

/** Extents of the input that windows reach, from the first padding on. */
function reachOf({ window }: Geometry): readonly [number, number, number] {
  const along = (axis: 0 | 1 | 2): number =>
    (window.output[axis] - 1) * window.stride[axis] + (window.kernel[axis] - 1) * window.dilation[axis] + 1;
  return [along(0), along(1), along(2)];
}

function needsBorder(g: Geometry): boolean {
  return reachOf(g).some((extent, axis) => (g.window.low[axis] ?? 0) > 0 || extent > (g.window.input[axis] ?? 0));
}

export const conv: Emitter = {
  problem: ({ attrs, inputs }) =>
    isChannelsLast(attrs) || inputs.length > 3 || attrs['weight_shape'] !== undefined
      ? 'its images or weights are in an order of the native kernels'
      : undefined,
  scratch: (node) => {
    const g = forwardGeometry(node);
    if (isDirect(g)) return needsBorder(g) ? { f32: elementCount(reachOf(g)) } : {};
    return { f32: panelSize(g) };
  },
  emit: (step) => {
    const g = forwardGeometry(step.node);
    if (isDirect(g)) direct(step, g);
    else panels(step, g);
  },
};

export const conv_grad_input: Emitter = {
  problem: ({ attrs }) => (isChannelsLast(attrs) ? 'its images are in an order of the native kernels' : undefined),
  scratch: (node) => ({ f32: panelSize(transposedGeometry(node)) }),
  emit: (step) => transposed(step, transposedGeometry(step.node)),
};

/** Opens the loop over images and groups, of which each has its part of the three tensors. */
function eachGroup(step: Step, g: Geometry, image: string, weights: string, other: string, body: () => void): void {
  const { code } = step;
  code.loop('n', g.images * g.groups, () => {
    if (g.groups > 1) code.line(`const int g = n % ${g.groups};`);
    code.line(`${image} + n * ${g.channels * g.plane};`);
    code.line(`${weights}${g.groups > 1 ? ` + g * ${g.filters * g.channels * g.taps}` : ''};`);
    code.line(`${other} + n * ${g.filters * g.outputPlane};`);
    body();
  });
}

function panels(step: Step, g: Geometry): void {
  const { code } = step;
  const { filters, channels, taps, outputPlane, window, rows, panelRows, panelChannels } = g;
  const terms = channels * taps;
  const width = window.output[2];
  const madd = step.helper('madd');
  const [x, w, y] = [step.x(0), step.x(1), step.result()];
  eachGroup(step, g, `const float *x = ${x}`, `const float *w = ${w}`, `float *y = ${y}`, () => {
    start(step, g);
    if (isPointwise(g)) {
      code.line(`${madd}(${filters}, ${outputPlane}, ${terms}, w, ${terms}, 1, x, ${outputPlane}, y, ${outputPlane});`);
    } else {
      eachPanel(code, g, () => {
        code.line(`float *p = ${step.floats};`);
        fillPanel(step, g);
        const [count, columns] = [
          panelChannels === channels ? String(terms) : `channels * ${taps}`,
          panelRows === rows ? String(outputPlane) : `rows * ${width}`,
        ];
        code.line(
          `${madd}(${filters}, ${columns}, ${count}, w + c0 * ${taps}, ${terms}, 1,`,
          `  ${step.floats}, ${panelRows * width}, y + q0 * ${width}, ${outputPlane});`,
        );
      });
    }
    if (step.attrs['activation'] === 'relu') relu(code, 'y', filters * outputPlane);
  });
}

/** y = bias, or 0. */
function start(step: Step, { filters, groups, outputPlane }: Geometry): void {
  const { code } = step;
  if (step.node.inputs.length < 3) {
    code.line(`memset(y, 0, ${filters * outputPlane} * sizeof(float));`);
    return;
  }
  code.loop('k', filters, () => {
    code.line(`const float bias = ${step.x(2)}[${groups > 1 ? sum([filters, 'g'], [1, 'k']) : 'k'}];`);
    code.loop('j', outputPlane, () => {
      code.line(`y[k * ${outputPlane} + j] = bias;`);
    });
  });
}

function eachPanel(code: Code, g: Geometry, body: () => void): void {
  const some = (name: string, start: string, all: number, most: number): void => {
    if (most < all) code.line(`const int ${name} = ${all} - ${start} < ${most} ? ${all} - ${start} : ${most};`);
    else code.line(`const int ${name} = ${all};`);
  };
  code.block(`for (int q0 = 0; q0 < ${g.rows}; q0 += ${g.panelRows})`, () => {
    some('rows', 'q0', g.rows, g.panelRows);
    code.block(`for (int c0 = 0; c0 < ${g.channels}; c0 += ${g.panelChannels})`, () => {
      some('channels', 'c0', g.channels, g.panelChannels);
      body();
    });
  });
}

/** Runs over the rows of a panel; `row` sees where in the image a row's first element would be, `at`, and `from`, `to`. */
function eachPanelRow(step: Step, g: Geometry, outside: (width: number) => void, row: () => void): void {
  const { code } = step;
  const { window } = g;
  const [, height, width] = window.output;
  const [, kh, kw] = window.kernel;
  const [id, ih, iw] = window.input;
  const [sd, sh, sw] = window.stride;
  const [ld, lh, lw] = window.low;
  const [dd, dh, dw] = window.dilation;
  const columns = Array.from({ length: kw }, (_, t) => t * dw - lw);
  const from = columns.map((shift) => Math.min(width, Math.max(0, Math.ceil(-shift / sw))));
  const to = columns.map((shift, t) => Math.max(from[t]!, Math.min(width, Math.floor((iw - 1 - shift) / sw) + 1)));
  const depths = window.rank === 3;
  code.loop('c', 'channels', () => {
    code.loop('r', g.taps, () => {
      code.line(`const int t = r % ${kw};`);
      code.line(`const int s = r / ${kw}${depths ? ` % ${kh}` : ''};`);
      if (depths) code.line(`const int u = r / ${kw * kh};`);
      code.line(`const int from = ${step.table('i32', from)}[t];`);
      code.line(`const int to = ${step.table('i32', to)}[t];`);
      code.loop('q', 'rows', () => {
        if (depths) {
          code.line(`const int z = (q0 + q) / ${height} * ${sd} + u * ${dd} - ${ld};`);
          code.line(`const int h = (q0 + q) % ${height} * ${sh} + s * ${dh} - ${lh};`);
        } else {
          code.line(`const int h = (q0 + q) * ${sh} + s * ${dh} - ${lh};`);
        }
        const inside = `h < 0 || h >= ${ih}${depths ? ` || z < 0 || z >= ${id}` : ''}`;
        code.block(`if (${inside})`, () => outside(width));
        code.block('else', () => {
          const line = depths ? `((c0 + c) * ${id} + z) * ${ih} + h` : `(c0 + c) * ${ih} + h`;
          code.line(`const int at = (${line}) * ${iw} + t * ${dw} - ${lw};`);
          row();
        });
        code.line(`p += ${width};`);
      });
      if (g.panelRows < g.rows) code.line(`p += (${g.panelRows} - rows) * ${width};`);
    });
  });
}

function fillPanel(step: Step, g: Geometry): void {
  const { code } = step;
  const stride = g.window.stride[2];
  const width = g.window.output[2];
  eachPanelRow(
    step,
    g,
    () => code.line(`memset(p, 0, ${width} * sizeof(float));`),
    () => {
      code.line('for (int j = 0; j < from; j++) p[j] = 0.0f;');
      code.line(`for (int j = from; j < to; j++) p[j] = x[${sum([1, 'at'], [stride, 'j'])}];`);
      code.line(`for (int j = to; j < ${width}; j++) p[j] = 0.0f;`);
    },
  );
}

/** dx = Σ over the taps of the products of the weights, transposed, with dy, put where the taps lie. */
function transposed(step: Step, g: Geometry): void {
  const { code } = step;
  const { filters, channels, taps, outputPlane, plane, window, rows, panelRows, panelChannels } = g;
  const terms = channels * taps;
  const width = window.output[2];
  const madd = step.helper('madd');
  const [dy, w, dx] = [step.x(0), step.x(1), step.result()];
  eachGroup(step, g, `float *x = ${dx}`, `const float *w = ${w}`, `const float *y = ${dy}`, () => {
    code.line(`memset(x, 0, ${channels * plane} * sizeof(float));`);
    if (isPointwise(g)) {
      code.line(`${madd}(${channels}, ${plane}, ${filters}, w, 1, ${terms}, y, ${plane}, x, ${plane});`);
      return;
    }
    eachPanel(code, g, () => {
      const length = panelRows * width;
      const [count, columns] = [
        panelChannels === channels ? String(terms) : `channels * ${taps}`,
        panelRows === rows ? String(outputPlane) : `rows * ${width}`,
      ];
      code.line(`const float *p = ${step.floats};`);
      code.line(`memset(${step.floats}, 0, ${panelSize(g)} * sizeof(float));`);
      code.line(
        `${madd}(${count}, ${columns}, ${filters}, w + c0 * ${taps}, 1, ${terms},`,
        `  y + q0 * ${width}, ${outputPlane}, ${step.floats}, ${length});`,
      );
      eachPanelRow(
        step,
        g,
        () => code.line('/* outside */'),
        () => code.line(`for (int j = from; j < to; j++) x[${sum([1, 'at'], [window.stride[2], 'j'])}] += p[j];`),
      );
    });
  });
}

/** Each filter sees one channel: a sum of taps for every output, over the plane with its border put around it. */
function direct(step: Step, g: Geometry): void {
  const { code } = step;
  const { window, images, groups, filters, taps, plane, outputPlane } = g;
  const [depth, height, width] = window.output;
  const [id, ih, iw] = window.input;
  const [sd, sh, sw] = window.stride;
  const [ld, lh, lw] = window.low;
  const [dd, dh, dw] = window.dilation;
  const [, kh, kw] = window.kernel;
  const border = needsBorder(g);
  const [rd, rh, rw] = border ? reachOf(g) : window.input;
  const muladd = step.helper('muladd');
  if (border) code.line(`memset(${step.floats}, 0, ${rd * rh * rw} * sizeof(float));`);
  const all = groups * filters;
  code.loop('n', images * all, () => {
    code.line(`const int k = n % ${all};`);
    code.line(`const float *w = ${step.x(1)} + k * ${taps};`);
    const image = filters === 1 ? 'n' : `n / ${filters}`;
    const data = `${step.x(0)} + ${image} * ${plane}`;
    if (border) {
      code.line(`const float *x = ${data};`);
      const [cd, ch, cw] = [Math.min(id, rd - ld), Math.min(ih, rh - lh), Math.min(iw, rw - lw)];
      code.loop('z', cd, () =>
        code.loop('h', ch, () => {
          const target = sum([rh * rw, `(z + ${ld})`], [rw, `(h + ${lh})`], lw);
          code.line(`memcpy(${step.floats} + ${target}, x + (z * ${ih} + h) * ${iw}, ${cw} * sizeof(float));`);
        }),
      );
    }
    const bias = step.node.inputs.length > 2 ? `${step.x(2)}[k]` : '0.0f';
    code.line(`const float bias = ${bias};`);
    for (let r = 0; r < taps; r++) code.line(`const float w${r} = w[${r}];`);
    code.line(`float *restrict y = ${step.result()} + n * ${outputPlane};`);
    code.loop('z', depth, () =>
      code.loop('h', height, () => {
        const row = sum([rh * rw * sd, 'z'], [rw * sh, 'h']);
        code.line(`const float *restrict v = ${border ? step.floats : data} + ${row};`);
        code.loop('j', width, () => {
          code.line('float s = bias;');
          for (let r = 0; r < taps; r++) {
            const [u, s, t] = [Math.floor(r / (kw * kh)), Math.floor(r / kw) % kh, r % kw];
            const at = sum([sw, 'j'], (u * dd * rh + s * dh) * rw + t * dw);
            code.line(`s = ${muladd}(w${r}, v[${at}], s);`);
          }
          const kept = step.attrs['activation'] === 'relu' ? 's <= 0.0f ? 0.0f : s' : 's';
          code.line(`y[${sum([height * width, 'z'], [width, 'h'], [1, 'j'])}] = ${kept};`);
        });
      }),
    );
  });
}
