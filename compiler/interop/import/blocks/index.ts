/**
 * Writes the repeated structures of a draft as blocks: the best one is folded, then the best of what is left, blocks
 * among its layers, until nothing is worth it; uses that follow one another with the same parameters become one with
 * `repeat:`. The names of layers inside change with that, and so do those of their tensors.
 */
import { LAYERS } from '../../../layers';
import type { Draft, DraftLayer } from '../../draft';
import { cleanName } from '../../draft';
import type { DraftBlock, Written } from '../write';
import { findRepeated } from './find';
import { commonPrefix, replaceByBlock } from './make';
import { fieldsOf, inputsOf, keptNames, leavesOf, outputOf, splitReference } from './sequence';
import type { FoundBlock, SequenceNode, UseNode } from './sequence';

export interface Folded {
  readonly written: Written;
  /** The name that a layer of the draft has in what is written. */
  readonly layerName: (name: string) => string;
}

const MOST_ROUNDS = 24;

export function foldBlocks(draft: Draft): Folded {
  const kept = keptNames(draft);
  const names = new Set<string>([...Object.keys(LAYERS), ...draft.layers.map(({ name }) => name)]);
  let nodes: SequenceNode[] = draft.layers.map((layer) => ({ kind: 'layer', layer }));
  const found: FoundBlock[] = [];
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const repeated = findRepeated(nodes, kept);
    const next = repeated && replaceByBlock(nodes, repeated, (name) => names.has(name));
    if (next === undefined) break;
    const { block } = next[repeated!.starts[0]!] as UseNode;
    names.add(block.name);
    found.push(block);
    nodes = next;
  }
  return write(draft, nodes, found);
}

function write(draft: Draft, nodes: readonly SequenceNode[], found: readonly FoundBlock[]): Folded {
  const paths = new Map<string, string>();
  const rename = (reference: string): string => {
    const { layer, output } = splitReference(reference);
    return `${paths.get(layer) ?? layer}${output}`;
  };
  const names = new Names();
  for (const { name } of draft.inputs) names.add(name);
  for (const node of nodes) if (node.kind === 'layer') names.add(node.layer.name);
  const layers = nodes.map((node) => writeNode(node, { paths, rename, names }));
  const blocks = found.map(({ name, params, inputs, layers: inner }): DraftBlock => {
    return { name, params, inputs, layers: inner };
  });
  return { written: { draft, layers, blocks }, layerName: (name) => leafName(paths, name) };
}

interface Naming {
  /** What the draft's names are at the top: of a use the use's. */
  readonly paths: Map<string, string>;
  readonly rename: (reference: string) => string;
  readonly names: Names;
}

/** Names at the top. A use's must not lie above another name, as `mixed/0` lies above `mixed/0/conv`, nor below a use's. */
class Names {
  private readonly taken = new Set<string>();
  private readonly above = new Set<string>();
  private readonly uses = new Set<string>();

  add(name: string): void {
    this.taken.add(name);
    for (const folder of foldersOf(name)) this.above.add(folder);
  }

  /** A free name for a use, which is taken from then on. */
  free(wish: string): string {
    const clashes = (name: string): boolean =>
      this.taken.has(name) || this.above.has(name) || foldersOf(name).some((folder) => this.uses.has(folder));
    let name = clashes(wish) ? wish.replaceAll('/', '_') : wish;
    for (let n = 2; clashes(name); n++) name = `${wish.replaceAll('/', '_')}_${n}`;
    this.add(name);
    this.uses.add(name);
    return name;
  }
}

/** `a/b/c` → `a`, `a/b`. */
function foldersOf(name: string): string[] {
  const words = name.split('/');
  return words.slice(1).map((_, i) => words.slice(0, i + 1).join('/'));
}

const LEAF = '\0leaf ';

function leafName(paths: ReadonlyMap<string, string>, name: string): string {
  return paths.get(`${LEAF}${name}`) ?? name;
}

function writeNode(node: SequenceNode, { paths, rename, names }: Naming): DraftLayer {
  const inputs = inputsOf(node).map(rename);
  if (node.kind === 'layer') return { ...node.layer, inputs };
  const name = names.free(cleanName(commonPrefix(leavesOf(node)) || node.block.name));
  placeLeaves(node, name, node.places.length > 1, paths);
  paths.set(outputOf(node), name);
  const { repeat, ...args } = fieldsOf(node);
  return { name, type: node.block.name, inputs, fields: repeat === 1 ? args : { repeat: repeat!, ...args } };
}

/** `repeats`: the use is written with `repeat:`, and its repetitions are numbered. */
function placeLeaves(node: SequenceNode, path: string, repeats: boolean, paths: Map<string, string>): void {
  if (node.kind === 'layer') {
    paths.set(`${LEAF}${node.layer.name}`, path);
    return;
  }
  const { layers } = node.block;
  node.places.forEach((place, n) => {
    const inside = repeats ? `${path}/${n}` : path;
    place.forEach((member, i) => {
      const { name, fields } = layers[i]!;
      placeLeaves(member, `${inside}/${name}`, 'repeat' in fields, paths);
    });
  });
}
