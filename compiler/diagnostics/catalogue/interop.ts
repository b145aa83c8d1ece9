/** Messages about files of other formats. */
import type { Diagnostic } from '../diagnostic';
import type { Location } from '../location';
import { make } from '../make';

/** `problem` names the offending thing: "layer `roi` of type ROIPooling2 has no counterpart". */
export function importUnsupported(at: Location, problem: string, hint?: string): Diagnostic {
  return make('import-unsupported', at, problem, { hint });
}

/** The file is damaged, or not what it says it is. */
export function importUnreadable(at: Location, problem: string, hint?: string): Diagnostic {
  return make('import-unreadable', at, problem, { hint });
}
