/** Who makes what a reference names, and which layers a set of references needs in a mode. */
import { allLayers, type LayerSpec, type Mode, type Spec } from '../frontend/spec';

export interface References {
  /** The layer that makes the value, or undefined for a model input. */
  layerOf(reference: string): LayerSpec | undefined;
  /** Names of the layers and inputs that the references need, themselves included. */
  neededFor(references: readonly string[], mode: Mode): ReadonlySet<string>;
}

export function referencesOf(spec: Spec): References {
  const layers = new Map(allLayers(spec.layers).map((layer) => [layer.name, layer]));
  const layerOf = (reference: string): LayerSpec | undefined => {
    const whole = layers.get(reference);
    const dot = reference.lastIndexOf('.');
    return whole ?? (dot < 0 ? undefined : layers.get(reference.slice(0, dot)));
  };
  return {
    layerOf,
    neededFor(references, mode) {
      const needed = new Set<string>();
      const open = [...references];
      for (let next = open.pop(); next !== undefined; next = open.pop()) {
        const layer = layerOf(next);
        const name = layer?.name ?? next;
        if (needed.has(name)) continue;
        needed.add(name);
        if (layer) open.push(...inputsIn(layer, mode));
        if (layer?.next !== undefined && mode === 'train') open.push(layer.next);
      }
      return needed;
    },
  };
}

/** What a layer reads in a mode: all its inputs, or, where it does not exist, the one that it passes on. */
export function inputsIn(layer: LayerSpec, mode: Mode): readonly string[] {
  if (layer.modes.includes(mode)) return layer.inputs;
  return layer.otherwise === undefined ? layer.inputs.slice(0, 1) : [layer.otherwise];
}
