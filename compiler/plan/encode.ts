/** Writes a plan as the binary blob that the runtime loads. The layout stands in docs/architecture.md. */
import { InternalError } from '../diagnostics/errors';
import type { AttrValue, StateRole } from '../ir/graph';
import { DTYPES, type DType, type Shape } from '../ir/types';
import { fnv1a64 } from './fnv1a';
import {
  ALIGNMENT,
  type Plan,
  type PlanPort,
  type PlanProgram,
  type PlanRegion,
  type PlanStep,
  type PlanTensor,
  type Space,
} from './plan';

const MAGIC = 'DLCP';
const VERSION = 3;
/** Magic, version, file size and checksum: the checksum covers what follows. */
const HEADER_BYTES = 24;
const ABSENT = 0xffffffff;

/** Codes are those of dlc.h; DTYPES is in the order of enum dlc_dtype. */
const SPACES: readonly Space[] = ['arena', 'state', 'const', 'operand', 'result'];
const ROLES: readonly StateRole[] = ['parameter', 'buffer', 'slot'];
const NUMBER = 0;
const NUMBERS = 1;
const STRING = 2;
const STRINGS = 3;
const BOOL = 4;
const BOOLS = 5;

export function encodePlan(plan: Plan): Uint8Array {
  const strings = new Strings();
  const after = new Writer();
  after.u32(plan.states.length);
  for (const state of plan.states) {
    after.u32(strings.index(state.name));
    after.u8(codeIn(ROLES, state.role));
    after.u8(codeIn(DTYPES, state.dtype));
    after.shape(state.shape);
    after.u64(state.offset);
  }
  after.u64(plan.stateBytes);
  after.u32(plan.programs.length);
  for (const program of plan.programs) encodeProgram(program, after, strings);

  const nameIndex = strings.index(plan.name);
  const writer = new Writer();
  writer.bytes(new TextEncoder().encode(MAGIC));
  writer.u32(VERSION);
  writer.u64(0);
  writer.u64(0);
  writer.u32(strings.list.length);
  for (const text of strings.list) {
    const bytes = new TextEncoder().encode(text);
    writer.u32(bytes.length);
    writer.bytes(bytes);
  }
  writer.u32(nameIndex);
  writer.u64(plan.constants.length);
  writer.align(ALIGNMENT);
  writer.bytes(plan.constants);
  writer.bytes(after.result());

  const blob = writer.result();
  const view = new DataView(blob.buffer, blob.byteOffset, blob.byteLength);
  const { low, high } = fnv1a64(blob.subarray(HEADER_BYTES));
  view.setUint32(8, blob.length % 0x100000000, true);
  view.setUint32(12, Math.floor(blob.length / 0x100000000), true);
  view.setUint32(16, low, true);
  view.setUint32(20, high, true);
  return blob;
}

function encodeProgram(program: PlanProgram, writer: Writer, strings: Strings): void {
  writer.u32(strings.index(program.name));
  writer.u32(program.prepare ?? ABSENT);
  writer.u64(program.arenaBytes);
  encodeTensors(program.tensors, writer, strings);
  encodePorts(program.inputs, writer, strings);
  encodePorts(program.outputs, writer, strings);
  writer.u32(program.regions.length);
  for (const region of program.regions) encodeRegion(region, writer, strings);
  writer.u32(program.steps.length);
  for (const step of program.steps) encodeStep(step, writer, strings);
}

function encodeRegion(region: PlanRegion, writer: Writer, strings: Strings): void {
  writer.u32(strings.index(region.name));
  writer.u64(region.arenaBytes);
  encodeTensors(region.tensors, writer, strings);
  writer.u32(region.inputs.length);
  for (const tensor of region.inputs) writer.u32(tensor < 0 ? ABSENT : tensor);
  writer.u32(region.outputs.length);
  for (const { tensor, early } of region.outputs) {
    writer.u32(tensor);
    writer.u8(early ? 1 : 0);
  }
  writer.u32(region.steps.length);
  for (const step of region.steps) encodeStep(step, writer, strings);
}

function encodeTensors(tensors: readonly PlanTensor[], writer: Writer, strings: Strings): void {
  writer.u32(tensors.length);
  for (const { name, dtype, space, shape, offset } of tensors) {
    writer.u32(strings.index(name));
    writer.u8(codeIn(DTYPES, dtype satisfies DType));
    writer.u8(codeIn(SPACES, space));
    writer.shape(shape);
    writer.u64(offset);
  }
}

function encodePorts(ports: readonly PlanPort[], writer: Writer, strings: Strings): void {
  writer.u32(ports.length);
  for (const { name, tensor } of ports) {
    writer.u32(strings.index(name));
    writer.u32(tensor);
  }
}

