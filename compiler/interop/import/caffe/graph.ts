/**
 * The layers of a net with the blobs between them. A layer whose top has the name of its bottom works in place: the
 * name stands for another value from there on, so that readers are found by value and not by name.
 */
import type { NetLayer } from './net';
import { Refusal, type Blob, type Node } from './value';

export interface PhasedLayer {
  readonly layer: NetLayer;
  readonly when?: 'train' | 'eval';
  readonly deployed: boolean;
  /** Names of blobs of the net for prediction, by what the net for training calls them. */
  readonly aliases?: ReadonlyMap<string, string>;
}

export function graphOf(layers: readonly PhasedLayer[]): Node[] {
  const current = new Map<string, Blob>();
  return layers.map(({ layer, when, deployed, aliases }) => {
    const inputs = layer.bottoms.map((name) => {
      const blob = current.get(name) ?? current.get(aliases?.get(name) ?? '');
      if (blob === undefined) {
        throw new Refusal(layer.at, `the layer \`${layer.name}\` reads \`${name}\`, which no layer before it makes`);
      }
      return blob;
    });
    const node: Node = { layer, inputs, outputs: [], deployed, ...(when === undefined ? {} : { when }) };
    for (const blob of new Set(inputs)) blob.readers.push(node);
    node.outputs = layer.tops.map((name) => {
      const blob: Blob = { name, readers: [], producer: node, state: undefined };
      current.set(name, blob);
      return blob;
    });
    return node;
  });
}
