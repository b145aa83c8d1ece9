/**
 * Matrix products: rows of the right side, scaled and added. A right side that is given transposed is turned around
 * first; where it is a weight, that is done when the file is written.
 */
import type { Node } from '../../../../ir/graph';
import { elementCount } from '../../../../ir/types';
import type { Emitter, Step } from '../emitter';
import { relu } from './fill';

interface Product {
  /** Products of their own. */
  readonly batches: number;
  readonly m: number;
  readonly k: number;
  readonly n: number;
  /** One right side serves all batches. */
  readonly shared: boolean;
  readonly transposedA: boolean;
  readonly transposedB: boolean;
}

function productOf({ inputs, attrs }: Node): Product {
  const [a, b] = [inputs[0]!.type.shape, inputs[1]!.type.shape];
  const [transposedA, transposedB] = [attrs['transpose_a'] === true, attrs['transpose_b'] === true];
  const [rows = 1, columns = 1] = a.slice(-2);
  const shared = b.length === 2;
  const batches = elementCount(a.slice(0, -2));
  const [m, k] = transposedA ? [columns, rows] : [rows, columns];
  const n = b.at(transposedB ? -2 : -1) ?? 1;
  // Rows of all batches make one product where nothing keeps them apart.
  return shared && !transposedA
    ? { batches: 1, m: m * batches, k, n, shared, transposedA, transposedB }
    : { batches, m, k, n, shared, transposedA, transposedB };
}

export const matmul: Emitter = {
  problem: ({ attrs }) =>
    attrs['weight_shape'] === undefined ? undefined : 'its weights are in an order of the native kernels',
  scratch: (node, isKnown) => {
    const { k, n, shared, transposedB } = productOf(node);
    return transposedB && !(shared && isKnown(1)) ? { f32: k * n } : {};
  },
  emit: (step) => {
    const { code } = step;
    const product = productOf(step.node);
    const { batches, m, k, n, shared, transposedA, transposedB } = product;
    const madd = step.helper('madd');
    const turned =
      transposedB &&
      shared &&
      step.rearranged(1, 'transposed', (data) => data.map((_, i) => data[(i % n) * k + Math.floor(i / n)]!));
    code.loop('z', batches, () => {
      code.line(`const float *a = ${step.x(0)} + z * ${m * k};`);
      code.line(`float *y = ${step.result()} + z * ${m * n};`);
      start(step, product);
      const b = `${step.x(1)}${shared ? '' : ` + z * ${k * n}`}`;
      if (transposedB && !turned) turn(step, b, product);
      const right = transposedB && !turned ? step.floats : b;
      const [am, ak] = transposedA ? [1, m] : [k, 1];
      code.line(`${madd}(${m}, ${n}, ${k}, a, ${am}, ${ak}, ${right}, ${n}, y, ${n});`);
      if (step.attrs['activation'] === 'relu') relu(code, 'y', m * n);
    });
  },
};

function start(step: Step, { m, n }: Product): void {
  const { code } = step;
  if (step.node.inputs.length < 3) code.line(`memset(y, 0, ${m * n} * sizeof(float));`);
  else code.line(`for (int i = 0; i < ${m}; i++) memcpy(y + i * ${n}, ${step.x(2)}, ${n} * sizeof(float));`);
}

function turn(step: Step, b: string, { k, n }: Product): void {
  const { code } = step;
  code.block('', () => {
    code.line(`const float *restrict b = ${b};`);
    code.loop('j', n, () =>
      code.line(`for (int t = 0; t < ${k}; t++) ${step.floats}[t * ${n} + j] = b[j * ${k} + t];`),
    );
  });
}
