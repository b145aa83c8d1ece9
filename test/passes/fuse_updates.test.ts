/** Groups that update weights compute the gradients they read, where these are products of few rows. */
import { fuse_updates } from '../../compiler/passes/fuse_updates';
import { after, tidy } from './text';

const MATMUL = 'matmul(%d, %x) {transpose_a: true, transpose_b: false} : f32[20,30]';
const STEP = '"t0 = mul(%1, %0); t1 = sub(%2, t0); yield t1"';

/** The weights of a layer of 30 to 20 numbers, updated from its gradient. */
function graph(body: string, rows = 8, results = '%lr'): string {
  return `graph g(%d: f32[${rows},20], %x: f32[${rows},30], %lr: f32[]) {
    state @w: f32[20,30] parameter
    ${body}
    return ${results}
  }`;
}

describe('fuse_updates', () => {
  it('gives the gradient of weights to the group that updates them', () => {
    expect(
      after(
        fuse_updates,
        graph(`%g = ${MATMUL}
          %next = fused_elementwise(%g, %lr, @w) {program: ${STEP}} : f32[20,30]
          update @w = %next`),
      ),
    ).toBe(
      tidy(
        graph(`%next = fused_matmul(%d, %x, %lr, @w) {program: "t0 = mul(%1, %0); t1 = sub(%2, t0); yield t1"} : f32[20,30]
          update @w = %next`),
      ),
    );
  });

  it('numbers the inputs of the program anew', () => {
    expect(
      after(
        fuse_updates,
        graph(`%g = ${MATMUL}
          %next = fused_elementwise(@w, %g, %lr) {program: "t0 = mul(%1, %2); t1 = sub(%0, t0); yield t1"} : f32[20,30]
          update @w = %next`),
      ),
    ).toBe(
      tidy(
        graph(`%next = fused_matmul(%d, %x, @w, %lr) {program: "t0 = mul(%0, %2); t1 = sub(%1, t0); yield t1"} : f32[20,30]
          update @w = %next`),
      ),
    );
  });

  it.each([
    [
      'the gradient has another reader, as clipping is',
      `%g = ${MATMUL}
       %n = norm(%g) : f32[]
       %next = fused_elementwise(%g, %n, @w) {program: ${STEP}} : f32[20,30]
       update @w = %next`,
      8,
      '%lr',
    ],
    [
      'the gradient is a result',
      `%g = ${MATMUL}
       %next = fused_elementwise(%g, %lr, @w) {program: ${STEP}} : f32[20,30]
       update @w = %next`,
      8,
      '%g',
    ],
    [
      'the sums are long',
      `%g = ${MATMUL}
       %next = fused_elementwise(%g, %lr, @w) {program: ${STEP}} : f32[20,30]
       update @w = %next`,
      65,
      '%lr',
    ],
    [
      'the group broadcasts a row',
      `%g = ${MATMUL}
       %r = reduce_sum(%x) {axes: [0], keepdims: false} : f32[30]
       %next = fused_elementwise(%g, %r, @w) {program: ${STEP}} : f32[20,30]
       update @w = %next`,
      8,
      '%lr',
    ],
    [
      'the product has another form',
      `%t = transpose(%d) {perm: [1,0]} : f32[20,8]
       %g = matmul(%t, %x) {transpose_a: false, transpose_b: false} : f32[20,30]
       %next = fused_elementwise(%g, %lr, @w) {program: ${STEP}} : f32[20,30]
       update @w = %next`,
      8,
      '%lr',
    ],
  ])('leaves them alone where %s', (_why, body, rows, results) => {
    expect(after(fuse_updates, graph(body, rows, results))).toBe(tidy(graph(body, rows, results)));
  });
});
