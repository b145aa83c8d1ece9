/** Matrix products. */
import { isFloatElem } from '../../../formats/onnx/types';
import type { Emitter } from '../emitter';
import { fixed } from '../emitter';
import { refuse, type Handler, type Handlers } from '../node';
import { broadcast, count, type Value } from '../value';

/** x times a matrix of numbers that the source has: a dense layer. */
function dense(e: Emitter, x: Value, weight: Value, bias: Value | undefined): Value {
  const [units] = weight.shape as [number, number];
  const fields = {
    units,
    ...(x.shape.length === 2 ? {} : { axis: -1 }),
    ...(bias === undefined ? { bias: false } : {}),
  };
  const shape = [...x.shape.slice(0, -1), units];
  return e.weighted('dense', [e.float(x)], fields, { shape }, { weight, bias: bias && e.reshape(bias, [units]) });
}

const matmul: Handler = (node) => {
  const [a, b] = [node.in(0), node.in(1)];
  return product(node.e, a, b);
};

export function product(e: Emitter, a: Value, b: Value): Value {
  const inner = b.shape.length === 1 ? b.shape[0] : b.shape.at(-2);
  if (a.shape.at(-1) !== inner) refuse(`multiplies [${e.show(a.shape)}] with [${e.show(b.shape)}]`);
  const isWeight = b.known !== undefined && b.shape.length === 2 && a.shape.length >= 2 && isFloatElem(b.elem);
  if (isWeight && a.known === undefined) return { ...dense(e, a, e.permute(b, [1, 0]), undefined), elem: a.elem };
  const left = a.shape.length === 1 ? e.reshape(a, [1, ...a.shape]) : a;
  const right = b.shape.length === 1 ? e.reshape(b, [...b.shape, 1]) : b;
  const batch = broadcast([left.shape.slice(0, -2), right.shape.slice(0, -2)]) ?? refuse('has batches that do not fit');
  const full = [...batch, left.shape.at(-2)!, right.shape.at(-1)!];
  const made = e.layer('matmul', [e.float(left), e.float(right)], {}, { shape: full });
  const shape = [
    ...batch,
    ...(a.shape.length === 1 ? [] : [full.at(-2)!]),
    ...(b.shape.length === 1 ? [] : [full.at(-1)!]),
  ];
  const shaped = e.reshape(made, shape);
  return isFloatElem(a.elem) ? { ...shaped, elem: a.elem } : e.cast(shaped, a.elem);
}

const gemm: Handler = (node) => {
  const { e } = node;
  const [a, b, c] = [node.in(0), node.in(1), node.maybe(2)];
  const [alpha, beta] = [node.float('alpha', 1), node.float('beta', 1)];
  const left = node.flag('transA') ? e.permute(a, [1, 0]) : a;
  const units = node.flag('transB') ? b.shape[0]! : b.shape[1]!;
  const x = left.shape.length === 2 ? left : refuse('multiplies tensors that are no matrices');
  if (b.shape.length !== 2 || x.shape[1] !== (node.flag('transB') ? b.shape[1] : b.shape[0]))
    refuse(`multiplies [${e.show(x.shape)}] with [${e.show(b.shape)}]`);
  const isBias =
    c === undefined ||
    beta === 0 ||
    (c.known !== undefined && count(c.shape) === units && (c.shape.at(-1) ?? 1) === units);
  if (b.known !== undefined && isFloatElem(b.elem) && isBias && x.known === undefined) {
    const weight = scaled(node.flag('transB') ? b : e.permute(b, [1, 0]), alpha);
    return { ...dense(e, x, weight, c === undefined || beta === 0 ? undefined : scaled(c, beta)), elem: a.elem };
  }
  const fields = node.flag('transB') ? { transpose_b: true } : {};
  const made = e.layer('matmul', [e.float(x), e.float(b)], fields, { shape: [x.shape[0]!, units] });
  const times = (value: Value, by: number): Value => (by === 1 ? value : e.unary('rescale', value, { scale: by }));
  const sum =
    c === undefined || beta === 0 ? times(made, alpha) : e.merge('add', [times(made, alpha), times(e.float(c), beta)]);
  return isFloatElem(a.elem) ? { ...sum, elem: a.elem } : e.cast(sum, a.elem);
};

function scaled(value: Value, by: number): Value {
  return by === 1 ? value : { ...value, known: Float32Array.from(value.known!, (x) => x * by), changed: `times ${by}` };
}

const einsum: Handler = (node) => {
  const { e } = node;
  const equation = node.text('equation', '').replaceAll(' ', '');
  const values = node.all();
  const shape = einsumShape(equation, values);
  return e.layer(
    'einsum',
    values.map((value) => e.float(value)),
    { equation },
    { shape, elem: values[0]!.elem },
  );
};

function einsumShape(equation: string, values: readonly Value[]): number[] {
  const [left = '', right] = equation.split('->');
  const terms = left.split(',');
  if (terms.length !== values.length) refuse(`has ${values.length} inputs for \`${equation}\``);
  const extents = new Map<string, number>();
  let dots: number[] = [];
  terms.forEach((term, i) => {
    const { shape } = values[i]!;
    const [before = '', behind] = term.split('...');
    Array.from(before).forEach((letter, k) => extents.set(letter, Math.max(shape[k] ?? 1, extents.get(letter) ?? 1)));
    if (behind === undefined) return;
    const rest = shape.slice(before.length, shape.length - behind.length);
    dots = broadcast([dots, rest]) ?? refuse('has axes under `...` that do not fit together');
    Array.from(behind).forEach((letter, k) => extents.set(letter, shape[shape.length - behind.length + k]!));
  });
  const letters = left.replaceAll(/[^A-Za-z]/g, '');
  const once = [...new Set(letters)].filter((letter) => letters.indexOf(letter) === letters.lastIndexOf(letter)).sort();
  const output = right ?? `${left.includes('...') ? '...' : ''}${once.join('')}`;
  const [before = '', behind] = output.split('...');
  const of = (part: string): number[] =>
    Array.from(part, (letter: string) => extents.get(letter) ?? refuse(`has no axis ${letter}`));
  return behind === undefined ? of(before) : [...of(before), ...dots, ...of(behind)];
}

const det: Handler = (node) => {
  const { e } = node;
  const x = e.float(node.in(0));
  const [size] = fixed(x.shape.slice(-2)) as [number];
  const lead = x.shape.slice(0, -2);
  const flat = e.reshape(x, [count(lead), size, size]);
  if (size > 3) refuse(`is of matrices of ${size} by ${size}; there is a formula for up to 3`);
  const at = (row: number, column: number): string => `x[:, ${row}, ${column}]`;
  const two = (a: string, b: string, c: string, d: string): string => `(${a} * ${d} - ${b} * ${c})`;
  const formula =
    size === 1
      ? at(0, 0)
      : size === 2
        ? two(at(0, 0), at(0, 1), at(1, 0), at(1, 1))
        : [0, 1, 2]
            .map(
              (k) =>
                `${k === 1 ? '-' : k === 2 ? '+' : ''} ${at(0, k)} * ${two(at(1, k === 0 ? 1 : 0), at(1, k === 2 ? 1 : 2), at(2, k === 0 ? 1 : 0), at(2, k === 2 ? 1 : 2))}`,
            )
            .join(' ');
  const made = e.layer('expression', [flat], { expr: formula.trim(), names: ['x'] }, { shape: [count(lead)] });
  return e.reshape(made, lead);
};

export const PRODUCTS: Handlers = { MatMul: matmul, Gemm: gemm, Einsum: einsum, Det: det };
