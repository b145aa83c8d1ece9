/**
 * Ops with regions: loops and branches around the steps of a region. As in the plan, carried values lie in the node's
 * outputs, captured ones where they are, and what is left in the node's scratch memory.
 */
import { InternalError } from '../../../diagnostics/errors';
import type { Node, Value } from '../../../ir/graph';
import { elementCount } from '../../../ir/types';
import { scanParts, whileParts } from '../../../ops/families/regions';
import { regionsOf, type RegionMemory } from '../../../plan/memory';
import { BlockWriter } from './block';
import { C_TYPE, storeOf, type Sizes } from './store';
import type { Code } from './text';

export function writeControl(code: Code, outer: BlockWriter, node: Node, scratch: Sizes): void {
  const regions = regionsOf(node);
  const blocks = regions.map((region) => blockOf(outer, node, region, scratch));
  const [first, second] = blocks;
  const [region, body] = regions;
  if (!first || !region) throw new InternalError(`${node.op} has no region`);
  if (node.op === 'scan') scan(code, outer, node, region, first);
  else if (node.op === 'while' && second && body) loop(code, outer, node, [region, body], [first, second]);
  else if (node.op === 'cond' && second) branch(code, outer, node, [first, second]);
  else throw new InternalError(`no C is known for ${node.op}`);
}

function blockOf(outer: BlockWriter, node: Node, region: RegionMemory, scratch: Sizes): BlockWriter {
  return new BlockWriter(outer.file, region, {
    operand: (index) => pointer(outer, node.inputs[index]!),
    known: (index) => outer.knownOf(node.inputs[index]!),
    result: (index) => pointer(outer, node.outputs[index]!),
    resultOf: (state) => {
      const home = region.homes.get(state);
      return home?.space === 'result' ? home.index : undefined;
    },
    bases: scratch,
  });
}

function pointer(block: BlockWriter, value: Value): string {
  const found = block.pointerTo(value);
  if (found === undefined) throw new InternalError(`%${value.name} has no memory`);
  return found;
}

function copy(code: Code, to: string, from: string, { type }: Value): void {
  if (to === from) return;
  code.line(`memcpy(${to}, ${from}, ${elementCount(type.shape)} * sizeof(${C_TYPE[storeOf(type.dtype)]}));`);
}

/** Carried values begin where they will be carried. */
function carry(code: Code, outer: BlockWriter, inits: readonly Value[], finals: readonly Value[]): void {
  inits.forEach((init, j) => copy(code, pointer(outer, finals[j]!), pointer(outer, init), init));
}

/** Slice t of a sequence, or of what is stacked. */
const sliceAt = (sequence: string, { type }: Value): string => `${sequence} + t * ${elementCount(type.shape)}`;

function scan(code: Code, outer: BlockWriter, node: Node, region: RegionMemory, body: BlockWriter): void {
  const { inits, finals, sequences, stacks, length, reverse } = scanParts(node);
  carry(code, outer, inits, finals);
  code.block(reverse ? `for (int t = ${length - 1}; t >= 0; t--)` : `for (int t = 0; t < ${length}; t++)`, () => {
    region.filled.forEach((value, k) => {
      const own = body.pointerTo(value);
      if (own === undefined) return;
      const sequence = sequences[k];
      if (sequence) copy(code, own, sliceAt(pointer(outer, sequence), value), value);
      else code.line(`*(${own}) = t;`);
    });
    const take = (early: boolean): void =>
      region.taken.forEach((taken, k) => {
        const stack = outer.pointerTo(stacks[k]!);
        if (taken.early !== early || stack === undefined) return;
        copy(code, sliceAt(stack, taken.value), pointer(body, taken.value), taken.value);
      });
    take(true);
    body.write(code);
    take(false);
  });
}

function loop(
  code: Code,
  outer: BlockWriter,
  node: Node,
  [asked, region]: readonly [RegionMemory, RegionMemory],
  [condition, body]: readonly [BlockWriter, BlockWriter],
): void {
  const { inits, finals, count } = whileParts(node);
  const limit = node.attrs['limit'];
  carry(code, outer, inits, finals);
  code.block('', () => {
    code.line('int t = 0;');
    code.block(`for (; t < ${String(limit)}; t++)`, () => {
      const fill = (block: BlockWriter, values: readonly Value[]): void =>
        values.forEach((value) => {
          const own = block.pointerTo(value);
          if (own !== undefined) code.line(`*(${own}) = t;`);
        });
      fill(condition, asked.filled);
      condition.write(code);
      const answer = asked.taken[0]?.value;
      if (!answer) throw new InternalError('a condition gives nothing');
      code.line(`if (!*(${pointer(condition, answer)})) break;`);
      fill(body, region.filled);
      body.write(code);
    });
    const counted = outer.pointerTo(count);
    if (counted !== undefined) code.line(`*(${counted}) = t;`);
  });
}

function branch(
  code: Code,
  outer: BlockWriter,
  node: Node,
  [then, otherwise]: readonly [BlockWriter, BlockWriter],
): void {
  code.block(`if (*(${pointer(outer, node.inputs[0]!)}))`, () => then.write(code));
  code.block('else', () => otherwise.write(code));
}
