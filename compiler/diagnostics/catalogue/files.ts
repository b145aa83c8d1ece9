/** Messages about data and weight files. `at` is the field of the model file, or the line of the command, that names them. */
import type { Diagnostic } from '../diagnostic';
import type { Location } from '../location';
import { make } from '../make';
import type { Side } from './graph';

export function pathOutside(at: Location, path: string): Diagnostic {
  return make('path-outside', at, `\`${path}\` leads out of the model's folder`, {
    hint: 'a model file reads only beside itself; give the path on the command line (`data.train.…=PATH`) or pass `--allow-outside`',
  });
}

export function dataMissing(at: Location, path: string, problem = 'there is no such file', hint?: string): Diagnostic {
  return make('data-missing', at, `\`${path}\`: ${problem}`, { hint });
}

export function dataCorrupt(at: Location, path: string, problem: string, hint?: string): Diagnostic {
  return make('data-corrupt', at, `\`${path}\`: ${problem}`, { hint });
}

/** `problem` reads like "the images do not fit the input `image`". */
export function dataMismatch(at: Location, problem: string, sides: readonly Side[], hint?: string): Diagnostic {
  const found = sides.map((side) => `\`${side.name}\` is ${side.type}`).join(', ');
  const notes = sides.flatMap((side) =>
    side.at === undefined ? [] : [{ message: `\`${side.name}\` is declared here`, at: side.at }],
  );
  return make('data-mismatch', at, found === '' ? problem : `${problem}: ${found}`, { hint, notes });
}

export function weightsMissing(at: Location, path: string): Diagnostic {
  return make('weights-missing', at, `\`${path}\`: there is no such file`);
}

export function weightsCorrupt(at: Location, path: string, problem: string): Diagnostic {
  return make('weights-corrupt', at, `\`${path}\`: ${problem}`);
}

export function weightsMismatch(at: Location, problem: string, hint?: string): Diagnostic {
  return make('weights-mismatch', at, problem, { hint });
}

/**
 * Values went out of range. `problem` reads like "layer `conv1` computes NaN", `when` like "step 17".
 */
export function nonFinite(at: Location, problem: string, when: string): Diagnostic {
  return make('non-finite', at, `${problem} (${when})`, {
    hint: 'lower the learning rate, add a warm-up, or check the data for NaN',
  });
}

/** A value that the data should not hold, found in a computation; `problem` names it: "label 12 at position 5 is outside 0..9". */
export function dataValue(at: Location, problem: string, when: string): Diagnostic {
  return make('data-mismatch', at, `${problem} (${when})`);
}

/** A verb needs a section that the model file does not have. */
export function missingSection(at: Location, section: string, verb: string): Diagnostic {
  return make('missing-field', at, `\`dlc ${verb}\` needs \`${section}\`, which the model file does not have`);
}
