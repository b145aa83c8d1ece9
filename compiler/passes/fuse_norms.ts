/**
 * Gives batch normalizations the element-wise group behind them, and their gradients the group that makes dy: both work
 * through a channel while it is in cache, where the group would go through memory once more. Behind the pass that forms
 * the groups.
 */
import type { Graph, Node, Value } from '../ir/graph';
import { definitionsOf } from '../ir/rewrite';
import { elementCount, sameShape, type TensorType } from '../ir/types';
import { stringAttr } from '../ops/attributes';
import { isChannelsLast } from '../ops/families/layout';
import { parseProgram, renumbered, type Argument, type Program } from '../ops/families/program';
import { definePass } from './define';
import { FUSED, groupNode, isInstruction, type DefinitionOf } from './elementwise_group';

/**
 * With channels first, planes of fewer elements are gathered from all images before they are normalized, which a program
 * can't follow. Rows of features have their channels last whatever the attribute says.
 */
const LEAST_PLANE = 16;

export const fuse_norms = definePass({
  name: 'fuse_norms',
  doc: 'Gives batch normalizations the group behind them, and their gradients the group that makes dy.',
  run(graph) {
    const found = new Pairs(graph);
    graph.nodes.forEach((node, i) => {
      if (node.op === 'batch_norm_train') found.takeReader(node, i);
      if (node.op === 'batch_norm_grad') found.takeWriter(node, i);
    });
    return found.result ?? graph;
  },
});

class Pairs {
  readonly #graph: Graph;
  readonly #definitionOf: DefinitionOf;
  readonly #index = new Map<Value, number>();
  readonly #readers = new Map<Value, number[]>();
  /** What stands at each place instead; undefined: nothing. */
  readonly #replaced = new Map<number, Node | undefined>();

  constructor(graph: Graph) {
    this.#graph = graph;
    const definitions = definitionsOf(graph);
    this.#definitionOf = (value) => definitions.get(value);
    graph.nodes.forEach((node, i) => {
      for (const output of node.outputs) this.#index.set(output, i);
      for (const input of node.inputs) this.#readers.set(input, [...(this.#readers.get(input) ?? []), i]);
    });
    for (const { value } of [...graph.results, ...graph.updates]) {
      this.#readers.set(value, [...(this.#readers.get(value) ?? []), -1]);
    }
  }

  get result(): Graph | undefined {
    if (this.#replaced.size === 0) return undefined;
    const nodes = this.#graph.nodes.flatMap((node, i) =>
      this.#replaced.has(i) ? (this.#replaced.get(i) ?? []) : node,
    );
    return { ...this.#graph, nodes };
  }

  /** The group that alone reads what the normalization gives, if all else that it reads is there before. */
  takeReader(norm: Node, at: number): void {
    const [y, mean, variance] = norm.outputs;
    const [place, ...more] = (y && this.#readers.get(y)) ?? [];
    const group = place === undefined || more.length > 0 ? undefined : this.#groupAt(place, norm);
    if (!y || !mean || !variance || place === undefined || !group) return;
    const others = group.inputs.filter((input) => input !== y);
    if (!others.every((value) => this.#isBefore(value, at))) return;
    const { statements, yields } = programOf(group);
    const own = group.inputs.indexOf(y);
    const program = renumbered({ statements, yields }, (k) => (k === own ? 0 : k < own ? k + 1 : k));
    this.#replaced.set(place, undefined);
    this.#replaced.set(at, {
      op: 'fused_batch_norm',
      inputs: [...norm.inputs, ...others],
      attrs: { ...norm.attrs, program },
      outputs: [mean, variance, ...group.outputs],
      origin: norm.origin,
    });
  }

  /** The group that makes dy, if what the gradient reads beside it is there before. */
  takeWriter(grad: Node, at: number): void {
    const [dy, ...saved] = grad.inputs;
    const place = dy && this.#index.get(dy);
    const group = place === undefined ? undefined : this.#groupAt(place, grad);
    if (!dy || place === undefined || !group || !saved.every((value) => this.#isBefore(value, place))) return;
    const { statements, yields } = programOf(group);
    const read = this.#readers.get(dy) ?? [];
    const kept = group.outputs.flatMap((value, k) => (value === dy && read.length === 1 ? [] : [{ value, k }]));
    const chosen = [group.outputs.indexOf(dy), ...kept.map(({ k }) => k)].map((k) => yields[k] as Argument);
    this.#replaced.set(at, undefined);
    this.#replaced.set(place, {
      op: 'fused_batch_norm_grad',
      inputs: [...saved, ...group.inputs],
      attrs: { ...grad.attrs, program: renumbered({ statements, yields: chosen }, (k) => k) },
      outputs: [...grad.outputs, ...kept.map(({ value }) => value)],
      origin: grad.origin,
    });
  }

  #isBefore(value: Value, at: number): boolean {
    return (this.#index.get(value) ?? -1) < at;
  }

  /** A group, or a lone instruction, of float32 tensors of the normalized shape and numbers, that nobody has taken yet. */
  #groupAt(place: number, norm: Node): Node | undefined {
    const found = this.#graph.nodes[place];
    if (!found || this.#replaced.has(place)) return undefined;
    const node = isInstruction(found) ? groupNode([found], () => true, this.#definitionOf) : found;
    if (node.op !== FUSED) return undefined;
    const shape = norm.outputs[0]?.type.shape ?? [];
    const followed = isChannelsLast(norm.attrs) || shape.length === 2 || elementCount(shape.slice(2)) >= LEAST_PLANE;
    const fits = ({ type }: Value): boolean => isStored(type) && sameShape(type.shape, shape);
    const isNumber = ({ type }: Value): boolean => type.dtype === 'f32' && type.shape.every((extent) => extent === 1);
    const all = node.inputs.every((value) => fits(value) || isNumber(value)) && node.outputs.every(fits);
    return all && followed ? node : undefined;
  }
}

/** In what a normalization reads and writes. */
function isStored({ dtype }: TensorType): boolean {
  return dtype === 'f32' || dtype === 'bf16';
}

function programOf(group: Node): Program {
  return parseProgram(stringAttr(group.attrs, 'program'));
}
