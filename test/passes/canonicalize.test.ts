/** One spelling for each thing: rewrites before and after, as text. */
import { canonicalize } from '../../compiler/passes/canonicalize';
import { after, graphOf, tidy } from './text';

/** One statement or several that make %y, and the same in normal form. Constants that nobody reads any more stay for dce. */
const REWRITES: readonly (readonly [name: string, before: string, normal: string])[] = [
  ['x + 0', '%y = add(%x, %c0) : f32[2,3]', 'return y: %x'],
  ['0 + x', '%y = add(%c0, %x) : f32[2,3]', 'return y: %x'],
  ['x · 1', '%y = mul(%c1, %x) : f32[2,3]', 'return y: %x'],
  ['x − 0', '%y = sub(%x, %c0) : f32[2,3]', 'return y: %x'],
  ['x ÷ 1', '%y = div(%x, %c1) : f32[2,3]', 'return y: %x'],
  ['x ^ 1', '%y = pow(%x, %c1) : f32[2,3]', 'return y: %x'],
  ['x ^ 2', '%y = pow(%x, %c2) : f32[2,3]', '%y = square(%x) : f32[2,3]'],
  ['x · −1', '%y = mul(%x, %m1) : f32[2,3]', '%y = neg(%x) : f32[2,3]'],
  ['0 − x', '%y = sub(%c0, %x) : f32[2,3]', '%y = neg(%x) : f32[2,3]'],
  ['−(−x)', '%a = neg(%x) : f32[2,3]\n%y = neg(%a) : f32[2,3]', '%a = neg(%x) : f32[2,3]\nreturn y: %x'],
  [
    'x + (−z)',
    '%a = neg(%z) : f32[2,3]\n%y = add(%x, %a) : f32[2,3]',
    '%a = neg(%z) : f32[2,3]\n%y = sub(%x, %z) : f32[2,3]',
  ],
  [
    '(−z) + x',
    '%a = neg(%z) : f32[2,3]\n%y = add(%a, %x) : f32[2,3]',
    '%a = neg(%z) : f32[2,3]\n%y = sub(%x, %z) : f32[2,3]',
  ],
  [
    'x − (−z)',
    '%a = neg(%z) : f32[2,3]\n%y = sub(%x, %a) : f32[2,3]',
    '%a = neg(%z) : f32[2,3]\n%y = add(%x, %z) : f32[2,3]',
  ],
  ['max(x, 0)', '%y = maximum(%x, %c0) : f32[2,3]', '%y = relu(%x) : f32[2,3]'],
  ['relu(relu(x))', '%a = relu(%x) : f32[2,3]\n%y = relu(%a) : f32[2,3]', '%a = relu(%x) : f32[2,3]\nreturn y: %a'],
  ['a stopped gradient', '%y = stop_gradient(%x) : f32[2,3]', 'return y: %x'],
  ['a clipped gradient', '%y = clip_gradient(%x) {value: 1} : f32[2,3]', 'return y: %x'],
  ['a scaled gradient', '%y = scale_gradient(%x) {factor: -1} : f32[2,3]', 'return y: %x'],
  ['cast to the same', '%y = cast(%x) {dtype: "f32"} : f32[2,3]', 'return y: %x'],
  [
    'cast to a wider dtype and back',
    '%n = cast(%x) {dtype: "bf16"} : bf16[2,3]\n%w = cast(%n) {dtype: "f32"} : f32[2,3]\n%y = cast(%w) {dtype: "bf16"} : bf16[2,3]',
    '%n = cast(%x) {dtype: "bf16"} : bf16[2,3]\n%w = cast(%n) {dtype: "f32"} : f32[2,3]\nreturn y: %n',
  ],
  ['reshape to the same', '%y = reshape(%x) {shape: [2,3]} : f32[2,3]', 'return y: %x'],
  [
    'reshape of a reshape',
    '%a = reshape(%x) {shape: [6]} : f32[6]\n%y = reshape(%a) {shape: [3,2]} : f32[3,2]',
    '%a = reshape(%x) {shape: [6]} : f32[6]\n%y = reshape(%x) {shape: [3,2]} : f32[3,2]',
  ],
  [
    'transpose of a transpose',
    '%a = transpose(%t) {perm: [1,2,0]} : f32[3,4,2]\n%y = transpose(%a) {perm: [1,0,2]} : f32[4,3,2]',
    '%a = transpose(%t) {perm: [1,2,0]} : f32[3,4,2]\n%y = transpose(%t) {perm: [2,1,0]} : f32[4,3,2]',
  ],
  [
    'transpose and back',
    '%a = transpose(%t) {perm: [1,2,0]} : f32[3,4,2]\n%y = transpose(%a) {perm: [2,0,1]} : f32[2,3,4]',
    '%a = transpose(%t) {perm: [1,2,0]} : f32[3,4,2]\nreturn y: %t',
  ],
  [
    'transpose that moves an axis of extent 1',
    '%a = reshape(%x) {shape: [1,6]} : f32[1,6]\n%y = transpose(%a) {perm: [1,0]} : f32[6,1]',
    '%a = reshape(%x) {shape: [1,6]} : f32[1,6]\n%y = reshape(%x) {shape: [6,1]} : f32[6,1]',
  ],
  ['slice of everything', '%y = slice(%x) {starts: [0,0], limits: [2,3], strides: [1,1]} : f32[2,3]', 'return y: %x'],
  ['concat of one', '%y = concat(%x) {axis: 0} : f32[2,3]', 'return y: %x'],
  ['pad by nothing', '%y = pad(%x) {low: [0,0], high: [0,0], interior: [0,0], value: 0} : f32[2,3]', 'return y: %x'],
  [
    'reduction over an axis of extent 1',
    '%a = reshape(%x) {shape: [1,6]} : f32[1,6]\n%y = reduce_sum(%a) {axes: [0], keepdims: false} : f32[6]',
    '%a = reshape(%x) {shape: [1,6]} : f32[1,6]\n%y = reshape(%x) {shape: [6]} : f32[6]',
  ],
  [
    'an operand broadcast by hand',
    '%a = broadcast_to(%v) {shape: [2,3]} : f32[2,3]\n%y = add(%x, %a) : f32[2,3]',
    '%a = broadcast_to(%v) {shape: [2,3]} : f32[2,3]\n%y = add(%x, %v) : f32[2,3]',
  ],
  [
    'a constant spread by hand',
    '%a = broadcast_to(%c2) {shape: [2,3]} : f32[2,3]\n%y = div(%a, %x) : f32[2,3]',
    '%a = constant() {dtype: "f32", shape: [2,3], values: [2]} : f32[2,3]\n%y.constant = constant() {dtype: "f32", shape: [], values: [2]} : f32[]\n%y = div(%y.constant, %x) : f32[2,3]',
  ],
  [
    'matmul of a transpose',
    '%a = transpose(%x) {perm: [1,0]} : f32[3,2]\n%y = matmul(%a, %z) {transpose_a: false, transpose_b: false} : f32[3,3]',
    '%a = transpose(%x) {perm: [1,0]} : f32[3,2]\n%y = matmul(%x, %z) {transpose_a: true, transpose_b: false} : f32[3,3]',
  ],
];

