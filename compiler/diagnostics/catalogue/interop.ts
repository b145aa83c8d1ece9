/** Messages about files of other formats. */
import type { Diagnostic } from '../diagnostic';
import type { Location } from '../location';
import { make } from '../make';

/** `problem` names the offending thing: "layer `roi` of type ROIPooling2 has no counterpart". */
export function importUnsupported(at: Location, problem: string, hint?: string): Diagnostic {
  return make('import-unsupported', at, problem, { hint });
}

/** `problem` says what is other than in the source: "integers between operators are not rounded". */
export function importApproximate(at: Location, problem: string, hint?: string): Diagnostic {
  return make('import-approximate', at, problem, { hint });
}

/** The file is damaged, or not what it says it is. */
export function importUnreadable(at: Location, problem: string, hint?: string): Diagnostic {
  return make('import-unreadable', at, problem, { hint });
}

/** `levels`: how many levels of blocks may be open for it to be drawn; undefined where none may. */
export function pictureTooLarge(
  at: Location,
  has: { readonly boxes: number; readonly arrows: number },
  most: number,
  levels: number | undefined,
): Diagnostic {
  const problem = `the picture would have ${has.boxes} boxes and ${has.arrows} arrows; about ${most} can be laid out`;
  const hint =
    levels === undefined
      ? 'put layers that belong together into blocks: `--collapse` draws each as one box'
      : `\`--collapse ${levels}\` draws blocks below ${levels === 0 ? 'the top level' : `level ${levels}`} as one box each`;
  return make('picture-too-large', at, problem, { hint });
}

/** `problem` names the layer: "layer `noise` draws random numbers, which a C file does not". */
export function exportUnsupported(at: Location, problem: string, hint?: string): Diagnostic {
  return make('export-unsupported', at, problem, { hint });
}

/** Within the limits, and yet too much. */
export function pictureFailed(at: Location, problem: string): Diagnostic {
  return make('picture-too-large', at, problem, { hint: '`--collapse` draws blocks as one box each' });
}
