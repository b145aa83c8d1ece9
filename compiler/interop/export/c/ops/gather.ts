/** Elements that indices name. An index that names nothing ends the call. */
import { axisAttr, integerAttr } from '../../../../ops/attributes';
import { viewAround } from '../../../../ops/families/channels';
import { gatherView } from '../../../../ops/families/indexing';
import type { Emitter, Step } from '../emitter';
import { sum } from '../text';

function readIndex(step: Step, at: string, extent: number): void {
  const { code } = step;
  const element = `${step.x(1)}[${at}]`;
  code.line(`if (${element} < 0 || ${element} >= ${extent}) ${step.fail(`an index is outside 0..${extent - 1}`)}`);
  code.line(`const int at = (int)${element};`);
}

export const gather: Emitter = {
  emit: (step) => {
    const { code } = step;
    const [x, indices] = [step.input(0), step.input(1)];
    const axis = axisAttr(step.attrs, 'axis', x.shape.length);
    const batchDims = integerAttr(step.attrs, 'batch_dims', 0);
    const { batch, outer, extent, inner, count } = gatherView(x.shape, indices.shape, axis, batchDims);
    code.loop('k', batch * count, () => {
      readIndex(step, 'k', extent);
      const line = batch === 1 ? '0' : `k / ${count} * ${outer}`;
      const column = batch === 1 ? 'k' : `(k % ${count})`;
      code.loop('o', outer, () => {
        const own = line === '0' ? 'o' : `(${line} + o)`;
        const to = sum([count * inner, own], [inner, column]);
        const from = sum([extent * inner, own], [inner, 'at']);
        if (inner === 1) code.line(`${step.result()}[${to}] = ${step.x(0)}[${from}];`);
        else code.line(`memcpy(${step.result()} + ${to}, ${step.x(0)} + ${from}, ${inner} * sizeof(*${step.x(0)}));`);
      });
    });
  },
};

export const gather_elements: Emitter = {
  emit: (step) => {
    const { code } = step;
    const { shape } = step.input(1);
    const axis = axisAttr(step.attrs, 'axis', shape.length);
    const { outer, extent, inner } = viewAround(shape, axis);
    const own = step.input(0).shape[axis]!;
    code.loop('o', outer, () =>
      code.loop('k', extent, () =>
        code.loop('j', inner, () => {
          const place = sum([extent * inner, 'o'], [inner, 'k'], [1, 'j']);
          readIndex(step, place, own);
          code.line(`${step.result()}[${place}] = ${step.x(0)}[${sum([own * inner, 'o'], [inner, 'at'], [1, 'j'])}];`);
        }),
      ),
    );
  },
};