function encodeStep(step: PlanStep, writer: Writer, strings: Strings): void {
  writer.u32(strings.index(step.op));
  writer.u16(step.inputs.length);
  for (const input of step.inputs) writer.u32(input);
  writer.u16(step.outputs.length);
  for (const output of step.outputs) writer.u32(output < 0 ? ABSENT : output);
  writer.u64(step.workspace.offset);
  writer.u64(step.workspace.bytes);
  const regions = step.regions ?? [];
  writer.u16(regions.length);
  for (const region of regions) writer.u32(region);
  const attrs = Object.entries(step.attrs).sort(([a], [b]) => (a < b ? -1 : 1));
  writer.u16(attrs.length);
  for (const [key, value] of attrs) {
    writer.u32(strings.index(key));
    encodeAttr(value, writer, strings);
  }
  const { layer, at } = step.origin;
  writer.u32(strings.index(layer));
  writer.u32(strings.index(at.file));
  writer.u32(at.line);
  writer.u32(at.column);
}

function encodeAttr(value: AttrValue, writer: Writer, strings: Strings): void {
  if (typeof value === 'number') {
    writer.u8(NUMBER);
    writer.f64(value);
  } else if (typeof value === 'string') {
    writer.u8(STRING);
    writer.u32(strings.index(value));
  } else if (typeof value === 'boolean') {
    writer.u8(BOOL);
    writer.u8(value ? 1 : 0);
  } else if (isListOf('string', value)) {
    writer.u8(STRINGS);
    writer.u32(value.length);
    for (const item of value) writer.u32(strings.index(item as string));
  } else if (isListOf('boolean', value)) {
    writer.u8(BOOLS);
    writer.u32(value.length);
    for (const item of value) writer.u8(item === true ? 1 : 0);
  } else {
    writer.u8(NUMBERS);
    writer.u32(value.length);
    for (const item of value) writer.f64(item as number);
  }
}

/** Empty lists are lists of numbers. */
function isListOf(type: 'string' | 'boolean', list: readonly (number | boolean | string)[]): boolean {
  return typeof list[0] === type;
}

function codeIn<T>(codes: readonly T[], value: T): number {
  const code = codes.indexOf(value);
  if (code < 0) throw new InternalError(`the plan format has no code for ${String(value)}`);
  return code;
}

class Strings {
  readonly list: string[] = [];
  readonly #indices = new Map<string, number>();

  index(text: string): number {
    const known = this.#indices.get(text);
    if (known !== undefined) return known;
    this.#indices.set(text, this.list.length);
    return this.list.push(text) - 1;
  }
}

/** A little-endian buffer that grows. */
class Writer {
  #bytes = new Uint8Array(4096);
  #view = new DataView(this.#bytes.buffer);
  #at = 0;

  u8(value: number): void {
    const at = this.#reserve(1);
    this.#view.setUint8(at, value);
  }
  u16(value: number): void {
    if (value > 0xffff) throw new InternalError(`${value} does not fit into 16 bits of a plan`);
    const at = this.#reserve(2);
    this.#view.setUint16(at, value, true);
  }
  u32(value: number): void {
    if (!(value >= 0 && value <= 0xffffffff)) throw new InternalError(`${value} does not fit into 32 bits of a plan`);
    const at = this.#reserve(4);
    this.#view.setUint32(at, value, true);
  }
  u64(value: number): void {
    if (!Number.isSafeInteger(value) || value < 0) throw new InternalError(`${value} is no offset or size`);
    const at = this.#reserve(8);
    this.#view.setUint32(at, value % 0x100000000, true);
    this.#view.setUint32(at + 4, Math.floor(value / 0x100000000), true);
  }
  f64(value: number): void {
    const at = this.#reserve(8);
    this.#view.setFloat64(at, value, true);
  }
  bytes(bytes: Uint8Array): void {
    const at = this.#reserve(bytes.length);
    this.#bytes.set(bytes, at);
  }
  shape(shape: Shape): void {
    this.u16(shape.length);
    for (const extent of shape) this.u64(extent);
  }
  align(alignment: number): void {
    this.#reserve((alignment - (this.#at % alignment)) % alignment);
  }
  result(): Uint8Array {
    return this.#bytes.slice(0, this.#at);
  }

  /** May replace the view: take the place first, then write. */
  #reserve(bytes: number): number {
    const at = this.#at;
    if (at + bytes > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(2 * this.#bytes.length, at + bytes));
      grown.set(this.#bytes);
      this.#bytes = grown;
      this.#view = new DataView(grown.buffer);
    }
    this.#at += bytes;
    return at;
  }
}
