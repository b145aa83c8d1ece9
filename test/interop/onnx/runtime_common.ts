/** Operators that most networks have, in settings that the corpus has no vectors of, for `runtime.test.ts`. */
import type { OnnxAttribute } from '../../../compiler/interop/formats/onnx/encode';
import { fixed, IMAGE, product, wide, type Case, type Input } from './runtime_cases';

type Attributes = Readonly<Record<string, OnnxAttribute>>;

const one =
  (op: string, opset: number, shape: Case['shape'], inputs: Case['inputs'], more: Partial<Case> = {}) =>
  (attributes: Attributes): Case => ({ op, opset, attributes, inputs, shape, ...more });

const PICTURE: Input = { shape: [2, 4, 9, 8] };
const float = (value: number): OnnxAttribute => ({ float: value });
const ints = (shape: readonly number[], data: readonly number[]): Input => ({ shape, data, dtype: 'i64' });
/** A fixed integer. */
const known = (value: number): Input => ({ ...ints([], [value]), fixed: true });
const whole = (shape: readonly number[], data: readonly number[]): Input => ({ shape, data, dtype: 'i32' });

const WINDOWED: readonly Case[] = [
  ...product({
    auto_pad: ['SAME_UPPER', 'SAME_LOWER', 'VALID'],
    strides: [
      [1, 1],
      [2, 3],
    ],
    group: [1, 2],
  }).map(({ group, ...rest }) =>
    one('Conv', 22, 4, [PICTURE, { shape: [6, 4 / group, 3, 4] }, { shape: [6] }])({ group, ...rest }),
  ),
  one('Conv', 22, 4, [PICTURE, { shape: [6, 4, 3, 2] }])({ pads: [2, 0, 1, 3], dilations: [2, 3], strides: [2, 1] }),
  one('Conv', 11, 3, [{ shape: [2, 4, 11] }, { shape: [4, 1, 3] }])({ pads: [0, 2], group: 4, strides: [2] }),
  one('Conv', 11, 5, [{ shape: [1, 2, 5, 6, 4] }, { shape: [3, 2, 2, 3, 2] }])({ pads: [1, 0, 0, 0, 1, 1] }),
  ...[
    { strides: [2, 3], output_padding: [1, 2] },
    { strides: [2, 2], pads: [1, 0, 0, 2] },
    { strides: [3, 2], output_shape: [26, 16] },
    { strides: [2, 2], auto_pad: 'SAME_UPPER' },
    { strides: [2, 2], auto_pad: 'SAME_LOWER' },
    { dilations: [2, 1], group: 2 },
  ].map((attributes) =>
    one('ConvTranspose', 22, 4, [PICTURE, { shape: [4, 3, 3, 2] }, { shape: [attributes.group === 2 ? 6 : 3] }])(
      attributes as Attributes,
    ),
  ),
  ...product({
    ceil_mode: [0, 1],
    strides: [
      [2, 2],
      [1, 3],
    ],
    pads: [
      [0, 0, 0, 0],
      [1, 1, 0, 1],
    ],
    dilations: [
      [1, 1],
      [2, 1],
    ],
  }).flatMap((attributes) => [
    one('MaxPool', 22, 4, [PICTURE])({ ...attributes, kernel_shape: [3, 2] }),
    ...[0, 1].map((count_include_pad) =>
      one('AveragePool', 22, 4, [PICTURE])({ ...attributes, count_include_pad, kernel_shape: [3, 2] }),
    ),
  ]),
  ...['SAME_UPPER', 'SAME_LOWER', 'VALID'].flatMap((auto_pad) => [
    one('MaxPool', 12, 4, [PICTURE])({ auto_pad, kernel_shape: [3, 2], strides: [2, 2] }),
    one('AveragePool', 12, 4, [PICTURE])({ auto_pad, kernel_shape: [2, 3], strides: [2, 1] }),
    one('LpPool', 18, 4, [PICTURE])({ auto_pad, kernel_shape: [2, 3], p: 3 }),
  ]),
  one('LRN', 13, 4, [PICTURE])({ size: 3, alpha: float(0.02), beta: float(0.5), bias: float(2) }),
  one('GlobalLpPool', 2, 4, [PICTURE])({ p: 3 }),
];

