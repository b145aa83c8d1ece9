/**
 * Every diagnostic code there is: what it means in a sentence, and whether it stops the compilation.
 * Codes are stable; a warning can be silenced by its code, an error can't. The functions in `catalogue/` make the messages.
 */
import type { Severity } from './diagnostic';

export interface CodeInfo {
  readonly severity: Severity;
  readonly summary: string;
}

const error = (summary: string): CodeInfo => ({ severity: 'error', summary });
const warning = (summary: string): CodeInfo => ({ severity: 'warning', summary });

const TABLE = {
  // Text
  'unreadable-file': error('The file is missing or cannot be read.'),
  'file-too-large': error('The file is larger than any model file should be.'),
  'not-utf8': error('The file is not UTF-8 text.'),
  'empty-file': error('The file holds no model.'),
  'yaml-syntax': error('The text is neither YAML nor JSON.'),
  'yaml-feature': error(
    'A feature of YAML that model files do not use: tags, directives, merge keys, several documents.',
  ),
  'too-deep': error('Lists and mappings are nested too deeply.'),
  'alias-bomb': error('Aliases expand to far more than is written, or contain themselves.'),
  'duplicate-key': error('A key is written twice in one mapping.'),
  'number-range': error('A number that cannot be held exactly, or is not finite.'),

  // Structure
  'unsupported-version': error('The version of the language is not known.'),
  'unknown-field': error('A field that this item does not have.'),
  'unknown-type': error('A word after `type:` that names nothing known.'),
  'missing-field': error('A required field is not there.'),
  'wrong-type': error('A value of another kind than the field takes.'),
  'out-of-range': error('A number outside of the range that the field takes.'),
  'unknown-value': error('A word that is not one of the choices.'),
  'wrong-length': error('A list with too many or too few entries.'),
  'invalid-value': error('A value that the field cannot take, for a reason of its own.'),
  'conflicting-fields': error('Fields that exclude each other.'),
  'bad-override': error('A `key=value` from the command line leads nowhere.'),

  // Names and the graph of layers
  'invalid-name': error('A name with characters that names cannot have.'),
  'duplicate-name': error('Two things of one name.'),
  'unknown-reference': error('A reference to something that is not there.'),
  'input-count': error('Too many or too few inputs.'),
  cycle: error('Layers that depend on each other in a circle.'),
  'missing-loss': error('A model that is trained without a loss.'),
  'missing-loss-input': error('A loss or metric that lacks an input.'),
  'unbound-symbol': error('A symbolic dimension that nothing gives a value to.'),
  'unused-layer': warning('A layer whose output nothing uses.'),
  'unreachable-layer': warning('A layer whose output is used only by layers that nothing uses.'),
  'unused-input': warning('A model input that nothing uses.'),

  // Blocks
  'unknown-parameter': error('A block parameter that the block does not have.'),
  'missing-parameter': error('A block parameter without a default that the use leaves out.'),
  'parameter-type': error('A block parameter of the wrong type.'),
  expression: error('A mistake in `$name`, `${…}` or `when:`.'),
  'recursive-block': error('A block that uses itself.'),
  'too-many-layers': error('Blocks and repeats that expand to more layers than the limit.'),
  include: error('An include that leads outside of the model folder, to itself or to something else than blocks.'),
  'unused-block': warning('A block that nothing uses.'),
  'unused-parameter': warning('A block parameter that its layers never read.'),

  // Shapes and sizes (lowering)
  'shape-mismatch': error('Shapes that do not fit together.'),
  'dtype-mismatch': error('Element types that do not fit together.'),
  'invalid-field': error('A field that makes no sense for the shapes at hand.'),
  'too-large': error('A tensor with more elements than can be addressed.'),
  'assertion-failed': error('An assertion of the model that does not hold.'),
  'test-failed': error('A test of the model that fails.'),
  'budget-exceeded': error('The model is larger than its budget.'),
  'share-mismatch': error('Layers that cannot share parameters.'),
  'softmax-before-loss': warning('A loss that applies softmax itself is given the output of a softmax.'),
  'no-gradient': error('A loss that depends on parameters through something that has no gradient.'),

  // Training
  'no-match': error('A pattern that fits no weight.'),
  untrained: warning('Weights that no objective changes.'),
  'no-effect': warning('A setting that changes nothing.'),
  'never-reached': warning('A point of the training that lies behind its last step.'),
  'never-computed': warning('A metric of evaluations, where there is no evaluation.'),
  'resume-changed': warning('A run that goes on under other settings than it began with.'),

  // Data and weights
  'path-outside': error("A path of the model file that leaves the model's folder."),
  'data-missing': error('A data file that is not there.'),
  'data-corrupt': error('A data file that is damaged or of another format.'),
  'data-mismatch': error('Data that do not fit the inputs of the model.'),
  'weights-missing': error('A weight file that is not there.'),
  'weights-corrupt': error('A weight file or a bundle that is damaged or of another format.'),
  'weights-mismatch': error('Weights that do not fit the model.'),
  'import-unreadable': error('A file of another format that is damaged.'),
  'picture-too-large': error('A model has too many layers to be drawn with all of its blocks open.'),
  'import-approximate': warning('Something in a file of another format that is carried over nearly, not exactly.'),
  'import-unsupported': error('Something in a file of another format that has no counterpart here.'),
  'export-unsupported': error('Something in a model that the format to be written cannot say.'),
  'non-finite': error('A loss that became infinite or not a number.'),
} as const satisfies Record<string, CodeInfo>;

export type Code = keyof typeof TABLE;

export const CODES: Readonly<Record<Code, CodeInfo>> = TABLE;

export function isCode(word: string): word is Code {
  return Object.hasOwn(TABLE, word);
}
