/** Boxes: values worked out by hand or by PyTorch (torch 2.13, in double precision), and the messages. */
import { expectClose, runLayer, shapeOf } from '../support/layer';

const input = (values: readonly number[], width = 4) => ({
  x: values,
  shape: [1, values.length / width, width] as const,
});
const fixed = (name: string, values: readonly number[], shape: readonly number[]): string =>
  `  - {name: ${name}, type: constant, shape: [${shape.join(', ')}], values: [${values.join(', ')}]}\n`;

test('the boxes of SSD300 stand in the order of Caffe, 8732 of them', () => {
  const maps = [
    { side: 38, sizes: 'min_sizes: [30], max_sizes: [60], aspect_ratios: [2], step: 8', count: 5776 },
    { side: 19, sizes: 'min_sizes: [60], max_sizes: [111], aspect_ratios: [2, 3], step: 16', count: 2166 },
    { side: 10, sizes: 'min_sizes: [111], max_sizes: [162], aspect_ratios: [2, 3], step: 32', count: 600 },
    { side: 5, sizes: 'min_sizes: [162], max_sizes: [213], aspect_ratios: [2, 3], step: 64', count: 150 },
    { side: 3, sizes: 'min_sizes: [213], max_sizes: [264], aspect_ratios: [2], step: 100', count: 36 },
    { side: 1, sizes: 'min_sizes: [264], max_sizes: [315], aspect_ratios: [2], step: 300', count: 4 },
  ];
  let total = 0;
  for (const { side, sizes, count } of maps) {
    const layers = `  - {name: f, type: avg_pool2d, inputs: x, kernel: ${301 - side}, stride: 1}
  - {name: y, type: prior_boxes, inputs: [f, x], ${sizes}}`;
    expect(shapeOf([1, 1, 300, 300], layers)).toEqual([count, 4]);
    total += count;
  }
  expect(total).toBe(8732);
  const four = `  - {name: f, type: avg_pool2d, inputs: x, kernel: 8}
  - {name: y, type: prior_boxes, inputs: [f, x], min_sizes: [3], max_sizes: [6], aspect_ratios: [2], step: 8}`;
  const { values } = runLayer({ x: new Array<number>(128).fill(0), shape: [1, 1, 8, 16], layers: four });
  const box = (x: number, width: number, height: number): number[] =>
    [x - width / 2, 4 - height / 2, x + width / 2, 4 + height / 2].map((side, k) => side / (k % 2 === 0 ? 16 : 8));
  const shapes = (x: number): number[] => [
    ...box(x, 3, 3),
    ...box(x, Math.sqrt(18), Math.sqrt(18)),
    ...box(x, 3 * Math.SQRT2, 3 / Math.SQRT2),
    ...box(x, 3 / Math.SQRT2, 3 * Math.SQRT2),
  ];
  expectClose(values, [...shapes(4), ...shapes(12)], 6);
});

test("anchors are torchvision's: ratios of height to width outside, sizes inside, rounded, at the corners of cells", () => {
  const layers = `  - {name: f, type: max_pool2d, inputs: x, kernel: 16}
  - {name: y, type: anchors, inputs: [f, x], sizes: [32], scales: [1, 1.25992105, 1.58740105], ratios: [0.5, 1, 2], offset: 0, round: true}`;
  const { values } = runLayer({ x: new Array<number>(512).fill(0), shape: [1, 1, 16, 32], layers });
  // AnchorGenerator(((32, 40.317, 50.797),), ((0.5, 1, 2),)).cell_anchors[0]
  const cell = [
    [-23, -11, 23, 11],
    [-29, -14, 29, 14],
    [-36, -18, 36, 18],
    [-16, -16, 16, 16],
    [-20, -20, 20, 20],
    [-25, -25, 25, 25],
    [-11, -23, 11, 23],
    [-14, -29, 14, 29],
    [-18, -36, 18, 36],
  ];
  const parts = (at: number): number[] => cell.flat().map((side, k) => (k % 2 === 0 ? (side + at) / 32 : side / 16));
  expectClose(values, [...parts(0), ...parts(16)], 6);
});

