/** Many elements that become one, or run along an axis: sums and products are carried in double, as integers exactly. */
import { elementCount, isFloat, type DType } from '../../../../ir/types';
import { axisAttr, booleanAttr, integersAttr } from '../../../../ops/attributes';
import { viewAround } from '../../../../ops/families/channels';
import { stridesOf } from '../../../../ops/families/shapes';
import type { Emitter, Step } from '../emitter';
import { sum } from '../text';
import { eachElement, walkOf } from './walk';

interface Reduction {
  /** What is carried before the first element, of floats and of integers. */
  readonly start: readonly [string, string];
  readonly combine: (carried: string, x: string, isNan: string) => string;
}

const LEAST = '-9223372036854775807LL - 1';

const REDUCTIONS = {
  sum: { start: ['0.0', '0'], combine: (carried, x) => `${carried} + ${x}` },
  prod: { start: ['1.0', '1'], combine: (carried, x) => `${carried} * ${x}` },
  // A NaN stays.
  max: { start: ['-INFINITY', LEAST], combine: (most, x, isNan) => `${x} > ${most}${isNan} ? ${x} : ${most}` },
  min: {
    start: ['INFINITY', '9223372036854775807LL'],
    combine: (least, x, isNan) => `${x} < ${least}${isNan} ? ${x} : ${least}`,
  },
} as const satisfies Readonly<Record<string, Reduction>>;

const carrier = (dtype: DType): string => (isFloat(dtype) ? 'double' : 'long long');

/** Runs of at least so many floats are summed in lanes, which compilers make vectors of. */
const LANES_FROM = 32;

function reduction(kind: keyof typeof REDUCTIONS): Emitter {
  const { start, combine } = REDUCTIONS[kind];
  return {
    emit: (step) => {
      const { code } = step;
      const { dtype, shape } = step.input(0);
      const axes = integersAttr(step.attrs, 'axes').map((axis) => (axis < 0 ? axis + shape.length : axis));
      const own = stridesOf(shape);
      const kept = shape.map((_, axis) => axis).filter((axis) => !axes.includes(axis));
      const [keptShape, reduced] = [kept.map((axis) => shape[axis]!), axes.map((axis) => shape[axis]!)];
      const outer = walkOf(keptShape, [kept.map((axis) => own[axis]!), stridesOf(keptShape)]);
      const sorted = axes.toSorted((a, b) => a - b);
      const inner = walkOf(reducedExtents(shape, sorted), [sorted.map((axis) => own[axis]!)]);
      const type = carrier(dtype);
      eachElement(code, outer, ([from = '0', to = '0']) => {
        const run = inner.extents[0] ?? 1;
        if (
          kind === 'sum' &&
          dtype === 'f32' &&
          inner.extents.length === 1 &&
          inner.strides[0]![0] === 1 &&
          run >= LANES_FROM
        ) {
          code.line(`${step.result()}[${to}] = (float)${step.helper('total')}(${step.x(0)} + ${from}, ${run});`);
          return;
        }
        code.line(`${type} s = ${start[isFloat(dtype) ? 0 : 1]};`);
        if (elementCount(reduced) > 0) {
          eachElement(
            code,
            inner,
            ([at = '0']) => {
              code.line(
                `const ${type} v = ${step.x(0)}[${[from, at].filter((term) => term !== '0').join(' + ') || '0'}];`,
              );
              code.line(`s = ${combine('s', 'v', isFloat(dtype) ? ' || v != v' : '')};`);
            },
            ['r', 't'],
          );
        }
        code.line(`${step.result()}[${to}] = (${step.type(dtype)})s;`);
      });
    },
  };
}

const reducedExtents = (shape: readonly number[], axes: readonly number[]): number[] =>
  axes.map((axis) => shape[axis]!);

export const reduce_sum = reduction('sum');
export const reduce_prod = reduction('prod');
export const reduce_max = reduction('max');
export const reduce_min = reduction('min');

/** Lines along an axis: `body` is given the number of the line, and how to name element k of it. */
function eachLine(step: Step, body: (line: string, at: (k: string) => string, extent: number) => void): void {
  const { shape } = step.input(0);
  const { outer, extent, inner } = viewAround(shape, axisAttr(step.attrs, 'axis', shape.length));
  step.code.loop('n', outer * inner, () => {
    step.code.line(
      `const int line = ${inner === 1 ? `n * ${extent}` : `n / ${inner} * ${extent * inner} + n % ${inner}`};`,
    );
    body('n', (k) => sum([1, 'line'], [inner, k]), extent);
  });
}

export const argmax: Emitter = {
  emit: (step) => {
    const { code } = step;
    eachLine(step, (line, at, extent) => {
      code.line('int best = 0;');
      code.line(`for (int k = 1; k < ${extent}; k++)`);
      code.line(`  if (${step.x(0)}[${at('k')}] > ${step.x(0)}[${at('best')}]) best = k;`);
      code.line(`${step.result()}[${line}] = best;`);
    });
  },
};

export const norm: Emitter = {
  emit: (step) => {
    const { code } = step;
    code.line('double s = 0.0;');
    code.line(
      `for (int j = 0; j < ${elementCount(step.input(0).shape)}; j++) s += (double)${step.x(0)}[j] * ${step.x(0)}[j];`,
    );
    code.line(`${step.result()}[0] = (${step.type(step.output(0).dtype)})sqrt(s);`);
  },
};

function running(start: string, combine: string): Emitter {
  return {
    emit: (step) => {
      const { code } = step;
      const { dtype } = step.input(0);
      const type = carrier(dtype);
      const exclusive = booleanAttr(step.attrs, 'exclusive');
      eachLine(step, (_, at, extent) => {
        code.line(`${type} s = ${start};`);
        code.loop('i', extent, () => {
          code.line(`const int k = ${booleanAttr(step.attrs, 'reverse') ? `${extent - 1} - i` : 'i'};`);
          code.line(`const ${type} next = s ${combine} ${step.x(0)}[${at('k')}];`);
          code.line(`${step.result()}[${at('k')}] = (${step.type(dtype)})${exclusive ? 's' : 'next'};`);
          code.line('s = next;');
        });
      });
    },
  };
}

export const cumsum = running('0', '+');
export const cumprod = running('1', '*');

export const linear_recurrence: Emitter = {
  emit: (step) => {
    const { code } = step;
    eachLine(step, (_, at, extent) => {
      code.line('double s = 0.0;');
      code.loop('i', extent, () => {
        code.line(`const int k = ${booleanAttr(step.attrs, 'reverse') ? `${extent - 1} - i` : 'i'};`);
        code.line(`s = (i == 0 ? 0.0 : ${step.x(0)}[${at('k')}] * s) + ${step.x(1)}[${at('k')}];`);
        code.line(`${step.result()}[${at('k')}] = (${step.type(step.output(0).dtype)})s;`);
      });
    });
  },
};
