/** Resizing against PyTorch's `interpolate` (torch 2.13, double precision), Keras' bicubic by its formula, and borders. */
import { expectClose, runLayer, shapeOf } from '../support/layer';

const X = [-5, 2, 1, 3, -3, 5, 5, -3, 3, 1, 2, -5, 2, 1, 3];
const IMAGE = { x: X, shape: [1, 1, 3, 5] };

const CASES: readonly (readonly [
  name: string,
  fields: string,
  shape: number[],
  values: number[],
  gradient: number[],
])[] = [
  [
    'bilinear, larger',
    'size: [4, 7], method: bilinear',
    [1, 1, 4, 7],
    [
      -5, -1, 1.714285714, 1, 2.428571429, 0.428571429, -3, 1.25, 2.75, 2.339285714, -1.5, 1.714285714, 1.5, -0.5,
      3.875, 2.375, 0.571428571, -1.125, 1.285714286, 2.035714286, 1.75, 2, -2, -3, 2, 1.285714286, 1.857142857, 3,
    ],
    [
      1.964285714, 1.767857143, 2.160714286, 1.767857143, 1.964285714, 1.785714286, 1.607142857, 1.964285714,
      1.607142857, 1.785714286, 1.964285714, 1.767857143, 2.160714286, 1.767857143, 1.964285714,
    ],
  ],
  [
    'bilinear, smaller',
    'size: [2, 3]',
    [1, 1, 2, 3],
    [-0.75, 0, -0.333333333, 1, 0.75, 2.166666667],
    [0.5, 0.25, 0.75, 0.25, 0.5, 0.333333333, 0.166666667, 0.5, 0.166666667, 0.333333333, 0.5, 0.25, 0.75, 0.25, 0.5],
  ],
  [
    'bilinear with aligned corners',
    'size: [4, 7], corners: align',
    [1, 1, 4, 7],
    [
      -5, -0.333333333, 1.666666667, 1, 2.333333333, 1, -3, 1.666666667, 3.222222222, 2.111111111, -1.666666667,
      1.444444444, 1.888888889, -0.333333333, 4, 2.444444444, 0.666666667, -1.333333333, 1.111111111, 2.111111111,
      1.666666667, 2, -2.666666667, -2.666666667, 2, 1.333333333, 1.666666667, 3,
    ],
    [
      1.777777778, 1.777777778, 2.222222222, 1.777777778, 1.777777778, 1.777777778, 1.777777778, 2.222222222,
      1.777777778, 1.777777778, 1.777777778, 1.777777778, 2.222222222, 1.777777778, 1.777777778,
    ],
  ],
  [
    'aligned corners of a single row',
    'size: [1, 2], corners: align',
    [1, 1, 1, 2],
    [-5, -3],
    [1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
  ],
  [
    'bicubic',
    'size: [2, 7], method: bicubic',
    [1, 1, 2, 7],
    [
      -3.074457908, 0.981732872, 2.690779883, -0.08203125, 2.67469365, 1.20364887, -2.57609785, 3.476801658,
      -0.604808218, -2.394166819, 0.7265625, 1.27320973, 2.047603863, 2.784666545,
    ],
    [
      1.025629783, 1.039620536, 1.037468112, 1.039620536, 1.025629783, 0.72716609, 0.737085459, 0.735559402,
      0.737085459, 0.72716609, 1.025629783, 1.039620536, 1.037468112, 1.039620536, 1.025629783,
    ],
  ],
  [
    'bicubic with aligned corners',
    'size: [4, 3], method: cubic, corners: align',
    [1, 1, 4, 3],
    [-5, 1, -3, 2.185185185, -2.296296296, -0.481481481, 5.166666667, -1.87037037, 2.074074074, 2, 2, 3],
    [
      1.203703704, 0, 1.203703704, 0, 1.203703704, 1.592592593, 0, 1.592592593, 0, 1.592592593, 1.203703704, 0,
      1.203703704, 0, 1.203703704,
    ],
  ],
  [
    "nearest as PyTorch's",
    'size: [2, 8], method: nearest, corners: asymmetric',
    [1, 1, 2, 8],
    [-5, -5, 2, 2, 1, 3, 3, -3, 5, 5, 5, 5, -3, 3, 3, 1],
    [2, 2, 1, 2, 1, 2, 2, 1, 2, 1, 0, 0, 0, 0, 0],
  ],
  [
    'nearest by cells',
    'size: [2, 8], method: nearest',
    [1, 1, 2, 8],
    [-5, -5, 2, 1, 1, 3, -3, -3, 2, 2, -5, 2, 2, 1, 3, 3],
    [2, 1, 2, 1, 2, 0, 0, 0, 0, 0, 2, 1, 2, 1, 2],
  ],
  [
    'area',
    'size: [2, 3], method: area',
    [1, 1, 2, 3],
    [1.75, 1.833333333, 1, 1.75, 0.5, 2],
    [
      0.25, 0.416666667, 0.166666667, 0.416666667, 0.25, 0.5, 0.833333333, 0.333333333, 0.833333333, 0.5, 0.25,
      0.416666667, 0.166666667, 0.416666667, 0.25,
    ],
  ],
  [
    'bilinear, antialiased',
    'size: [2, 3], antialias: true',
    [1, 1, 2, 3],
    [0.625, 1.083333333, 0.428571429, 1.25, 0.180555556, 2.035714286],
    [
      0.357142857, 0.406746032, 0.347222222, 0.406746032, 0.357142857, 0.428571429, 0.488095238, 0.416666667,
      0.488095238, 0.428571429, 0.357142857, 0.406746032, 0.347222222, 0.406746032, 0.357142857,
    ],
  ],
  [
    'bicubic, antialiased',
    'size: [2, 3], method: bicubic, antialias: true',
    [1, 1, 2, 3],
    [0.637905914, 1.374915077, 0.285590814, 1.349351772, -0.088969353, 2.239412273],
    [
      0.33389135, 0.403724835, 0.354623166, 0.403724835, 0.33389135, 0.427029464, 0.516342816, 0.453544365, 0.516342816,
      0.427029464, 0.33389135, 0.403724835, 0.354623166, 0.403724835, 0.33389135,
    ],
  ],
  [
    'bicubic, antialiased where it shrinks',
    'size: [4, 2], method: bicubic, antialias: true',
    [1, 1, 4, 2],
    [-0.67339669, 0.648986923, 2.083908146, 0.727927901, 1.868291942, 1.201339934, -1.185072721, 1.77243491],
    [
      0.428027983, 0.60281569, 0.64896426, 0.60281569, 0.428027983, 0.407191534, 0.573470556, 0.617372608, 0.573470556,
      0.407191534, 0.428027983, 0.60281569, 0.64896426, 0.60281569, 0.428027983,
    ],
  ],
  [
    'by factors, whose inverse is the step',
    'scale: [1.4, 0.7]',
    [1, 1, 4, 3],
    [
      -3.5, 1.357142857, 2.571428571, 1.357142857, 0.5, 2.734693878, 3.714285714, -0.244897959, 2.367346939, 0.5, -0.5,
      1.142857143,
    ],
    [
      1.12244898, 0.816326531, 0.918367347, 1.326530612, 0.102040816, 1.010204082, 0.734693878, 0.826530612,
      1.193877551, 0.091836735, 1.010204082, 0.734693878, 0.826530612, 1.193877551, 0.091836735,
    ],
  ],
];

describe('resize is as PyTorch has it', () => {
  test.each(CASES)('%s', (_name, fields, shape, values, gradient) => {
    const found = runLayer({ ...IMAGE, layers: `type: resize, ${fields}` });
    expect(found.shape).toEqual(shape);
    expectClose(found.values, values);
    expectClose(found.gradient, gradient);
  });

  test('sequences', () => {
    const found = runLayer({ x: X, shape: [1, 3, 5], layers: 'type: resize, size: 8' });
    expectClose(
      found.values,
      [
        -5, -1.9375, 1.9375, 1.3125, 1.625, 2.875, -0.375, -3, 5, 5, 4.5, -0.5, -1.125, 2.625, 1.875, 1, 2, -1.0625,
        -4.5625, -0.1875, 1.6875, 1.0625, 2.125, 3,
      ],
    );
  });

  test('volumes', () => {
    const eight = { x: [0, 1, 2, 3, 4, 5, 6, 7], shape: [1, 1, 2, 2, 2] };
    const aligned = runLayer({ ...eight, layers: 'type: resize, size: [3, 2, 3], method: trilinear, corners: align' });
    expectClose(aligned.values, [0, 0.5, 1, 2, 2.5, 3, 2, 2.5, 3, 4, 4.5, 5, 4, 4.5, 5, 6, 6.5, 7]);
    const doubled = runLayer({ ...eight, layers: 'type: upsample3d, scale: 2, method: trilinear' });
    expect(doubled.shape).toEqual([1, 1, 4, 4, 4]);
    expectClose(doubled.values.slice(0, 8), [0, 0.25, 0.75, 1, 0.5, 0.75, 1.25, 1.5]);
    expectClose(doubled.gradient, [8, 8, 8, 8, 8, 8, 8, 8]);
  });
});

test("Keras' bicubic: a = −0.5, and nothing beyond the ends", () => {
  // At a quarter and three quarters the kernel's weights are these; doubling puts every element there.
  const [outer, near, far, end] = [-0.0703125, 0.8671875, 0.2265625, -0.0234375];
  const x = [1, 2, 4, 8];
  const fields = 'type: upsample1d, scale: 2, method: cubic, cubic: -0.5, edges: renormalize';
  const { values } = runLayer({ x, shape: [1, 1, 4], layers: fields });
  const first = (near * 1 + outer * 2) / (near + outer);
  const second = (near * 1 + far * 2 + end * 4) / (near + far + end);
  const fourth = near * 2 + far * 4 + outer * 1 + end * 8;
  expectClose([values[0]!, values[1]!, values[3]!], [first, second, fourth]);
});

test('upsampling repeats elements unless it interpolates', () => {
  const found = runLayer({ x: [1, 2, 3, 4], shape: [1, 1, 2, 2], layers: 'type: upsample2d, scale: [1, 3]' });
  expect(found.values).toEqual([1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4]);
  expect(found.gradient).toEqual([3, 3, 3, 3]);
});

test('nearest on aligned corners rounds halves up', () => {
  const found = runLayer({
    x: [0, 1, 2],
    shape: [1, 1, 3],
    layers: 'type: resize, size: 5, method: nearest, corners: align',
  });
  expect(found.values).toEqual([0, 1, 1, 2, 2]);
});

test('fields without an effect are refused where they stand', () => {
  const refusals: readonly (readonly [string, RegExp])[] = [
    ['size: 4, scale: 2', /either `size` or `scale`/],
    ['method: nearest', /either `size` or `scale`/],
    ['size: [2, 3, 4]', /3 numbers for 2 spatial axes/],
    ['size: 4, method: trilinear', /trilinear is for volumes with 3 axes, not 2/],
    ['size: 4, method: area, corners: align', /no effect on `area`/],
    ['size: 4, cubic: -0.5', /no effect unless the method is cubic/],
    ['size: 4, method: nearest, antialias: true', /no effect on `nearest`/],
    ['size: 4, antialias: true, corners: align', /goes with `corners: half_pixel` alone/],
    ['size: 4, method: bicubic, antialias: true, edges: repeat', /no effect with `antialias`/],
    ['scale: 0.1', /leave none/],
  ];
  for (const [fields, message] of refusals) expect(shapeOf([1, 1, 3, 5], `type: resize, ${fields}`)).toMatch(message);
  expect(shapeOf([1, 5], 'type: resize, size: 4')).toMatch(/one to three spatial axes/);
  expect(shapeOf([1, 1, 5], 'type: upsample2d, scale: 2')).toMatch(/images of shape \[N, C, H, W\]/);
});

describe('borders', () => {
  const padded = (fields: string): number[] =>
    runLayer({ ...IMAGE, layers: `type: pad, padding: [[1, 2], [2, 1]], ${fields}` }).values;

  test('as PyTorch reflects, repeats and wraps', () => {
    expect(padded('mode: reflect')).toEqual([
      -3, 5, 5, 5, -3, 3, 1, 3, 1, 2, -5, 2, 1, 3, -3, 3, -3, 5, 5, 5, -3, 3, 1, 3, 2, -5, 2, -5, 2, 1, 3, 1, -3, 5, 5,
      5, -3, 3, 1, 3, 1, 2, -5, 2, 1, 3, -3, 3,
    ]);
    expect(padded('mode: edge')).toEqual([
      -5, -5, -5, 2, 1, 3, -3, -3, -5, -5, -5, 2, 1, 3, -3, -3, 5, 5, 5, 5, -3, 3, 1, 1, 2, 2, 2, -5, 2, 1, 3, 3, 2, 2,
      2, -5, 2, 1, 3, 3, 2, 2, 2, -5, 2, 1, 3, 3,
    ]);
    expect(padded('mode: wrap')).toEqual([
      1, 3, 2, -5, 2, 1, 3, 2, 3, -3, -5, 2, 1, 3, -3, -5, 3, 1, 5, 5, -3, 3, 1, 5, 1, 3, 2, -5, 2, 1, 3, 2, 3, -3, -5,
      2, 1, 3, -3, -5, 3, 1, 5, 5, -3, 3, 1, 5,
    ]);
  });

  test('of any axes, on either side', () => {
    const row = (fields: string): number[] =>
      runLayer({ x: [1, 2, 3], shape: [1, 3], layers: `type: pad, ${fields}` }).values;
    expect(row('axes: 1, padding: [2, 1], mode: symmetric')).toEqual([2, 1, 1, 2, 3, 3]);
    expect(row('axes: -1, padding: [0, 2], value: 9')).toEqual([1, 2, 3, 9, 9]);
    expect(shapeOf([2, 3, 4], 'type: pad, axes: [2, 1], padding: [1, [0, 3]]')).toEqual([2, 6, 6]);
    expect(shapeOf([2, 3, 4], 'type: pad, padding: 2')).toEqual([2, 3, 8]);
  });

  test('the gradient of a mirrored element is the sum over its places', () => {
    const { gradient } = runLayer({
      x: [1, 2, 3],
      shape: [1, 1, 3],
      layers: 'type: pad, padding: [2, 1], mode: reflect',
    });
    expect(gradient).toEqual([1, 3, 2]);
  });

  test('what makes no sense is refused where it stands', () => {
    const why = (fields: string): unknown => shapeOf([1, 1, 3, 5], `type: pad, ${fields}`);
    expect(why('padding: 3, mode: reflect')).toMatch(/a border of 3 along axis 2 with `reflect` needs more than its 3/);
    expect(why('padding: 4, mode: wrap')).toMatch(/`wrap` needs more than its 3/);
    expect(why('padding: 1, mode: edge, value: 1')).toMatch(/no effect with `mode: edge`/);
    expect(why('padding: [1, 2, 3]')).toMatch(/3 entries for 2 axes/);
    expect(why('padding: 1, axes: 0')).toMatch(/axis 0 is not among the axes 1 to 3/);
    expect(shapeOf([1, 3], 'type: pad, padding: 1')).toMatch(/no spatial axes/);
  });
});
