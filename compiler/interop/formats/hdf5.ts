/** HDF5 files that are imported: `weights/other_hdf5.ts` with the words of an import. */
import { importUnreadable } from '../../diagnostics/catalogue';
import { SpecError } from '../../diagnostics/errors';
import type { H5Value } from '../../weights/h5_protocol';
import { readOtherHdf5, type H5Reader } from '../../weights/other_hdf5';

export type { H5Attributes, H5Reader } from '../../weights/other_hdf5';

/** `name` is what messages call the file. */
export function readH5<T>(file: string, name: string, size: number, use: (reader: H5Reader) => Promise<T>): Promise<T> {
  const at = { file: name, line: 1, column: 1, length: 1 };
  return readOtherHdf5(file, size, (problem) => new SpecError([importUnreadable(at, `\`${name}\`: ${problem}`)]), use);
}

/** Texts of an attribute that is a list of them, or one. */
export function texts(value: H5Value): readonly string[] {
  if (value === undefined) return [];
  return (typeof value === 'object' ? value : [value]).map(String);
}
