/** A group of element-wise ops as one kernel: made by the fuser and the planner, never by a layer. */
import { elementCount, type DType, type Shape, type TensorType } from '../ir/types';
import { stringAttr } from './attributes';
import { defineOp, OpTypeError } from './define';
import { instruction, parseProgram, type Argument, type Program } from './families/program';
import { broadcastIndex, broadcastShapes } from './families/shapes';

export const fused_elementwise = defineOp({
  name: 'fused_elementwise',
  doc:
    'The outputs of `program` for every element; all inputs broadcast to the one shape of the group, which every ' +
    'output has. Arithmetic is float32, conditions are 0 or 1; a group with integers computes in float64. bf16 inputs ' +
    'are widened when read; outputs are bf16 where the program rounds them. Exists only after differentiation.',
  inputs: ['x*'],
  outputs: ['y*'],
  native: 'kernel',
  traits: { foldable: true },
  infer: (inputs, attrs) => {
    if (inputs.length === 0) throw new OpTypeError('takes at least 1 input, found 0');
    const program = parseProgram(stringAttr(attrs, 'program'));
    const shape = broadcastShapes(inputs);
    return dtypesOf(program, inputs).map((dtype) => ({ dtype, shape }));
  },
  evaluate: (inputs, attrs, [first]) => {
    const shape: Shape = first?.shape ?? [];
    const { statements, yields } = parseProgram(stringAttr(attrs, 'program'));
    const operands = inputs.map((input) => ({ data: input.data, index: broadcastIndex(input.type.shape, shape) }));
    const slots = new Map(statements.map((statement, k) => [statement.name, k]));
    const values = new Float64Array(statements.length);
    let element = 0;
    const reader = (argument: Argument | undefined): (() => number) => {
      if (argument?.kind === 'literal') return () => argument.value;
      if (argument?.kind === 'input') {
        const { data, index } = operands[argument.index] ?? { data: new Float64Array(1), index: undefined };
        return index ? () => data[index[element] ?? 0] ?? 0 : () => data[element] ?? 0;
      }
      const slot = argument ? (slots.get(argument.name) ?? 0) : -1;
      return () => values[slot] ?? 0;
    };
    const steps = statements.map(({ instr, args }) => {
      const [a, b, c] = [reader(args[0]), reader(args[1]), reader(args[2])];
      const op = instruction(instr);
      return () => op.apply(a(), b(), c());
    });
    const results = yields.map((argument) => ({ read: reader(argument), data: new Float64Array(elementCount(shape)) }));
    for (; element < elementCount(shape); element++) {
      for (let k = 0; k < steps.length; k++) values[k] = steps[k]?.() ?? 0;
      for (const { read, data } of results) data[element] = read();
    }
    return results.map(({ data }) => data);
  },
  cost: (_inputs, [y], attrs) => {
    const { statements } = parseProgram(stringAttr(attrs, 'program'));
    return { flops: elementCount(y?.shape ?? []) * statements.length };
  },
  samples: [
    { inputs: [f32(33, 31)], attrs: { program: 'yield %0' } },
    {
      name: 'relu mask',
      inputs: [f32(4, 5), f32(4, 5)],
      attrs: { program: 'a = greater(%0, 0); b = where(a, %1, 0); yield b' },
    },
    {
      name: 'affine of channels',
      inputs: [f32(2, 6, 5, 7), f32(1, 6, 1, 1), f32(1, 6, 1, 1)],
      attrs: { program: 'a = mul(%0, %1); b = add(a, %2); c = relu(b); yield c' },
    },
    {
      name: 'pixels of three channels',
      inputs: [f32(5600, 3), f32(3), f32(3)],
      attrs: { program: 'a = sub(%0, %1); b = mul(a, %2); yield b' },
    },
    {
      name: 'momentum update',
      inputs: [f32(1031), f32(1031), f32(1031), f32()],
      attrs: { program: 'v = mul(%2, 0.9); w = add(v, %1); s = mul(w, %3); p = sub(%0, s); yield p, w' },
    },
    {
      name: 'many instructions',
      inputs: [f32(3, 1, 7), f32(5, 1)],
      range: [0.2, 2],
      attrs: {
        program:
          'a = exp(%0); b = log(%1); c = tanh(a); d = sigmoid(b); e = div(c, d); f = sqrt(%0); g = erf(f); ' +
          'h = pow(%0, %1); i = sub(g, h); j = minimum(e, i); k = less(j, -1e-05); l = where(k, 2.5, j); yield l, h',
      },
    },
    {
      name: 'bfloat16 in and out',
      inputs: [bf16(3, 70), f32(3, 70), bf16(70)],
      attrs: { program: 'a = mul(%0, %1); b = bf16(a); c = add(b, %2); d = f32(%0); yield b, c, d, %0' },
    },
    {
      name: 'bytes and bools as numbers',
      inputs: [
        { dtype: 'u8', shape: [37] },
        { dtype: 'bool', shape: [37] },
      ],
      range: [0, 9],
      values: { 1: Array.from({ length: 37 }, (_, i) => i % 2) },
      attrs: { program: 'a = f32(%0); b = div(a, 8); c = f32(%1); d = mul(b, c); e = bf16(d); yield b, e' },
    },
    {
      name: 'integers',
      inputs: [i32(5, 3), i32(3)],
      range: [0, 9],
      attrs: { program: 'a = mul(%0, %1); b = add(a, 1); c = equal(%0, %1); yield b, c' },
    },
  ],
});

/**
 * The dtype of each output. A literal takes the dtype of its neighbours, float32 among literals alone; whatever is
 * stored as bf16 is float32 to who reads it in the program.
 */
function dtypesOf(program: Program, inputs: readonly TensorType[]): DType[] {
  const known = new Map<string, DType>();
  const typeOf = (argument: Argument): DType | undefined => {
    if (argument.kind === 'literal') return undefined;
    if (argument.kind === 'name') return known.get(argument.name);
    const input = inputs[argument.index];
    if (!input) throw new OpTypeError(`the program reads %${argument.index}, but there are ${inputs.length} inputs`);
    return input.dtype;
  };
  for (const { name, instr, args } of program.statements) {
    const dtypes = args.map(typeOf).map((dtype) => (dtype === 'bf16' ? 'f32' : dtype));
    // The condition of a `where` says nothing about its choices.
    const neighbour = instr === 'where' ? (dtypes[1] ?? dtypes[2]) : dtypes.find((dtype) => dtype !== undefined);
    const types = dtypes.map((dtype) => ({ dtype: dtype ?? neighbour ?? 'f32', shape: [] }) as const);
    try {
      known.set(name, instruction(instr).dtypeOf(types));
    } catch (error) {
      if (error instanceof OpTypeError) throw new OpTypeError(`in the program, '${name} = ${instr}': ${error.message}`);
      throw error;
    }
  }
  return program.yields.map((argument) => typeOf(argument) ?? 'f32');
}

function f32(...shape: readonly number[]): TensorType {
  return { dtype: 'f32', shape };
}

function bf16(...shape: readonly number[]): TensorType {
  return { dtype: 'bf16', shape };
}

function i32(...shape: readonly number[]): TensorType {
  return { dtype: 'i32', shape };
}
