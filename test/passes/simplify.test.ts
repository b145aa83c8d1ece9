/** Folding, common subexpressions and dead code, as text before and after. */
import { cse } from '../../compiler/passes/cse';
import { dce } from '../../compiler/passes/dce';
import { fold } from '../../compiler/passes/fold';
import { stabilize } from '../../compiler/passes/stabilize';
import { DEFAULT_FACTS } from '../../compiler/passes/define';
import { after, graphOf, tidy } from './text';

describe('fold', () => {
  it('computes what depends on constants alone, rounded as float32', () => {
    expect(
      after(
        fold,
        `graph g(%x: f32[2]) {
           %a = constant() {dtype: "f32", shape: [2], values: [1,2]} : f32[2]
           %b = constant() {dtype: "f32", shape: [], values: [0.1]} : f32[]
           %c = mul(%a, %b) : f32[2]
           %d = exp(%c) : f32[2]
           %y = add(%x, %d) : f32[2]
           return %y
         }`,
      ),
    ).toBe(
      tidy(`graph g(%x: f32[2]) {
        %a = constant() {dtype: "f32", shape: [2], values: [1,2]} : f32[2]
        %b = constant() {dtype: "f32", shape: [], values: [0.1]} : f32[]
        %c = constant() {dtype: "f32", shape: [2], values: [${Math.fround(0.1)},${Math.fround(0.2)}]} : f32[2]
        %d = constant() {dtype: "f32", shape: [2], values: [${Math.fround(Math.exp(Math.fround(0.1)))},${Math.fround(Math.exp(Math.fround(0.2)))}]} : f32[2]
        %y = add(%x, %d) : f32[2]
        return %y
      }`),
    );
  });

  it('writes a result of equal numbers as one', () => {
    const text = `graph g() {
      %a = constant() {dtype: "i32", shape: [2,2], values: [1,2,3,4]} : i32[2,2]
      %y = sub(%a, %a) : i32[2,2]
      return %y
    }`;
    expect(after(fold, text)).toContain('%y = constant() {dtype: "i32", shape: [2,2], values: [0]} : i32[2,2]');
  });

  it('leaves large results and costly expressions to the runtime', () => {
    const text = `graph g() {
      %a = constant() {dtype: "f32", shape: [8,8], values: [1]} : f32[8,8]
      %y = matmul(%a, %a) {transpose_a: false, transpose_b: false} : f32[8,8]
      return %y
    }`;
    expect(after(fold, text, { foldElements: 63 })).toBe(tidy(text));
    expect(after(fold, text, { foldFlops: 1023 })).toBe(tidy(text));
    expect(after(fold, text)).toContain('values: [8]');
  });

  it('never folds a check or a random draw', () => {
    const text = `graph g() {
      %a = constant() {dtype: "f32", shape: [], values: [1]} : f32[]
      %rng = constant() {dtype: "i64", shape: [2], values: [1,2]} : i64[2]
      %y = check_finite(%a) {what: "a"} : f32[]
      %u = random_uniform(%rng) {shape: [2], low: 0, high: 1, stream: 7} : f32[2]
      return %y, %u
    }`;
    expect(after(fold, text)).toBe(tidy(text));
  });
});

describe('cse', () => {
  it('joins equal nodes, chains of them and commuted operands', () => {
    expect(
      after(
        cse,
        `graph g(%x: f32[2], %z: f32[2]) {
           %a = add(%x, %z) : f32[2]
           %b = add(%z, %x) : f32[2]
           %c = exp(%a) : f32[2]
           %d = exp(%b) : f32[2]
           %y = sub(%c, %d) : f32[2]
           return %y
         }`,
      ),
    ).toBe(
      tidy(`graph g(%x: f32[2], %z: f32[2]) {
        %a = add(%x, %z) : f32[2]
        %c = exp(%a) : f32[2]
        %y = sub(%c, %c) : f32[2]
        return %y
      }`),
    );
  });

  it('keeps apart what differs in an attribute, in the order of operands, or in the sign of a zero', () => {
    const text = `graph g(%x: f32[2,2], %z: f32[2,2], %rng: i64[2]) {
      %p = constant() {dtype: "f32", shape: [], values: [0]} : f32[]
      %n = constant() {dtype: "f32", shape: [], values: [-0]} : f32[]
      %a = sub(%x, %z) : f32[2,2]
      %b = sub(%z, %x) : f32[2,2]
      %c = random_uniform(%rng) {shape: [2], low: 0, high: 1, stream: 1} : f32[2]
      %d = random_uniform(%rng) {shape: [2], low: 0, high: 1, stream: 2} : f32[2]
      return %p, %n, %a, %b, %c, %d
    }`;
    expect(after(cse, text)).toBe(tidy(text));
  });
});

