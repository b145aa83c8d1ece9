/** Where a problem of a whole file is. */
import type { Location } from '../../diagnostics/location';

export function startOf(file: string): Location {
  return { file, line: 1, column: 1, length: 1 };
}
