/** Softmax and its logarithm along an axis, shifted by the largest. */
import { axisAttr } from '../../../../ops/attributes';
import { viewAround } from '../../../../ops/families/channels';
import type { Emitter, Step } from '../emitter';
import { sum } from '../text';

function emit(step: Step, logarithm: boolean): void {
  const { code } = step;
  const { shape } = step.input(0);
  const { outer, extent, inner } = viewAround(shape, axisAttr(step.attrs, 'axis', shape.length));
  const at = `[${sum([inner, 'c'])}]`;
  code.loop('n', outer * inner, () => {
    const start = inner === 1 ? `n * ${extent}` : `n / ${inner} * ${extent * inner} + n % ${inner}`;
    code.line(`const float *x = ${step.x(0)} + ${start};`);
    code.line(`float *y = ${step.result()} + ${start};`);
    code.line('float most = x[0];');
    code.line('double total = 0.0;');
    code.loop('c', extent, () => code.line(`most = x${at} > most || x${at} != x${at} ? x${at} : most;`));
    if (logarithm) {
      code.loop('c', extent, () => code.line(`total += expf(x${at} - most);`));
      code.line('const float shift = (float)log(total);');
      code.loop('c', extent, () => code.line(`y${at} = x${at} - most - shift;`));
      return;
    }
    code.loop('c', extent, () => {
      code.line(`const float e = expf(x${at} - most);`);
      code.line(`y${at} = e;`);
      code.line('total += e;');
    });
    code.line('const float part = (float)(1.0 / total);');
    code.loop('c', extent, () => code.line(`y${at} *= part;`));
  });
}

export const softmax: Emitter = { emit: (step) => emit(step, false) };
export const log_softmax: Emitter = { emit: (step) => emit(step, true) };