function graph(body: string): string {
  return `graph g(%x: f32[2,3], %z: f32[2,3], %v: f32[3], %t: f32[2,3,4]) {
    %c0 = constant() {dtype: "f32", shape: [], values: [0]} : f32[]
    %c1 = constant() {dtype: "f32", shape: [], values: [1]} : f32[]
    %c2 = constant() {dtype: "f32", shape: [], values: [2]} : f32[]
    %m1 = constant() {dtype: "f32", shape: [], values: [-1]} : f32[]
    ${body}
    ${body.includes('return') ? '' : 'return %y'}
  }`;
}

describe('canonicalize', () => {
  it.each(REWRITES)('brings %s to its normal form', (_name, before, normal) => {
    expect(after(canonicalize, graph(before))).toBe(tidy(graph(normal)));
  });

  it('divides by a power of two through its exact inverse, and by nothing else', () => {
    expect(after(canonicalize, graph('%y = div(%x, %c2) : f32[2,3]'))).toContain('%y = mul(%x, %y.constant)');
    const three = '%c3 = constant() {dtype: "f32", shape: [], values: [3]} : f32[]\n%y = div(%x, %c3) : f32[2,3]';
    expect(after(canonicalize, graph(three))).toContain('div(%x, %c3)');
  });

  it('keeps an addition of zeros that broadcasts its operand', () => {
    const text = `graph g(%v: f32[3]) {
      %zeros = constant() {dtype: "f32", shape: [2,3], values: [0]} : f32[2,3]
      %y = add(%v, %zeros) : f32[2,3]
      return %y
    }`;
    expect(after(canonicalize, text)).toBe(tidy(text));
  });

  it('chooses the branch of a where by a constant condition', () => {
    const text = (value: number): string => `graph g(%x: f32[2], %z: f32[2]) {
      %c = constant() {dtype: "bool", shape: [], values: [${value}]} : bool[]
      %y = where(%c, %x, %z) : f32[2]
      return %y
    }`;
    expect(after(canonicalize, text(1))).toContain('return y: %x');
    expect(after(canonicalize, text(0))).toContain('return y: %z');
  });

  it('gives the same graph object back where there is nothing to do', () => {
    const normal = graphOf('graph g(%x: f32[2]) {\n %y = exp(%x) : f32[2]\n return %y\n}');
    expect(canonicalize.run(normal, { foldElements: 1, foldFlops: 1, groupInputs: 1, groupInstructions: 1 })).toBe(
      normal,
    );
  });

  it('settles long chains in one go', () => {
    const chain = Array.from({ length: 2000 }, (_, i) => `%a${i + 1} = add(%a${i}, %c) : f32[2]`).join('\n');
    const text = `graph g(%a0: f32[2]) {\n %c = constant() {dtype: "f32", shape: [], values: [0]} : f32[]\n${chain}\n return y: %a2000\n}`;
    expect(after(canonicalize, text)).toContain('return y: %a0');
  });
});
