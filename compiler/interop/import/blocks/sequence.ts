/**
 * The layers of a draft in order, as the search for repeated structures sees them: plain layers, and uses of the blocks
 * that it has found so far. References stay the draft's own names throughout; what a use is called in the end, and with
 * it everything inside, is decided last.
 */
import type { Fields, Json } from '../../../frontend/spec';
import type { Draft, DraftLayer } from '../../draft';

export interface PlainNode {
  readonly kind: 'layer';
  readonly layer: DraftLayer;
}

/** Uses of a block with the same parameters, each fed by the one before. */
export interface UseNode {
  readonly kind: 'use';
  readonly block: FoundBlock;
  /** Values of the block's parameters. */
  readonly args: Fields;
  /** What is inside, for each repetition. */
  readonly places: readonly (readonly SequenceNode[])[];
  /** What it takes from outside, in the order of the block's inputs. */
  readonly inputs: readonly string[];
}

export type SequenceNode = PlainNode | UseNode;

/** A repeated structure; its layers are written with the names, inputs and `$parameters` of the inside. */
export interface FoundBlock {
  readonly name: string;
  readonly inputs: readonly string[];
  readonly params: readonly { readonly name: string; readonly type: string }[];
  readonly layers: readonly DraftLayer[];
}

/** The draft's name for what the node gives: of a use, its last layer's. */
export function outputOf(node: SequenceNode): string {
  return node.kind === 'layer' ? node.layer.name : outputOf(lastOf(lastOf(node.places)));
}

/** The draft's names of all layers in it. */
export function leavesOf(node: SequenceNode): string[] {
  return node.kind === 'layer' ? [node.layer.name] : node.places.flat().flatMap(leavesOf);
}

/** Of a list that is not empty. */
export function lastOf<T>(list: readonly T[]): T {
  return list[list.length - 1]!;
}

export function typeOf(node: SequenceNode): string {
  return node.kind === 'layer' ? node.layer.type : node.block.name;
}

/** Of a use always with `repeat`, so that uses that differ in it alone are the same structure. */
export function fieldsOf(node: SequenceNode): Fields {
  return node.kind === 'layer' ? node.layer.fields : { repeat: node.places.length, ...node.args };
}

export function inputsOf(node: SequenceNode): readonly string[] {
  return node.kind === 'layer' ? node.layer.inputs : node.inputs;
}

/** `split.1` → `split`, `.1`. */
export function splitReference(reference: string): { readonly layer: string; readonly output: string } {
  const dot = reference.indexOf('.');
  return dot < 0 ? { layer: reference, output: '' } : { layer: reference.slice(0, dot), output: reference.slice(dot) };
}

/** Fields that refer to other layers, or hold layers, or mean something by the names of the inputs. */
const TIED = ['share', 'else', 'next', 'when', 'body', 'then', 'otherwise', 'condition'];

/**
 * Layers that must keep their name at the top: what the outputs and sections name, what shares weights or is shared, and
 * formulas that call their inputs by name.
 */
export function keptNames(draft: Draft): ReadonlySet<string> {
  const kept = new Set(draft.outputs.map((name) => splitReference(name).layer));
  const keep = (value: Json | undefined): void => {
    if (typeof value === 'string') kept.add(splitReference(value).layer);
    else if (Array.isArray(value)) value.forEach(keep);
    else if (value !== null && typeof value === 'object') Object.values(value as Fields).forEach(keep);
  };
  const { losses = [], metrics = [], train } = draft.sections;
  for (const term of [...losses, ...metrics]) keep(term);
  keep(train);
  for (const layer of draft.layers) {
    const tied = TIED.some((field) => field in layer.fields) || JSON.stringify(layer.fields).includes('"share"');
    const formula = 'expr' in layer.fields && !('names' in layer.fields);
    const dollars = JSON.stringify(layer.fields).includes('$');
    if (tied) keep(layer.fields);
    // A model in a file of its own has its name from there.
    if (tied || formula || dollars || layer.type === 'model') kept.add(layer.name);
  }
  return kept;
}
