/** Batch normalizations take the element-wise group behind them, their gradients the group that makes dy. */
import { fuse_norms } from '../../compiler/passes/fuse_norms';
import { after, tidy } from './text';

const X = 'f32[2,3,4,5]';
const C = 'f32[3]';

describe('fuse_norms', () => {
  it('gives a normalization the group that alone reads it, with what the group reads before', () => {
    expect(
      after(
        fuse_norms,
        `graph g(%x: ${X}, %s: ${X}, %gamma: ${C}, %beta: ${C}) {
           %y, %m, %v = batch_norm_train(%x, %gamma, %beta) {epsilon: 0.001} : ${X}, ${C}, ${C}
           %a, %b = fused_elementwise(%s, %y) {program: "t0 = add(%1, %0); t1 = relu(t0); yield t0, t1"} : ${X}, ${X}
           return %a, %b, %m, %v
         }`,
      ),
    ).toBe(
      tidy(`graph g(%x: ${X}, %s: ${X}, %gamma: ${C}, %beta: ${C}) {
        %m, %v, %a, %b = fused_batch_norm(%x, %gamma, %beta, %s) {epsilon: 0.001, program: "t0 = add(%0, %1); t1 = relu(t0); yield t0, t1"} : ${C}, ${C}, ${X}, ${X}
        return %a, %b, %m, %v
      }`),
    );
  });

  it('takes a lone instruction', () => {
    expect(
      after(
        fuse_norms,
        `graph g(%x: ${X}, %gamma: ${C}, %beta: ${C}) {
           %y, %m, %v = batch_norm_train(%x, %gamma, %beta) {epsilon: 0.001} : ${X}, ${C}, ${C}
           %a = relu(%y) : ${X}
           return %a
         }`,
      ),
    ).toBe(
      tidy(`graph g(%x: ${X}, %gamma: ${C}, %beta: ${C}) {
        %m, %v, %a = fused_batch_norm(%x, %gamma, %beta) {epsilon: 0.001, program: "t0 = relu(%0); yield t0"} : ${C}, ${C}, ${X}
        return %a
      }`),
    );
  });

  const ROWS = 'f32[8,3]';

  it('takes what is done to rows of features, in both directions', () => {
    expect(
      after(
        fuse_norms,
        `graph g(%x: ${ROWS}, %d: ${ROWS}, %gamma: ${C}, %beta: ${C}) {
           %y, %m, %v = batch_norm_train(%x, %gamma, %beta) {epsilon: 0.001} : ${ROWS}, ${C}, ${C}
           %a = relu(%y) : ${ROWS}
           %dy = fused_elementwise(%a, %d) {program: "t0 = greater(%0, 0); t1 = where(t0, %1, 0); yield t1"} : ${ROWS}
           %dx, %dg, %db = batch_norm_grad(%dy, %x, %gamma, %m, %v) {epsilon: 0.001} : ${ROWS}, ${C}, ${C}
           return %a, %dx, %dg, %db
         }`,
      ),
    ).toBe(
      tidy(`graph g(%x: ${ROWS}, %d: ${ROWS}, %gamma: ${C}, %beta: ${C}) {
        %m, %v, %a = fused_batch_norm(%x, %gamma, %beta) {epsilon: 0.001, program: "t0 = relu(%0); yield t0"} : ${C}, ${C}, ${ROWS}
        %dx, %dg, %db = fused_batch_norm_grad(%x, %gamma, %m, %v, %a, %d) {epsilon: 0.001, program: "t0 = greater(%0, 0); t1 = where(t0, %1, 0); yield t1"} : ${ROWS}, ${C}, ${C}
        return %a, %dx, %dg, %db
      }`),
    );
  });

  it('gives a gradient the group that makes dy, and hands dy on where others read it', () => {
    expect(
      after(
        fuse_norms,
        `graph g(%d: ${X}, %y: ${X}, %x: ${X}, %gamma: ${C}, %m: ${C}, %v: ${C}) {
           %dy = fused_elementwise(%y, %d) {program: "t0 = greater(%0, 0); t1 = where(t0, %1, 0); yield t1"} : ${X}
           %dx, %dg, %db = batch_norm_grad(%dy, %x, %gamma, %m, %v) {epsilon: 0.001} : ${X}, ${C}, ${C}
           return %dx, %dg, %db, %dy
         }`,
      ),
    ).toBe(
      tidy(`graph g(%d: ${X}, %y: ${X}, %x: ${X}, %gamma: ${C}, %m: ${C}, %v: ${C}) {
        %dx, %dg, %db, %dy = fused_batch_norm_grad(%x, %gamma, %m, %v, %y, %d) {epsilon: 0.001, program: "t0 = greater(%0, 0); t1 = where(t0, %1, 0); yield t1, t1"} : ${X}, ${C}, ${C}, ${X}
        return %dx, %dg, %db, %dy
      }`),
    );
  });

  it.each([
    ['others read the normalized values', `%a = relu(%y) : ${X}\n return %a, %y`],
    [
      'the group reads what is computed later',
      `%s = exp(%x) : ${X}
       %t = reduce_sum(%s) {axes: [0], keepdims: true} : f32[1,3,4,5]
       %u = broadcast_to(%t) {shape: [2,3,4,5]} : ${X}
       %a = add(%y, %u) : ${X}
       return %a`,
    ],
    [
      'the group has another shape',
      `%z = reshape(%y) {shape: [6,20]} : f32[6,20]\n %a = relu(%z) : f32[6,20]\n return %a`,
    ],
    [
      'the group gives bools',
      `%zero = constant() {dtype: "f32", shape: [], values: [0]} : f32[]\n %a = greater(%y, %zero) : bool[2,3,4,5]\n return %a`,
    ],
  ])('leaves them alone where %s', (_why, rest) => {
    const text = `graph g(%x: ${X}, %gamma: ${C}, %beta: ${C}) {
      %y, %m, %v = batch_norm_train(%x, %gamma, %beta) {epsilon: 0.001} : ${X}, ${C}, ${C}
      ${rest}
    }`;
    expect(after(fuse_norms, text)).toBe(tidy(text));
  });
});