test.each([
  ['iou', [0.5904572565, 0], [1.173871285, 0.670783592, 1.671877285, 0.819846612, 0, 0, 0, 0]],
  ['giou', [0.5633779528, -0.686], [1.309679343, 0.829039262, 1.865300883, 1.01327021, -0.772, -0.44, 1.4, -0.188]],
  ['diou', [0.5784149856, -0.3393], [1.24597778, 0.734011538, 1.757893505, 0.905862832, 0.0114, -0.45, 0.69, 0.2286]],
  [
    'ciou',
    [0.5784149856, -0.3473313074],
    [1.24597778, 0.734011538, 1.757893505, 0.905862832, -0.075455223, -0.422702644, 0.776855223, 0.201302644],
  ],
])('%s and its gradient are those of PyTorch', (kind, values, gradient) => {
  const layers =
    fixed('other', [0.17, 0.27, 0.57, 0.97, 0.6, 0.1, 0.8, 0.3], [1, 2, 4]) +
    `  - {name: y, type: box_iou, inputs: [x, other], kind: ${kind}, pairwise: false}`;
  const found = runLayer({ ...input([0.1, 0.2, 0.5, 0.9, 0.3, 0.25, 0.41, 0.6]), layers });
  expectClose(found.values, values, 6);
  expectClose(found.gradient, gradient, 5);
});

test.each(['center_size', 'corner', 'corner_size'])('what %s encodes, it decodes', (coding) => {
  const boxes = [0.1, 0.2, 0.5, 0.9, 0.3, 0.25, 0.41, 0.6];
  const layers =
    fixed('priors', [0.17, 0.27, 0.57, 0.97, 0.2, 0.1, 0.6, 0.3], [2, 4]) +
    `  - {name: code, type: encode_boxes, inputs: [x, priors], coding: ${coding}, variances: [0.1, 0.2, 0.3, 0.4]}
  - {name: y, type: decode_boxes, inputs: [code, priors], coding: ${coding}, variances: [0.1, 0.2, 0.3, 0.4]}`;
  expectClose(runLayer({ ...input(boxes), layers }).values, boxes, 6);
});

test('a box of infinite size is held at 62.5 times its prior', () => {
  const layers = `${fixed('priors', [0.4, 0.4, 0.6, 0.8], [1, 4])}  - {name: y, type: decode_boxes, inputs: [x, priors]}`;
  const { values } = runLayer({ ...input([0, 0, 1000, 1e30]), layers });
  expectClose(values, [0.5 - 6.25, 0.6 - 12.5, 0.5 + 6.25, 0.6 + 12.5], 5);
});

const BOXES = [0, 0, 0.4, 0.4, 0.02, 0, 0.42, 0.4, 0.5, 0.5, 0.9, 0.9, 0, 0.02, 0.4, 0.42];

test('suppression keeps the best of what overlaps, class by class, equal scores in the order of their places', () => {
  const scores = [0.9, 0.3, 0.8, 0.6, 0.9, 0.2, 0.7, 0.6];
  const output = (name: string, fields = ''): number[] =>
    runLayer({
      ...input(BOXES),
      layers:
        fixed('scores', scores, [1, 4, 2]) +
        `  - {name: nms, type: non_max_suppression, inputs: [x, scores], keep: 5${fields}}
  - {name: y, type: identity, inputs: nms${name}}`,
    }).values;
  expect(output('.index')).toEqual([0, 2, 1, 2, -1]);
  expect(output('.classes')).toEqual([0, 0, 1, 1, -1]);
  expect(output('.count')).toEqual([4]);
  expectClose(output('.scores'), [0.9, 0.9, 0.6, 0.2, 0], 6);
  expectClose(output('').slice(12), [...BOXES.slice(8, 12), 0, 0, 0, 0], 6);
  expect(output('.index', ', joint: true')).toEqual([0, 2, -1, -1, -1]);
  expect(output('.index', ', background: 0')).toEqual([1, 2, -1, -1, -1]);
  expect(output('.index', ', score_threshold: 0.6')).toEqual([0, 2, -1, -1, -1]);
  expect(output('.index', ', iou_threshold: 0.95, top_k: 2')).toEqual([0, 2, 1, 3, -1]);
});