const SHAPED: readonly Case[] = [
  ...['constant', 'edge', 'reflect', 'wrap'].flatMap((mode) => [
    one('Pad', 19, 4, [PICTURE, fixed([0, 0, 2, 1, 0, 0, 1, 3], 'i64')])({ mode }),
    one('Pad', 19, 4, [PICTURE, fixed([2, 1, 0, 3], 'i64'), undefined, fixed([-1, 1], 'i64')])({ mode }),
  ]),
  one('Pad', 19, 4, [PICTURE, fixed([0, 0, -2, 1, 0, 0, 1, -3], 'i64')])({}),
  ...[
    [
      [-1, 8],
      [-100, 0],
      [2, 3],
      [-3, -2],
    ],
    [
      [1, -2],
      [9, 100],
      [0, -1],
      [1, 1],
    ],
    [[3], [0], [-2], [-1]],
  ].map((parts) => one('Slice', 13, 4, [PICTURE, ...parts.map((part) => fixed(part, 'i64'))])({})),
  one('Gather', 13, 5, [PICTURE, ints([2, 3], [0, -1, 3, -4, 2, 1])])({ axis: -3 }),
  one('GatherElements', 13, 3, [{ shape: [2, 3, 4] }, ints([1, 3, 2], [0, -1, 3, 1, 2, -4])])({ axis: 2 }),
  one('GatherND', 13, 3, [{ shape: [2, 3, 4] }, ints([2, 2, 1], [0, -1, 2, 1])])({ batch_dims: 1 }),
  ...product({ reduction: ['none', 'add', 'mul', 'max', 'min'], axis: [0, -1] }).map(
    one('ScatterElements', 18, 2, [{ shape: [4, 5] }, ints([2, 3], [0, 1, 3, -1, 2, 1]), { shape: [2, 3] }]),
  ),
  ...['none', 'add', 'mul', 'max', 'min'].map((reduction) =>
    one('ScatterND', 18, 3, [{ shape: [3, 4, 2] }, ints([2, 2], [0, 1, 2, -1]), { shape: [2, 2] }])({ reduction }),
  ),
  ...product({ largest: [0, 1], axis: [-1, 1] }).map(one('TopK', 11, 3, [{ shape: [2, 5, 6] }, fixed([4], 'i64')])),
  ...product({ keepdims: [0, 1], select_last_index: [0, 1], axis: [0, -2] }).flatMap((attributes) =>
    ['ArgMax', 'ArgMin'].map((op) =>
      one(
        op,
        13,
        2 + attributes.keepdims,
        [
          whole(
            [3, 4, 2],
            Array.from({ length: 24 }, (_, i) => (i * 7) % 5),
          ),
        ],
        {
          dtype: 'i64',
        },
      )(attributes),
    ),
  ),
  ...product({ exclusive: [0, 1], reverse: [0, 1] }).map(one('CumSum', 14, 3, [{ shape: [2, 3, 4] }, known(-2)])),
  ...product({ mode: ['DCR', 'CRD'], blocksize: [2] }).map(one('DepthToSpace', 13, 4, [{ shape: [2, 8, 3, 2] }])),
  one('SpaceToDepth', 13, 4, [{ shape: [2, 3, 4, 6] }])({ blocksize: 2 }),
  ...[-2, 0, 3].flatMap((k) => [0, 1].map((upper) => one('Trilu', 14, 3, [{ shape: [2, 4, 5] }, known(k)])({ upper }))),
  one('Split', 18, 3, [{ shape: [2, 7, 3] }])({ axis: -2, num_outputs: 1 }),
  one('Tile', 13, 3, [{ shape: [2, 1, 3] }, fixed([1, 4, 2], 'i64')])({}),
  one('Expand', 13, 4, [{ shape: [3, 1, 2] }, fixed([2, 1, 5, 1], 'i64')])({}),
  one('Reshape', 14, 3, [{ shape: [2, 6, 4] }, fixed([0, -1, 3], 'i64')])({}),
  one('Transpose', 13, 4, [PICTURE])({ perm: [2, 0, 3, 1] }),
  one('Flatten', 13, 2, [PICTURE])({ axis: -1 }),
  one('OneHot', 11, 3, [ints([2, 3], [0, -1, 7, 3, 2, 1]), fixed([4], 'i64'), fixed([0.5, 2])])({ axis: 1 }),
  one('ReverseSequence', 10, 3, [{ shape: [4, 3, 2] }, fixed([1, 4, 2], 'i64')])({ time_axis: 0, batch_axis: 1 }),
];

