/** Opens `type: synthetic`: values are hashes of (sample, element), so any sample can be made at any time. */
import { dataMismatch } from '../../diagnostics/catalogue';
import type { Diagnostic } from '../../diagnostics/diagnostic';
import { SpecError } from '../../diagnostics/errors';
import type { SectionSpec } from '../../frontend/spec';
import { elementCount, isFloat } from '../../ir/types';
import { describeInput, sampleShape } from '../bind';
import type { Dataset, DatasetField, OpenContext, TypedArray } from '../define';
import { shuffles } from '../pixels';

const DEFAULT_SIZE = 1024;
const DEFAULT_CLASSES = 2;

export function openSynthetic(section: SectionSpec, context: OpenContext): Promise<Dataset> {
  const problems: Diagnostic[] = [];
  const fields = context.inputs.flatMap((input): DatasetField[] => {
    const shape = sampleShape(section, input, problems);
    if (input.dtype === 'bf16') {
      problems.push(
        dataMismatch(section.at([]), `synthetic data are not made for the input \`${input.name}\``, [
          { name: input.name, type: describeInput(input), at: input.origin.at },
        ]),
      );
    }
    return shape ? [{ input: input.name, dtype: input.dtype, shape }] : [];
  });
  if (problems.length > 0) return Promise.reject(new SpecError(problems));
  const declared = (section.fields.size as number | undefined) ?? DEFAULT_SIZE;
  const classes = (section.fields.classes as number | undefined) ?? DEFAULT_CLASSES;
  return Promise.resolve({
    size: declared,
    fields,
    shuffle: shuffles(section.fields, context.mode),
    read(indices, _how, into) {
      fields.forEach((field, stream) => {
        const row = into[field.input];
        if (!row) return;
        const count = elementCount(field.shape);
        const draw = isFloat(field.dtype) ? uniform : (bits: number): number => Math.floor(uniform(bits) * classes);
        for (let i = 0; i < indices.length; i++) fill(row, i * count, count, mix(indices[i]! ^ mix(stream + 1)), draw);
      });
    },
    close() {
      // Nothing is held.
    },
  });
}

function fill(into: TypedArray, from: number, count: number, sample: number, draw: (bits: number) => number): void {
  const wide = into instanceof BigInt64Array;
  for (let i = 0; i < count; i++) {
    const value = draw(mix(sample + Math.imul(i, 0x9e3779b9)));
    if (wide) into[from + i] = BigInt(value);
    else into[from + i] = value;
  }
}

const uniform = (bits: number): number => (bits >>> 8) * 2 ** -24;

/** Scrambles 32 bits (the finalizer of MurmurHash3). */
function mix(bits: number): number {
  let h = bits | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