test('detections are rows of class, score and box', () => {
  const layers =
    fixed('scores', [3, 0, 0, 5, 0, 0, 0, 0, 6, 0, 4, 0], [1, 4, 3]) +
    fixed('priors', BOXES, [4, 4]) +
    '  - {name: y, type: detection_output, inputs: [x, scores, priors], keep: 3, score_threshold: 0.5}';
  const { values, shape } = runLayer({ ...input(new Array<number>(16).fill(0)), layers });
  expect(shape).toEqual([1, 3, 6]);
  const score = (x: number): number => Math.exp(x) / (Math.exp(x) + 2);
  expectClose(values, [2, score(6), 0.5, 0.5, 0.9, 0.9, 1, score(4), ...BOXES.slice(12), -1, 0, 0, 0, 0, 0], 5);
});

test('regions are read between the pixels', () => {
  const ramp = Array.from({ length: 16 }, (_, i) => i);
  // The middle half of a ramp: bins of one pixel, each read at its centre.
  const layers =
    fixed('regions', [0.25, 0.25, 0.75, 0.75], [1, 1, 4]) +
    '  - {name: y, type: roi_align, inputs: [x, regions], size: 2}';
  const found = runLayer({ x: ramp, shape: [1, 1, 4, 4], layers });
  expect(found.shape).toEqual([1, 1, 1, 2, 2]);
  expectClose(found.values, [5, 6, 9, 10], 6);
  expectClose(found.gradient, [0, 0, 0, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 0, 0, 0], 6);
  const shifted = runLayer({
    x: ramp,
    shape: [1, 1, 4, 4],
    layers: layers.replace('size: 2', 'size: 2, aligned: false'),
  });
  expectClose(shifted.values, [7.5, 8.5, 11.5, 12.5], 6);
});

test('what does not fit is said', () => {
  const messages = (layers: string, shape = [1, 1, 8, 8]): string => String(shapeOf(shape, layers));
  const prior = (fields: string): string =>
    messages(`  - {name: y, type: prior_boxes, inputs: [x, x], min_sizes: [4], ${fields}}`);
  expect(prior('max_sizes: [4]')).toContain('4 is not above 4');
  expect(prior('max_sizes: [5, 6]')).toContain('2 sizes for the 1 of `min_sizes`');
  expect(prior('flip: true')).toContain('there are no aspect ratios to flip');
  expect(prior('aspect_ratios: [1]')).toContain('a ratio of 1 is there already');
  const anchors = (fields: string): string => messages(`  - {name: y, type: anchors, inputs: [x, x], ${fields}}`);
  expect(anchors('ratios: [1]')).toContain('it needs `sizes` or `boxes`');
  expect(anchors('boxes: [[1, 2]], scales: [2]')).toContain('it has no effect on `boxes`');
  const decode = (fields: string): string =>
    messages(`  - {name: y, type: decode_boxes, inputs: [x, x], ${fields}}`, [1, 2, 4]);
  expect(decode('coding: yolo')).toContain('it needs the cells of the priors');
  expect(decode('coding: corner, limit: 3')).toContain('it has no effect unless the coding is center_size');
  const nms = (fields: string): string =>
    messages(`  - {name: y, type: non_max_suppression, inputs: [x, x], ${fields}}`, [1, 2, 4]);
  expect(nms('background: 4')).toContain('there are 4 classes, numbered from 0');
});
