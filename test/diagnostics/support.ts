/** Two diagnostics with everything that a diagnostic can have. */
import * as say from '../../compiler/diagnostics/catalogue';
import type { Diagnostic } from '../../compiler/diagnostics/diagnostic';
import type { Location } from '../../compiler/diagnostics/location';

export const AT: Location = {
  file: 'models/a b.yaml',
  line: 14,
  column: 34,
  length: 6,
  lineText: '  - {name: conv1, type: conv2d,  kernal: 5}',
};

export const FIRST: Location = { file: 'models/a b.yaml', line: 2, column: 3, length: 4 };

export const ERROR: Diagnostic = {
  ...say.unknownField(AT, 'kernal', 'layer type `conv2d`', ['kernel', 'filters']),
  notes: [{ message: 'in block `unit`, used here', at: FIRST }, { message: 'a note without a place' }],
};

export const WARNING: Diagnostic = say.unusedInput(FIRST, 'mask<&">');
