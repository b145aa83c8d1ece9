/**
 * Which values of a graph are activations or gradients of activations, and which belong to the weights: what depends on
 * the inputs of a step, but for what an optimizer makes of it. A new weight, and what is made of it for the next
 * objective, is a weight; so is what an optimizer computes beside a state of its shape on the way to an update alone.
 */
import type { Graph, Node, Value } from '../ir/graph';
import { sameShape } from '../ir/types';
import { scanParts, whileParts, type LoopParts } from '../ops/families/regions';
import { opNamed } from '../ops/registry';

/** In the graph and in all of its regions. */
export function activationsOf(graph: Graph): ReadonlySet<Value> {
  const kinds = new Kinds(graph);
  // A step's numbers, such as the learning rate, are of neither kind.
  const given = graph.inputs.filter(({ type }) => type.shape.length > 0);
  kinds.mark(graph, new Set(given), new Set(graph.states.map(({ value }) => value)));
  return kinds.activations;
}

class Kinds {
  readonly activations = new Set<Value>();
  readonly #weights = new Set<Value>();
  readonly #updates: ReadonlySet<Value>;
  readonly #reported: ReadonlySet<Value>;

  readonly #whole: Graph;

  constructor(graph: Graph) {
    this.#whole = graph;
    this.#updates = new Set(graph.updates.map(({ value }) => value));
    this.#reported = this.#updates.size > 0 ? reported(graph, this.#updates) : new Set();
  }

  mark(graph: Graph, activations: ReadonlySet<Value>, weights: ReadonlySet<Value>): void {
    for (const value of activations) this.activations.add(value);
    for (const value of weights) this.#weights.add(value);
    for (const node of graph.nodes) {
      if (node.regions) this.#markRegions(node);
      else this.#markPlain(node, graph);
    }
  }

  #markPlain(node: Node, graph: Graph): void {
    const { random } = opNamed(node.op).traits;
    const varies = random === true || node.inputs.some((input) => this.activations.has(input));
    const fixed = node.inputs.some((input) => this.#weights.has(input));
    for (const output of node.outputs) {
      if (
        this.#updates.has(output) ||
        (fixed && (!varies || (graph === this.#whole && this.#isOptimizers(node, output))))
      ) {
        this.#weights.add(output);
      } else if (varies) {
        this.activations.add(output);
      }
    }
  }

  #isOptimizers(node: Node, output: Value): boolean {
    if (this.#updates.size === 0 || this.#reported.has(output) || opNamed(node.op).traits.elementwise !== true) {
      return false;
    }
    return node.inputs.some((input) => this.#weights.has(input) && sameShape(input.type.shape, output.type.shape));
  }

  #markRegions(node: Node): void {
    if (node.op === 'cond') {
      const results = (node.regions ?? []).map((region) => {
        this.#enter(region, region.inputs, node.inputs.slice(1));
        return region.results.map(({ value }) => value);
      });
      node.outputs.forEach((output, i) => this.#follow(output, ...results.map((each) => each[i])));
      return;
    }
    if (node.op === 'while') {
      const parts = whileParts(node);
      this.#markLoop(parts);
      this.#enter(parts.condition, parts.condition.inputs, [...parts.consts, ...parts.carryResults]);
      return;
    }
    const parts = scanParts(node);
    parts.sliceInputs.forEach((slice, i) => this.#follow(slice, parts.sequences[i]));
    this.#markLoop(parts);
    parts.stacks.forEach((stack, i) => this.#follow(stack, parts.stepResults[i]));
  }

  /** What is carried is what it is before the first step, and what it becomes. */
  #markLoop({ body, consts, constInputs, inits, carryInputs, carryResults, finals }: LoopParts): void {
    let before = -1;
    constInputs.forEach((input, i) => this.#follow(input, consts[i]));
    while (this.activations.size !== before) {
      before = this.activations.size;
      carryInputs.forEach((input, i) => this.#follow(input, inits[i], carryResults[i]));
      this.mark(body, new Set(), new Set());
    }
    finals.forEach((final, i) => this.#follow(final, carryInputs[i], carryResults[i]));
  }

  #enter(region: Graph, inputs: readonly Value[], operands: readonly Value[]): void {
    operands.forEach((operand, i) => {
      const input = inputs[i];
      if (input) this.#follow(input, operand);
    });
    this.mark(region, new Set(), new Set());
  }

  /** `value` is of the kinds of `sources`. */
  #follow(value: Value, ...sources: readonly (Value | undefined)[]): void {
    for (const source of sources) {
      if (source && this.activations.has(source)) this.activations.add(value);
      if (source && this.#weights.has(source)) this.#weights.add(value);
    }
  }
}

/** What results of the graph depend on, other than through a new weight. */
function reported(graph: Graph, updates: ReadonlySet<Value>): ReadonlySet<Value> {
  const values = new Set(graph.results.map(({ value }) => value));
  for (const node of graph.nodes.toReversed()) {
    if (node.outputs.some((output) => values.has(output) && !updates.has(output)))
      node.inputs.forEach((input) => values.add(input));
  }
  return values;
}