describe('dce', () => {
  it('removes what leads to no result and no update, unread checks too, and keeps the rest', () => {
    expect(
      after(
        dce,
        `graph g(%x: f32[2], %unread: f32[2]) {
           state @w: f32[2] parameter
           %a = exp(%x) : f32[2]
           %dead = neg(%a) : f32[2]
           %deader = check_finite(%dead) {what: "dead"} : f32[2]
           %new = sub(@w, %a) : f32[2]
           update @w = %new
           return
         }`,
      ),
    ).toBe(
      tidy(`graph g(%x: f32[2], %unread: f32[2]) {
        state @w: f32[2] parameter
        %a = exp(%x) : f32[2]
        %new = sub(@w, %a) : f32[2]
        update @w = %new
        return
      }`),
    );
  });

  it('gives the same graph object back where nothing is dead', () => {
    const graph = graphOf('graph g(%x: f32[2]) {\n %y = exp(%x) : f32[2]\n return %y\n}');
    expect(dce.run(graph, DEFAULT_FACTS)).toBe(graph);
  });
});

describe('stabilize', () => {
  const head = 'graph g(%x: f32[2,3]) {\n %one = constant() {dtype: "f32", shape: [], values: [1]} : f32[]\n';
  const lines = (text: string): string[] => after(stabilize, `${head}${text}\nreturn %y\n}`).split('\n').slice(2, -2);

  it('takes the logarithm of a softmax from the logits', () => {
    expect(lines('%p = softmax(%x) {axis: 1} : f32[2,3]\n%y = log(%p) : f32[2,3]')).toEqual([
      '%p = softmax(%x) {axis: 1} : f32[2,3]',
      '%y = log_softmax(%x) {axis: 1} : f32[2,3]',
    ]);
  });

  it('takes both logarithms of binary cross-entropy from the logit', () => {
    const positive = lines('%p = sigmoid(%x) : f32[2,3]\n%y = log(%p) : f32[2,3]');
    expect(positive.slice(1)).toEqual([
      '%y.abs = abs(%x) : f32[2,3]',
      '%y.neg = neg(%y.abs) : f32[2,3]',
      '%y.exp = exp(%y.neg) : f32[2,3]',
      '%y.log1p = log1p(%y.exp) : f32[2,3]',
      '%y.constant = constant() {dtype: "f32", shape: [], values: [0]} : f32[]',
      '%y.minimum = minimum(%x, %y.constant) : f32[2,3]',
      '%y = sub(%y.minimum, %y.log1p) : f32[2,3]',
    ]);
    const negative = lines('%p = sigmoid(%x) : f32[2,3]\n%q = sub(%one, %p) : f32[2,3]\n%y = log(%q) : f32[2,3]');
    expect(negative).toContain('%y.neg = neg(%x) : f32[2,3]');
    expect(negative.join()).not.toContain(' log(');
  });

  it('keeps the digits of small arguments', () => {
    expect(lines('%s = add(%x, %one) : f32[2,3]\n%y = log(%s) : f32[2,3]')).toContain('%y = log1p(%x) : f32[2,3]');
    expect(lines('%e = exp(%x) : f32[2,3]\n%y = sub(%e, %one) : f32[2,3]')).toContain('%y = expm1(%x) : f32[2,3]');
    expect(lines('%e = exp(%x) : f32[2,3]\n%l = log(%e) : f32[2,3]\n%y = neg(%l) : f32[2,3]')).toContain(
      '%y = neg(%x) : f32[2,3]',
    );
  });
});
