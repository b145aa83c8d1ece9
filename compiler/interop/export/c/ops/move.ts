/** Elements that change their places and not their values: parts, borders, orders of axes, copies along axes. */
import type { Shape } from '../../../../ir/types';
import { elementCount } from '../../../../ir/types';
import { axisAttr, integersAttr, numberAttr } from '../../../../ops/attributes';
import { stridesOf } from '../../../../ops/families/shapes';
import type { Emitter, Step } from '../emitter';
import { broadcastWalk, copyElements, plus, walkOf } from './walk';

/** Elements from the start of a tensor to the place `at`. */
const offsetOf = (strides: readonly number[], at: readonly number[]): number =>
  strides.reduce((sum, stride, axis) => sum + stride * at[axis]!, 0);

const times = (strides: readonly number[], steps: readonly number[]): number[] =>
  strides.map((stride, axis) => stride * steps[axis]!);

function copy(step: Step, shape: Shape, from: readonly number[], to: readonly number[], skip: number, start = 0): void {
  const walk = walkOf(shape, [from, to]);
  // A pointer to the first element keeps the indices short.
  const own = (name: string, offset: number, type: string): string => {
    if (offset === 0) return name;
    step.code.line(`${type}*const ${name}_at = ${plus(name, String(offset))};`);
    return `${name}_at`;
  };
  const type = `${step.type(step.output(0).dtype)} `;
  const source = own(step.x(0), skip, `const ${type}`);
  copyElements(step.code, walk, source, own(step.result(), start, type));
}

export const slice: Emitter = {
  emit: (step) => {
    const [x, y] = [step.input(0).shape, step.output(0).shape];
    const own = stridesOf(x);
    const skip = offsetOf(own, integersAttr(step.attrs, 'starts', x.length));
    copy(step, y, times(own, integersAttr(step.attrs, 'strides', x.length)), stridesOf(y), skip);
  },
};

export const pad: Emitter = {
  emit: (step) => {
    const [x, y] = [step.input(0).shape, step.output(0).shape];
    const value = step.literal(numberAttr(step.attrs, 'value'), step.output(0).dtype);
    step.code.line(`for (int j = 0; j < ${elementCount(y)}; j++) ${step.result()}[j] = ${value};`);
    const to = stridesOf(y);
    const gaps = integersAttr(step.attrs, 'interior', x.length).map((gap) => gap + 1);
    copy(step, x, stridesOf(x), times(to, gaps), 0, offsetOf(to, integersAttr(step.attrs, 'low', x.length)));
  },
};

export const transpose: Emitter = {
  emit: (step) => {
    const [x, y] = [step.input(0).shape, step.output(0).shape];
    const own = stridesOf(x);
    const from = integersAttr(step.attrs, 'perm', x.length).map((axis) => own[axis]!);
    copy(step, y, from, stridesOf(y), 0);
  },
};

export const broadcast_to: Emitter = {
  emit: (step) => {
    const walk = broadcastWalk(step.output(0).shape, [step.input(0).shape]);
    copyElements(step.code, walk, step.x(0), step.result());
  },
};

export const concat: Emitter = {
  emit: (step) => {
    const { shape } = step.output(0);
    const axis = axisAttr(step.attrs, 'axis', shape.length);
    const [rows, row] = [elementCount(shape.slice(0, axis)), elementCount(shape.slice(axis))];
    let start = 0;
    step.node.inputs.forEach(({ type }, i) => {
      const length = elementCount(type.shape.slice(axis));
      const target = plus(step.result(), String(start));
      start += length;
      if (length === 0) return;
      const walk = walkOf(
        [rows, length],
        [
          [length, 1],
          [row, 1],
        ],
      );
      step.code.block('', () => {
        step.code.line(`${step.type(type.dtype)} *const part = ${target};`);
        copyElements(step.code, walk, step.x(i), 'part');
      });
    });
  },
};
