/** What passes do at the border between a region and the graph around it, and in regions, as text before and after. */
import { batch_steps } from '../../compiler/passes/batch_steps';
import { canonicalize } from '../../compiler/passes/canonicalize';
import { cse } from '../../compiler/passes/cse';
import { dce } from '../../compiler/passes/dce';
import { loops } from '../../compiler/passes/loops';
import { runPipeline } from '../../compiler/pipeline';
import { after, graphOf, textOf, tidy } from './text';

describe('loops', () => {
  it('moves constants in, what does not change out, and carries nothing that stays as it is', () => {
    expect(
      after(
        loops,
        `graph g(%x: f32[3], %w: f32[3], %k: f32[3], %xs: f32[4,3]) {
           %two = constant() {dtype: "f32", shape: [], values: [2]} : f32[]
           %zeros = constant() {dtype: "f32", shape: [4,3], values: [0]} : f32[4,3]
           %h, %same, %ys, %stack = scan(%w, %two, %w, %x, %k, %xs, %zeros) {consts: 3, carries: 2, length: 4, reverse: false} : f32[3], f32[3], f32[4,3], f32[4,3]
             region body(%a: f32[3], %b: f32[], %c: f32[3], %h: f32[3], %k: f32[3], %slice: f32[3], %z: f32[3], %i: i32[]) {
               %double = mul(%a, %b) : f32[3]
               %more = add(%double, %c) : f32[3]
               %s = add(%h, %more) : f32[3]
               %t = add(%s, %k) : f32[3]
               %u = sub(%t, %z) : f32[3]
               return h: %u, k: %k, y: %u, slice: %slice
             }
           return %h, %same, %ys, %stack
         }`,
      ),
    ).toBe(
      tidy(`graph g(%x: f32[3], %w: f32[3], %k: f32[3], %xs: f32[4,3]) {
           %two = constant() {dtype: "f32", shape: [], values: [2]} : f32[]
           %zeros = constant() {dtype: "f32", shape: [4,3], values: [0]} : f32[4,3]
           %b = constant() {dtype: "f32", shape: [], values: [2]} : f32[]
           %double = mul(%w, %b) : f32[3]
           %more = add(%double, %w) : f32[3]
           %h, %h.1 = scan(%k, %more, %x, %xs) {consts: 2, carries: 1, length: 4, reverse: false} : f32[3], f32[4,3]
             region body(%k: f32[3], %more: f32[3], %h: f32[3], %slice: f32[3], %i: i32[]) {
               %z = constant() {dtype: "f32", shape: [3], values: [0]} : f32[3]
               %s = add(%h, %more) : f32[3]
               %t = add(%s, %k) : f32[3]
               %u = sub(%t, %z) : f32[3]
               return r0: %u, r1: %u
             }
           return %h, same: %k, ys: %h.1, stack: %xs
         }`),
    );
  });

  it('takes the branch that is known, and joins operands that are the same', () => {
    const text = (predicate: string): string => `graph g(%x: f32[3], %p: bool[]) {
      ${predicate}
      %y = cond(${predicate === '' ? '%p' : '%q'}, %x, %x) : f32[3]
        region then(%a: f32[3], %b: f32[3]) {
          %y = add(%a, %b) : f32[3]
          return y: %y
        }
        region else(%a: f32[3], %b: f32[3]) {
          return y: %b
        }
      return %y
    }`;
    const known = after(loops, text('%q = constant() {dtype: "bool", shape: [], values: [1]} : bool[]'));
    expect(known).toContain('%y = add(%x, %x) : f32[3]');
    expect(known).not.toContain('cond');
    const joined = after(loops, text(''));
    expect(joined).toContain('cond(%p, %x)');
    expect(joined).toContain('%y = add(%a, %a)');
    expect(after(loops, joined)).toBe(joined);
  });

  it('moves what a while computes again and again out of both of its regions', () => {
    const text = after(
      loops,
      `graph g(%x: f32[], %y: f32[], %z: f32[]) {
        %h, %n = while(%y, %z, %x) {consts: 2, carries: 1, limit: 9} : f32[], i32[]
          region condition(%y: f32[], %z: f32[], %h: f32[], %i: i32[]) {
            %e = exp(%y) : f32[]
            %p = less(%h, %e) : bool[]
            return p: %p
          }
          region body(%y: f32[], %z: f32[], %h: f32[], %i: i32[]) {
            %s = sin(%z) : f32[]
            %t = add(%h, %s) : f32[]
            return h: %t
          }
        return %h, %n
      }`,
    );
    const names = [...text.matchAll(/%(\S+) = (exp|sin)\(/g)].map((match) => match[0]);
    expect(names).toEqual(['%e = exp(', '%s = sin(']);
    expect(text.indexOf('%s = sin(')).toBeLessThan(text.indexOf('while('));
    expect(text).toContain('while(%e, %s, %x) {consts: 2, carries: 1, limit: 9}');
  });
});

describe('dce', () => {
  it('drops what nobody reads of a loop, and all that led to it', () => {
    expect(
      after(
        dce,
        `graph g(%x: f32[3], %w: f32[3], %v: f32[3], %xs: f32[4,3], %zs: f32[4,3]) {
           %e = exp(%v) : f32[3]
           %a, %b, %c, %ys, %other = scan(%w, %e, %x, %x, %x, %xs, %zs) {consts: 2, carries: 3, length: 4, reverse: true} : f32[3], f32[3], f32[3], f32[4,3], f32[4,3]
             region body(%w: f32[3], %e: f32[3], %a: f32[3], %b: f32[3], %c: f32[3], %x: f32[3], %z: f32[3], %i: i32[]) {
               %a2 = mul(%a, %b) : f32[3]
               %b2 = add(%b, %x) : f32[3]
               %c2 = mul(%c, %e) : f32[3]
               %o = sin(%z) : f32[3]
               return a: %a2, b: %b2, c: %c2, y: %w, o: %o
             }
           return %a
         }`,
      ),
    ).toBe(
      tidy(`graph g(%x: f32[3], %w: f32[3], %v: f32[3], %xs: f32[4,3], %zs: f32[4,3]) {
           %a, %b = scan(%x, %x, %xs) {consts: 0, carries: 2, length: 4, reverse: true} : f32[3], f32[3]
             region body(%a: f32[3], %b: f32[3], %x: f32[3], %i: i32[]) {
               %a2 = mul(%a, %b) : f32[3]
               %b2 = add(%b, %x) : f32[3]
               return a: %a2, b: %b2
             }
           return %a
         }`),
    );
  });

  it('keeps what the condition of a while asks for', () => {
    const text = after(
      dce,
      `graph g(%x: f32[], %y: f32[], %z: f32[]) {
        %a, %b, %c, %n = while(%x, %x, %y, %z) {consts: 1, carries: 3, limit: 9} : f32[], f32[], f32[], i32[]
          region condition(%k: f32[], %a: f32[], %b: f32[], %c: f32[], %i: i32[]) {
            %p = less(%b, %k) : bool[]
            return p: %p
          }
          region body(%k: f32[], %a: f32[], %b: f32[], %c: f32[], %i: i32[]) {
            %a2 = sin(%a) : f32[]
            %b2 = exp(%b) : f32[]
            %c2 = exp(%c) : f32[]
            return a: %a2, b: %b2, c: %c2
          }
        return %a
      }`,
    );
    expect(text).toContain('%a, %b, %n = while(%x, %x, %y) {consts: 1, carries: 2, limit: 9}');
    expect(text).not.toContain('%c2');
  });

  it('drops results and operands of a condition', () => {
    const text = after(
      dce,
      `graph g(%p: bool[], %x: f32[], %y: f32[], %z: f32[]) {
        %a, %b = cond(%p, %x, %y, %z) : f32[], f32[]
          region then(%x: f32[], %y: f32[], %z: f32[]) {
            %e = exp(%z) : f32[]
            return a: %x, b: %e
          }
          region else(%x: f32[], %y: f32[], %z: f32[]) {
            return a: %y, b: %z
          }
        return %a
      }`,
    );
    expect(text).toContain('%a = cond(%p, %x, %y)');
    expect(text).not.toContain('exp');
  });
});

test('cse joins loops that compute the same, whatever their values are called', () => {
  const loop = (name: string, value: string, op: string): string => `
    %${name} = scan(%x) {consts: 0, carries: 1, length: 4, reverse: false} : f32[3]
      region body(%${value}: f32[3], %i: i32[]) {
        %${value}2 = ${op}(%${value}) : f32[3]
        return r: %${value}2
      }`;
  const text = after(
    cse,
    `graph g(%x: f32[3]) {${loop('a', 'p', 'sin')}${loop('b', 'q', 'sin')}${loop('c', 'r', 'cos')}
       return %a, %b, %c
     }`,
  );
  expect(text).toContain('return %a, b: %a, %c');
});

describe('batch_steps', () => {
  const text = (
    rows: number,
    attrs = '',
  ): string => `graph g(%w: f32[5,7], %v: f32[5,5], %h: f32[${rows},5], %xs: f32[4,${rows},5]) {
    %h2, %ys = scan(%w, %v, %h, %xs) {consts: 2, carries: 1, length: 4, reverse: false${attrs}} : f32[${rows},5], f32[4,${rows},7]
      region body(%w: f32[5,7], %v: f32[5,5], %h: f32[${rows},5], %x: f32[${rows},5], %i: i32[]) {
        %a = matmul(%x, %v) {transpose_a: false, transpose_b: true} : f32[${rows},5]
        %h2 = add(%h, %a) : f32[${rows},5]
        %y = matmul(%h2, %w) {transpose_a: false, transpose_b: false} : f32[${rows},7]
        return h: %h2, y: %y
      }
    return %h2, %ys
  }`;

  it('takes a product of slices in front of the loop and one that is stacked behind it', () => {
    expect(after(batch_steps, text(3))).toBe(
      tidy(`graph g(%w: f32[5,7], %v: f32[5,5], %h: f32[3,5], %xs: f32[4,3,5]) {
        %a.steps = matmul(%xs, %v) {transpose_a: false, transpose_b: true} : f32[4,3,5]
        %h2, %h2.1 = scan(%w, %v, %h, %xs, %a.steps) {consts: 2, carries: 1, length: 4, reverse: false} : f32[3,5], f32[4,3,5]
          region body(%w: f32[5,7], %v: f32[5,5], %h: f32[3,5], %x: f32[3,5], %a: f32[3,5], %i: i32[]) {
            %h2 = add(%h, %a) : f32[3,5]
            return r0: %h2, r1: %h2
          }
        %y.steps = matmul(%h2.1, %w) {transpose_a: false, transpose_b: false} : f32[4,3,7]
        return %h2, ys: %y.steps
      }`),
    );
  });

  it('leaves tall products and loops with checkpoints alone', () => {
    expect(after(batch_steps, text(129))).toBe(tidy(text(129)));
    const long = text(3).replaceAll('[4,', '[5000000,').replace('length: 4', 'length: 5000000');
    expect(after(batch_steps, long)).toBe(tidy(long));
    expect(after(batch_steps, text(3, ', checkpoint: true'))).toBe(tidy(text(3, ', checkpoint: true')));
  });
});

test('canonicalize joins padded pieces into one, in any order', () => {
  const pad = (name: string, low: number, high: number): string =>
    `%p${name} = pad(%${name}) {low: [0,${low}], high: [0,${high}], interior: [0,0], value: 0} : f32[2,9]`;
  const text = (last: string): string => `graph g(%a: f32[2,3], %b: f32[2,2], %c: f32[2,4]) {
    ${pad('a', 0, 6)}
    ${pad('c', 5, 0)}
    ${pad('b', 3, 4)}
    %s = add(%pa, %pc) : f32[2,9]
    %t = add(%s, %pb) : f32[2,9]
    return t: ${last}
  }`;
  const joined = runPipeline(graphOf(text('%t'))).graph;
  expect(textOf(joined)).toBe(
    tidy(`graph g(%a: f32[2,3], %b: f32[2,2], %c: f32[2,4]) {
      %t = concat(%a, %b, %c) {axis: 1} : f32[2,9]
      return %t
    }`),
  );
  // With a gap, as they are.
  expect(after(canonicalize, text('%s'))).toContain('add(%pa, %pc)');
});

test('passes work in regions', () => {
  const { graph } = runPipeline(
    graphOf(`graph g(%x: f32[3], %one: f32[]) {
      %h = scan(%x) {consts: 0, carries: 1, length: 4, reverse: false} : f32[3]
        region body(%h: f32[3], %i: i32[]) {
          %one = constant() {dtype: "f32", shape: [], values: [1]} : f32[]
          %a = mul(%h, %one) : f32[3]
          %b = exp(%a) : f32[3]
          %c = exp(%h) : f32[3]
          %d = add(%b, %c) : f32[3]
          return h: %d
        }
      return %h
    }`),
  );
  expect(textOf(graph)).toContain('program: "t0 = exp(%0); t1 = add(t0, t0); yield t1"');
});
