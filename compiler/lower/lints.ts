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

/** The output of a softmax given to a loss or metric that applies softmax itself. */
export function lintLosses(spec: Spec, references: References): readonly Diagnostic[] {
  return [...spec.losses, ...spec.metrics].flatMap((term) => {
    const reference = term.inputs[0];
    if (!appliesSoftmax(term) || reference === undefined) return [];
    let layer = references.layerOf(reference);
    while (layer && TRANSPARENT.includes(layer.type) && layer.fields['activation'] === undefined) {
      layer = references.layerOf(layer.inputs[0] ?? '');
    }
    if (!layer || !endsInSoftmax(layer)) return [];
    const before = layer.type === 'softmax' ? (layer.inputs[0] ?? '') : layer.name;
    const at = term.at(['inputs', 0]);
    const what = spec.metrics.includes(term) ? 'metric' : 'loss';
    return [through(say.softmaxBeforeLoss(at, term.name, layer.name, before, layer.at([]), what), term.origin.via)];
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

function endsInSoftmax(layer: LayerSpec): boolean {
  const { activation } = layer.fields;
  if (activation !== undefined && activation !== null) return typedItem(activation).type === 'softmax';
  return layer.type === 'softmax';
}
