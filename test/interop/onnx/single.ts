/** Models of one operator, made for a test: imported and run natively against ONNX Runtime. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { bytesIn, typedArray } from '../../../compiler/data/typed_array';
import type { TypedArray } from '../../../compiler/data/define';
import type { OnnxAttribute, OnnxNode } from '../../../compiler/interop/formats/onnx/encode';
import { ELEM } from '../../../compiler/interop/formats/onnx/types';
import type { Imported } from '../../../compiler/interop/import/import';
import type { DType } from '../../../compiler/ir/types';
import { needsOnnxRuntime, runAllOnnx, writeGraph, type Answer, type OnnxRun } from '../../support/onnx';
import { generator } from '../../support/samples';
import { differences, importOnnx } from './corpus';

/** A tensor of a node: what it is like, and whether it is in the file. */
export interface Given {
  readonly shape: readonly number[];
  /** `f32` unless said. */
  readonly dtype?: Exclude<DType, 'bf16'>;
  /** Drawn between −1 and 1 unless given. */
  readonly values?: readonly number[];
  /** An input of the model; else the numbers are in the file. */
  readonly open?: true;
  /** Made by a node before. */
  readonly made?: true;
  /** Of ONNX, where no type here is the same. */
  readonly elem?: 'int8';
  /** As the file says it, where it is not the shape. */
  readonly written?: readonly (number | string)[];
}

export interface Single {
  readonly op: string;
  readonly opset?: number;
  readonly attributes?: Readonly<Record<string, OnnxAttribute>>;
  /** Undefined where the node leaves one out. */
  readonly inputs: readonly (Given | undefined)[];
  /** Those that are read, of all that the operator has. */
  readonly outputs: readonly (Output | undefined)[];
  readonly tolerance?: number;
  /** How many of the inputs the operator has; others are for the nodes before it. */
  readonly takes?: number;
  /** Nodes that make inputs of it. */
  readonly before?: readonly OnnxNode[];
}

export interface Output {
  readonly rank: number;
  readonly dtype?: Exclude<DType, 'bf16'>;
}

const ELEMS = { f32: ELEM.float, i32: ELEM.int32, i64: ELEM.int64, u8: ELEM.uint8, bool: ELEM.bool, f64: ELEM.double };

const elemOf = ({ dtype = 'f32', elem }: Given): number =>
  elem === undefined ? (ELEMS as Readonly<Record<string, number>>)[dtype]! : ELEM[elem];

const size = (shape: readonly number[]): number => shape.reduce((product, extent) => product * extent, 1);

function numbersOf({ shape, dtype = 'f32', values }: Given, seed: number): Float64Array {
  const draw = generator(seed);
  return Float64Array.from({ length: size(shape) }, (_, i) =>
    values === undefined ? Math.fround(draw() * 2 - 1) * (dtype === 'f32' ? 1 : 8) : values[i % values.length]!,
  );
}

function typed(given: Given, seed: number): TypedArray {
  const numbers = numbersOf(given, seed);
  const dtype = given.dtype ?? 'f32';
  const data = typedArray(given.elem === 'int8' ? 'u8' : dtype, numbers.length);
  for (let i = 0; i < data.length; i++) data[i] = dtype === 'i64' ? BigInt(numbers[i]!) : numbers[i]!;
  return data;
}

/** Registers one test for each; the second word of a table says what becomes of the import, where it is not plain. */
export function testSingles(
  cases: readonly (readonly [title: string, single: Single, check?: (imported: Imported) => void])[],
): void {
  const folder = mkdtempSync(path.join(tmpdir(), 'dlc-onnx-single-'));
  const answers = new Map<Single, Answer>();
  const runs = cases.map(([, single], at): OnnxRun => {
    const model = path.join(folder, `${at}.onnx`);
    write(model, single);
    const inputs = single.inputs.flatMap((given, i) => {
      if (given?.open === undefined) return [];
      const dtype = given.dtype ?? 'f32';
      return [{ name: `x${i}`, dtype, shape: given.shape, data: typed(given, i) }];
    });
    return { model, inputs };
  });
  beforeAll(() => {
    if (!needsOnnxRuntime()) return;
    const found = runAllOnnx(runs);
    cases.forEach(([, single], i) => answers.set(single, found[i]!));
  });
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });
  test.each(cases.map(([title], at) => [title, at] as const))('%s', async (_, at) => {
    const [, single, check] = cases[at]!;
    const imported = await importOnnx(runs[at]!.model);
    check?.(imported);
    const answer = answers.get(single);
    if (answer === undefined) return;
    if ('error' in answer) throw new Error(answer.error);
    const inputs = new Map(
      single.inputs.flatMap((given, i) =>
        given?.open === undefined
          ? []
          : [[`x${i}`, { elem: elemOf(given), shape: given.shape, data: numbersOf(given, i) }] as const],
      ),
    );
    const outputs = single.outputs.flatMap((output, i) => {
      if (output === undefined) return [];
      const { dims, data } = answer.outputs[`y${i}`]!;
      return [
        { elem: ELEM.float, shape: [...dims], data: Float64Array.from(data as ArrayLike<number | bigint>, Number) },
      ];
    });
    const tolerance = single.tolerance ?? 1e-5;
    expect(await differences(imported, { inputs, outputs }, { relative: tolerance, absolute: tolerance })).toEqual([]);
  });
}

function write(
  file: string,
  { op, opset = 18, attributes = {}, inputs, outputs, takes = inputs.length, before = [] }: Single,
): void {
  writeGraph(file, {
    opset,
    functions: [],
    graph: {
      name: op,
      nodes: [
        ...before,
        {
          name: op.toLowerCase(),
          op,
          inputs: inputs.slice(0, takes).map((given, i) => (given === undefined ? '' : `x${i}`)),
          outputs: outputs.map((output, i) => (output === undefined ? '' : `y${i}`)),
          attributes,
        },
      ],
      initializers: inputs.flatMap((given, i) =>
        given === undefined || given.open || given.made
          ? []
          : [{ name: `x${i}`, elem: elemOf(given), dims: given.shape, data: bytesIn(typed(given, i)) }],
      ),
      inputs: inputs.flatMap((given, i) =>
        given?.open ? [{ name: `x${i}`, elem: elemOf(given), shape: given.written ?? given.shape }] : [],
      ),
      outputs: outputs.flatMap((output, i) =>
        output === undefined
          ? []
          : [
              {
                name: `y${i}`,
                elem: ELEMS[(output.dtype as 'f32' | undefined) ?? 'f32'],
                shape: Array.from({ length: output.rank }, (_, k) => `y${i}_${k}`),
              },
            ],
      ),
    },
  });
}
