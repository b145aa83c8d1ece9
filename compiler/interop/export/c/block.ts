/** The steps of a block as calls of functions, each with what it is for in a comment. */
import path from 'node:path';
import { InternalError } from '../../../diagnostics/errors';
import type { Location } from '../../../diagnostics/location';
import type { Attrs, Node, Value } from '../../../ir/graph';
import { formatType, type DType, type TensorType } from '../../../ir/types';
import { bytesOfTensor } from '../../../plan/constants';
import type { Home } from '../../../plan/liveness';
import { copying } from '../../../plan/legalize';
import { constantTensor } from '../../../passes/fold';
import { typedArray } from '../../../data/typed_array';
import type { Step } from './emitter';
import type { HelperName } from './helpers';
import { originOf, placeBlock, regionSizes, type BlockMemory, type ScratchOf } from './memory';
import { EMITTERS } from './ops';
import { writeControl } from './control';
import { BASE, C_TYPE, storeOf, type Sizes, type Store } from './store';
import { Code, doubleLiteral, floatLiteral, integerLiteral, plainText } from './text';
import type { Parameter, Unit } from './unit';
import type { KnownTensor } from '../prediction';
import type { Weights } from './weights';

export const scratchOf: ScratchOf = (node, isKnown) =>
  node.regions
    ? regionSizes(node, scratchOf, isKnown)
    : (EMITTERS[node.op]?.scratch?.(node, (input) => isKnown(node.inputs[input]!)) ?? {});

/** What all blocks of a file share. */
export interface FileContext {
  readonly unit: Unit;
  readonly weights: Weights;
  /** Weights and what was computed of them, by state. */
  readonly tensors: ReadonlyMap<string, KnownTensor>;
  /** Messages of what can fail; codes count from 1. */
  readonly failures: string[];
}

/** Where values lie that are not in the block's own memory. */
export interface Surroundings {
  readonly operand: (index: number) => string;
  /** What is known of an operand when the file is written. */
  readonly known?: (index: number) => KnownTensor | undefined;
  readonly result: (index: number) => string;
  /** The number of an output that a state of the block stands for. */
  readonly resultOf: (state: Value) => number | undefined;
  /** Where the block's memory begins in that of the file; at its beginning unless said. */
  readonly bases?: Sizes;
}

export class BlockWriter {
  readonly memory: BlockMemory;

  constructor(
    readonly file: FileContext,
    needs: BlockMemory['needs'],
    readonly around: Surroundings,
  ) {
    this.memory = placeBlock(needs, scratchOf, (home) => this.#isKnown(home));
  }

  write(code: Code): void {
    const { liveness, schedule, graph } = this.memory.needs;
    liveness.steps.forEach((node, time) => {
      this.#step(code, node, time);
    });
    for (const { state, value } of schedule.late) {
      this.#step(code, { ...copying(state.type), inputs: [value], outputs: [state], origin: originOf(graph) }, -1);
    }
  }

  /** The C expression for a value's memory; undefined for what has none. */
  pointerTo(value: Value): string | undefined {
    const home = this.memory.needs.liveness.homeOf(value);
    switch (home?.space) {
      case undefined:
        return undefined;
      case 'arena': {
        const { store, offset } = this.memory.placeOf(value, home);
        return at(store, (this.around.bases?.[store] ?? 0) + offset);
      }
      case 'operand':
        return this.around.operand(home.index);
      case 'result':
        return this.around.result(home.index);
      case 'state': {
        const result = this.around.resultOf(home.state);
        return result === undefined ? this.file.weights.pointer(this.#stateOf(home.state)) : this.around.result(result);
      }
      case 'const':
        return this.file.weights.pointer(constantOf(home.node, this.file.unit.prefix));
    }
  }

  #isKnown(home: Home): boolean {
    if (home.space === 'operand') return this.around.known?.(home.index) !== undefined;
    return home.space === 'const' || (home.space === 'state' && this.around.resultOf(home.state) === undefined);
  }

  /** What is known of a value when the file is written. */
  knownOf(value: Value): KnownTensor | undefined {
    const home = this.memory.needs.liveness.homeOf(value);
    if (!home || !this.#isKnown(home)) return undefined;
    if (home.space === 'const') return constantOf(home.node, this.file.unit.prefix);
    if (home.space === 'operand') return this.around.known?.(home.index);
    return home.space === 'state' ? this.#stateOf(home.state) : undefined;
  }

  /** Where scratch memory of a step begins. */
  #scratchOf(time: number): Sizes {
    const { bases = {} } = this.around;
    const own = Object.entries(this.memory.scratchOf(time)) as [Store, number][];
    return Object.fromEntries(own.map(([store, offset]) => [store, (bases[store] ?? 0) + offset]));
  }

  #stateOf(state: Value): KnownTensor {
    const found = this.file.tensors.get(state.name);
    if (!found) throw new InternalError(`nothing is known of @${state.name}`);
    return found;
  }

  #step(code: Code, node: Node, time: number): void {
    const { layer, at: place } = node.origin;
    const types = node.outputs
      .filter((output) => this.pointerTo(output) !== undefined)
      .map(({ type }) => formatType(type));
    code.line(plainComment(`${layer}: ${node.op} -> ${types.join(', ')}${placeText(place)}`));
    const scratch = this.#scratchOf(time);
    if (node.regions) {
      writeControl(code, this, node, scratch);
      return;
    }
    const body = new StepWriter(this, node, scratch);
    const emitter = EMITTERS[node.op];
    if (!emitter) throw new InternalError(`no C is known for ${node.op}`);
    emitter.emit(body);
    body.call(code);
  }
}

