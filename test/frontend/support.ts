/** Short ways to load a model in tests. */
import { checkSpecText, type LoadOptions } from '../../compiler/frontend/load';
import type { LayerSpec, Spec } from '../../compiler/frontend/spec';
import { renderPretty } from '../../compiler/diagnostics/render/pretty';

export const INPUTS = `inputs:
  image: {shape: [N, 8, 8, 8]}
  label: {shape: [N], dtype: int32}
`;

/** The Spec of a text without errors; warnings are allowed. */
export function specOf(text: string, options: LoadOptions = {}): Spec {
  const { spec, diagnostics } = checkSpecText(text, 'model.yaml', options);
  if (spec === undefined) throw new Error(renderPretty(diagnostics));
  return spec;
}

/** `line:column code` of everything that is found. */
export function found(text: string | Uint8Array, options: LoadOptions = {}): string[] {
  const { diagnostics } = checkSpecText(text, 'model.yaml', options);
  return diagnostics.map(({ at, code }) => `${at.line}:${at.column} ${code}`);
}

export function layersOf(text: string, options: LoadOptions = {}): readonly LayerSpec[] {
  return specOf(text, options).layers;
}

/** `name(input, ...)` of every layer. */
export function wiring(text: string): string[] {
  return layersOf(text).map((layer) => `${layer.name}(${layer.inputs.join(', ')})`);
}
