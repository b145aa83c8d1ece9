/** Elements that indices name, read or added to. An index that names nothing ends the call. */
import { elementCount } from '../../../../ir/types';
import { axisAttr, integerAttr } from '../../../../ops/attributes';
import { viewAround } from '../../../../ops/families/channels';
import { gatherView } from '../../../../ops/families/indexing';
import type { Shape } from '../../../../ir/types';
import type { Emitter, Step } from '../emitter';
import { sum } from '../text';

/** Declares `at`, the index at that place of the indices. */
function readIndex(step: Step, indices: string, place: string, extent: number): void {
  const { code } = step;
  const element = `${indices}[${place}]`;
  code.line(`if (${element} < 0 || ${element} >= ${extent}) ${step.fail(`an index is outside 0..${extent - 1}`)}`);
  code.line(`const int at = (int)${element};`);
}

/** Over rows of the tensor of that shape that indices name, and their rows among those that are gathered. */
function eachRow(
  step: Step,
  shape: Shape,
  [indices, indexShape]: readonly [string, Shape],
  body: (row: string, gathered: string, inner: number) => void,
): void {
  const axis = axisAttr(step.attrs, 'axis', shape.length);
  const view = gatherView(shape, indexShape, axis, integerAttr(step.attrs, 'batch_dims', 0));
  const { batch, outer, extent, inner, count } = view;
  step.code.loop('k', batch * count, () => {
    readIndex(step, indices, 'k', extent);
    step.code.loop('o', outer, () => {
      const line = batch === 1 ? 'o' : `(k / ${count} * ${outer} + o)`;
      const column = batch === 1 ? 'k' : `(k % ${count})`;
      body(sum([extent * inner, line], [inner, 'at']), sum([count * inner, line], [inner, column]), inner);
    });
  });
}

export const gather: Emitter = {
  emit: (step) => {
    const [x, y] = [step.x(0), step.result()];
    eachRow(step, step.input(0).shape, [step.x(1), step.input(1).shape], (row, gathered, inner) => {
      if (inner === 1) step.code.line(`${y}[${gathered}] = ${x}[${row}];`);
      else step.code.line(`memcpy(${y} + ${gathered}, ${x} + ${row}, ${inner} * sizeof(*${x}));`);
    });
  },
};

function clear(step: Step): void {
  step.code.line(`for (int j = 0; j < ${elementCount(step.output(0).shape)}; j++) ${step.result()}[j] = 0;`);
}

export const scatter_add: Emitter = {
  emit: (step) => {
    clear(step);
    eachRow(step, step.output(0).shape, [step.x(0), step.input(0).shape], (row, gathered, inner) => {
      step.code.line(
        `for (int j = 0; j < ${inner}; j++) ${step.result()}[${row} + j] += ${step.x(1)}[${gathered} + j];`,
      );
    });
  },
};

/** Over elements of lines that indices name: `element` in lines of `extent`, `place` among the indices. */
function eachElement(
  step: Step,
  [indices, shape]: readonly [string, Shape],
  own: number,
  body: (element: string, place: string) => void,
): void {
  const { outer, extent, inner } = viewAround(shape, axisAttr(step.attrs, 'axis', shape.length));
  step.code.loop('o', outer, () =>
    step.code.loop('k', extent, () =>
      step.code.loop('j', inner, () => {
        const place = sum([extent * inner, 'o'], [inner, 'k'], [1, 'j']);
        readIndex(step, indices, place, own);
        body(sum([own * inner, 'o'], [inner, 'at'], [1, 'j']), place);
      }),
    ),
  );
}

const extentOf = (step: Step, shape: Shape): number => shape[axisAttr(step.attrs, 'axis', shape.length)]!;

export const gather_elements: Emitter = {
  emit: (step) => {
    const extent = extentOf(step, step.input(0).shape);
    eachElement(step, [step.x(1), step.input(1).shape], extent, (element, place) => {
      step.code.line(`${step.result()}[${place}] = ${step.x(0)}[${element}];`);
    });
  },
};

export const scatter_elements_add: Emitter = {
  emit: (step) => {
    clear(step);
    const extent = extentOf(step, step.output(0).shape);
    eachElement(step, [step.x(0), step.input(0).shape], extent, (element, place) => {
      step.code.line(`${step.result()}[${element}] += ${step.x(1)}[${place}];`);
    });
  },
};
