/** When attention becomes one op, what of its surroundings it reads through, and when it stays as it is. */
import { fuse_attention } from '../../compiler/passes/fuse_attention';
import { after, graphOf, tidy } from './text';
import { DEFAULT_FACTS } from '../../compiler/passes/define';

const TALL = '{transpose_a: false, transpose_b: false}';
const ACROSS = '{transpose_a: false, transpose_b: true}';
const DOWN = '{transpose_a: true, transpose_b: false}';
const SWAP = '{perm: [0,2,1,3]}';
const Q = 'f32[2,3,4,5]';
const S = 'f32[2,3,4,4]';
const ROWS = 'f32[2,3,4]';

function expectFused(before: string, text: string): void {
  expect(after(fuse_attention, before)).toBe(tidy(text));
}

function expectUntouched(text: string, facts: object = {}): void {
  const graph = graphOf(text);
  expect(fuse_attention.run(graph, { ...DEFAULT_FACTS, ...facts })).toBe(graph);
}

/** Self-attention of heads [2,3,4,5], with statements in the place of the masks. */
const plain = (masks: string, weights = '%p', inputs = ''): string =>
  `graph g(%q: ${Q}, %k: ${Q}, %v: ${Q}${inputs}) {
     %never = constant() {dtype: "f32", shape: [], values: [-1e30]} : f32[]
     %zero = constant() {dtype: "f32", shape: [], values: [0]} : f32[]
     %s = matmul(%q, %k) ${ACROSS} : ${S}
     ${masks}
     %y = matmul(${weights}, %v) ${TALL} : ${Q}
     return %y
   }`;

const fused = (attrs: string, masks = '', inputs = ''): string =>
  `graph g(%q: ${Q}, %k: ${Q}, %v: ${Q}${inputs}) {
     %y, %y.most, %y.sum = attention(%q, %k, %v${masks}) {scale: 1, ${attrs}, position_axis: [2,2,2,2]} : ${Q}, ${ROWS}, ${ROWS}
     return %y
   }`;

const SOFTMAX = `%p = softmax(%s) {axis: 3} : ${S}`;

