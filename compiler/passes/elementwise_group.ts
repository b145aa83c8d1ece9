/**
 * Writes element-wise nodes as the program of one `fused_elementwise` node. Filled constants become literals, the rest
 * of what the members read becomes inputs `%0, %1, …` in order of first use, and a member is an output if it is read
 * outside. The fuser uses it for groups, the planner for element-wise nodes that stayed alone.
 */
import { InternalError } from '../diagnostics/errors';
import type { Node, Value } from '../ir/graph';
import { sameShape, type Shape } from '../ir/types';
import { printProgram, type Argument, type Statement } from '../ops/families/program';
import { broadcastShapes } from '../ops/families/shapes';
import { opNamed } from '../ops/registry';
import { fillOf } from './local';

/** The op that runs a group. */
export const FUSED = 'fused_elementwise';

export type DefinitionOf = (value: Value) => Node | undefined;

/** Can be written as an instruction at all. */
export function isInstruction(node: Node): boolean {
  const def = opNamed(node.op);
  return def.native === 'elementwise' && def.traits.elementwise === true && node.outputs.length === 1;
}

/**
 * A cast that a group can hold: to bfloat16, which rounds, or to float32 from what float32 holds. Alone it stays a cast,
 * which moves fewer bytes than it computes.
 */
export function isStorageCast({ op, inputs: [x], outputs: [y] }: Node): boolean {
  if (op !== 'cast') return false;
  return y?.type.dtype === 'bf16' ? x?.type.dtype === 'f32' : y?.type.dtype === 'f32' && isWidened(x);
}

function isWidened(value: Value | undefined): boolean {
  return value?.type.dtype === 'bf16' || value?.type.dtype === 'u8' || value?.type.dtype === 'bool';
}

/** A value that a program spells out instead of reading it: only float32, as a literal's dtype is that of its neighbours. */
export function literalOf(value: Value, definitionOf: DefinitionOf): number | undefined {
  return value.type.shape.length === 0 && value.type.dtype === 'f32' ? fillOf(definitionOf(value)) : undefined;
}

/** The group as one node. `members` are in topological order, share one output shape and are read outside where `isRead`. */
export function groupNode(
  members: readonly Node[],
  isRead: (value: Value) => boolean,
  definitionOf: DefinitionOf,
): Node {
  const last = members.at(-1);
  const shape = last?.outputs[0]?.type.shape;
  if (!last || !shape) throw new InternalError('a fused group has no members');
  const known = new Map<Value, Argument>();
  const inputs: Value[] = [];
  const mayInline = literalsAreFree(members, shape, definitionOf);
  const argumentFor = (value: Value): Argument => {
    const existing = known.get(value);
    if (existing) return existing;
    const literal = mayInline ? literalOf(value, definitionOf) : undefined;
    const argument: Argument =
      literal === undefined ? { kind: 'input', index: inputs.push(value) - 1 } : { kind: 'literal', value: literal };
    known.set(value, argument);
    return argument;
  };
  const statements: Statement[] = [];
  const state = (instr: string, args: readonly Argument[]): Argument => {
    const name = `t${statements.length}`;
    statements.push({ name, instr, args });
    return { kind: 'name', name };
  };
  for (const member of members) {
    const output = outputOf(member);
    const { dtype } = output.type;
    const args = member.inputs.map(argumentFor);
    if (member.op !== 'cast') {
      const result = state(member.op, args);
      known.set(output, dtype === 'bf16' ? state('bf16', [result]) : result);
      continue;
    }
    // What is bfloat16 outside is float32 here already: only who reads it outside must be told.
    const [first] = args;
    const isPlain = dtype === 'f32' && member.inputs[0]?.type.dtype === 'bf16' && !isRead(output);
    known.set(output, first && isPlain ? first : state(dtype, args));
  }
  const outputs = members.map(outputOf).filter(isRead);
  const program = printProgram({ statements, yields: outputs.map(argumentFor) });
  return { op: FUSED, inputs, attrs: { program }, outputs, origin: last.origin };
}

export function outputOf(node: Node): Value {
  const [output] = node.outputs;
  if (!output) throw new InternalError(`${node.op} has no output`);
  return output;
}

/** True if what is left as inputs still broadcasts to the group's shape. */
function literalsAreFree(members: readonly Node[], shape: Shape, definitionOf: DefinitionOf): boolean {
  const inside = new Set(members.map(outputOf));
  const read = members
    .flatMap((member) => member.inputs)
    .filter((input) => !inside.has(input) && literalOf(input, definitionOf) === undefined);
  return read.length > 0 && sameShape(broadcastShapes(read.map((input) => input.type)), shape);
}