const placeText = ({ file, line }: Location): string => (file === '' ? '' : ` (${path.basename(file)}:${line})`);

const plainComment = (text: string): string => `/* ${plainText(text)} */`;

export function at(store: Store, offset: number): string {
  return offset === 0 ? BASE[store] : `${BASE[store]} + ${offset}`;
}

const constants = new WeakMap<Node, KnownTensor>();

function constantOf(node: Node, prefix: string): KnownTensor {
  const known = constants.get(node);
  if (known) return known;
  const { type, data } = constantTensor(node);
  const array = typedArray(type.dtype, data.length);
  new Uint8Array(array.buffer).set(bytesOfTensor(type, data));
  const made = { name: `${prefix}.constant.${node.outputs[0]?.name ?? ''}`, ...type, data: array };
  constants.set(node, made);
  return made;
}

/** One step: its function, and the call of it. */
class StepWriter implements Step {
  readonly code = new Code();
  readonly floats = 'work';
  readonly ints = 'iwork';
  readonly attrs: Attrs;
  #fails: string | undefined;
  /** Of inputs in the order of `order`, where one was asked for. */
  readonly #forms = new Map<number, string>();

  constructor(
    readonly block: BlockWriter,
    readonly node: Node,
    readonly scratch: Sizes,
  ) {
    this.attrs = node.attrs;
  }

  input(index: number): TensorType {
    return this.node.inputs[index]!.type;
  }

  output(index: number): TensorType {
    return this.node.outputs[index]!.type;
  }

  x(index: number): string {
    const value = this.node.inputs[index]!;
    if (this.block.knownOf(value)) return `x${index}`;
    const own = this.block.pointerTo(value);
    const over = this.node.outputs.findIndex((output) => own !== undefined && this.block.pointerTo(output) === own);
    return over < 0 ? `x${index}` : `y${over}`;
  }

  y(index: number): string | undefined {
    return this.block.pointerTo(this.node.outputs[index]!) === undefined ? undefined : `y${index}`;
  }

  result(): string {
    return this.y(0) ?? 'y0';
  }

  rearranged(index: number, form: string, order: (data: Float32Array) => Float32Array): boolean {
    const value = this.node.inputs[index];
    const known = value && this.block.knownOf(value);
    if (!known || known.dtype !== 'f32') return false;
    this.#forms.set(index, this.block.file.weights.pointer(known, form, order));
    return true;
  }

  helper(name: HelperName): string {
    return this.block.file.unit.helper(name);
  }

  number(value: number): string {
    return floatLiteral(value);
  }

  literal(value: number, dtype: DType): string {
    if (dtype === 'f32') return floatLiteral(value);
    if (dtype === 'f64') return doubleLiteral(value);
    return integerLiteral(BigInt(Math.trunc(value)));
  }

  type(dtype: DType): string {
    return C_TYPE[storeOf(dtype)];
  }

  table(dtype: 'f32' | 'i32', values: readonly number[]): string {
    return this.block.file.unit.table(dtype, values);
  }

  fail(problem: string): string {
    this.#fails = problem;
    return 'return 1;';
  }

  call(code: Code): void {
    const { unit, failures } = this.block.file;
    const lines = unwrapped(this.code.lines);
    if (this.#fails !== undefined) lines.push('  return 0;');
    const text = lines.join('\n');
    const parameters = this.#parameters().filter(({ name }) => new RegExp(`\\b${name}\\b`).test(text));
    const { op, origin, inputs, outputs } = this.node;
    const types = (values: readonly Value[]): string => values.map(({ type }) => formatType(type)).join(', ');
    const step = { layer: origin.layer, op, about: `${op}(${types(inputs)}) -> ${types(outputs)}` };
    const name = unit.function(this.#fails === undefined ? 'void' : 'int', parameters, lines, step);
    const call = `${name}(${parameters.map(({ argument }) => argument()).join(', ')})`;
    if (this.#fails === undefined) {
      code.line(`${call};`);
      return;
    }
    const { layer, at: place } = this.node.origin;
    const message = `${layer}${placeText(place)}: ${this.#fails}`;
    code.line(`if (${call}) return ${failures.push(plainText(message))};`);
  }

  #parameters(): Parameter[] {
    const { node, scratch } = this;
    const typed = ({ dtype }: TensorType): string => C_TYPE[storeOf(dtype)];
    return [
      ...node.inputs.map((value, i) => ({
        type: `const ${typed(value.type)} *restrict `,
        name: `x${i}`,
        argument: () => this.#forms.get(i) ?? this.block.pointerTo(value) ?? '',
      })),
      ...node.outputs.map((value, i) => ({
        type: `${typed(value.type)} *restrict `,
        name: `y${i}`,
        argument: () => this.block.pointerTo(value) ?? '',
      })),
      { type: 'float *restrict ', name: this.floats, argument: () => at('f32', scratch.f32 ?? 0) },
      { type: 'int *restrict ', name: this.ints, argument: () => at('i32', scratch.i32 ?? 0) },
    ];
  }
}

/** Without the braces around all of a function. */
function unwrapped(lines: readonly string[]): string[] {
  const whole = lines[0] === '  {' && lines.indexOf('  }') === lines.length - 1;
  return whole ? lines.slice(1, -1).map((line) => line.replace(/^ {2}/, '')) : [...lines];
}