describe('fuse_attention', () => {
  it('makes one op of two products and the softmax between them', () => {
    expectFused(plain(SOFTMAX), fused('causal: false'));
  });

  it('knows causality by two counts, and by a folded table', () => {
    const masked = (table: string): string =>
      `${table}
       %m = where(%lower, %s, %never) : ${S}
       %p = softmax(%m) {axis: 3} : ${S}`;
    const counts = `%row = constant() {dtype: "i32", shape: [1,1,4,1], values: [0,1,2,3]} : i32[1,1,4,1]
       %column = constant() {dtype: "i32", shape: [1,1,1,4], values: [0,1,2,3]} : i32[1,1,1,4]
       %lower = greater_equal(%row, %column) : bool[1,1,4,4]`;
    const table = (values: string): string =>
      `%lower = constant() {dtype: "bool", shape: [1,1,4,4], values: [${values}]} : bool[1,1,4,4]`;
    expectFused(plain(masked(counts)), fused('causal: true'));
    expectFused(plain(masked(table('1,0,0,0,1,1,0,0,1,1,1,0,1,1,1,1'))), fused('causal: true'));
    // Another table is no mask that leaves empty rows without weights.
    expectUntouched(plain(masked(table('1,0,0,0,1,1,0,0,1,1,1,0,1,1,0,1'))));
  });

  it('takes a bias and masks along, each of which may empty a row', () => {
    const inputs = ', %bias: f32[1,3,4,4], %real: bool[2,1,1,4], %near: bool[1,1,4,4]';
    expectFused(
      plain(
        `%held = maximum(%bias, %never) : f32[1,3,4,4]
         %biased = add(%s, %held) : ${S}
         %both = and(%real, %near) : bool[2,1,4,4]
         %m = where(%both, %biased, %never) : ${S}
         %p = softmax(%m) {axis: 3} : ${S}
         %w = where(%both, %p, %zero) : ${S}`,
        '%w',
        inputs,
      ),
      fused('causal: false', ', %bias, %both', inputs).replace(
        '%y, %y.most',
        '%both = and(%real, %near) : bool[2,1,4,4]\n%y, %y.most',
      ),
    );
  });

  it('reads through transposes and scales, forward and backward, and keeps two numbers of each query', () => {
    const H = 'f32[2,4,3,5]';
    expectFused(
      `graph g(%xq: ${H}, %xk: ${H}, %xv: ${H}, %dx: ${H}) {
         %half = constant() {dtype: "f32", shape: [], values: [0.5]} : f32[]
         %q = transpose(%xq) ${SWAP} : ${Q}
         %k = transpose(%xk) ${SWAP} : ${Q}
         %v = transpose(%xv) ${SWAP} : ${Q}
         %scaled = mul(%q, %half) : ${Q}
         %s = matmul(%scaled, %k) ${ACROSS} : ${S}
         %p = softmax(%s) {axis: 3} : ${S}
         %a = matmul(%p, %v) ${TALL} : ${Q}
         %y = transpose(%a) ${SWAP} : ${H}
         %da = transpose(%dx) ${SWAP} : ${Q}
         %dp = matmul(%da, %v) ${ACROSS} : ${S}
         %dv = matmul(%p, %da) ${DOWN} : ${Q}
         %part = mul(%dp, %p) : ${S}
         %sum = reduce_sum(%part) {axes: [3], keepdims: true} : f32[2,3,4,1]
         %less = sub(%dp, %sum) : ${S}
         %ds = mul(%p, %less) : ${S}
         %dscaled = matmul(%ds, %k) ${TALL} : ${Q}
         %dk = matmul(%ds, %scaled) ${DOWN} : ${Q}
         %dq = mul(%dscaled, %half) : ${Q}
         %dxq = transpose(%dq) ${SWAP} : ${H}
         %dxk = transpose(%dk) ${SWAP} : ${H}
         return %y, %dxq, %dxk, %dv
       }`,
      // The gradient of v has its heads before its positions where it is asked for, so v is read so too.
      `graph g(%xq: ${H}, %xk: ${H}, %xv: ${H}, %dx: ${H}) {
         %v = transpose(%xv) ${SWAP} : ${Q}
         %y, %y.most, %y.sum = attention(%xq, %xk, %v) {scale: 0.5, causal: false, position_axis: [1,1,2,1]} : ${H}, ${ROWS}, ${ROWS}
         %dxq, %dxk, %dv = attention_grad(%xq, %xk, %v, %y, %dx, %y.most, %y.sum) {scale: 0.5, causal: false, position_axis: [1,1,2,1]} : ${H}, ${H}, ${Q}
         return %y, %dxq, %dxk, %dv
       }`,
    );
  });

  it('gives heads that share keys their own rows', () => {
    expectFused(
      `graph g(%q: f32[2,6,4,5], %k: ${Q}, %v: ${Q}) {
         %rows = reshape(%q) {shape: [2,3,8,5]} : f32[2,3,8,5]
         %s = matmul(%rows, %k) ${ACROSS} : f32[2,3,8,4]
         %apart = reshape(%s) {shape: [2,6,4,4]} : f32[2,6,4,4]
         %p = softmax(%apart) {axis: 3} : f32[2,6,4,4]
         %w = reshape(%p) {shape: [2,3,8,4]} : f32[2,3,8,4]
         %a = matmul(%w, %v) ${TALL} : f32[2,3,8,5]
         %y = reshape(%a) {shape: [2,30,4]} : f32[2,30,4]
         return %y
       }`,
      `graph g(%q: f32[2,6,4,5], %k: ${Q}, %v: ${Q}) {
         %a.heads, %a.heads.most, %a.heads.sum = attention(%q, %k, %v) {scale: 1, causal: false, position_axis: [2,2,2,2]} : f32[2,6,4,5], f32[2,6,4], f32[2,6,4]
         %a = reshape(%a.heads) {shape: [2,3,8,5]} : f32[2,3,8,5]
         %y = reshape(%a) {shape: [2,30,4]} : f32[2,30,4]
         return %y
       }`,
    );
  });

  it('stays away where somebody else reads weights or scores, and from what it does not know', () => {
    expectUntouched(plain(SOFTMAX).replace('return %y', 'return %y, weights: %p'));
    expectUntouched(plain(SOFTMAX).replace('return %y', 'return %y, scores: %s'));
    expectUntouched(plain(`%n = neg(%s) : ${S}\n%p = softmax(%n) {axis: 3} : ${S}`));
    expectUntouched(plain(`%p = softmax(%s) {axis: 2} : ${S}`));
    expectUntouched(plain(SOFTMAX).replaceAll('2,3,4,5', '2,3,4,257'));
    expectUntouched(plain(SOFTMAX), { precision: 'bfloat16' });
    // A mask that empties a row would leave it its weights.
    const inputs = ', %real: bool[2,1,1,4]';
    expectUntouched(plain(`%m = where(%real, %s, %never) : ${S}\n%p = softmax(%m) {axis: 3} : ${S}`, '%p', inputs));
  });
});
