/** Conversion between dtypes: to integers truncated and held at the ends of the range, NaN to 0. */
import { elementCount, isFloat, type DType } from '../../../../ir/types';
import type { Emitter } from '../emitter';
import { TO_INTEGER } from './elementwise';

const WIDTH: Readonly<Partial<Record<DType, number>>> = { bool: 0, u8: 1, i32: 2, i64: 3 };

export const cast: Emitter = {
  emit: (step) => {
    const { code } = step;
    const [from, { dtype: to, shape }] = [step.input(0).dtype, step.output(0)];
    const type = step.type(to);
    const x = `${step.x(0)}[j]`;
    const helper = (): string => `${step.helper(TO_INTEGER[to] ?? 'to_i64')}(${from === 'i64' ? `(double)${x}` : x})`;
    const widens = isFloat(to) || (WIDTH[from] ?? Infinity) <= (WIDTH[to] ?? 0);
    const value = to === 'bool' ? `${x} != 0` : widens ? `(${type})${x}` : helper();
    code.line(`for (int j = 0; j < ${elementCount(shape)}; j++) ${step.result()}[j] = ${value};`);
  },
};
