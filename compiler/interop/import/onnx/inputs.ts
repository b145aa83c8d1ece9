/** The inputs of a model: their shapes, with the batch in front where it is open. */
import type { ValueInfo } from '../../formats/onnx/wire';
import { elemName, dtypeOf, isForeign } from '../../formats/onnx/types';
import { BATCH, type Value } from './value';

/** How the first extent of an input is taken. */
export type BatchMode = 'as written' | 'open' | 'one';

export interface GivenShapes {
  readonly shapes: ReadonlyMap<string, readonly (number | string)[]>;
  readonly mode: BatchMode;
}

export interface InputProblem {
  readonly problem: string;
  readonly hint?: string;
}

/** The value of an input; or what is wrong with it. One without elements is known: there is nothing to know of it. */
export function inputValue(info: ValueInfo, { shapes, mode }: GivenShapes): Value | InputProblem {
  const { name, type } = info;
  if (type.kind !== 'tensor') return { problem: `the input \`${name}\` is a ${type.kind}; models here take tensors` };
  const dtype = dtypeOf(type.elem);
  if (dtype === undefined)
    return { problem: `the input \`${name}\` is of ${elemName(type.elem)}, which there is no type for` };
  const given = shapes.get(name);
  const written = given ?? type.shape;
  const known = written?.map((extent, axis) =>
    typeof extent === 'number' && extent > 0 ? extent : axis === 0 ? 'N' : '…',
  );
  const hint = `say it with \`--shape ${name}=${known?.join(',') ?? 'N,…'}\``;
  if (written === undefined) return { problem: `the input \`${name}\` has no shape`, hint };
  const shape: number[] = [];
  for (const [axis, extent] of written.entries()) {
    if (typeof extent === 'number' && extent >= 0) {
      if (extent >= BATCH / 2 && extent % BATCH === 0) return { problem: `the input \`${name}\` is too large` };
      shape.push(
        axis === 0 && mode === 'open' && extent === 1 && given === undefined && written.length > 1 ? BATCH : extent,
      );
    } else if (axis === 0) shape.push(mode === 'one' ? 1 : BATCH);
    else {
      const called = typeof extent === 'string' ? `\`${extent}\`` : 'open';
      return { problem: `the extent ${axis} of the input \`${name}\` is ${called}; only the first one may be`, hint };
    }
  }
  if (shape.length > 8) return { problem: `the input \`${name}\` has ${shape.length} axes` };
  if (shape.includes(0)) return { elem: type.elem, dtype, shape, known: new Float64Array(0) };
  return { elem: type.elem, dtype, shape, from: { input: name } };
}

export function foreignReason(elem: number): string | undefined {
  return isForeign(elem) ? `${elemName(elem)} there` : undefined;
}
