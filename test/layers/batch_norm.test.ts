/** Batch normalization against PyTorch's BatchNorm2d (torch 2.13, float64): two channels, momentum 0.25. */
import { expectClose, modelOf, runLayer } from '../support/layer';

const RUN = {
  x: [1, 2, 3, -1, 0, 4, 2, 2],
  shape: [2, 2, 1, 2],
  layers: 'type: batch_norm, momentum: 0.25',
};
const AFFINE = { 'y.gamma': [2, 0.5], 'y.beta': [0.1, -1] };

test('training normalizes by the batch and moves the running statistics, the variance unbiased', () => {
  const found = runLayer({ ...RUN, mode: 'train', states: { ...AFFINE, 'y.mean': [0, 0], 'y.variance': [1, 1] } });
  expectClose(
    found.values,
    [
      -0.9141827875, 0.4380609292, -0.5000011111, -1.8333314815, -2.2664265043, 3.1425483626, -0.8333337037,
      -0.8333337037,
    ],
  );
  expectClose(found.updates['y.mean']!, [0.4375, 0.375]);
  expectClose(found.updates['y.variance']!, [1.4791666667, 1.5]);
});

test('evaluation and prediction use the running statistics and change nothing', () => {
  const states = { ...AFFINE, 'y.mean': [0.4375, 0.375], 'y.variance': [1.4791666666667, 1.5] };
  for (const mode of ['eval', 'predict'] as const) {
    const found = runLayer({ ...RUN, mode, states });
    expectClose(
      found.values,
      [
        1.0250016315, 2.6694489764, 0.0716481903, -1.5613395283, -0.6194457134, 5.9583436662, -0.3365987393,
        -0.3365987393,
      ],
    );
    expect(found.updates).toEqual({});
  }
});

test('a frozen batch_norm uses the running statistics in training too', () => {
  const states = { ...AFFINE, 'y.mean': [0.4375, 0.375], 'y.variance': [1.4791666666667, 1.5] };
  const found = runLayer({ ...RUN, layers: `${RUN.layers}, frozen: true`, mode: 'train', states });
  expect(found.values[0]).toBeCloseTo(1.0250016315, 8);
  expect(found.updates).toEqual({});
});

test('scale and center can be left out', () => {
  const model = modelOf(RUN.shape, 'type: batch_norm, scale: false, center: false', 'train');
  model.lowerLayers(['y']);
  expect(model.b.states.map(({ value, role }) => [value.name, role])).toEqual([
    ['y.mean', 'buffer'],
    ['y.variance', 'buffer'],
  ]);
});

test('dense features are normalized along axis 1 as well', () => {
  const states = { 'y.gamma': [1, 1], 'y.beta': [0, 0], 'y.mean': [0, 0], 'y.variance': [1, 1] };
  const found = runLayer({ x: [1, 5, 3, 5], shape: [2, 2], layers: 'type: batch_norm', mode: 'train', states });
  expectClose(found.values, [-1, 0, 1, 0], 4);
  expectClose(found.updates['y.variance']!, [0.9 + 0.1 * 2, 0.9]);
});
