/** `given`: parameters of a layer that are its last inputs. */
import { runLayer, shapeOf } from '../support/layer';

const kernel = '  - {name: w, type: reshape, inputs: x, shape: [1, 1, 2]}\n';

test('a kernel that a layer computes is used, and its gradient goes there', () => {
  const layers = `${kernel}  - {name: y, type: conv1d, inputs: [x, w], filters: 1, kernel: 2, bias: false, given: [weight]}`;
  // y = x · x, so that the gradient of its sum is 2x.
  const { values, gradient } = runLayer({ x: [3, 5], shape: [1, 1, 2], layers });
  expect(values).toEqual([34]);
  expect(gradient).toEqual([6, 10]);
});

test('what does not fit is refused at the field', () => {
  const layers = `${kernel}  - {name: y, type: conv1d, inputs: [x, w], filters: 2, kernel: 2, bias: false, given: [weight]}`;
  expect(shapeOf([1, 1, 2], layers)).toMatch(/`weight` is \[2, 1, 2\] here; what stands for it is \[1, 1, 2\]/);
});
