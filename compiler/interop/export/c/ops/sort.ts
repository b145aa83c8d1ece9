/** Lines in order, and where each element was: the numbers of the elements are sorted, by what they stand for. */
import { axisAttr, booleanAttr } from '../../../../ops/attributes';
import { viewAround, type AxisView } from '../../../../ops/families/channels';
import type { Node } from '../../../../ir/graph';
import type { Emitter } from '../emitter';
import type { HelperName } from '../helpers';
import { storeOf, type Store } from '../store';
import { sum } from '../text';

const SORTS: Readonly<Record<Store, HelperName>> = {
  f32: 'sort_f32',
  f64: 'sort_f64',
  i32: 'sort_i32',
  i64: 'sort_i64',
  u8: 'sort_u8',
};

function viewOf({ inputs, attrs }: Node): AxisView {
  const { shape } = inputs[0]!.type;
  return viewAround(shape, axisAttr(attrs, 'axis', shape.length));
}

export const sort: Emitter = {
  scratch: (node) => ({ i32: Math.max(1, viewOf(node).extent) }),
  emit: (step) => {
    const { code, ints } = step;
    const { dtype } = step.input(0);
    const { outer, extent, inner } = viewOf(step.node);
    const [values, indices] = [step.y(0), step.y(1)];
    const helper = step.helper(SORTS[storeOf(dtype)]);
    const at = sum([1, 'start'], [inner, 'k']);
    code.loop('o', outer, () =>
      code.loop('i', inner, () => {
        code.line(`const int start = ${sum([extent * inner, 'o'], [1, 'i'])};`);
        const descending = booleanAttr(step.attrs, 'descending') ? 1 : 0;
        code.line(`${helper}(${step.x(0)} + start, ${inner}, ${extent}, ${descending}, ${ints});`);
        code.loop('k', extent, () => {
          if (values !== undefined)
            code.line(`${values}[${at}] = ${step.x(0)}[${sum([1, 'start'], [inner, `${ints}[k]`])}];`);
          if (indices !== undefined) code.line(`${indices}[${at}] = ${ints}[k];`);
        });
      }),
    );
  },
};
