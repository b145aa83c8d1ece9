/** Operators in settings that the corpus has no vectors of, for `runtime.test.ts`: sampling, resizing, bits, found things. */
import type { OnnxAttribute } from '../../../compiler/interop/formats/onnx/encode';
import type { DType } from '../../../compiler/ir/types';
import { generator } from '../../support/samples';

export interface Input {
  readonly shape: readonly number[];
  /** By default random floats from −1 to 1. */
  readonly data?: readonly number[];
  readonly dtype?: DType;
  /** An initializer. */
  readonly fixed?: true;
}

export interface Case {
  readonly op: string;
  readonly opset: number;
  readonly attributes?: Readonly<Record<string, OnnxAttribute>>;
  /** Undefined where one is left out. */
  readonly inputs: readonly (Input | undefined)[];
  /** What the model declares of its output: its extents, or how many axes it has. */
  readonly shape: readonly number[] | number;
  readonly dtype?: DType;
}

export const fixed = (data: readonly number[], dtype: DType = 'f32'): Input => ({
  shape: [data.length],
  data,
  dtype,
  fixed: true,
});

export function product<T extends Readonly<Record<string, readonly unknown[]>>>(
  lists: T,
): { [K in keyof T]: T[K][number] }[] {
  let rows: Record<string, unknown>[] = [{}];
  for (const [name, values] of Object.entries(lists))
    rows = rows.flatMap((row) => values.map((value) => ({ ...row, [name]: value })));
  return rows as { [K in keyof T]: T[K][number] }[];
}

export const IMAGE: Input = { shape: [2, 3, 5, 4] };

const RESIZES = [
  ...product({
    mode: ['nearest', 'linear', 'cubic'],
    coordinate_transformation_mode: [
      'half_pixel',
      'asymmetric',
      'align_corners',
      'pytorch_half_pixel',
      'half_pixel_symmetric',
    ],
    size: [
      [7, 9],
      [3, 2],
      [10, 8],
      [2, 1],
    ] as const,
  }).map(({ size, ...attributes }): Case => {
    const inputs = [IMAGE, undefined, undefined, fixed([2, 3, ...size], 'i64')];
    return { op: 'Resize', opset: 19, attributes, inputs, shape: [2, 3, ...size] };
  }),
  ...product({
    nearest_mode: ['round_prefer_floor', 'round_prefer_ceil', 'floor', 'ceil'],
    coordinate_transformation_mode: ['half_pixel', 'asymmetric', 'align_corners'],
  }).map((attributes): Case => {
    const inputs = [IMAGE, undefined, fixed([1, 1, 1.5, 0.7])];
    return { op: 'Resize', opset: 19, attributes, inputs, shape: [2, 3, 7, 2] };
  }),
  ...product({ mode: ['linear', 'cubic'], antialias: [1], exclude_outside: [0, 1] }).map((attributes): Case => {
    const inputs = [IMAGE, undefined, undefined, fixed([2, 3, 3, 2], 'i64')];
    return { op: 'Resize', opset: 19, attributes, inputs, shape: [2, 3, 3, 2] };
  }),
  ...product({ mode: ['nearest', 'linear'] }).map(({ mode }): Case => {
    const attributes = {
      mode,
      coordinate_transformation_mode: 'tf_crop_and_resize',
      extrapolation_value: { float: 7 },
    };
    const inputs = [IMAGE, fixed([0, 0, -0.2, 0.3, 1, 1, 0.8, 1.2]), undefined, fixed([2, 3, 6, 5], 'i64')];
    return { op: 'Resize', opset: 19, attributes, inputs, shape: [2, 3, 6, 5] };
  }),
];

export const wide = (shape: readonly number[], seed: number): Input => {
  const random = generator(seed);
  const size = shape.reduce((total, extent) => total * extent, 1);
  return { shape, data: Array.from({ length: size }, () => Math.fround(3 * random() - 1.5)) };
};

const GRIDS = [
  ...product({
    mode: ['linear', 'nearest', 'cubic'],
    padding_mode: ['zeros', 'border', 'reflection'],
    align_corners: [0, 1],
  }).map((attributes): Case => {
    return { op: 'GridSample', opset: 20, attributes, inputs: [IMAGE, wide([2, 3, 6, 2], 5)], shape: [2, 3, 3, 6] };
  }),
  ...product({
    mode: ['linear', 'nearest'],
    padding_mode: ['zeros', 'border', 'reflection'],
    align_corners: [0, 1],
  }).map((attributes): Case => {
    const inputs = [{ shape: [2, 2, 3, 5, 4] }, wide([2, 3, 2, 4, 3], 7)];
    return { op: 'GridSample', opset: 20, attributes, inputs, shape: [2, 2, 3, 2, 4] };
  }),
];

const OTHERS: readonly Case[] = [
  {
    op: 'DeformConv',
    opset: 19,
    attributes: { strides: [2, 1], dilations: [1, 2], pads: [1, 2, 0, 1], group: 2, offset_group: 2 },
    inputs: [
      { shape: [2, 4, 6, 7] },
      { shape: [6, 2, 3, 2] },
      wide([2, 24, 3, 8], 3),
      { shape: [6] },
      { shape: [2, 12, 3, 8] },
    ],
    shape: [2, 6, 3, 8],
  },
  ...['half_pixel', 'output_half_pixel'].map((mode): Case => ({
    op: 'RoiAlign',
    opset: 16,
    attributes: {
      coordinate_transformation_mode: mode,
      output_height: 3,
      output_width: 2,
      sampling_ratio: 2,
      spatial_scale: { float: 0.5 },
    },
    inputs: [
      { shape: [2, 3, 8, 9] },
      { shape: [3, 4], data: [1, 2, 9, 12, 0, 0, 15, 15, 3, 5, 10, 7] },
      { shape: [3], data: [1, 0, 1], dtype: 'i64' },
    ],
    shape: [3, 3, 3, 2],
  })),
  {
    op: 'NonMaxSuppression',
    opset: 11,
    inputs: [wide([2, 5, 4], 11), wide([2, 3, 5], 12), fixed([2], 'i64'), fixed([0.3]), fixed([0.2])],
    shape: [11, 3],
    dtype: 'i64',
  },
  ...['BitwiseAnd', 'BitwiseOr', 'BitwiseXor'].flatMap((op): Case[] => [
    {
      op,
      opset: 18,
      inputs: [
        { shape: [2, 3], data: [-1, 2 ** 31 - 1, -(2 ** 31), 12, -77, 0], dtype: 'i32' },
        { shape: [3], data: [1234567, -1, 2 ** 30 + 5], dtype: 'i32' },
      ],
      shape: [2, 3],
      dtype: 'i32',
    },
    {
      op,
      opset: 18,
      inputs: [
        { shape: [4], data: [-1, 2 ** 50 + 1, -(2 ** 40) - 3, 77], dtype: 'i64' },
        { shape: [1], data: [-(2 ** 45) + 9], dtype: 'i64' },
      ],
      shape: [4],
      dtype: 'i64',
    },
  ]),
];

export const SAMPLED: readonly Case[] = [...RESIZES, ...GRIDS, ...OTHERS];