const COMPUTED: readonly Case[] = [
  ...[
    'ReduceSum',
    'ReduceMean',
    'ReduceMax',
    'ReduceMin',
    'ReduceProd',
    'ReduceL1',
    'ReduceL2',
    'ReduceSumSquare',
    'ReduceLogSumExp',
  ].flatMap((op) => [
    one(op, 18, 2, [{ shape: [2, 3, 4, 5] }, fixed([-1, 1], 'i64')])({ keepdims: 0 }),
    one(op, 18, 4, [{ shape: [2, 3, 4, 5] }, fixed([0, -2], 'i64')])({ keepdims: 1 }),
  ]),
  ...['->', ''].map((arrow) =>
    one('Einsum', 12, arrow ? 0 : 2, [{ shape: [3, 4] }, { shape: [4, 3] }])({ equation: arrow ? 'ij,ji->' : 'ij,jk' }),
  ),
  one('Einsum', 12, 3, [{ shape: [5, 3, 4] }, { shape: [5, 4, 2] }])({ equation: '...ij,...jk->...ki' }),
  one('Gemm', 13, 2, [{ shape: [4, 3] }, { shape: [5, 4] }, { shape: [3, 1] }])({
    transA: 1,
    transB: 1,
    alpha: float(0.5),
    beta: float(2),
  }),
  one('MatMul', 13, 3, [{ shape: [4] }, { shape: [2, 3, 4, 5] }])({}),
  one('MatMul', 13, 4, [{ shape: [2, 1, 3, 4] }, { shape: [5, 4, 2] }])({}),
  ...product({ axis: [1, -2], stash_type: [1] }).map((attributes) =>
    one('LayerNormalization', 17, 3, [{ shape: [2, 3, 4] }, { shape: [3, 4] }, { shape: [3, 4] }])({
      ...attributes,
      axis: 1,
    }),
  ),
  one('InstanceNormalization', 22, 5, [{ shape: [2, 3, 2, 4, 3] }, { shape: [3] }, { shape: [3] }])({
    epsilon: float(0.01),
  }),
  one('GroupNormalization', 21, 4, [PICTURE, { shape: [4] }, { shape: [4] }])({ num_groups: 2 }),
  one('LpNormalization', 22, 4, [PICTURE])({ axis: 1, p: 1 }),
  one('MeanVarianceNormalization', 13, 4, [PICTURE])({ axes: [1, 3] }),
  ...[0, 1].flatMap((fmod) => [
    one('Mod', 13, 1, [whole([6], [7, -7, 7, -7, 5, -1]), whole([6], [3, 3, -3, -3, 5, 4])], { dtype: 'i32' })({
      fmod,
    }),
  ]),
  one('Mod', 13, 1, [
    { shape: [6], data: [7.5, -7.5, 7.25, -7, 5, -0.5] },
    { shape: [6], data: [3, 3, -3, -3, 2.5, 4] },
  ])({ fmod: 1 }),
  one('Div', 14, 1, [whole([6], [7, -7, 7, -7, 5, -1]), whole([6], [3, 3, -3, -3, 5, 4])], { dtype: 'i32' })({}),
  one('Pow', 15, 2, [{ shape: [2, 3], data: [1, 2, 3, 4, 5, 6] }, whole([3], [2, 0, 3])])({}),
  one(
    'Clip',
    13,
    2,
    [whole([2, 3], [-9, 4, 7, 0, 3, 2]), { ...whole([], [-3]), fixed: true }, { ...whole([], [5]), fixed: true }],
    { dtype: 'i32' },
  )({}),
  one('PRelu', 16, 4, [PICTURE, { shape: [4, 1, 1] }])({}),
  one('Celu', 12, 4, [IMAGE])({ alpha: float(0.7) }),
  one('ThresholdedRelu', 22, 4, [IMAGE])({ alpha: float(0.3) }),
  one('HardSigmoid', 22, 4, [IMAGE])({ alpha: float(0.3), beta: float(0.4) }),
  one('Shrink', 9, 4, [IMAGE])({ lambd: float(0.3), bias: float(0.1) }),
  one('Gelu', 20, 4, [IMAGE])({ approximate: 'tanh' }),
  one('LogSoftmax', 13, 3, [wide([2, 3, 4], 3)])({ axis: 0 }),
  one('Softmax', 11, 3, [wide([2, 3, 4], 3)])({ axis: 1 }),
  one('Hardmax', 13, 3, [wide([2, 3, 4], 3)])({ axis: 1 }),
  one('Unique', 11, [7], [ints([8], [4, 1, 4, -2, 9, 1, 0, 3])], { dtype: 'i64', shape: [6] })({ sorted: 0 }),
  one('Unique', 11, [2, 3], [{ shape: [2, 4], data: [3, 1, 3, 1, 2, 1, 2, 0] }])({ axis: 1 }),
  one('NonZero', 13, [2, 4], [{ shape: [2, 3], data: [0, 1, 2, 0, -1, 4] }], { dtype: 'i64' })({}),
  one('STFT', 17, 4, [{ shape: [2, 16, 1] }, fixed([4], 'i64'), fixed([0.2, 0.5, 1, 1, 0.7, 0.5, 0.3, 0.1])])({
    onesided: 1,
  }),
];

export const COMMON: readonly Case[] = [...WINDOWED, ...SHAPED, ...COMPUTED];
