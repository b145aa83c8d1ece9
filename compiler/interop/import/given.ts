/** Numbers that a user gives for an input of a model that is imported, in a file. */
import { readFile } from 'node:fs/promises';
import { DataFileError } from '../../data/idx_file';
import { decodeNpy } from '../../data/npy';
import { reasonOf } from '../../data/paths';
import { importUnreadable } from '../../diagnostics/catalogue';
import { SpecError } from '../../diagnostics/errors';
import type { DType } from '../../ir/types';
import { knownOf, type Known } from '../formats/onnx/tensor';
import { ELEM } from '../formats/onnx/types';
import { readTensorFile, WireError } from '../formats/onnx/wire';
import { startOf } from './importer';

const ELEM_OF: Readonly<Record<DType, number>> = {
  f32: ELEM.float,
  f64: ELEM.double,
  bf16: ELEM.bfloat16,
  u8: ELEM.uint8,
  i32: ELEM.int32,
  i64: ELEM.int64,
  bool: ELEM.bool,
};

/** The numbers in a .npy file, or in a tensor file of ONNX. */
export async function readGiven(file: string): Promise<Known> {
  try {
    const bytes = await readFile(file);
    if (/\.pb$/i.test(file)) return knownOf(readTensorFile(bytes));
    const { dtype, shape, data } = decodeNpy(bytes);
    const numbers =
      dtype === 'f32' ? Float32Array.from(data as Float32Array) : Float64Array.from(data as ArrayLike<number>, Number);
    return { elem: ELEM_OF[dtype], shape, data: numbers };
  } catch (error) {
    const known = error instanceof WireError || error instanceof DataFileError;
    const reason = known ? error.message : reasonOf(error);
    throw new SpecError([importUnreadable(startOf(file), `\`${file}\`: ${reason}`)]);
  }
}
