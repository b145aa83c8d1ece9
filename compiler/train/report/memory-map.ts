/**
 * The arena of one program as a picture: time (plan steps) to the right, addresses upwards, one rectangle for each
 * buffer from the step that writes it to the last that reads it.
 */
import { byteSizeOf, elementCount } from '../../ir/types';
import type { PlanProgram } from '../../plan/plan';
import { escape, formatBytes } from './html';

const W = 640;
const H = 280;

export interface Lifetime {
  readonly name: string;
  readonly first: number;
  readonly last: number;
  readonly offset: number;
  readonly bytes: number;
}

/** When each arena tensor of a program is in use. Inputs live from the start, outputs to the end. */
export function lifetimes(program: PlanProgram): Lifetime[] {
  const end = program.steps.length;
  const first = new Map<number, number>(program.inputs.map((port) => [port.tensor, 0]));
  const last = new Map<number, number>(first);
  const touch = (tensor: number, step: number): void => {
    if (tensor < 0) return;
    if (!first.has(tensor)) first.set(tensor, step);
    last.set(tensor, step);
  };
  program.steps.forEach((step, i) => {
    for (const tensor of step.inputs) touch(tensor, i);
    for (const tensor of step.outputs) touch(tensor, i);
  });
  for (const port of program.outputs) touch(port.tensor, end);
  return [...first].flatMap(([index, from]) => {
    const tensor = program.tensors[index]!;
    if (tensor.space !== 'arena') return [];
    const bytes = byteSizeOf(tensor.dtype) * elementCount(tensor.shape);
    return [{ name: tensor.name, first: from, last: last.get(index)!, offset: tensor.offset, bytes }];
  });
}

export function memoryMap(program: PlanProgram): string {
  const end = Math.max(1, program.steps.length);
  const size = Math.max(1, program.arenaBytes);
  const boxes = lifetimes(program)
    .filter((b) => b.bytes / size > 0.0005)
    .map((b, i) => {
      const x = (b.first / (end + 1)) * W;
      const width = ((b.last - b.first + 1) / (end + 1)) * W;
      const height = (b.bytes / size) * H;
      const y = H - (b.offset / size) * H - height;
      const title = `%${b.name}: ${formatBytes(b.bytes)}, steps ${b.first}–${b.last}`;
      return `<rect x="${x.toFixed(2)}" y="${y.toFixed(2)}" width="${width.toFixed(2)}" height="${height.toFixed(2)}" fill="hsl(${(i * 47) % 360} 60% 65%)" stroke="#fff" stroke-width=".4"><title>${escape(title)}</title></rect>`;
    });
  return `<figure><figcaption>Arena of ${escape(program.name)}: ${formatBytes(program.arenaBytes)}, ${program.steps.length} kernel calls</figcaption>
<svg viewBox="0 0 ${W} ${H}" role="img" aria-label="memory map">${boxes.join('\n')}</svg></figure>`;
}
