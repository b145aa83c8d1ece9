/** Warnings about models that are well formed and probably not what was meant. */
import * as say from '../diagnostics/catalogue';
import type { Diagnostic } from '../diagnostics/diagnostic';
import { through } from '../diagnostics/make';
import type { LayerSpec, Spec, TermSpec } from '../frontend/spec';
import { typedItem } from './defaults';
import type { References } from './references';

/** Layers that hand their input on with every value in its place. */
const TRANSPARENT: readonly string[] = [
  'identity',
  'flatten',
  'reshape',
  'squeeze',
  'expand_dims',
  'permute',
  'dropout',
  'activity_regularization',
];

/** The output of a softmax or sigmoid given to a loss or metric that applies it itself. */
export function lintLosses(spec: Spec, references: References): readonly Diagnostic[] {
  return [...spec.losses, ...spec.metrics].flatMap((term) => {
    const reference = term.inputs[0];
    const applied = appliesSoftmax(term) ? 'softmax' : appliesSigmoid(term) ? 'sigmoid' : undefined;
    if (applied === undefined || reference === undefined) return [];
    let layer = references.layerOf(reference);
    while (layer && TRANSPARENT.includes(layer.type) && layer.fields['activation'] === undefined) {
      layer = references.layerOf(layer.inputs[0] ?? '');
    }
    if (!layer || !endsIn(applied, layer)) return [];
    const before = layer.type === applied ? layer.inputs[0] : undefined;
    const at = term.at(['inputs', 0]);
    const what = spec.metrics.includes(term) ? 'metric' : 'loss';
    const warning = say.softmaxBeforeLoss(at, term.name, applied, layer.name, before, layer.at([]), what);
    return [through(warning, term.origin.via)];
  });
}

/** Whether the loss or metric puts its predictions through a softmax. */
function appliesSoftmax({ type, fields }: TermSpec): boolean {
  switch (type) {
    case 'cross_entropy':
    case 'perplexity':
    case 'brier':
    case 'expected_calibration_error':
      return fields['from_logits'] !== false;
    case 'focal':
    case 'dice':
    case 'tversky':
      return fields['kind'] === 'softmax';
    default:
      return type === 'generalized_cross_entropy' || type === 'infogain' || type === 'ctc';
  }
}

/** Whether the loss or metric puts its predictions through a sigmoid. */
function appliesSigmoid({ type, fields }: TermSpec): boolean {
  if (type === 'binary_cross_entropy') return fields['from_logits'] !== false;
  return type === 'focal' && (fields['kind'] ?? 'sigmoid') === 'sigmoid';
}

function endsIn(word: 'softmax' | 'sigmoid', layer: LayerSpec): boolean {
  const { activation } = layer.fields;
  if (activation !== undefined && activation !== null) return typedItem(activation).type === word;
  return layer.type === word;
}
